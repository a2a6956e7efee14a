"""``fvc holdout``: detectors trained without a collection, a platform, or any other origin."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fvc.errors import DataError, NotAvailableError, OptionError
from fvc.evaluation import compute_classification_metrics
from fvc.evaluation.baselines import FILE_TOGETHER, file_scores
from fvc.evaluation.protocols import (
    HeldOut,
    Plan,
    plan_holdouts,
    pool_holdouts,
    rates_by_value,
)
from fvc.evaluation.protocols_plot import draw_holdouts
from fvc.evaluation.verdict_report import VerdictReport, rows_table, write_results
from fvc.evaluation.weights import weights_notes
from fvc.models import candidates_of, get_model
from fvc.stages import RunOptions
from fvc.training.clips import Clips, Sources
from fvc.training.held_out import HoldoutResult, HoldoutTask, run_holdouts
from fvc.training.progress import Fits, show_progress
from fvc.training.reading import ClipReader, training_order
from fvc.training.request import Request
from fvc.training.running import one_thread, usable_cores
from fvc.training.split import project_split, read_index
from fvc.training.video.options import VideoOptions
from fvc.workspace import Workspace

logger = logging.getLogger("fvc.training")

HOLDOUT_VERSION = 1

_METADATA = f"only {FILE_TOGETHER}"


class HoldoutReport(VerdictReport):
    """What is left of scores when origins are held out.

    Attributes
    ----------
    document
        As it is written to ``holdout.json``.
    exit_code
        5 where a set failed.
    """


def hold_out(
    project: Path = Path("."),
    *,
    by: str = "collection",
    model_types: tuple[str, ...] = ("logistic_regression", "gradient_boosting"),
    most: int = 60,
    least: int = 1,
    grid: str = "default",
    inner_splits: int = 3,
    resamples: int = 2000,
    seed: int = 0,
    workers: int | None = None,
    weights: str = "pretrained",
    tiny: bool = False,
    max_epochs: int | None = None,
    batch_size: int | None = None,
    device: str = "auto",
    devices: int = 1,
) -> HoldoutReport:
    """Train without a collection (or platform, or any other value), and score what was held out.

    Parameters
    ----------
    project
        Folder of the project.
    by
        Column of the index whose values are held out: ``collection``, ``platform``, any other.
        Where a value holds one class, a real and a fake one are held out together.
    model_types
        Models to train, by name; ``fvc models`` lists them.
    most
        At most so many held-out sets of either kind; of more pairs a seeded sample is drawn in
        which every value comes about equally often.
    least
        Sources of a class that a value needs to be held out for that class.
    grid
        What the inner folds choose from, as for ``fvc train``.
    inner_splits
        Inner folds within what is left to train on, at least 2.
    resamples
        Draws of values for the intervals, at least 100.
    seed
        Seed of the sample, the inner folds and the intervals.
    workers
        Sets fitted side by side, one thread each; by default one a core. Nets are fitted one
        after the other, on so many threads where there is no GPU; sets that are done are kept.
    weights
        What nets begin with: ``pretrained``, ``none`` (random weights) or a file of weights.
    tiny
        Build nets in their smallest form: to try the way, not for results.
    max_epochs
        Epochs of a net at most; by default the model's own number.
    batch_size
        Clips that a net takes in a step; by default the model's own number.
    device
        Where nets are fitted: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:1``.
    devices
        GPUs (or, without one, processes) that fit a net together.

    Returns
    -------
    HoldoutReport
        Sets, means over sets with intervals over values, rates by value, a verdict.

    Raises
    ------
    OptionError
        A value that an option cannot take, or a column that the index does not have.
    NotAvailableError
        A model cannot be held out.
    MissingInputError
        An earlier step has not run.
    StaleError
        The split file does not fit the index.
    LockedError
        Another run holds out sets of the same net.
    TooFewGroupsError
        Too few values to hold any out; the message says how many there are.
    """
    if (
        most < 1
        or least < 1
        or inner_splits < 2
        or resamples < 100
        or (1 if workers is None else workers) < 1
    ):
        raise OptionError(
            "most, least and workers are 1 or more, inner_splits 2, resamples 100 or more"
        )
    specs = [get_model(name) for name in dict.fromkeys(model_types)]
    for spec in specs:
        if spec.family == "ensemble":
            raise NotAvailableError(
                f"{spec.name}: each set would want every member's inner scores. Hold its members "
                "out instead, by their names"
            )
        candidates_of(spec, grid)
    workspace = Workspace(project)
    index = read_index(workspace)
    if by not in index.columns or by in ("source", "label", "group"):
        there = sorted(set(index.columns) - {"source", "label", "group"})
        raise OptionError(f"{by!r} cannot be held out; the index has {', '.join(there)}")
    split = project_split(workspace)
    sources = Sources.from_folds(split.folds, 1)
    index = pl.DataFrame({"source": sources.names}).join(
        index, on="source", how="left", maintain_order="left"
    )
    values = index[by].cast(pl.String).to_list()
    plan = plan_holdouts(
        values, sources.labels, sources.groups, by=by, most=most, least=least, seed=seed
    )
    request = Request(
        workspace=workspace,
        split=split.block,
        folds=split.folds,
        simulated=split.simulated,
        workers=workers or usable_cores(),
        nets=VideoOptions.asked(
            weights, tiny, max_epochs, batch_size, device, devices, workers or usable_cores()
        ),
        run=RunOptions(workers=workers),
    )
    reader = ClipReader(request, sources)
    results: dict[str, list[HoldoutResult]] = {spec.name: [] for spec in specs}
    with show_progress() as fits, one_thread():
        for spec in training_order(specs):
            clips = reader(spec)
            candidates = candidates_of(spec, grid)
            tasks = [
                HoldoutTask(
                    spec, candidates, k, " + ".join(s.values), s.train, s.test, inner_splits, seed
                )
                for k, s in enumerate(plan.sets)
            ]
            results[spec.name] = _run(tasks, clips, sources, request, fits, by)
        metadata = _metadata(plan, index, sources.labels)
        if metadata is not None:
            results[_METADATA] = metadata
    document = _document(
        plan, results, values, sources, workspace, resamples, seed, split.block["hash"]
    )
    document |= {
        "by": by,
        "most": most,
        "least": least,
        "grid": grid,
        "simulated": split.simulated,
        "split": split.block,
    }
    document["verdict"] = [_verdict(row, document) for row in document["models"]]
    document["notes"] = _notes(plan, document)
    if any(spec.family in ("video", "embedding") for spec in specs):
        document["nets"] = request.nets.to_dict()
        document["notes"] += weights_notes(document["nets"])
    failed = any(row["reason"] for row in document["sets"])
    return HoldoutReport(_write(document, workspace), exit_code=5 if failed else 0)


def _run(
    tasks: Sequence[HoldoutTask],
    clips: Clips,
    sources: Sources,
    request: Request,
    fits: Fits,
    by: str,
) -> list[HoldoutResult]:
    fits.begin(f"{tasks[0].spec.name}, held out", len(tasks))
    done: dict[int, HoldoutResult] = {}
    folder = request.workspace.holdout(by) / ".fits" / tasks[0].spec.name
    for result in run_holdouts(tasks, clips, sources, request.workers, folder):
        done[result.number] = result
        fits.done(1)
        if result.failure:
            logger.warning(
                "%s without %s: %s", result.model, tasks[result.number].name, result.failure
            )
    lost = "a worker process died, most often for want of memory: try fewer --workers"
    return [
        done.get(task.number) or HoldoutResult(task.number, task.spec.name, failure=lost)
        for task in tasks
    ]


def _metadata(
    plan: Plan, index: pl.DataFrame, labels: NDArray[np.int8]
) -> list[HoldoutResult] | None:
    """Score the same sets by file properties alone; None where the corpus has none to use."""
    results = []
    for number, one in enumerate(plan.sets):
        train, test = np.flatnonzero(one.train), np.flatnonzero(one.test)
        try:
            score = file_scores(index, train, test)
        except DataError:
            return None
        metrics = compute_classification_metrics(labels[test], score)
        results.append(
            HoldoutResult(
                number,
                _METADATA,
                source=test.astype(np.int32),
                score=score,
                metrics=metrics,
                n_train=len(train),
                threshold_note="threshold 0.5",
            )
        )
    return results


def _document(
    plan: Plan,
    results: dict[str, list[HoldoutResult]],
    values: Sequence[str | None],
    sources: Sources,
    workspace: Workspace,
    resamples: int,
    seed: int,
    split: str,
) -> dict[str, Any]:
    models, sets, rates, scores = [], [], [], []
    for name, found in results.items():
        rows = [_set_row(r, plan.sets[r.number], sources) for r in found]
        scored = _scores(found, values, sources)
        whole = not any(r.failure for r in found)
        sets += rows
        scores.append(scored)
        rates += [{"model": name, **row} for row in rates_by_value(scored, plan.values)]
        models.append({
            "model": name,
            "complete": whole,
            "pooled": pool_holdouts(rows, resamples=resamples, seed=seed),
            "grouped": _grouped(workspace, name, split),
        })  # fmt: skip
    held = {value for s in plan.sets for value in s.values}
    return {
        "models": models,
        "sets": sets,
        "values": rates,
        "scores": pl.concat(scores),
        "unit": "source",
        "n_sources": len(sources.names),
        "n_groups": len(set(sources.groups)),
        "n_sets": len(plan.sets),
        "n_sets_possible": plan.possible,
        "n_sets_impossible": plan.impossible,
        "n_values": len(plan.values),
        "n_values_held_out": len(held),
        "n_without_value": sum(value is None for value in values),
        "seed": seed,
        "resamples": resamples,
        "version": HOLDOUT_VERSION,
    }


def _set_row(result: HoldoutResult, held: HeldOut, sources: Sources) -> dict[str, Any]:
    labels = sources.labels[held.test]
    metrics = result.metrics
    names = ("roc_auc", "average_precision", "balanced_accuracy", "recall", "recall_real")
    row: dict[str, Any] = {
        "model": result.model,
        "set": result.number,
        "kind": held.kind,
        "values": list(held.values),
        "n": len(labels),
        "n_scored": len(result.source),
        "n_real": int((labels == 0).sum()),
        "n_fake": int((labels == 1).sum()),
        "n_groups": len(set(sources.groups[held.test])),
        "n_train": result.n_train,
        "n_dropped": held.n_dropped,
        **{name: metrics.get(name) for name in names},
        "threshold": result.threshold,
        "settings": json.dumps(result.settings),
        "reason": result.failure,
    }
    if result.failure is None and row["roc_auc"] is None:
        row["reason"] = "the scored sources are of one class"
    return row


def _scores(
    results: Sequence[HoldoutResult], values: Sequence[str | None], sources: Sources
) -> pl.DataFrame:
    source = np.concatenate([r.source for r in results])
    each = [len(r.source) for r in results]
    return pl.DataFrame({
        "model": [results[0].model] * len(source),
        "set": np.repeat([r.number for r in results], each),
        "source": [sources.names[i] for i in source],
        "group": [str(sources.groups[i]) for i in source],
        "value": [values[i] for i in source],
        "label": sources.labels[source],
        "score": np.concatenate([r.score for r in results]),
        "threshold": np.repeat([r.threshold for r in results], each),
    }, schema_overrides={"value": pl.String})  # fmt: skip


def _grouped(workspace: Workspace, name: str, split: str) -> dict[str, Any] | None:
    """Read what the model scores in the grouped folds, where it was trained on them."""
    path = workspace.model(name) / "metrics.json"
    if not path.is_file():
        return None
    document = json.loads(path.read_text(encoding="utf-8"))
    if document["split"]["hash"] != split:
        return None
    aggregate = document["aggregate"]
    return {key: aggregate[key] for key in ("roc_auc", "roc_auc_low", "roc_auc_high")}


def _verdict(row: dict[str, Any], document: dict[str, Any]) -> str:
    pooled, by = row["pooled"]["all"], document["by"]
    if pooled["roc_auc"] is None:
        return f"{row['model']}: incomplete, a held-out set has no AUC."
    between = (
        ""
        if pooled["roc_auc_low"] is None
        else f" ({pooled['roc_auc_low']:.2f}–{pooled['roc_auc_high']:.2f})"
    )
    said = (
        f"{row['model']}: AUC {pooled['roc_auc']:.2f}{between} where the {by} is new to it, mean "
        f"over {pooled['n_sets']} held-out sets of {pooled['n_values']} values"
    )
    grouped = row["grouped"]
    if not grouped or grouped["roc_auc"] is None:
        return f"{said}."
    said += f"; {grouped['roc_auc']:.2f} in grouped folds"
    gain, left = grouped["roc_auc"] - 0.5, pooled["roc_auc"] - 0.5
    if gain > 0.02 and left < gain:
        lost = min(1.0, 1 - left / gain)
        apart = pooled["roc_auc_high"] is not None and pooled["roc_auc_high"] < grouped["roc_auc"]
        sure = "" if apart else " (within the interval, so it may be chance)"
        return f"{said}: {lost:.0%} of the gain over chance goes when the {by} is new{sure}."
    return f"{said}."


def _notes(plan: Plan, document: dict[str, Any]) -> list[str]:
    notes = []
    if document["simulated"]:
        notes.append("The corpus is simulated: these numbers say nothing about real videos.")
    for kind, possible in plan.possible.items():
        taken = sum(held.kind == kind for held in plan.sets)
        if taken < possible - plan.impossible:
            notes.append(f"A sample: {taken} of {possible} sets ({kind}), seed {document['seed']}.")
    if plan.impossible:
        notes.append(
            f"{plan.impossible} set(s) could not be held out: one class would be left to train on."
        )
    small = [row["value"] for row in plan.values if row["kind"] == "too small"]
    if small:
        notes.append(
            f"{len(small)} value(s) have fewer than {document['least']} sources of a class and "
            "are trained on only."
        )
    if document["n_without_value"]:
        notes.append(
            f"{document['n_without_value']} source(s) have no {document['by']} and are trained on "
            "only."
        )
    dropped = max(held.n_dropped for held in plan.sets)
    if dropped:
        notes.append(
            f"Groups that reach beyond what is held out leave the training side: up to {dropped} "
            "source(s) a set."
        )
    return notes


def _write(document: dict[str, Any], workspace: Workspace) -> dict[str, Any]:
    scores = document.pop("scores")
    tables = {
        "sets": rows_table(
            [{**row, "values": " + ".join(row["values"])} for row in document["sets"]]
        ),
        "values": rows_table(document["values"]),
        "scores": scores,
    }
    stem = workspace.holdout(document["by"]) / "holdout"
    return write_results(document, stem, tables, draw_holdouts, workspace)
