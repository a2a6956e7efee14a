"""Training one model: every fold, the tables, the plots, the final detector."""

import importlib
import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import joblib
import polars as pl

from fvc.evaluation import summarise_folds
from fvc.models import ModelSpec, candidates_of
from fvc.models.spaces import count_trials
from fvc.stages import RunOptions
from fvc.tables import atomic_write, write_json_atomic, write_table
from fvc.training.card_page import write_card
from fvc.training.clips import Clips, Sources
from fvc.training.final import card, refit, versions
from fvc.training.fold import FoldResult, FoldTask, attempt
from fvc.training.inputs import input_settings
from fvc.training.kept_folds import KeptFolds
from fvc.training.output import clear, copy_as, fingerprint, list_files, read_complete
from fvc.training.plots import write_plots
from fvc.training.progress import Fits
from fvc.training.report import ModelOutcome
from fvc.training.results import (
    fold_rows,
    predictions_table,
    robustness,
    search_rows,
    variants_table,
)
from fvc.training.running import one_thread, run_folds
from fvc.training.video.options import VideoOptions
from fvc.workspace import Workspace

logger = logging.getLogger("fvc.training")

LARGE_TABLE_ROWS = 200_000
"""Above so many clips a model is trained on repeat 0 of the folds alone, unless told otherwise."""

__all__ = [
    "LARGE_TABLE_ROWS",
    "Request",
    "are_folds_there",
    "fit_folds",
    "repeats_of",
    "train_model",
]


@dataclass(frozen=True)
class Request:
    """What a training run was asked for, and what all of its models share.

    Attributes
    ----------
    workspace
        The project.
    split
        The ``split`` block of ``metrics.json``.
    folds
        The split table.
    simulated
        Whether the corpus is simulated.
    grid, inner_splits, seed, repeats, workers
        As in `stage5_train_models`.
    nets
        How nets are fitted.
    run
        Where clips are decoded and embedded, and tabular models are fitted.
    """

    workspace: Workspace
    split: dict[str, Any]
    folds: pl.DataFrame
    simulated: bool
    grid: str = "default"
    inner_splits: int = 3
    seed: int = 0
    repeats: int | None = None
    workers: int = 1
    nets: VideoOptions = field(default_factory=VideoOptions)
    run: RunOptions = RunOptions()


def repeats_of(spec: ModelSpec, rows: int, request: Request) -> tuple[int, str]:
    """Decide how many repeats of the folds a model is trained on, and say by which rule."""
    there = int(request.split["repeats"])
    if request.repeats is not None:
        return request.repeats, "asked for"
    if rows > LARGE_TABLE_ROWS:
        return 1, f"1 for tables of more than {LARGE_TABLE_ROWS:,} clips: this one has {rows:,}"
    return min(spec.repeats, there), f"{spec.repeats} for models as cheap as this one"


@dataclass(frozen=True)
class _Plan:
    """How a model is trained, and what identifies its results."""

    candidates: list[dict[str, Any]]
    repeats: int
    rule: str
    settings: dict[str, Any]
    fingerprint: str


def _plan(spec: ModelSpec, clips: Clips, request: Request) -> _Plan:
    candidates = candidates_of(spec, request.grid)
    repeats, rule = repeats_of(spec, len(clips.source), request)
    settings = {
        "grid": request.grid,
        "candidates": candidates,
        "inner_splits": request.inner_splits,
        "seed": request.seed,
        "repeats": repeats,
        "repeats_rule": rule,
        "tables": list(spec.tables),
        "entry": dict(spec.settings),
        "weights": "sources weigh equally, then classes",
    }
    if spec.training is not None:
        settings["training"] = spec.training.to_dict()
    wanted = fingerprint(spec, settings, request.split["hash"], clips.digest())
    return _Plan(candidates, repeats, rule, settings, wanted)


def train_model(
    spec: ModelSpec,
    clips: Clips,
    sources: Sources,
    request: Request,
    fits: Fits,
    *,
    folder: Path | None = None,
) -> tuple[ModelOutcome, dict[str, Any]]:
    """Train one model, or keep what is there if nothing that it depends on has changed.

    Parameters
    ----------
    spec
        The model.
    clips, sources
        Its features, and the sources of the split with all repeats.
    request
        What the run was asked for.
    fits
        Where progress is counted.
    folder
        Where to write; the model's own folder by default.

    Returns
    -------
    (ModelOutcome, dict)
        The outcome, and the content of ``metrics.json``.
    """
    begun = time.perf_counter()
    workspace = request.workspace
    folder = folder or workspace.model(spec.name)
    plan = _plan(spec, clips, request)
    wanted = plan.fingerprint
    kept = read_complete(folder, wanted, workspace)
    if kept is not None:
        logger.info(
            "%s: kept; settings, tables and split are those of %s", spec.name,
            workspace.relative(folder),
        )  # fmt: skip
        return _outcome(spec, "kept", folder, kept, workspace, begun), kept
    if spec.alias_of is not None:
        original = workspace.model(spec.alias_of)
        document = read_complete(original, wanted, workspace)
        if document is not None:
            logger.info("%s: copied from %s, of which it is an alias", spec.name, spec.alias_of)
            document = copy_as(original, folder, spec.name, document, workspace)
            return _outcome(spec, "trained", folder, document, workspace, begun), document
    clear(folder)
    folds = KeptFolds(folder, wanted)
    document = _train(request, spec, plan, clips, sources.first(plan.repeats), fits, folds)
    document |= {
        "fingerprint": wanted,
        "settings": plan.settings,
        "files": list_files(folder, workspace),
    }
    write_json_atomic(folder / "metrics.json", document)
    if document["complete"]:
        folds.forget()
    status = "trained" if document["complete"] else "incomplete"
    outcome = _outcome(spec, status, folder, document, workspace, begun)
    logger.info("%s: %s", spec.name, _line(outcome, plan.repeats, plan.rule))
    return outcome, document


def _line(outcome: ModelOutcome, repeats: int, rule: str) -> str:
    auc = "no ROC AUC" if outcome.roc_auc is None else f"ROC AUC {outcome.roc_auc:.3f}"
    why = f" ({outcome.reason})" if outcome.reason else ""
    return (
        f"{outcome.status}{why}, {auc}, {outcome.n_scored} of {outcome.n_sources} sources scored, "
        f"{repeats} repeat(s) of the folds: {rule}; {outcome.seconds:.1f} s"
    )


def _outcome(
    spec: ModelSpec,
    status: Any,
    folder: Path,
    document: dict[str, Any],
    workspace: Workspace,
    begun: float,
) -> ModelOutcome:
    aggregate = document["aggregate"]
    return ModelOutcome(
        name=spec.name,
        status=status,
        folder=workspace.relative(folder),
        reason=document["incomplete_reason"] or "",
        roc_auc=aggregate["roc_auc"],
        roc_auc_low=aggregate["roc_auc_low"],
        roc_auc_high=aggregate["roc_auc_high"],
        n_scored=aggregate["n_scored"],
        n_sources=aggregate["n_sources"],
        seconds=round(time.perf_counter() - begun, 3),
    )


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
    plan = _plan(spec, clips, request)
    document = read_complete(folder, plan.fingerprint, workspace)
    if document is not None:
        return _outcome(spec, "kept", folder, document, workspace, begun)
    sources = sources.first(plan.repeats)
    there = KeptFolds(folder, plan.fingerprint)
    tasks = [task for task in _tasks(request, spec, plan, sources, there) if task.fold in folds]
    results = _fit(spec, tasks, clips, sources, request, fits, there, extra=0)
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
    plan = _plan(spec, clips, request)
    there = KeptFolds(folder, plan.fingerprint)
    tasks = _tasks(request, spec, plan, sources.first(plan.repeats), there)
    return next(there.missing(tasks), None) is None


def _tasks(
    request: Request, spec: ModelSpec, plan: _Plan, sources: Sources, folds: KeptFolds
) -> list[FoldTask]:
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


def _fit(
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


def _train(
    request: Request,
    spec: ModelSpec,
    plan: _Plan,
    clips: Clips,
    sources: Sources,
    fits: Fits,
    folds: KeptFolds,
) -> dict[str, Any]:
    folder, candidates = folds.model, plan.candidates
    tasks = _tasks(request, spec, plan, sources, folds)
    results = _fit(spec, tasks, clips, sources, request, fits, folds, extra=1)
    folds.take_detectors(tasks)
    results.sort(key=lambda r: (r.repeat, r.fold))
    predictions = predictions_table(results, clips, sources)
    variants = variants_table(results, clips, sources)
    write_table(predictions, folder / "predictions.parquet")
    write_table(variants, folder / "robustness.parquet")
    aggregate = summarise_folds(predictions)
    rows = fold_rows(results, predictions)
    if spec.layout == "folds":
        _write_folds(folder, rows, results, predictions)
    search = search_rows(results)
    write_plots(folder, spec, predictions, aggregate, search, simulated=request.simulated)
    more = _of_embedding(spec, clips)
    if spec.family == "video":
        nets = importlib.import_module("fvc.training.video.final")
        more = nets.describe(spec, clips, results, predictions, folder, request)
        failure = nets.final_net(
            request, spec, clips, sources, results, aggregate, predictions, folds
        )
    elif spec.family == "ensemble":
        ensembles = importlib.import_module("fvc.training.ensemble")
        more = ensembles.describe_ensemble(spec, clips, results, sources)
        failure = ensembles.final_ensemble(
            request, spec, clips, sources, results, aggregate, predictions, folds
        )
    else:
        failure = _final(request, spec, candidates, clips, sources, aggregate, predictions, folder)
    fits.done(count_trials(candidates) + 1)
    reasons = [r for r in (aggregate["incomplete_reason"], failure) if r]
    return {
        "model": spec.name,
        "alias_of": spec.alias_of,
        "family": spec.family,
        "description": spec.description,
        "complete": bool(aggregate["complete"]) and failure is None,
        "incomplete_reason": "; ".join(reasons) or None,
        "simulated": request.simulated,
        "unit": "source",
        "fold_results": rows,
        "aggregate": aggregate,
        "robustness": robustness(variants),
        "search": search,
        "split": request.split,
        "data": {**clips.notes, "n_features": len(clips.feature_names)},
        "feature_names": clips.feature_names if spec.family == "tabular" else [],
        "versions": versions(spec.family),
        **more,
    }


def _write_folds(
    folder: Path,
    rows: list[dict[str, Any]],
    results: Sequence[FoldResult],
    predictions: pl.DataFrame,
) -> None:
    for row, result in zip(rows, results, strict=True):
        if row["repeat"] != 0:
            continue
        own = folder / f"fold_{row['fold']}"
        here = (pl.col("repeat") == 0) & (pl.col("fold") == row["fold"])
        write_table(predictions.filter(here), own / "predictions.parquet")
        epochs = {"history": result.history} if result.history else {}
        write_json_atomic(own / "metrics.json", {**row, "search": result.search, **epochs})


def _final(
    request: Request,
    spec: ModelSpec,
    candidates: list[dict[str, Any]],
    clips: Clips,
    sources: Sources,
    aggregate: dict[str, Any],
    predictions: pl.DataFrame,
    folder: Path,
) -> str | None:
    """Write the final detector; return why there is none, if there is none."""
    with one_thread():
        fitted, failure = attempt(
            lambda: refit(
                *(spec, candidates, clips, sources),
                inner_splits=request.inner_splits,
                seed=request.seed,
            )
        )
    if fitted is None:
        logger.warning("%s: the final detector could not be fitted: %s", spec.name, failure)
        return f"final detector: {failure}"
    detector, choice = fitted
    document = card(
        spec,
        choice,
        detector,
        clips,
        sources,
        aggregate=aggregate,
        predictions=predictions,
        split=request.split,
        inputs=input_settings(request.workspace, spec.tables),
    )
    document |= {"simulated": request.simulated, **_of_embedding(spec, clips)}
    if spec.layout == "folds":
        detector.save(folder / "final")
        write_card(folder / "final", document)
        return None
    _save_flat(detector, folder)
    write_card(folder, document)
    return None


def _of_embedding(spec: ModelSpec, clips: Clips) -> dict[str, Any]:
    """Say what a model's embeddings are made with."""
    if spec.family != "embedding":
        return {}
    made = clips.notes["embedding"]
    return {
        "embedding": made,
        "video": made["video"],
        "weights": made["weights"],
        "random_weights": made["weights"]["random"],
        "tiny": made["tiny"],
    }


def _save_flat(detector: Any, folder: Path) -> None:
    """Write the documented flat files: the bare estimator, and the steps before it as scaler."""
    parts = {"model": detector.pipeline_[-1], "scaler": detector.pipeline_[:-1]}
    for name, part in parts.items():
        with atomic_write(folder / f"{name}.joblib") as temporary:
            joblib.dump(part, temporary)
    with atomic_write(folder / detector.native) as temporary:
        detector.save_native(temporary)
