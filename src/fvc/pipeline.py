"""Stages 1 to 5, one after the other."""

import inspect
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from fvc.errors import EXIT_SOME_FAILED, OptionError
from fvc.stages import RunOptions

logger = logging.getLogger(__name__)

STAGES: dict[str, str] = {
    "augment": "fvc.augmentation:stage1_augment_videos",
    "features": "fvc.features:stage2_extract_features",
    "scale": "fvc.scaling:stage3_scale_videos",
    "scaled-features": "fvc.features:stage4_extract_scaled_features",
    "train": "fvc.training:stage5_train_models",
}
"""Verb of each stage, in order, and where its function is."""


class Report(Protocol):
    """What a stage function returns."""

    @property
    def exit_code(self) -> int:
        """0, or another documented code where not all is done."""

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain JSON types."""

    def summary(self) -> str:
        """Give the report in a few lines for people."""


@dataclass(frozen=True)
class PipelineReport:
    """What the stages reported, in order, by verb."""

    stages: dict[str, Report]

    @property
    def exit_code(self) -> int:
        """The highest code that a stage ended with; 5 where clips failed and all else is done."""
        return max((report.exit_code for report in self.stages.values()), default=0)

    def to_dict(self) -> dict[str, Any]:
        """Give the reports as plain JSON types, by verb."""
        return {verb: report.to_dict() for verb, report in self.stages.items()}

    @property
    def failed(self) -> tuple[str, ...]:
        """Verbs of the stages in which some units failed."""
        return tuple(v for v, r in self.stages.items() if r.exit_code == EXIT_SOME_FAILED)

    def summary(self) -> str:
        """Give the stages' summaries, a line or more each."""
        return "\n".join(report.summary() for report in self.stages.values())


def stage_function(verb: str) -> Callable[..., Report]:
    """Import a stage's public function by its verb."""
    module, name = STAGES[verb].split(":")
    return cast("Callable[..., Report]", getattr(import_module(module), name))


def run_pipeline(
    project: Path = Path("."),
    *,
    only_stage: int | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    run: RunOptions = RunOptions(),
) -> PipelineReport:
    """Run stages 1 to 5, or one of them.

    A clip that fails does not stop the stages after it; a stage in which every clip fails does.

    Parameters
    ----------
    project
        The project's folder, in which `fvc setup` has run.
    only_stage
        Run this stage alone, 1 to 5. The stages before it must have run.
    options
        Options of the stages by verb, such as ``{"augment": {"num_augmentations": 5}}``. What is
        not given has the stage's own default.
    run
        How the work is run, in every stage.

    Returns
    -------
    PipelineReport
        What each stage reported.

    Raises
    ------
    OptionError
        There is no such stage.
    MissingInputError
        An earlier step has not run; the message names its command.

    Examples
    --------
    >>> run_pipeline(Path("project"), only_stage=1)  # doctest: +SKIP
    """
    given = options or {}
    unknown = [verb for verb in given if verb not in STAGES]
    if unknown:
        raise OptionError(f"no stage is called {unknown[0]!r}; there are {', '.join(STAGES)}")
    verbs = list(STAGES)
    if only_stage is not None:
        if not 1 <= only_stage <= len(verbs):
            raise OptionError(f"--only-stage takes 1 to {len(verbs)}, not {only_stage}")
        verbs = [verbs[only_stage - 1]]
    reports: dict[str, Report] = {}
    for number, verb in enumerate(STAGES, start=1):
        if verb in verbs:
            logger.info("Stage %d of %d: %s", number, len(STAGES), verb)
            function = stage_function(verb)
            arguments = _how(function, run) | dict(given.get(verb, {}))
            reports[verb] = function(project, **arguments)
            if number < len(STAGES):
                logger.info("%s", reports[verb].summary())
    return PipelineReport(reports)


def _how(function: Callable[..., Report], run: RunOptions) -> dict[str, Any]:
    """Give a stage what it takes of how the work is run: all of it, or training's few options."""
    parameters = inspect.signature(function).parameters
    if "run" in parameters:
        return {"run": run}
    return {f.name: getattr(run, f.name) for f in fields(run) if f.name in parameters}
