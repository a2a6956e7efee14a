"""The detector that ships: refitted on all groups, with a card that says what to expect of it."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import polars as pl

from fvc.errors import TooFewGroupsError
from fvc.evaluation import final_calibrator
from fvc.evaluation.conformal import fit_decisions
from fvc.evaluation.familiarity import fit_familiarity
from fvc.models import ModelSpec
from fvc.models.linear import LinearForm
from fvc.models.registry import Family
from fvc.training.clips import Clips, Sources
from fvc.training.selection import Choice, Part, choose_settings, fit_detector, inner_folds

CARD_VERSION = 3

QUANTILES = (
    *(0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5),
    *(0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 1.0),
)


def refit(
    spec: ModelSpec,
    candidates: list[dict[str, Any]],
    clips: Clips,
    sources: Sources,
    *,
    inner_splits: int,
    seed: int,
) -> tuple[Any, Choice]:
    """Fit a detector to all groups, with settings chosen by the inner protocol.

    Returns
    -------
    (TabularDetector, Choice)
    """
    part = Part(
        clips.X,
        sources.labels[clips.source],
        clips.source,
        clips.original,
        sources.groups[clips.source],
        clips.feature_names,
    )
    # −1 keeps these inner folds apart from those of any outer fold.
    folds = inner_folds(part, inner_splits, (seed, 2**31 - 1), f"{spec.name}, final")
    choice = choose_settings(spec, candidates, part, folds, seed=seed)
    return fit_detector(spec, choice.settings, part, folds), choice


def card(
    spec: ModelSpec,
    choice: Choice,
    detector: Any,
    clips: Clips,
    sources: Sources,
    *,
    aggregate: dict[str, Any],
    predictions: pl.DataFrame,
    split: dict[str, Any],
    inputs: dict[str, Any],
) -> dict[str, Any]:
    """Describe the final detector.

    Parameters
    ----------
    spec, choice
        The model and the settings chosen.
    detector
        The fitted detector.
    clips, sources
        What it was fitted to.
    aggregate
        The outer estimate: what to expect of it on new groups.
    predictions
        Out-of-fold scores, for the calibrator that ships.
    split
        The ``split`` block of ``metrics.json``.
    inputs
        Settings of the stages that made its features, as `input_settings` returns them.
    """
    labels = sources.labels[clips.source[clips.original]]
    line = LinearForm.of(detector)
    # Of thousands of numbers that a backbone makes none tells a reader anything.
    named = spec.family == "tabular"
    return {
        "card_version": CARD_VERSION,
        "model": spec.name,
        "alias_of": spec.alias_of,
        "family": spec.family,
        "description": spec.description,
        "reference": spec.reference,
        "label": {"0": "real", "1": "fake"},
        "settings": {**spec.settings, **choice.settings},
        "settings_chosen_by": "inner grouped folds over all groups, mean ROC AUC on sources",
        "tables": list(spec.tables),
        "input": inputs,
        "linear": None if line is None else line.to_dict(),
        "feature_names": clips.feature_names if named else [],
        "features": _feature_ranges(clips, labels) if named else {},
        "trained_on": {
            "n_sources": len(np.unique(clips.source)),
            "n_groups": len(np.unique(sources.groups[np.unique(clips.source)].astype(str))),
            "n_clips": len(clips.source),
            "n_real": int((labels == 0).sum()),
            "n_fake": int((labels == 1).sum()),
        },
        "expected_performance": {
            "what": "mean over the outer folds: the score of this procedure on new groups of the "
            "same population, not of this file on its training data",
            **aggregate,
        },
        "calibrator": _calibrator(predictions),
        "decisions": _decisions(predictions),
        "familiarity": _familiarity(clips, sources) if named else None,
        "split": split,
        "split_hash": split["hash"],
        "full_size": None
        if spec.parameters is None
        else {"parameters": spec.parameters, "gflops": spec.gflops},
        "versions": versions(spec.family),
    }


def _calibrator(predictions: pl.DataFrame) -> dict[str, Any]:
    scored = predictions.filter(pl.col("score").is_not_null())
    by_source = scored.unique("source")
    fitted_on = {
        "fitted_on": "out-of-fold scores of all folds and repeats, each source weighing one",
        "n_real": by_source.filter(pl.col("label") == 0).height,
        "n_fake": by_source.filter(pl.col("label") == 1).height,
        "n_groups": by_source["group"].n_unique(),
        "repeats": scored["repeat"].n_unique(),
    }
    try:
        calibrator, choice = final_calibrator(predictions)
        return {**calibrator.to_dict(), **choice.to_dict(), **fitted_on}
    except TooFewGroupsError as error:
        return {"method": None, "reason": str(error), **fitted_on}


def _decisions(predictions: pl.DataFrame) -> dict[str, Any]:
    scored = predictions.filter(pl.col("score").is_not_null())
    columns = ("score", "label", "group", "repeat", "fold")
    return fit_decisions(*(scored[name].to_numpy() for name in columns))


def _familiarity(clips: Clips, sources: Sources) -> dict[str, Any]:
    source = clips.source[clips.original]
    groups = sources.groups[source].astype(str)
    looks = fit_familiarity(clips.X[clips.original], groups, sources.fold[0][source])
    return looks.to_dict(clips.feature_names)


def _feature_ranges(clips: Clips, labels: Any) -> dict[str, Any]:
    """Quantiles of each feature over the unaugmented clips, by class."""
    X = clips.X[clips.original]
    ranges: dict[str, Any] = {}
    for i, name in enumerate(clips.feature_names):
        ranges[name] = {}
        for label, word in ((0, "real"), (1, "fake")):
            column = X[labels == label, i].astype(np.float64)
            known = column[~np.isnan(column)]
            found = (
                np.quantile(known, QUANTILES).tolist() if len(known) else [None] * len(QUANTILES)
            )
            ranges[name][word] = {
                "n": len(known),
                "n_missing": len(column) - len(known),
                "mean": float(known.mean()) if len(known) else None,
                "quantiles": dict(zip(map(str, QUANTILES), found, strict=True)),
            }
    return ranges


def versions(family: Family) -> dict[str, str]:
    """List the versions of what a detector's file depends on."""
    found = {"python": platform.python_version()}
    names: tuple[str, ...] = ("fvc", "numpy", "scikit-learn", "skops", "xgboost-cpu", "xgboost")
    if family in ("video", "embedding"):
        names += ("torch", "torchvision", "timm", "transformers", "lightning", "safetensors")
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
