"""What held-out sets gave, as a document, tables and pictures, and in words."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from fvc.evaluation.protocols import HeldOut, Plan, pool_holdouts, rates_by_value
from fvc.evaluation.protocols_plot import draw_holdouts
from fvc.evaluation.verdict_report import rows_table, write_results
from fvc.training.clips import Sources
from fvc.training.held_out import HoldoutResult
from fvc.workspace import Workspace

HOLDOUT_VERSION = 1


def document_of(
    plan: Plan,
    results: dict[str, list[HoldoutResult]],
    values: Sequence[str | None],
    sources: Sources,
    workspace: Workspace,
    resamples: int,
    seed: int,
    split: str,
) -> dict[str, Any]:
    """Put together what the sets gave: by model, by set and by value.

    Parameters
    ----------
    plan
        The sets.
    results
        By model, one for each set.
    values
        Of each source, what the sets hold out; None where it is not known.
    sources
        All sources, in the order of `values`.
    workspace
        The project, for what the models score in the grouped folds.
    resamples, seed
        Of the intervals.
    split
        Hash of the split that those folds must be of.
    """
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


def verdict_on_model(row: dict[str, Any], document: dict[str, Any]) -> str:
    """Say in a sentence what is left of a model's score where the origin is new to it."""
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


def notes_on_plan(plan: Plan, document: dict[str, Any]) -> list[str]:
    """Say what of the corpus was held out, and what was not."""
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


def write_holdout(document: dict[str, Any], workspace: Workspace) -> dict[str, Any]:
    """Write the document, its tables and its pictures; return it with the list of files."""
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
