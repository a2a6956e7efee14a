"""The options of the stages as the tasks of a submission read them: a file for ``--config``."""

import inspect
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fvc.pipeline import STAGES, stage_function
from fvc.stages import RunOptions
from fvc.tables import atomic_write

_OF_TASKS = (
    *("project", "workers", "shard", "start-idx", "end-idx", "delete-existing"),
    *("engine", "scheduler"),
)
"""Options of a stage that each task sets itself, or that would undo what others have done."""


def write_task_options(
    path: Path,
    config: Path | None,
    options: Mapping[str, Mapping[str, Any]],
    run: RunOptions,
) -> Path:
    """Write the options of all stages as the file that the tasks read with ``--config``."""
    import yaml

    document: dict[str, Any] = {}
    if config is not None:
        document = yaml.safe_load(config.read_text(encoding="utf-8")) or {}
    document = {str(key).replace("_", "-"): value for key, value in document.items()}
    top = {key: value for key, value in document.items() if not isinstance(value, dict)}
    kept = {}
    for verb in STAGES:
        takes = _options_of(verb) if top else set()
        shared = {key: value for key, value in top.items() if key in takes}
        kept[verb] = shared | (document.get(verb) or {})
    for verb, given in options.items():
        section = {str(k).replace("_", "-"): v for k, v in kept[verb].items()}
        kept[verb] = section | {k.replace("_", "-"): _value(v) for k, v in given.items()}
    for verb in STAGES:
        if verb != "train":
            how = {key: value for key, value in _how(run).items() if value is not None}
            kept[verb] |= how
    kept = {
        verb: {key: value for key, value in section.items() if key not in _OF_TASKS}
        for verb, section in kept.items()
    }
    kept = {verb: section for verb, section in kept.items() if section}
    with atomic_write(path) as temporary:
        text = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)
        temporary.write_text(text, encoding="utf-8")
    return path


def _options_of(verb: str) -> set[str]:
    """Name the options that a stage takes."""
    names = set(inspect.signature(stage_function(verb)).parameters)
    if "run" in names:
        names |= set(RunOptions.__dataclass_fields__)
    return {name.replace("_", "-") for name in names}


def _how(run: RunOptions) -> dict[str, Any]:
    """Give the options of running that differ from the defaults."""
    plain, given = asdict(RunOptions()), asdict(run)
    away = ("workers", "quiet", "engine", "scheduler")
    return {
        key.replace("_", "-"): value
        for key, value in given.items()
        if value != plain[key] and key not in away
    }


def _value(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def models_times_folds(options: Path) -> int:
    """Count the tasks of stage 5: a model and fold each."""
    import yaml

    from fvc.training import stage5_train_models
    from fvc.training.parts import models_with_folds
    from fvc.training.stage import asked_models

    section = yaml.safe_load(options.read_text(encoding="utf-8")).get("train") or {}
    given = {str(key).replace("-", "_"): value for key, value in section.items()}
    defaults = inspect.signature(stage5_train_models).parameters
    models = given.get("model_types", defaults["model_types"].default)
    splits = given.get("n_splits", defaults["n_splits"].default)
    return max(1, len(models_with_folds(asked_models(models))) * int(splits))
