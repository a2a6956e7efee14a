"""Stage 5 shared out: each run fits some folds of some models, the last one puts a model together.

The folds of all models, one after the other, are numbered through; a part holds every n-th.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from fvc.errors import LockedError, NotAvailableError
from fvc.models import ModelSpec, not_available
from fvc.stages.options import Part
from fvc.tables import read_table, require_table
from fvc.training.clips import Clips, Sources, join_clips
from fvc.training.fitting import are_folds_there, fit_folds
from fvc.training.model import train_model
from fvc.training.output import held
from fvc.training.progress import Fits
from fvc.training.report import ModelOutcome
from fvc.training.request import Request
from fvc.training.running import stop_workers
from fvc.transcoding.matching import left_out_when_matched, read_matching
from fvc.workspace import Workspace

logger = logging.getLogger("fvc.training")


def models_with_folds(specs: Sequence[ModelSpec]) -> list[ModelSpec]:
    """Leave out aliases of others that are asked for: they are copied, not fitted."""
    asked = {spec.name for spec in specs}
    return [spec for spec in specs if spec.available and spec.alias_of not in asked]


def folds_of_part(
    specs: Sequence[ModelSpec], n_splits: int, part: Part
) -> list[tuple[ModelSpec, list[int]]]:
    """Give the models that a part has folds of, each with these folds."""
    found = []
    for place, spec in enumerate(models_with_folds(specs)):
        folds = [fold for fold in range(n_splits) if part.holds(place * n_splits + fold)]
        if folds:
            found.append((spec, folds))
    return found


def train_part(
    specs: Sequence[ModelSpec],
    request: Request,
    fits: Fits,
    part: Part,
    reader: Callable[[ModelSpec], Clips],
) -> list[ModelOutcome]:
    """Fit a part of the folds, and finish the models of which these were the last.

    Parameters
    ----------
    specs
        The models asked for.
    request, fits
        As in `train_model`.
    part
        Which part.
    reader
        Reads what a model is fitted to.

    Raises
    ------
    LockedError
        Another run fits folds of this part.
    """
    sources = Sources.from_folds(request.folds, int(request.split["repeats"]))
    outcomes: dict[str, ModelOutcome] = {}
    try:
        for spec, folds in folds_of_part(specs, int(request.split["n_splits"]), part):
            clips = reader(spec)
            with held(request.workspace.model(spec.name), spec.name, part):
                outcome = fit_folds(spec, clips, sources, request, fits, folds)
            if outcome.status == "fitted":
                outcome = _finish(spec, clips, sources, request, fits) or outcome
            outcomes[spec.name] = outcome
    finally:
        if request.workers > 1:
            stop_workers()
    return [*outcomes.values(), *missing_models(specs).values()]


def _finish(
    spec: ModelSpec, clips: Clips, sources: Sources, request: Request, fits: Fits
) -> ModelOutcome | None:
    """Put a model together if all folds are there and nobody else is at it.

    Of two runs that end at once, each gives its own lock back before it looks: the later one sees
    all folds and no lock.
    """
    if not are_folds_there(spec, clips, sources, request):
        return None
    try:
        with held(request.workspace.model(spec.name), spec.name):
            return train_model(spec, clips, sources, request, fits)[0]
    except LockedError:
        return None


def missing_models(specs: Sequence[ModelSpec]) -> dict[str, ModelOutcome]:
    """Give the outcome of the models that are not in this version."""
    outcomes = {}
    for spec in specs:
        if not spec.available:
            reason = not_available(spec.name)
            logger.warning("%s", reason)
            outcomes[spec.name] = ModelOutcome(spec.name, "not available", reason=reason)
    return outcomes


def read_clips(workspace: Workspace, tables: Sequence[int], sources: Sources) -> Clips:
    """Read and join the feature tables of some stages.

    In a matched project what tells of a file before it was matched is left out.

    Raises
    ------
    MissingInputError
        One of the stages has not run.
    NotAvailableError
        They are not tables of features.
    """
    if not tables or 3 in tables:
        raise NotAvailableError(
            "this is for models on features of clips in this version; nets, embeddings and "
            "ensembles are trained by `fvc train` and judge files by `fvc predict`"
        )
    found: list[Any] = []
    for number in tables:
        path = require_table(workspace.stages[number - 1])
        found.append((number, path, read_table(path)))
    matched = read_matching(workspace) is not None
    return join_clips(found, sources, leave_out=left_out_when_matched if matched else None)
