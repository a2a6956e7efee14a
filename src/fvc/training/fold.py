"""One outer fold: choose, fit, score once."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fvc.errors import LeakageError, OutputError
from fvc.evaluation import check_no_leakage
from fvc.models import ModelSpec
from fvc.training.selection import Part, choose_settings, fit_detector, inner_folds

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class FoldTask:
    """What to fit, and on which side each source stands.

    Attributes
    ----------
    spec
        The model.
    candidates
        Settings to choose from.
    repeat, fold
        Which fold of the split file.
    test : (s,) bool
        Sources on the test side.
    inner_splits
        Inner folds.
    seed
        Seed of the inner folds, with repeat and fold.
    save_to
        Folder for the fitted detector; None keeps it nowhere.
    keep_variants
        Score the variants too.
    """

    spec: ModelSpec
    candidates: list[dict[str, Any]]
    repeat: int
    fold: int
    test: NDArray[np.bool_]
    inner_splits: int
    seed: int
    save_to: Path | None
    keep_variants: bool

    @property
    def where(self) -> str:
        """The fold in words."""
        return f"{self.spec.name}, repeat {self.repeat}, fold {self.fold}"


@dataclass
class FoldResult:
    """What came of a fold: scores, or a failure with its reason.

    Attributes
    ----------
    rows : (m,) int64
        Rows of the clip matrix that were scored.
    scores : (m,) float64
        Probabilities of being fake.
    extra
        What is told of the fold beside its scores, such as the best epoch of a net.
    history
        One row an epoch of a net's fit.
    """

    repeat: int
    fold: int
    settings: dict[str, Any] = field(default_factory=dict)
    search: list[dict[str, Any]] = field(default_factory=list)
    val: dict[str, float | None] = field(default_factory=dict)
    note: str = ""
    converged: bool = True
    n_train_sources: int = 0
    n_train_clips: int = 0
    rows: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    scores: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    seconds: float = 0.0
    failure: str | None = None
    leaking: list[str] | None = None
    unwritable: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)

    def raise_if_fatal(self, where: str) -> None:
        """Raise what concerns the run and not this fold alone.

        Raises
        ------
        LeakageError
            A group stood on both sides.
        OutputError
            The detector could not be written.
        """
        if self.leaking is not None:
            raise LeakageError(self.leaking, where)
        if self.unwritable is not None:
            raise OutputError(self.unwritable)


def attempt(fit: Callable[[], T]) -> tuple[T | None, str | None]:
    """Do a fit, or say what went wrong: the one border where an error becomes a record.

    Whatever goes wrong in a fit marks its model as incomplete, and the other folds and models go
    on; a leaking split and a full disk concern the whole run and are raised.

    Returns
    -------
    (value, None) or (None, reason)
    """
    try:
        return fit(), None
    except (LeakageError, OutputError):
        raise
    except Exception as error:  # the border that the docstring names
        logger.debug("a fit failed", exc_info=True)
        return None, f"{type(error).__name__}: {error}"


def run_fold(
    task: FoldTask,
    X: NDArray[np.float32],
    source: NDArray[np.int32],
    original: NDArray[np.bool_],
    labels: NDArray[np.int8],
    groups: NDArray[Any],
    feature_names: list[str],
) -> FoldResult:
    """Fit one outer fold.

    Parameters
    ----------
    task
        What to do.
    X, source, original, feature_names
        As in `Clips`.
    labels, groups
        As in `Sources`.
    """
    begun = time.perf_counter()
    result = FoldResult(task.repeat, task.fold)
    try:
        _, result.failure = attempt(
            lambda: _fit_and_score(task, result, X, source, original, labels, groups, feature_names)
        )
    except LeakageError as error:
        result.leaking = error.groups
    except OutputError as error:
        result.unwritable = str(error)
    if result.failure is not None:
        result.rows, result.scores = np.empty(0, dtype=np.int64), np.empty(0)
    result.seconds = time.perf_counter() - begun
    return result


def _fit_and_score(
    task: FoldTask,
    result: FoldResult,
    X: NDArray[np.float32],
    source: NDArray[np.int32],
    original: NDArray[np.bool_],
    labels: NDArray[np.int8],
    groups: NDArray[Any],
    feature_names: list[str],
) -> None:
    check_no_leakage(groups[~task.test], groups[task.test], where=task.where)
    tested = task.test[source]
    train = np.flatnonzero(~tested)
    part = Part(
        X[train],
        labels[source[train]],
        source[train],
        original[train],
        groups[source[train]],
        feature_names,
    )
    result.n_train_clips = len(train)
    result.n_train_sources = len(np.unique(part.source))
    seed = (task.seed, task.repeat, task.fold)
    inner = inner_folds(part, task.inner_splits, seed, task.where)
    choice = choose_settings(task.spec, task.candidates, part, inner, seed=task.seed)
    result.settings, result.search = choice.settings, choice.search
    result.val, result.note = choice.val, choice.note
    detector = fit_detector(task.spec, choice.settings, part, inner)
    result.converged = detector.converged_
    wanted = tested if task.keep_variants else tested & original
    result.rows = np.flatnonzero(wanted)
    result.scores = detector.predict_proba(X[result.rows])[:, 1]
    if not np.isfinite(result.scores).all():
        raise ValueError("the detector gave a score that is not a number")
    if task.save_to is not None:
        detector.save(task.save_to, native=False)
