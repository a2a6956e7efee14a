"""What the score of a net, or of an embedding model, rests on: what it costs to take it away."""

import importlib
from pathlib import Path
from typing import Any

import polars as pl

from fvc.evaluation.alterations_plot import draw_alterations
from fvc.evaluation.variant_scores import pair_up, robustness_row
from fvc.evaluation.verdict_report import rows_table, write_results
from fvc.evaluation.weights import weights_notes
from fvc.models import ModelSpec
from fvc.tables import read_table
from fvc.training.clips import Sources
from fvc.training.progress import show_progress
from fvc.training.refitting import fold_detectors
from fvc.training.split import trained_split
from fvc.workspace import Workspace

_CONFIDENCE = 0.95
# On another device a net gives scores that differ a little.
_SAME_SCORE = 0.01
_MEASURES = ("change_real", "change_fake", "absolute_change", "decisions_changed")


def net_importance(
    workspace: Workspace, spec: ModelSpec, *, draws: int, resamples: int, seed: int
) -> dict[str, Any]:
    """Alter held-out clips and measure what that costs.

    Parameters
    ----------
    workspace
        The project.
    spec
        A trained model that looks at frames.
    draws
        How often the order of frames is drawn for each clip.
    resamples, seed
        Of the bootstrap over groups, and of the draws.

    Returns
    -------
    dict
        As it is written to ``alterations.json``.
    """
    detectors = fold_detectors(workspace, spec)
    split = trained_split(workspace, spec.name, detectors.trained)
    sources = Sources.from_folds(split.folds, 1)
    nets = importlib.import_module("fvc.training.video.altered")
    with show_progress() as fits:
        fits.begin(f"importance of {spec.name}", len(sources.names))
        steps, scores = nets.score_altered(
            workspace, spec, detectors, sources, draws=draws, seed=seed, done=fits.done
        )
    settings = {
        "n_splits": int(split.block["n_splits"]),
        "resamples": resamples,
        "confidence": _CONFIDENCE,
        "seed": seed,
    }
    rows = [_row(step, scores, settings) for step in steps]
    document: dict[str, Any] = {
        "model": spec.name,
        "alterations": rows,
        "roc_auc": rows[0]["roc_auc_untouched"],
        "unit": "source",
        "n_sources": scores["source"].n_unique(),
        "n_groups": scores["group"].n_unique(),
        "n_sources_in_folds": len(sources.names),
        "repeats": 1,
        "draws": draws,
        "split": split.block,
        "simulated": split.simulated,
        **settings,
    }
    document["verdict"] = _verdict(rows)
    document["notes"] = [
        *_notes(document, detectors.trained, _moved(workspace, spec, scores)),
        *weights_notes(detectors.trained),
    ]
    stem: Path = workspace.importances / spec.name / "alterations"
    tables = {"alterations": rows_table(rows), "scores": scores}
    return write_results(document, stem, tables, draw_alterations, workspace)


def _row(step: Any, scores: pl.DataFrame, settings: dict[str, Any]) -> dict[str, Any]:
    found = robustness_row(pair_up(scores.filter(alteration=step.name)), **settings)
    low, high = found["change_of_auc_low"], found["change_of_auc_high"]
    return {
        "alteration": step.name,
        "kind": step.kind,
        "words": step.words,
        "roc_auc": found["roc_auc"],
        "roc_auc_untouched": found["roc_auc_unaugmented"],
        "drop": None if found["change_of_auc"] is None else -found["change_of_auc"] + 0.0,
        "drop_low": None if high is None else -high + 0.0,
        "drop_high": None if low is None else -low + 0.0,
        **{name: found[name] for name in _MEASURES},
        "n_sources": found["n_sources"],
        "n_pairs": found["n_pairs"],
    }


def _moved(workspace: Workspace, spec: ModelSpec, scores: pl.DataFrame) -> int:
    """Count sources that score otherwise now than in training."""
    table = read_table(workspace.model(spec.name) / "predictions.parquet")
    written = table.filter(pl.col("repeat") == 0).select("source", written="score")
    both = scores.unique("source").join(written, on="source", how="inner")
    return both.filter((pl.col("plain") - pl.col("written")).abs() > _SAME_SCORE).height


def _verdict(rows: list[dict[str, Any]]) -> list[str]:
    if rows[0]["roc_auc_untouched"] is None:
        return ["No fold holds clips of both classes: nothing can be said of the ranking."]
    costly = [row for row in rows if row["drop_low"] is not None and row["drop_low"] > 0]
    costly.sort(key=lambda row: -row["drop"])
    said = []
    if costly:
        named = ", ".join(f"{row['alteration']} ({row['drop']:+.3f})" for row in costly)
        said.append(f"Costs AUC beyond its interval: {named}.")
    else:
        said.append("Nothing that was taken away alone costs AUC beyond its interval.")
    shuffled = next(row for row in rows if row["alteration"] == "shuffled")
    if shuffled["absolute_change"] == 0:
        said.append("The order of the frames does not change a single score: it is not used.")
    elif shuffled not in costly:
        said.append("It is not shown to need the order of the frames.")
    moved = max(rows, key=lambda row: float(row["absolute_change"]))
    said.append(
        f"Scores move most with {moved['words']}, by {moved['absolute_change']:.2f} on average."
    )
    return said


def _notes(document: dict[str, Any], trained: dict[str, Any], moved: int) -> list[str]:
    notes = [
        "Importance is of this model on this corpus; it does not say that a part of the picture "
        "shows a fake. Altered clips are unlike those of training, which alone can move a score.",
        "Each interval is of one alteration; they are not adjusted for their number.",
    ]
    low = trained["aggregate"]["roc_auc_low"]
    if low is None or low <= 0.5:
        notes.insert(0, "The model is not shown to be above chance: there is little to lose.")
    if document["simulated"]:
        notes.insert(0, "The corpus is simulated: these numbers say nothing about real videos.")
    if document["n_sources"] < document["n_sources_in_folds"]:
        lost = document["n_sources_in_folds"] - document["n_sources"]
        notes.append(f"{lost} source(s) have no frames and were not scored.")
    if moved:
        notes.append(
            f"{moved} source(s) score otherwise now than in training, as they are: the clips, or "
            "the device, have changed since."
        )
    return notes
