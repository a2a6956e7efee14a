"""Training one model: every fold, the tables, the plots, the final detector."""

import importlib
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
import polars as pl

from fvc.evaluation import summarise_folds
from fvc.models import ModelSpec
from fvc.models.spaces import count_trials
from fvc.tables import atomic_write, write_json_atomic, write_table
from fvc.training.card_page import write_card
from fvc.training.clips import Clips, Sources
from fvc.training.final import card, refit, versions
from fvc.training.fitting import fit_missing, tasks_of
from fvc.training.fold import FoldResult, attempt
from fvc.training.inputs import input_settings
from fvc.training.kept_folds import KeptFolds
from fvc.training.output import clear, copy_as, list_files, read_complete
from fvc.training.plots import write_plots
from fvc.training.progress import Fits
from fvc.training.report import ModelOutcome, outcome_of
from fvc.training.request import Plan, Request, plan_of
from fvc.training.results import (
    fold_rows,
    predictions_table,
    robustness,
    search_rows,
    variants_table,
)
from fvc.training.running import one_thread

logger = logging.getLogger("fvc.training")


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
    plan = plan_of(spec, clips, request)
    wanted = plan.fingerprint
    kept = read_complete(folder, wanted, workspace)
    if kept is not None:
        logger.info(
            "%s: kept; settings, tables and split are those of %s", spec.name,
            workspace.relative(folder),
        )  # fmt: skip
        return outcome_of(spec, "kept", folder, kept, workspace, begun), kept
    if spec.alias_of is not None:
        original = workspace.model(spec.alias_of)
        document = read_complete(original, wanted, workspace)
        if document is not None:
            logger.info("%s: copied from %s, of which it is an alias", spec.name, spec.alias_of)
            document = copy_as(original, folder, spec.name, document, workspace)
            return outcome_of(spec, "trained", folder, document, workspace, begun), document
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
    outcome = outcome_of(spec, status, folder, document, workspace, begun)
    logger.info("%s: %s", spec.name, _line(outcome, plan.repeats, plan.rule))
    return outcome, document


def _line(outcome: ModelOutcome, repeats: int, rule: str) -> str:
    auc = "no ROC AUC" if outcome.roc_auc is None else f"ROC AUC {outcome.roc_auc:.3f}"
    why = f" ({outcome.reason})" if outcome.reason else ""
    return (
        f"{outcome.status}{why}, {auc}, {outcome.n_scored} of {outcome.n_sources} sources scored, "
        f"{repeats} repeat(s) of the folds: {rule}; {outcome.seconds:.1f} s"
    )


def _train(
    request: Request,
    spec: ModelSpec,
    plan: Plan,
    clips: Clips,
    sources: Sources,
    fits: Fits,
    folds: KeptFolds,
) -> dict[str, Any]:
    folder, candidates = folds.model, plan.candidates
    tasks = tasks_of(request, spec, plan, sources, folds)
    results = fit_missing(spec, tasks, clips, sources, request, fits, folds, extra=1)
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
