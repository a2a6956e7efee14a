"""The detector that ships: refitted on all groups, with a card that says what to expect of it."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import polars as pl

from fvc.errors import TooFewGroupsError
from fvc.evaluation import fit_final_calibrator
from fvc.models import ModelSpec
from fvc.training.clips import Clips, Sources
from fvc.training.selection import Choice, Part, choose_settings, fit_detector, inner_folds

CARD_VERSION = 1

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


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
    choice = choose_settings(spec, candidates, part, folds)
    return fit_detector(spec, choice.settings, part, folds), choice


def card(
    spec: ModelSpec,
    choice: Choice,
    clips: Clips,
    sources: Sources,
    *,
    aggregate: dict[str, Any],
    predictions: pl.DataFrame,
    split: dict[str, Any],
) -> dict[str, Any]:
    """Describe the final detector.

    Parameters
    ----------
    spec, choice
        The model and the settings chosen.
    clips, sources
        What it was fitted to.
    aggregate
        The outer estimate: what to expect of it on new groups.
    predictions
        Out-of-fold scores, for the calibrator that ships.
    split
        The ``split`` block of ``metrics.json``.
    """
    labels = sources.labels[clips.source[clips.original]]
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
        "feature_names": clips.feature_names,
        "features": _feature_ranges(clips, labels),
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
        "split_hash": split["hash"],
        "versions": versions(),
    }


def _calibrator(predictions: pl.DataFrame) -> dict[str, Any]:
    try:
        return fit_final_calibrator(predictions).to_dict()
    except TooFewGroupsError as error:
        return {"method": None, "reason": str(error)}


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
                "quantiles": dict(zip(map(str, QUANTILES), found, strict=True)),
            }
    return ranges


def versions() -> dict[str, str]:
    """List the versions of what a detector's file depends on."""
    found = {"python": platform.python_version()}
    for name in ("fvc", "numpy", "scikit-learn", "skops", "xgboost-cpu", "xgboost"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
