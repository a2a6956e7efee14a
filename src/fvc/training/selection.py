"""Choosing settings on the training part alone, by inner grouped folds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvc.errors import TooFewGroupsError
from fvc.evaluation import (
    GroupedStratifiedKFold,
    check_no_leakage,
    compute_classification_metrics,
)
from fvc.models import ModelSpec, training_weights

VAL_METRICS = ("roc_auc", "average_precision", "accuracy", "balanced_accuracy", "f1", "f1_macro")

InnerFold = tuple[NDArray[np.intp], NDArray[np.intp]]


@dataclass(frozen=True)
class Part:
    """Clips that a fit may see, and whose they are.

    Attributes
    ----------
    X : (n, p) float32
    y : (n,) int8
    source : (n,) int32
    original : (n,) bool
    groups : (n,) object
    feature_names : list of str
    """

    X: NDArray[np.float32]
    y: NDArray[np.int8]
    source: NDArray[np.int32]
    original: NDArray[np.bool_]
    groups: NDArray[Any]
    feature_names: list[str]

    def rows(self, rows: NDArray[Any]) -> "Part":
        """Take some of the rows."""
        return Part(
            self.X[rows],
            self.y[rows],
            self.source[rows],
            self.original[rows],
            self.groups[rows],
            self.feature_names,
        )


@dataclass(frozen=True)
class Choice:
    """What the inner folds chose, and all that they saw.

    Attributes
    ----------
    settings
        The winner, as in the grid; empty for the entry's own settings.
    search
        One row a candidate: ``settings``, ``val_roc_auc`` (mean over inner folds) and ``folds``,
        or ``refused`` and the reason.
    val
        Inner metrics of the winner, ``val_…``; None where undefined.
    note
        Why there was no choice, where there was none.
    """

    settings: dict[str, Any]
    search: list[dict[str, Any]] = field(default_factory=list)
    val: dict[str, float | None] = field(default_factory=dict)
    note: str = ""


def inner_folds(part: Part, n_splits: int, seed: Sequence[int], where: str) -> list[InnerFold]:
    """Split the rows of a training part into grouped folds of its sources.

    Returns
    -------
    list of (train rows, test rows)
        With `n_splits` folds, or 2 where there are too few groups for that many; empty where there
        are too few for any.
    """
    sources, first = np.unique(part.source, return_index=True)
    for n in sorted({n_splits, 2}, reverse=True):
        splitter = GroupedStratifiedKFold(n, random_state=list(seed))
        try:
            fold = splitter.assign(part.y[first], part.groups[first])
        except TooFewGroupsError:
            continue
        groups = part.groups[first]
        for k in range(n):
            check_no_leakage(groups[fold != k], groups[fold == k], where=f"{where}, inner fold {k}")
        of_row = fold[np.searchsorted(sources, part.source)]
        return [(np.flatnonzero(of_row != k), np.flatnonzero(of_row == k)) for k in range(n)]
    return []


def fit_detector(
    spec: ModelSpec,
    settings: dict[str, Any],
    part: Part,
    calibration: Sequence[InnerFold] | None = None,
) -> Any:
    """Fit a detector to a part, sources and classes weighing equally."""
    detector = spec.build(**settings)
    weight = training_weights(part.source, part.y)
    return detector.fit(
        part.X, part.y, sample_weight=weight, feature_names=part.feature_names, cv=calibration
    )


def choose_settings(
    spec: ModelSpec,
    candidates: list[dict[str, Any]],
    part: Part,
    folds: Sequence[InnerFold],
) -> Choice:
    """Choose by the mean inner ROC AUC on sources; of equals, the first.

    Parameters
    ----------
    spec
        The model.
    candidates
        Settings to choose from, plainer ones first.
    part
        The training part of an outer fold, variants included.
    folds
        Inner folds, as `inner_folds` gives them.
    """
    refused: list[dict[str, Any]] = []
    usable: list[dict[str, Any]] = []
    detector = spec.estimator_class()
    for candidate in candidates:
        reason = detector.refusal({**spec.settings, **candidate}, len(part.y))
        if reason is None:
            usable.append(candidate)
        else:
            refused.append({"settings": candidate, "val_roc_auc": None, "refused": reason})
    if not usable:
        raise ValueError(f"no candidate can be fitted: {refused[0]['refused']}")
    if not folds:
        note = "too few groups in the training part for inner folds: the first settings are used"
        return Choice(usable[0], refused, _undefined(), note)
    if len(usable) == 1:
        return Choice(usable[0], refused, _undefined(), "one candidate: nothing to choose")
    metrics: list[list[dict[str, Any]]] = [[] for _ in usable]
    for fold in folds:
        for found, inner in zip(metrics, _inner_metrics(spec, usable, part, fold), strict=True):
            found.append(inner)
    search: list[dict[str, Any]] = []
    for candidate, found in zip(usable, metrics, strict=True):
        aucs = [m["roc_auc"] for m in found]
        # An inner fold whose originals all failed is undefined for every candidate alike.
        defined = [auc for auc in aucs if auc is not None]
        mean = float(np.mean(defined)) if defined else None
        search.append({"settings": candidate, "val_roc_auc": mean, "folds": aucs})
    scores = [-1.0 if row["val_roc_auc"] is None else row["val_roc_auc"] for row in search]
    best = max(range(len(scores)), key=lambda i: (round(scores[i], 9), -i))
    val = {f"val_{name}": _mean([m[name] for m in metrics[best]]) for name in VAL_METRICS}
    return Choice(usable[best], [*search, *refused], val)


def _inner_metrics(
    spec: ModelSpec, candidates: list[dict[str, Any]], part: Part, fold: InnerFold
) -> Iterator[dict[str, Any]]:
    """Score each candidate on the originals of the inner test side."""
    train, test = fold
    seen = part.rows(train)
    weight = training_weights(seen.source, seen.y)
    scored = test[part.original[test]]
    X, y = part.X[scored], part.y[scored]
    prepared: dict[tuple[Any, ...], Any] = {}
    for candidate in candidates:
        detector = spec.build(**candidate)
        key = detector.preparation
        if key not in prepared:
            prepared[key] = detector.prepare(
                seen.X, sample_weight=weight, feature_names=seen.feature_names
            )
        # Without calibration: it does not change a ranking, and costs a fit a fold.
        detector.fit(
            seen.X,
            seen.y,
            sample_weight=weight,
            feature_names=seen.feature_names,
            prepared=prepared[key],
        )
        yield compute_classification_metrics(y, detector.predict_proba(X)[:, 1])


def _undefined() -> dict[str, float | None]:
    return {f"val_{name}": None for name in VAL_METRICS}


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None
