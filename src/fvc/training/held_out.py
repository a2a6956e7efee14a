"""One held-out set: choose, fit, find the threshold inside, score once."""

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvc.evaluation import check_no_leakage, compute_classification_metrics
from fvc.evaluation.protocols import equal_error_threshold
from fvc.models import ModelSpec
from fvc.training.clips import Clips, Sources
from fvc.training.fold import attempt
from fvc.training.output import held
from fvc.training.parallel import spread
from fvc.training.selection import (
    InnerFold,
    Part,
    choose_settings,
    fit_detector,
    inner_folds,
)


@dataclass(frozen=True)
class HoldoutTask:
    """What to fit, and on which side each source stands.

    Attributes
    ----------
    spec, candidates, inner_splits, seed
        As in `fvc.training.fold.FoldTask`.
    number
        Of the set.
    name
        The values held out, for messages.
    train, test : (s,) bool
        Sources on each side; the others share a group with the test side.
    """

    spec: ModelSpec
    candidates: list[dict[str, Any]]
    number: int
    name: str
    train: NDArray[np.bool_]
    test: NDArray[np.bool_]
    inner_splits: int
    seed: int


@dataclass
class HoldoutResult:
    """What came of a held-out set.

    Attributes
    ----------
    source : (m,) int32
        Sources of the test side that were scored.
    score : (m,) float64
        Their probabilities of being fake.
    threshold
        Where as large a share of real as of fake training sources was misjudged, out of fold.
    metrics
        `compute_classification_metrics` at that threshold.
    failure
        Why there is nothing of all this, if there is not.
    """

    number: int
    model: str
    source: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, dtype=np.int32))
    score: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    threshold: float = 0.5
    threshold_note: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    n_train: int = 0
    failure: str | None = None


def run_holdouts(
    tasks: Sequence[HoldoutTask], clips: Clips, sources: Sources, workers: int, folder: Path
) -> Iterator[HoldoutResult]:
    """Fit and score the sets of one model, in the order in which they finish.

    Parameters
    ----------
    tasks
        Of one model.
    clips, sources
        The data.
    workers
        Sets side by side; nets are fitted one after the other.
    folder
        Where what a net has scored is kept.

    Raises
    ------
    LeakageError
        A group stands on both sides.
    LockedError
        Another run holds out sets of the same net.
    """
    if tasks and tasks[0].spec.family == "video":
        nets = importlib.import_module("fvc.training.video.held_out")
        with held(folder, tasks[0].spec.name):
            yield from nets.run_net_holdouts(tasks, clips, sources, folder)
        return
    shared = (
        clips.X,
        clips.source,
        clips.original,
        sources.labels,
        sources.groups,
        clips.feature_names,
    )
    yield from spread(run_holdout, tasks, shared, workers)


def run_holdout(
    task: HoldoutTask,
    X: NDArray[np.float32],
    source: NDArray[np.int32],
    original: NDArray[np.bool_],
    labels: NDArray[np.int8],
    groups: NDArray[Any],
    feature_names: list[str],
) -> HoldoutResult:
    """Fit without a held-out set and score it.

    Parameters
    ----------
    task
        What to do.
    X, source, original, feature_names
        As in `fvc.training.clips.Clips`.
    labels, groups
        As in `fvc.training.clips.Sources`.

    Raises
    ------
    LeakageError
        A group stands on both sides.
    """
    result = HoldoutResult(task.number, task.spec.name)
    check_no_leakage(groups[task.train], groups[task.test], where=f"{task.name} held out")
    rows = np.flatnonzero(task.train[source])
    part = Part(
        X[rows],
        labels[source[rows]],
        source[rows],
        original[rows],
        groups[source[rows]],
        feature_names,
    )
    tested = np.flatnonzero(task.test[source] & original)
    _, result.failure = attempt(lambda: _fit(task, result, part, X[tested], source[tested], labels))
    return result


def _fit(
    task: HoldoutTask,
    result: HoldoutResult,
    part: Part,
    X: NDArray[np.float32],
    source: NDArray[np.int32],
    labels: NDArray[np.int8],
) -> None:
    seed = (task.seed, 2**30 + task.number)
    inner = inner_folds(part, task.inner_splits, seed, task.name)
    choice = choose_settings(task.spec, task.candidates, part, inner, seed=task.seed)
    threshold = _inner_threshold(task, choice.settings, part, inner, seed)
    if threshold is None:
        result.threshold_note = "too few groups for inner folds: the threshold is 0.5"
    else:
        result.threshold = threshold
    detector = fit_detector(task.spec, choice.settings, part, inner)
    score = detector.predict_proba(X)[:, 1] if len(X) else np.empty(0)
    if not np.isfinite(score).all():
        raise ValueError("the detector gave a score that is not a number")
    result.settings = choice.settings
    result.source, result.score = source, score
    result.n_train = len(np.unique(part.source))
    result.metrics = compute_classification_metrics(
        labels[source], score, threshold=result.threshold
    )


def _inner_threshold(
    task: HoldoutTask,
    settings: dict[str, Any],
    part: Part,
    inner: list[InnerFold],
    seed: tuple[int, ...],
) -> float | None:
    """Find the threshold on scores of training sources by detectors that have not seen them."""
    score = np.full(len(part.y), np.nan)
    for number, (train, test) in enumerate(inner):
        seen = part.rows(train)
        # Calibrated inside like the detector whose scores will be held against the threshold.
        folds = inner_folds(seen, task.inner_splits, (*seed, number), task.name)
        scored = test[part.original[test]]
        if len(scored):
            detector = fit_detector(task.spec, settings, seen, folds)
            score[scored] = detector.predict_proba(part.X[scored])[:, 1]
    known = np.isfinite(score)
    return equal_error_threshold(part.y[known], score[known])
