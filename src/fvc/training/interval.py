"""``fvc interval``: how sure a trained model's score is."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fvc.errors import DataError, NotAvailableError, OptionError
from fvc.evaluation.bootstrap import METRICS
from fvc.evaluation.calibration_report import read_trained
from fvc.evaluation.interval_plot import draw_intervals
from fvc.evaluation.refit_bootstrap import (
    refit_interval,
    refitted_means,
    resample_corpus,
)
from fvc.evaluation.single_set import expected_range
from fvc.evaluation.verdict_report import VerdictReport, rows_table, write_results
from fvc.models import ModelSpec, get_model
from fvc.training.clips import Clips, Sources
from fvc.training.fold import FoldTask, run_fold
from fvc.training.parallel import spread
from fvc.training.progress import show_progress
from fvc.training.running import worker_count
from fvc.training.split import trained_split
from fvc.training.trained import read_as_trained
from fvc.workspace import Workspace

logger = logging.getLogger("fvc.training")

INTERVAL_VERSION = 1

LEAST_REFITS = 20
"""Resamples that must have been refitted for an interval."""

_CONFIDENCE = 0.95


class IntervalReport(VerdictReport):
    """How sure a score is.

    Attributes
    ----------
    document
        As it is written to ``interval.json``.
    exit_code
        5 where some resamples could not be refitted.
    """


@dataclass(frozen=True)
class RefitTask:
    """One resample to refit on.

    Attributes
    ----------
    spec, candidates, inner_splits
        As the model was trained.
    n_splits
        Folds.
    seed, number
        Seed of all resamples, and which one this is.
    """

    spec: ModelSpec
    candidates: list[dict[str, Any]]
    inner_splits: int
    n_splits: int
    seed: int
    number: int


def model_interval(
    project: Path = Path("."),
    *,
    model: str,
    refit: int = 0,
    new_groups: tuple[int, ...] = (),
    resamples: int = 2000,
    seed: int = 0,
    workers: int | None = None,
) -> IntervalReport:
    """Say how sure a trained model's score is, and what a new set of videos will show.

    Parameters
    ----------
    project
        Folder of the project.
    model
        The trained model.
    refit
        Resamples of groups on which the whole procedure is fitted again, search and folds included;
        0 leaves them out, 200 is a good number. For cheap models: each costs as much as one repeat
        of the training.
    new_groups
        Sizes of new sets, in groups, for which the range of the AUC is wanted.
    resamples
        Resamples of groups for new sets, at least 100.
    seed
        Seed of the resamples.
    workers
        Resamples side by side, one thread each; by default one a core.

    Returns
    -------
    IntervalReport
        Intervals by method, ranges of new sets, a verdict; exit code 5 where resamples failed.

    Raises
    ------
    OptionError
        A value that an option cannot take, or a name that no model has.
    NotAvailableError
        The model is too costly to be refitted here.
    MissingInputError
        The model was not trained, or an earlier step has not run.
    StaleError
        The folds have changed since it was trained.
    DataError
        A fold of the model had failed, or too few resamples could be refitted.
    """
    if refit and refit < LEAST_REFITS:
        raise OptionError(f"refit is 0, or {LEAST_REFITS} or more")
    if refit < 0 or resamples < 100 or any(n < 2 for n in new_groups):
        raise OptionError("new sets have 2 groups or more, resamples are 100 or more")
    cores = worker_count(workers)
    workspace = Workspace(project)
    trained, predictions = read_trained(workspace, model)
    aggregate = trained["aggregate"]
    if not aggregate["complete"]:
        raise DataError(f"{model} is incomplete: {aggregate['incomplete_reason']}")
    rows = [_row("without refitting", name, aggregate, name) for name in METRICS]
    failed: dict[str, int] = {}
    done = 0
    if refit:
        found, failed = _refits(workspace, model, trained, refit, seed, cores)
        done = len(found)
        if done < LEAST_REFITS:
            reasons = "; ".join(failed)
            raise DataError(f"{model}: only {done} of {refit} resamples were refitted ({reasons})")
        holding = predictions.filter(pl.col("score").is_not_null()).group_by("label")
        rarer = int(holding.agg(pl.col("group").n_unique())["group"].to_numpy().min())
        rows += [_refit_row(name, aggregate, found, rarer) for name in METRICS]
    for n in new_groups:
        expected = expected_range(predictions, new_groups=n, resamples=resamples, seed=seed)
        rows.append(
            {
                "method": f"new set of {n} groups",
                "metric": "roc_auc",
                "value": expected["roc_auc"],
                "low": expected["low"],
                "high": expected["high"],
                "resampled_mean": None,
                "resampled_sd": None,
            }
        )
    document: dict[str, Any] = {
        "model": model,
        "unit": "source",
        **{key: aggregate[key] for key in ("n_sources", "n_scored", "n_real", "n_fake")},
        **{key: aggregate[key] for key in ("n_groups", "n_splits", "repeats")},
        "rows": rows,
        "refits": {"asked": refit, "done": done, "failed": failed},
        "confidence": _CONFIDENCE,
        "resamples": resamples,
        "seed": seed,
        "simulated": bool(trained.get("simulated")),
        "split": trained.get("split"),
        "version": INTERVAL_VERSION,
    }
    document["verdict"] = _verdict(rows, document)
    document["notes"] = _notes(document)
    return IntervalReport(_write(document, workspace), exit_code=5 if failed else 0)


def _row(method: str, metric: str, aggregate: dict[str, Any], name: str) -> dict[str, Any]:
    return {
        "method": method,
        "metric": metric,
        "value": aggregate[name],
        "low": aggregate[f"{name}_low"],
        "high": aggregate[f"{name}_high"],
        "resampled_mean": None,
        "resampled_sd": None,
    }


def _refit_row(
    name: str, aggregate: dict[str, Any], found: list[dict[str, float]], rarer: int
) -> dict[str, Any]:
    row = _row("refitted", name, aggregate, name)
    drawn = np.array([means[name] for means in found])
    row["resampled_mean"], row["resampled_sd"] = float(drawn.mean()), float(drawn.std(ddof=1))
    row["low"] = row["high"] = None
    if row["value"] is not None:
        row["low"], row["high"] = refit_interval(
            row["value"], drawn, groups=rarer, confidence=_CONFIDENCE
        )
    return row


def _refits(
    workspace: Workspace,
    model: str,
    trained: dict[str, Any],
    refit: int,
    seed: int,
    workers: int,
) -> tuple[list[dict[str, float]], dict[str, int]]:
    spec = get_model(model)
    if spec.family not in ("tabular", "embedding"):
        raise NotAvailableError(
            f"{spec.name}: only models on features and on embeddings are cheap enough to be "
            "refitted; leave --refit out for the interval without refitting"
        )
    split = trained_split(workspace, spec.name, trained)
    sources = Sources.from_folds(split.folds, 1)
    clips = read_as_trained(workspace, spec, trained, sources, split)
    settings = trained["settings"]
    tasks = [
        RefitTask(
            spec,
            settings["candidates"],
            int(settings["inner_splits"]),
            int(split.block["n_splits"]),
            seed,
            number,
        )
        for number in range(refit)
    ]
    found: dict[int, dict[str, float]] = {}
    failed: dict[str, int] = {}
    with show_progress() as fits:
        fits.begin(f"refits of {spec.name}", len(tasks))
        shared = shared_of(clips, sources)
        for number, means, reason in spread(refit_resample, tasks, shared, workers):
            fits.done(1)
            if means is not None:
                found[number] = means
            else:
                failed[reason] = failed.get(reason, 0) + 1
    lost = refit - len(found) - sum(failed.values())
    if lost:
        failed["a worker process died, most often for want of memory: fewer --workers"] = lost
    # In the order of the draws, so that sums do not depend on which process was first.
    return [found[number] for number in sorted(found)], failed


def shared_of(clips: Clips, sources: Sources) -> tuple[Any, ...]:
    """Give what `refit_resample` takes beside its task."""
    return (
        clips.X,
        clips.source,
        clips.original,
        sources.labels,
        sources.groups,
        clips.feature_names,
    )


def refit_resample(
    task: RefitTask,
    X: NDArray[np.float32],
    source: NDArray[np.int32],
    original: NDArray[np.bool_],
    labels: NDArray[np.int8],
    groups: NDArray[Any],
    feature_names: list[str],
) -> tuple[int, dict[str, float] | None, str]:
    """Draw groups, split them, and go through the whole procedure fold by fold.

    Parameters
    ----------
    task
        Which resample.
    X, source, original, feature_names
        As in `fvc.training.clips.Clips`.
    labels, groups
        As in `fvc.training.clips.Sources`.

    Returns
    -------
    (int, dict or None, str)
        The task's number, mean metrics over folds, or None and the reason.
    """
    # Sources that have no features cannot be scored; they are none of the procedure's doing.
    there = np.unique(source[original])
    seed = (task.seed, 23, task.number)
    resample = resample_corpus(groups[there], labels[there] == 1, n_splits=task.n_splits, seed=seed)
    if resample is None:
        return task.number, None, "the groups drawn are too few for so many folds"
    drawn = there[resample.source]
    order = np.argsort(source, kind="stable")
    first = np.searchsorted(source[order], drawn, side="left")
    last = np.searchsorted(source[order], drawn, side="right")
    rows = np.concatenate([order[a:b] for a, b in zip(first, last, strict=True)])
    copy_of = np.repeat(np.arange(len(drawn), dtype=np.int32), last - first)
    data = (X[rows], copy_of, original[rows], labels[drawn], resample.group, feature_names)
    reasons: list[str] = []

    def score(test: NDArray[np.bool_]) -> NDArray[np.float64]:
        fold = int(resample.fold[test][0])
        result = run_fold(
            FoldTask(
                spec=task.spec,
                candidates=task.candidates,
                repeat=task.number,
                fold=fold,
                test=test,
                inner_splits=task.inner_splits,
                seed=task.seed,
                save_to=None,
                keep_variants=False,
            ),
            *data,
        )
        result.raise_if_fatal(f"{task.spec.name}, resample {task.number}, fold {fold}")
        scores = np.full(len(drawn), np.nan)
        if result.failure is not None:
            reasons.append(result.failure)
        else:
            scores[copy_of[result.rows]] = result.scores
        return scores[test]

    means = refitted_means(resample, labels[there] == 1, score)
    return task.number, means, reasons[0] if reasons else "a score is not a number"


def _between(row: dict[str, Any]) -> str:
    return f"{row['low']:.2f}–{row['high']:.2f}"


def _verdict(rows: list[dict[str, Any]], document: dict[str, Any]) -> list[str]:
    by = {row["method"]: row for row in rows if row["metric"] == "roc_auc"}
    plain = by["without refitting"]
    if plain["low"] is None:
        return [f"{document['model']}: no interval of the AUC."]
    said = [
        f"{document['model']}: AUC {plain['value']:.2f}, 95 % interval {_between(plain)} without "
        "refitting"
    ]
    refitted = by.get("refitted")
    if refitted is not None:
        ratio = (refitted["high"] - refitted["low"]) / (plain["high"] - plain["low"])
        said[0] += (
            f", {_between(refitted)} from {document['refits']['done']} refits ({ratio:.2f} times "
            "as wide)"
        )
    said[0] += "."
    for method, row in by.items():
        if method.startswith("new set"):
            said.append(
                f"A {method} of the same population will show an AUC in {_between(row)} "
                "(95 % prediction interval)."
            )
    return said


def _notes(document: dict[str, Any]) -> list[str]:
    notes = []
    if document["simulated"]:
        notes.append("The corpus is simulated: these numbers say nothing about real videos.")
    for reason, times in document["refits"]["failed"].items():
        notes.append(f"{times} resample(s) were not refitted: {reason}")
    return notes


def _write(document: dict[str, Any], workspace: Workspace) -> dict[str, Any]:
    stem = workspace.interval(document["model"]) / "interval"
    tables = {"interval": rows_table(document["rows"])}
    return write_results(document, stem, tables, draw_intervals, workspace)
