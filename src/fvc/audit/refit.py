"""Refitting a model in every scheme, with true and with permuted labels."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import BrokenProcessPool
from threadpoolctl import threadpool_limits

from fvc.audit.schemes import SCHEMES, Scheme, deal_rows, permute_by_group
from fvc.errors import LeakageError
from fvc.evaluation import check_no_leakage
from fvc.evaluation.bootstrap import ScoredRows, weighted_means
from fvc.training.fold import attempt
from fvc.training.running import quiet_threads
from fvc.training.selection import Part

Fit = Callable[[Part], Any]
"""Takes the rows that may be seen and returns something with ``predict_proba``; picklable."""


@dataclass(frozen=True)
class Table:
    """What a model is given of clips, and whose they are.

    Attributes
    ----------
    X : (n, p) float32, or object
        One row a clip: features, tokens of a backbone, or the files that a net looks at.
    source : (n,) int
        Position of a clip's source in `labels` and `groups`.
    original : (n,) bool
        The clip by which its source is scored; one a source.
    labels : (s,) int8
        0 real, 1 fake.
    groups : (s,) object
    feature_names : list of str
    """

    X: npt.NDArray[Any]
    source: npt.NDArray[np.integer[Any]]
    original: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.int8]
    groups: npt.NDArray[Any]
    feature_names: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Task:
    """One repeat of one scheme: as many fits as folds.

    ``permutation`` is None for true labels; ``fold`` is a split of the sources that is given, and
    None where the scheme deals its own.
    """

    scheme: Scheme
    permutation: int | None
    repeat: int
    n_splits: int
    seed: int
    fold: npt.NDArray[np.int32] | None = None


@dataclass
class TaskResult:
    """Scores of one repeat, or why there are none.

    ``rows`` are those of the table that were scored; for permuted labels only the mean metrics
    are kept.
    """

    task: Task
    rows: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    folds: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    scores: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    means: dict[str, float] = field(default_factory=dict)
    failure: str | None = None
    leaking: list[str] | None = None
    seconds: float = 0.0


def tasks_of(
    *,
    n_splits: int,
    repeats: int,
    permutations: int,
    seed: int,
    grouped: npt.NDArray[np.int32] | None = None,
) -> list[Task]:
    """List what is to be done, true labels first.

    Parameters
    ----------
    n_splits, repeats, permutations, seed
        As in `fvc.audit.audit_model`.
    grouped
        The split file's folds of the sources, shape (repeats, s); None deals grouped folds anew.
    """
    tasks = [
        Task(
            scheme,
            None,
            repeat,
            n_splits,
            seed,
            grouped[repeat] if grouped is not None and scheme == "grouped" else None,
        )
        for scheme in SCHEMES
        for repeat in range(repeats)
    ]
    # Taken in turn, so that an audit that is watched fills all three rows alike.
    return tasks + [
        Task(scheme, number, 0, n_splits, seed)
        for number in range(permutations)
        for scheme in SCHEMES
    ]


def run_task(task: Task, table: Table, fit: Fit) -> TaskResult:
    """Fit and score all folds of a task; what goes wrong becomes the task's failure."""
    begun = time.perf_counter()
    result = TaskResult(task)
    try:
        with threadpool_limits(1):
            _, result.failure = attempt(lambda: _fit_and_score(task, table, fit, result))
    except LeakageError as error:
        result.leaking = error.groups
    result.seconds = time.perf_counter() - begun
    return result


def _fit_and_score(task: Task, table: Table, fit: Fit, result: TaskResult) -> None:
    labels, seed = table.labels, [task.seed, task.repeat]
    if task.permutation is not None:
        rng = np.random.default_rng([task.seed, task.permutation, 1])
        labels = permute_by_group(labels, table.groups, rng)
        seed = [task.seed, task.permutation, 2]
    if task.fold is not None:
        fold = task.fold[table.source]
    else:
        fold = deal_rows(
            task.scheme, table.source, labels, table.groups, n_splits=task.n_splits, seed=seed
        )
    scored = np.ones(len(table.source), bool) if task.scheme == "row-wise" else table.original
    rows = np.flatnonzero(scored)
    scores = np.full(len(table.source), np.nan)
    y = labels[table.source]
    groups = table.groups[table.source]
    for k in range(task.n_splits):
        train, test = np.flatnonzero(fold != k), np.flatnonzero((fold == k) & scored)
        where = f"{task.scheme}, repeat {task.repeat}, fold {k}"
        if task.scheme == "grouped":
            check_no_leakage(groups[train], groups[test], where=where)
        if len(np.unique(y[test])) < 2:
            raise ValueError(f"{where}: the scored rows are of one class")
        part = Part(
            table.X[train],
            y[train],
            table.source[train].astype(np.int32),
            table.original[train],
            groups[train],
            table.feature_names,
        )
        scores[test] = fit(part).predict_proba(table.X[test])[:, 1]
    if not np.isfinite(scores[rows]).all():
        raise ValueError("the model gave a score that is not a number")
    if task.permutation is None:
        result.rows, result.folds = rows, fold[rows].astype(np.int64)
        result.scores = scores[rows]
        return
    here = ScoredRows(fold[rows].astype(np.int64), np.arange(len(rows)), y[rows] == 1, scores[rows])
    ones = np.ones((1, len(rows)), dtype=np.uint16)
    result.means = {
        name: float(value[0]) for name, value in weighted_means(here, ones, threshold=0.5).items()
    }


def run_tasks(
    tasks: Sequence[Task], table: Table, fit: Fit, *, workers: int
) -> Iterator[TaskResult]:
    """Yield results as they come; a task whose worker died comes back as failed.

    Parameters
    ----------
    tasks
        As `tasks_of` lists them.
    table, fit
        The data, and what fits the model to a part of it.
    workers
        Processes, one thread each; 1 stays in this one.

    Raises
    ------
    LeakageError
        A group stood on both sides of a grouped fold; raised when the other tasks are done.
    """
    leak: LeakageError | None = None
    for result in _finished(tasks, table, fit, workers):
        if result.leaking is not None and leak is None:
            where = f"{result.task.scheme}, repeat {result.task.repeat}"
            leak = LeakageError(result.leaking, where)
        yield result
    if leak is not None:
        raise leak


def _finished(tasks: Sequence[Task], table: Table, fit: Fit, workers: int) -> Iterator[TaskResult]:
    if workers == 1:
        for task in tasks:
            yield run_task(task, table, fit)
        return
    left = {(task.scheme, task.permutation, task.repeat): task for task in tasks}
    with quiet_threads(), parallel_config(backend="loky", inner_max_num_threads=1):
        finished = Parallel(n_jobs=workers, return_as="generator_unordered")(
            delayed(run_task)(task, table, fit) for task in tasks
        )
        with contextlib.suppress(BrokenProcessPool):
            for result in finished:
                task = result.task
                del left[task.scheme, task.permutation, task.repeat]
                yield result
    for task in left.values():
        yield TaskResult(task, failure="a worker process died: try fewer --workers")
