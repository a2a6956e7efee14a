"""Folds of tabular models on a cluster: the matrix by a file that all share, results by wire."""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import joblib

from fvc.engines import create_engine
from fvc.stages import RunOptions
from fvc.tables import TEMPORARY_MARK, atomic_write
from fvc.training.fold import FoldResult, FoldTask, run_fold

_NO_LIMIT_MIB = 1 << 24
"""A fit holds what its matrix takes: the limit is the machine's, or the batch system's."""


@dataclass
class SharedFit:
    """Fits a fold to arrays that lie in a file, which is mapped into memory once a process.

    Parameters
    ----------
    path
        What `joblib.dump` wrote of the arguments of `run_fold` after the task.
    """

    path: Path
    arguments: tuple[Any, ...] | None = None

    def __call__(self, task: FoldTask) -> FoldResult:
        """Fit a fold."""
        if self.arguments is None:
            self.arguments = tuple(joblib.load(self.path, mmap_mode="r"))
        return run_fold(task, *self.arguments)


def fit_on_cluster(
    tasks: Sequence[FoldTask], arguments: tuple[object, ...], run: RunOptions, folder: Path
) -> Generator[FoldResult, None, None]:
    """Yield the result of each task, in the order in which they finish.

    Parameters
    ----------
    tasks
        Outer folds.
    arguments
        Of `run_fold`, after the task.
    run
        Where the fits run.
    folder
        On the file system that all workers share; the arrays lie there while the fits run.

    Raises
    ------
    FVCError
        The cluster cannot be reached or is lost. What was yielded before counts.
    """
    if not tasks:
        return
    # A fit has no heartbeat: how long it takes is its own affair.
    engine = create_engine(
        run.engine,
        workers=run.workers,
        stall_seconds=math.inf,
        memory_limit_mib=_NO_LIMIT_MIB,
        address_space_mib=0,
        scheduler=run.scheduler,
        folder=folder,
    )
    shared = folder / f"{TEMPORARY_MARK}{uuid4().hex[:12]}.joblib"
    try:
        with atomic_write(shared) as temporary, temporary.open("wb") as file:
            joblib.dump(arguments, file)
        for outcome in engine.submit(SharedFit(shared), tasks):
            if outcome.value is not None:
                yield outcome.value
            elif outcome.failure is not None:
                task, failure = outcome.unit, outcome.failure
                reason = f"{failure.kind}: {failure.reason}"
                yield FoldResult(task.repeat, task.fold, failure=reason)
    finally:
        shared.unlink(missing_ok=True)
