"""What each SLURM job asks for: one file with all of it, and who may set it again."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from fvc.errors import MissingInputError, OptionError

COUNTS = ("tasks", "parallel", "cpus-per-task", "signal-seconds")
PLAIN = ("partition", "account", "qos", "constraint", "gres", "time", "mem-per-cpu", "mem")
KEYS = (*COUNTS, *PLAIN, "sbatch")
_WORD = re.compile(r"[\w.,:/@%+=*&|()\[\]-]+")

Resources = dict[str, Any]


@cache
def _defaults() -> dict[str, Resources]:
    return read_resources(Path(str(files(__package__) / "resources.yaml")).read_text("utf-8"))


def stage_names() -> tuple[str, ...]:
    """Name the jobs: the verbs of stages 1 to 5, and ``sklearn-logreg``."""
    return tuple(name for name in _defaults() if name != "all")


def read_resources(text: str, where: str = "resources") -> dict[str, Resources]:
    """Read YAML with a section a stage, and ``all`` for what holds for every one.

    Raises
    ------
    OptionError
        It is not of this shape; what was meant is named where it can be told.
    """
    import yaml

    try:
        # Values stay texts: YAML would read 4:00:00 as a number.
        document = yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise OptionError(f"{where} is not YAML: {error}") from error
    return check_resources(document or {}, where)


def check_resources(document: Any, where: str) -> dict[str, Resources]:
    """Check sections and values, as `read_resources` does."""
    if not isinstance(document, Mapping):
        raise OptionError(f"{where}: expected a section a stage")
    found: dict[str, Resources] = {}
    for stage, section in document.items():
        if where != "resources":
            _known(stage, ("all", *stage_names()), f"{where}: section")
        if not isinstance(section, Mapping):
            raise OptionError(f"{where}: the section {stage!r} holds options of a job")
        found[stage] = {
            _known(str(key).replace("_", "-"), KEYS, f"{where}, {stage}: option"): value
            for key, value in section.items()
        }
        for key, value in found[stage].items():
            found[stage][key] = _value(key, value, f"{where}, {stage}")
    return found


def read_config(path: Path) -> dict[str, Resources]:
    """Read the section ``slurm`` of a configuration file.

    Raises
    ------
    MissingInputError
        The file is not there.
    OptionError
        The section is not of the right shape.
    """
    import yaml

    if not path.is_file():
        raise MissingInputError("no such configuration file", path=path)
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise OptionError(f"{path} is not YAML: {error}") from error
    section = document.get("slurm", {}) if isinstance(document, dict) else {}
    return check_resources(section or {}, f"{path}, slurm")


def resources_of(stage: str, *layers: Mapping[str, Resources]) -> Resources:
    """Give what a stage's job asks for; of several `layers` the later win, over the defaults."""
    found: Resources = {}
    for layer in (_defaults(), *layers):
        for section in ("all", stage):
            given = layer.get(section, {})
            # sbatch takes one of the two.
            for one, other in (("mem", "mem-per-cpu"), ("mem-per-cpu", "mem")):
                if one in given:
                    found.pop(other, None)
            found |= given
    return found


def _known(name: str, names: tuple[str, ...], what: str) -> str:
    if name in names:
        return name
    near = get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"
    raise OptionError(f"{what} {name!r} is not known; {hint}")


def _value(key: str, value: Any, where: str) -> Any:
    """Check a value; it becomes a line of a script, and must not become two."""
    if key == "sbatch":
        words = value if isinstance(value, list) else str(value).split()
        for word in words:
            if not isinstance(word, str) or not word.startswith("-") or not _WORD.fullmatch(word):
                raise OptionError(
                    f"{where}: sbatch takes options such as --exclusive, not {word!r}"
                )
        return list(words)
    text = str(value)
    if not _WORD.fullmatch(text):
        raise OptionError(f"{where}: {key} cannot be {text!r}")
    if key in COUNTS:
        if not text.isdecimal() or int(text) < 1:
            raise OptionError(f"{where}: {key} must be a number from 1 up, not {text!r}")
        return int(text)
    return text
