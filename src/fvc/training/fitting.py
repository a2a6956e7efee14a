"""Fitting the folds of a model that no earlier run has left."""

import logging
import time
from collections.abc import Collection, Sequence

from fvc.models import ModelSpec
from fvc.models.spaces import count_trials
from fvc.training.clips import Clips, Sources
from fvc.training.fold import FoldResult, FoldTask
from fvc.training.kept_folds import KeptFolds
from fvc.training.output import read_complete
from fvc.training.progress import Fits
from fvc.training.report import ModelOutcome, outcome_of
from fvc.training.request import Plan, Request, plan_of
from fvc.training.running import run_folds

logger = logging.getLogger("fvc.training")


def fit_folds(
    spec: ModelSpec,
    clips: Clips,
    sources: Sources,
    request: Request,
    fits: Fits,
    folds: Collection[int],
) -> ModelOutcome:
    """Fit some folds of a model and keep them for the run that puts the model together.

    Parameters
    ----------
    spec, clips, sources, request, fits
        As in `train_model`.
    folds
        Which folds, in all repeats.

    Returns
    -------
    ModelOutcome
        ``"fitted"``, ``"kept"`` where the whole model is there already, or ``"incomplete"``.
    """
    begun = time.perf_counter()
    workspace = request.workspace
    folder = workspace.model(spec.name)
    plan = plan_of(spec, clips, request)
    document = read_complete(folder, plan.fingerprint, workspace)
    if document is not None:
        return outcome_of(spec, "kept", folder, document, workspace, begun)
    sources = sources.first(plan.repeats)
    there = KeptFolds(folder, plan.fingerprint)
    tasks = [task for task in tasks_of(request, spec, plan, sources, there) if task.fold in folds]
    results = fit_missing(spec, tasks, clips, sources, request, fits, there, extra=0)
    failures = [f"fold {r.fold}: {r.failure}" for r in results if r.failure]
    logger.info("%s: folds %s fitted", spec.name, ", ".join(map(str, sorted(folds))))
    return ModelOutcome(
        name=spec.name,
        status="incomplete" if failures else "fitted",
        folder=workspace.relative(folder),
        reason="; ".join(failures),
        seconds=round(time.perf_counter() - begun, 3),
    )


def are_folds_there(spec: ModelSpec, clips: Clips, sources: Sources, request: Request) -> bool:
    """Whether every fold of a model is fitted, so that only the rest of `train_model` is left."""
    folder = request.workspace.model(spec.name)
    plan = plan_of(spec, clips, request)
    there = KeptFolds(folder, plan.fingerprint)
    tasks = tasks_of(request, spec, plan, sources.first(plan.repeats), there)
    return next(there.missing(tasks), None) is None


def tasks_of(
    request: Request, spec: ModelSpec, plan: Plan, sources: Sources, folds: KeptFolds
) -> list[FoldTask]:
    """Write down the fits of all folds and repeats of a plan."""
    tasks = []
    for repeat, assigned in enumerate(sources.fold):
        for fold in range(int(request.split["n_splits"])):
            saved = repeat == 0 and spec.layout == "folds"
            tasks.append(
                FoldTask(
                    spec=spec,
                    candidates=plan.candidates,
                    repeat=repeat,
                    fold=fold,
                    test=assigned == fold,
                    inner_splits=request.inner_splits,
                    seed=request.seed,
                    save_to=folds.detector(repeat, fold) if saved else None,
                    keep_variants=repeat == 0,
                )
            )
    return tasks


def fit_missing(
    spec: ModelSpec,
    tasks: Sequence[FoldTask],
    clips: Clips,
    sources: Sources,
    request: Request,
    fits: Fits,
    folds: KeptFolds,
    *,
    extra: int,
) -> list[FoldResult]:
    """Fit folds, but for those that an earlier run has; `extra` fits are yet to follow."""
    per_fold = count_trials(tasks[0].candidates) + 1 if tasks else 0
    results = [result for task in tasks if (result := folds.read(task)) is not None]
    have = {(result.repeat, result.fold) for result in results}
    missing = [task for task in tasks if (task.repeat, task.fold) not in have]
    fits.begin(spec.name, per_fold * (len(missing) + extra))
    if results:
        logger.info("%s: %d folds are there from earlier runs", spec.name, len(results))
    for result in run_folds(
        missing, clips, sources, request.workers, run=request.run, folder=folds.model
    ):
        folds.write(result)
        results.append(result)
        fits.done(per_fold)
        if result.failure:
            logger.warning(
                "%s: repeat %d, fold %d failed: %s",
                *(spec.name, result.repeat, result.fold, result.failure),
            )
    return results
