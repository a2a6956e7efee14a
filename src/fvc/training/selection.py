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
from fvc.models.spaces import Space
from fvc.training.search import search_space

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


@dataclass(frozen=True)
class _Tried:
    """Settings, and their metrics in each inner fold."""

    settings: dict[str, Any]
    metrics: list[dict[str, Any]]

    @property
    def aucs(self) -> list[float | None]:
        return [found["roc_auc"] for found in self.metrics]

    @property
    def score(self) -> float | None:
        """Mean ROC AUC over the folds where it is defined."""
        # An inner fold whose originals all failed is undefined for every candidate alike.
        defined = [auc for auc in self.aucs if auc is not None]
        return float(np.mean(defined)) if defined else None

    def row(self) -> dict[str, Any]:
        return {"settings": self.settings, "val_roc_auc": self.score, "folds": self.aucs}


def choose_settings(
    spec: ModelSpec,
    candidates: list[dict[str, Any]],
    part: Part,
    folds: Sequence[InnerFold],
    *,
    seed: int = 0,
) -> Choice:
    """Choose by the mean inner ROC AUC on sources; of equals, the first.

    Parameters
    ----------
    spec
        The model.
    candidates
        Settings to choose from, plainer ones first, and spaces to search (`fvc.models.Space`).
    part
        The training part of an outer fold, variants included.
    folds
        Inner folds, as `inner_folds` gives them.
    seed
        Of the searches.
    """
    spaces = [space for each in candidates if (space := Space.of(each)) is not None]
    usable: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    for candidate in candidates:
        if Space.of(candidate) is not None:
            continue
        reason = _refusal(spec, candidate, part)
        if reason is None:
            usable.append(candidate)
        else:
            refused.append(_refused(candidate, reason))
    # Without a search the entry's own settings are the first.
    first = usable[:1] or [{}] * bool(spaces)
    if not first:
        raise ValueError(f"no candidate can be fitted: {refused[0]['refused']}")
    if not folds:
        note = "too few groups in the training part for inner folds: the first settings are used"
        return Choice(first[0], refused, _undefined(), note)
    if len(usable) == 1 and not spaces:
        return Choice(usable[0], refused, _undefined(), "one candidate: nothing to choose")
    tried = _score_grid(spec, usable, part, folds)
    for space in spaces:
        found, failed = _search(spec, space, part, folds, seed)
        tried += found
        refused += failed
    if not tried:
        raise ValueError(f"no candidate can be fitted: {refused[0]['refused']}")
    scores = [-1.0 if each.score is None else each.score for each in tried]
    best = tried[max(range(len(scores)), key=lambda i: (round(scores[i], 9), -i))]
    val = {f"val_{name}": _mean([m[name] for m in best.metrics]) for name in VAL_METRICS}
    return Choice(best.settings, [*(each.row() for each in tried), *refused], val)


def _refusal(spec: ModelSpec, settings: dict[str, Any], part: Part) -> str | None:
    reason: str | None = spec.estimator_class().refusal({**spec.settings, **settings}, len(part.y))
    return reason


def _refused(settings: dict[str, Any], reason: str) -> dict[str, Any]:
    return {"settings": settings, "val_roc_auc": None, "refused": reason}


def _score_grid(
    spec: ModelSpec, candidates: list[dict[str, Any]], part: Part, folds: Sequence[InnerFold]
) -> list[_Tried]:
    tried = [_Tried(candidate, []) for candidate in candidates]
    for fold in folds:
        found = _inner_metrics(spec, candidates, part, fold, {})
        for each, metrics in zip(tried, found, strict=True):
            each.metrics.append(metrics)
    return tried


def _search(
    spec: ModelSpec, space: Space, part: Part, folds: Sequence[InnerFold], seed: int
) -> tuple[list[_Tried], list[dict[str, Any]]]:
    """Search a space; return what was tried, and what could not be fitted and why."""
    tried: list[_Tried] = []
    refused: list[dict[str, Any]] = []
    prepared: list[dict[Any, Any]] = [{} for _ in folds]

    def score(settings: dict[str, Any]) -> float | None:
        reason = _refusal(spec, settings, part)
        if reason is not None:
            refused.append(_refused(settings, reason))
            return None
        if spec.build(**settings).preparation not in prepared[0]:
            # One at a time: each is as large as the table.
            for ready in prepared:
                ready.clear()
        try:
            metrics = [
                next(_inner_metrics(spec, [settings], part, fold, ready))
                for fold, ready in zip(folds, prepared, strict=True)
            ]
        # A corner of a range may be one that no fit converges in; the others are still to be seen.
        except ValueError as error:
            refused.append(_refused(settings, f"{type(error).__name__}: {error}"))
            return None
        tried.append(_Tried(settings, metrics))
        return tried[-1].score

    search_space(space, score, seed=seed)
    return tried, refused


def _inner_metrics(
    spec: ModelSpec,
    candidates: list[dict[str, Any]],
    part: Part,
    fold: InnerFold,
    prepared: dict[Any, Any],
) -> Iterator[dict[str, Any]]:
    """Score each candidate on the originals of the inner test side.

    `prepared` holds the steps that candidates share, and is filled.
    """
    train, test = fold
    seen = part.rows(train)
    weight = training_weights(seen.source, seen.y)
    scored = test[part.original[test]]
    X, y = part.X[scored], part.y[scored]
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
