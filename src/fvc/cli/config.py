"""Options from a YAML file: ``--config FILE``.

The file has options that hold for every verb at its top, and one section a verb::

    project: my-corpus
    workers: 4
    augment:
      num-augmentations: 10
    train:
      model-types: [logistic_regression, svm]

They are put before the options of the command line, which therefore win; a section wins over the
top. ``fvc run`` takes the sections of the stages that it runs.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from fvc.errors import MissingInputError, OptionError

FLAG = "--config"
STAGES = ("augment", "features", "scale", "scaled-features", "train")


def with_config(tokens: list[str], verbs: Collection[str]) -> list[str]:
    """Replace ``--config FILE`` by the options that the file holds.

    Parameters
    ----------
    tokens
        The command line after the program's name.
    verbs
        The verbs that a section may be for.

    Raises
    ------
    OptionError
        The file is not YAML, or not of this shape.
    MissingInputError
        The file is not there.
    """
    path, tokens = _take_flag(tokens)
    verb = next((token for token in tokens if token in verbs), None)
    if path is not None and verb == "slurm":
        # The file is for the jobs that it submits.
        return [*tokens, f"{FLAG}={path}"]
    if path is None or verb is None:
        return tokens
    position = tokens.index(verb) + 1
    typed = {_last_part(token) for token in tokens[position:] if token.startswith("--")}
    from_file = list(_options(path, _read(path), verb, verbs, typed))
    return [*tokens[:position], *from_file, *tokens[position:]]


def _take_flag(tokens: list[str]) -> tuple[Path | None, list[str]]:
    for i, token in enumerate(tokens):
        if token == FLAG:
            if i + 1 == len(tokens):
                raise OptionError(f"{FLAG} wants a file")
            return Path(tokens[i + 1]), tokens[:i] + tokens[i + 2 :]
        if token.startswith(FLAG + "="):
            return Path(token.removeprefix(FLAG + "=")), tokens[:i] + tokens[i + 1 :]
    return None, tokens


def _read(path: Path) -> dict[str, Any]:
    import yaml

    if not path.is_file():
        raise MissingInputError("no such configuration file", path=path)
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise OptionError(f"{path} is not YAML: {error}") from error
    if document is None:
        return {}
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise OptionError(f"{path}: expected options at the top and one section a verb")
    return {key.replace("_", "-"): value for key, value in document.items()}


def _options(
    path: Path, document: dict[str, Any], verb: str, verbs: Collection[str], typed: set[str]
) -> Iterator[str]:
    for key, value in document.items():
        if not isinstance(value, dict):
            yield from _option(key, value, typed)
        elif key not in verbs:
            raise OptionError(f"{path}: no verb is called {key!r}; there are {', '.join(verbs)}")
        elif verb == "run" and key in STAGES:
            for name, item in value.items():
                yield from _option(f"{key}.{name}", item, typed)
    section = document.get(verb, {})
    if isinstance(section, dict):
        for name, item in section.items():
            yield from _option(name, item, typed)


def _option(name: str, value: Any, typed: set[str]) -> Iterator[str]:
    flag = "--" + name.replace("_", "-")
    if value is None:
        return
    if isinstance(value, list):
        # Lists of one flag add up, so one that is typed must stand alone to win.
        if value and _last_part(flag) not in typed:
            yield flag
            yield from map(str, value)
    elif isinstance(value, bool):
        yield f"{flag}={str(value).lower()}"
    else:
        yield f"{flag}={value}"


def _last_part(flag: str) -> str:
    return flag.removeprefix("--").split("=")[0].rpartition(".")[2]
