"""Independent fits side by side, one thread each."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import BrokenProcessPool

from fvc.training.running import one_thread, quiet_threads, stop_workers

T = TypeVar("T")
R = TypeVar("R")


def spread(
    function: Callable[..., R], tasks: Sequence[T], shared: tuple[Any, ...], workers: int
) -> Iterator[R]:
    """Yield ``function(task, *shared)`` of each task, in the order in which they finish.

    Parameters
    ----------
    function
        Picklable.
    tasks
        One a call.
    shared
        Arguments of all calls; large arrays among them are shared by memory map.
    workers
        Processes; 1 stays in this one. What a process that dies takes with it is not yielded.
    """
    if workers == 1 or len(tasks) == 1:
        with one_thread():
            for task in tasks:
                yield function(task, *shared)
        return
    try:
        with quiet_threads(), parallel_config(backend="loky", inner_max_num_threads=1):
            finished = Parallel(n_jobs=workers, return_as="generator_unordered")(
                delayed(function)(task, *shared) for task in tasks
            )
            with contextlib.suppress(BrokenProcessPool):
                yield from finished
    finally:
        stop_workers()
