"""Running the folds of a model in parallel, one thread a fit."""

import contextlib
import importlib
import os
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import BrokenProcessPool
from threadpoolctl import threadpool_limits

from fvc.engines.resources import available_cores
from fvc.errors import OptionError
from fvc.stages import RunOptions
from fvc.training.clips import Clips, Sources
from fvc.training.cluster import fit_on_cluster
from fvc.training.fold import FoldResult, FoldTask, run_fold


def usable_cores() -> int:
    """Count the cores that this process may use, of a cluster's node those of its task."""
    return available_cores()


def worker_count(asked: int | None) -> int:
    """Give the number of workers that is asked for, by default one a core.

    Raises
    ------
    OptionError
        It is not 1 or more.
    """
    if asked is None:
        return usable_cores()
    if asked < 1:
        raise OptionError(f"workers must be 1 or more, not {asked}")
    return asked


def run_folds(
    tasks: Sequence[FoldTask],
    clips: Clips,
    sources: Sources,
    workers: int,
    *,
    run: RunOptions | None = None,
    folder: Path | None = None,
) -> Iterator[FoldResult]:
    """Yield the result of each task, in the order in which they finish.

    The feature matrix is shared by memory map, so each worker holds the training part of one fold.

    Parameters
    ----------
    tasks
        Outer folds.
    clips, sources
        The data.
    workers
        Processes; 1 stays in this one.
    run, folder
        Where tabular models are fitted, if not here, and a folder that can be seen from there.

    Raises
    ------
    LeakageError
        A group stood on both sides of a fold.
    OutputError
        A detector could not be written.
    """
    if tasks and tasks[0].spec.family == "video":
        # torch is loaded for those who fit nets alone.
        nets = importlib.import_module("fvc.training.video.fold")
        yield from nets.run_video_folds(tasks, clips, sources)
        return
    if tasks and tasks[0].spec.family == "ensemble":
        ensembles = importlib.import_module("fvc.training.ensemble")
        yield from ensembles.run_ensemble_folds(tasks, clips, sources)
        return
    by_place = {(task.repeat, task.fold): task for task in tasks}
    if run is not None and folder is not None and run.engine != "local":
        results = fit_on_cluster(tasks, _arguments(clips, sources), run, folder)
    else:
        results = (_here if workers == 1 else _in_processes)(tasks, clips, sources, workers)
    with contextlib.closing(results):
        for result in results:
            result.raise_if_fatal(by_place.pop((result.repeat, result.fold)).where)
            yield result
    for task in by_place.values():
        yield FoldResult(
            task.repeat,
            task.fold,
            failure="a worker process died, most often for want of memory: try fewer --workers",
        )


def _arguments(clips: Clips, sources: Sources) -> tuple[object, ...]:
    return (
        clips.X,
        clips.source,
        clips.original,
        sources.labels,
        sources.groups,
        clips.feature_names,
    )


def _here(
    tasks: Sequence[FoldTask], clips: Clips, sources: Sources, workers: int
) -> Generator[FoldResult, None, None]:
    arguments = _arguments(clips, sources)
    # Again: a library that was loaded since has threads of its own.
    with one_thread():
        for task in tasks:
            yield run_fold(task, *arguments)  # type: ignore[arg-type]


def _in_processes(
    tasks: Sequence[FoldTask], clips: Clips, sources: Sources, workers: int
) -> Generator[FoldResult, None, None]:
    arguments = _arguments(clips, sources)
    with quiet_threads(), parallel_config(backend="loky", inner_max_num_threads=1):
        finished = Parallel(n_jobs=workers, return_as="generator_unordered")(
            delayed(run_fold)(task, *arguments) for task in tasks
        )
        # What a dead worker takes with it is recorded by the caller as failed.
        with contextlib.suppress(BrokenProcessPool):
            yield from finished


def one_thread() -> contextlib.AbstractContextManager[Any]:
    """Keep this process's linear algebra on one thread.

    Its matrices are small: threads only wait for each other, at many times the cost on a busy
    machine, and sums in another order would change the last digits.
    """
    # Only libraries that are loaded have threads to limit, and SciPy brings its own.
    importlib.import_module("sklearn.linear_model")
    limits: contextlib.AbstractContextManager[Any] = threadpool_limits(1)
    return limits


@contextlib.contextmanager
def quiet_threads() -> Iterator[None]:
    """Make the workers' OpenMP threads sleep while they wait: spinning costs tenfold under load."""
    before = os.environ.get("OMP_WAIT_POLICY")
    os.environ["OMP_WAIT_POLICY"] = "passive"
    try:
        yield
    finally:
        if before is None:
            del os.environ["OMP_WAIT_POLICY"]
        else:
            os.environ["OMP_WAIT_POLICY"] = before


def stop_workers() -> None:
    """End the worker processes, which would otherwise idle for minutes with their memory."""
    get_reusable_executor().shutdown(wait=True)
