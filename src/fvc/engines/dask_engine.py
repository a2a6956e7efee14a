"""Work on a Dask cluster: units and rows travel, data stay on the file system that all share."""

import contextlib
import os
import pickle
import queue
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from fvc.engines import dask_worker
from fvc.engines.base import Failure, Outcome
from fvc.engines.dask_cluster import SLURM, check_scheduler, connect, import_dask, unreachable
from fvc.engines.worker import revive
from fvc.errors import FVCError, OptionError, OutputError

U = TypeVar("U")
R = TypeVar("R")

_POLL_SECONDS = 1.0
_COUNT_SECONDS = 2.0
_FETCH_SECONDS = 60.0
_STOP_SECONDS = 10.0
# A message to the cluster and back takes the caller some 10 ms: short units travel together.
_BATCH_SECONDS = 0.5
_BATCH_UNITS = 32


class DaskEngine:
    """The workers of a Dask cluster, each unit in a watched process of its own.

    A unit whose worker is lost is done again elsewhere. A unit that is at work whenever workers
    are lost is tried once more with nothing beside it, and fails if that loses workers, too.

    Parameters
    ----------
    scheduler
        Address of the scheduler such as ``tcp://127.0.0.1:8786``, the file that it writes with
        ``--scheduler-file``, or ``slurm`` to start workers on SLURM; by default what Dask's
        configuration names.
    workers
        Units at work at most, by default one a thread of the cluster's workers; of ``slurm``, the
        jobs to start.
    stall_seconds, output_limit_mib, address_space_mib
        As in `fvc.engines.LocalEngine`.
    memory_limit_mib
        As in `fvc.engines.LocalEngine`; by default a thread's share of its worker's memory, at
        most 2048.
    folder
        A folder that all workers must see; they look for a file in it before they begin.
    patience_seconds
        How long the cluster may be without any worker; with ``slurm``, where jobs wait in a
        queue, that may last for ever.

    Raises
    ------
    MissingExtraError
        Dask is not installed.
    OptionError
        No scheduler is named, or a limit is not a positive number.
    """

    def __init__(
        self,
        scheduler: str | None = None,
        *,
        workers: int | None = None,
        stall_seconds: float = 120.0,
        memory_limit_mib: int | None = None,
        output_limit_mib: int = 8192,
        address_space_mib: int | None = None,
        folder: Path | None = None,
        patience_seconds: float = 60.0,
    ) -> None:
        if workers is not None and workers < 1:
            raise OptionError(f"workers must be 1 or more, not {workers}")
        check_scheduler(scheduler)
        self.scheduler = scheduler
        self.limit = workers
        self.workers = workers or 1
        self.stall_seconds = stall_seconds
        self.memory_limit_mib = memory_limit_mib
        self.output_limit_mib = output_limit_mib
        self.address_space_mib = address_space_mib
        self.folder = folder
        self.patience_seconds = float("inf") if scheduler == SLURM else patience_seconds

    def submit(
        self, function: Callable[[U], R], units: Iterable[U]
    ) -> Generator[Outcome[U, R], None, None]:
        """Apply a function to every unit on the cluster; see `fvc.engines.Engine.submit`.

        Raises
        ------
        FVCError
            The scheduler cannot be reached or is lost, or there are no workers.
        """
        packed = pickle.dumps(function)
        with self._marker() as marker, self._client() as client:
            job = dask_worker.Job(
                token=uuid4().hex,
                function=packed,
                folder=os.getcwd(),
                marker=marker,
                stall_seconds=self.stall_seconds,
                memory_limit_mib=self.memory_limit_mib,
                output_limit_mib=self.output_limit_mib,
                address_space_mib=self.address_space_mib,
            )
            run = _Run(self, client, job)
            try:
                yield from run(units)
            finally:
                run.stop()

    @contextlib.contextmanager
    def _client(self) -> Iterator[Any]:
        client = connect(self.scheduler, jobs=self.limit)
        try:
            yield client
        finally:
            client.close(timeout=_STOP_SECONDS)

    @contextlib.contextmanager
    def _marker(self) -> Iterator[str]:
        if self.folder is None:
            yield ""
            return
        marker = self.folder / f".fvc-dask-{uuid4().hex}"
        try:
            marker.touch()
        except OSError as error:
            raise OutputError(f"cannot write {marker}: {error.strerror}") from error
        try:
            yield str(marker)
        finally:
            marker.unlink(missing_ok=True)


class _LostAgain(Exception):  # noqa: N818
    """A batch was at work whenever workers were lost."""


@dataclass(eq=False)
class _Run:
    """One `submit`: what is at work, and what is suspected of killing workers."""

    engine: DaskEngine
    client: Any
    job: dask_worker.Job
    number: int = 0
    at_work: dict[str, tuple[Any, list[tuple[Any, bytes]]]] = field(default_factory=dict)
    finished: "queue.SimpleQueue[str]" = field(default_factory=queue.SimpleQueue)
    suspects: list[tuple[Any, bytes]] = field(default_factory=list)
    alone: bool = False
    pace: float = _BATCH_SECONDS
    counted_at: float = float("-inf")
    peopled_at: float = field(default_factory=time.monotonic)

    def __call__(self, units: Iterable[Any]) -> Iterator[Outcome[Any, Any]]:
        source, more = iter(units), True
        self._count()
        while more or self.at_work or self.suspects:
            while more and len(self.at_work) < self._room:
                batch = [(unit, pickle.dumps(unit)) for unit in islice(source, self._batch)]
                if batch:
                    self._give(batch)
                else:
                    more = False
            if self.suspects and not self.at_work:
                self.alone = True
                self._give([self.suspects.pop()])
            if self.at_work:
                yield from self._collect()

    @property
    def _room(self) -> int:
        """Batches handed out: with no limit, each thread finds its next when it is done."""
        if self.engine.limit is not None and self.engine.scheduler != SLURM:
            return self.engine.limit
        return 2 * self.engine.workers

    @property
    def _batch(self) -> int:
        """Units that travel together."""
        return int(max(1, min(_BATCH_UNITS, _BATCH_SECONDS / self.pace)))

    def _give(self, batch: list[tuple[Any, bytes]]) -> None:
        self.number += 1
        key = f"fvc-{self.job.token}-{self.number}"
        tasks = [task for _, task in batch]
        future = self.client.submit(dask_worker.work_all, self.job, tasks, key=key, pure=False)
        self.at_work[key] = future, batch
        future.add_done_callback(lambda done: self.finished.put(done.key))

    def _collect(self) -> Iterator[Outcome[Any, Any]]:
        try:
            key = self.finished.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            self._count()
            return
        self._count()
        if key not in self.at_work:
            return
        future, batch = self.at_work[key]
        try:
            answers = self._fetch(future)
        except _LostAgain as error:
            del self.at_work[key]
            if self.alone:
                yield Outcome(batch[0][0], None, Failure("crash", str(error)), 0.0)
            else:
                self.suspects += batch
            return
        if answers is None:
            self.finished.put(key)
            return
        del self.at_work[key]
        # A run that ends does so after what was done before.
        for (unit, _), answer in zip(batch, answers, strict=False):
            if answer.fatal is not None:
                raise revive(answer.fatal)
            self.pace += 0.2 * (answer.seconds - self.pace)
            yield _outcome(unit, answer)

    def _fetch(self, future: Any) -> list[dask_worker.Answer] | None:
        """Get the answers of a batch; None when a worker went away with them.

        Raises
        ------
        _LostAgain
            Too many workers were lost with it.
        FVCError
            The scheduler is lost, or the workers cannot work.
        """
        dask = import_dask()
        try:
            answers: list[dask_worker.Answer] = future.result(timeout=_FETCH_SECONDS)
        except TimeoutError:
            return None  # Dask does it again
        except dask.KilledWorker as error:
            raise _LostAgain(_deaths(error)) from error
        except dask.client.FutureCancelledError as error:
            raise unreachable(self._address, "the connection was lost") from error
        except Exception as error:
            # Our side of a worker records whatever goes wrong with a unit: this is the cluster's.
            raise FVCError(
                f"the Dask workers of {self._address} cannot work: {error!r}. They need the same "
                "packages as this machine"
            ) from error
        return answers

    def _count(self) -> None:
        """Count the threads that there are, now and then.

        Raises
        ------
        FVCError
            The scheduler is lost, or there has been no worker for too long.
        """
        now = time.monotonic()
        if now - self.counted_at < _COUNT_SECONDS:
            return
        self.counted_at = now
        try:
            threads = sum(self.client.nthreads().values())
        except (OSError, TimeoutError, RuntimeError) as error:
            raise unreachable(self._address, error) from error
        if threads:
            self.engine.workers = threads
            self.peopled_at = now
        elif now - self.peopled_at > self.engine.patience_seconds:
            raise FVCError(
                f"Dask's scheduler {self._address} has had no workers for "
                f"{now - self.peopled_at:.0f} seconds. What is done is kept: start workers, with "
                "nannies so that they come back, and run the same command to go on"
            )

    @property
    def _address(self) -> str:
        return self.engine.scheduler or str(self.client)

    def stop(self) -> None:
        """Give up what is at work and end the processes of this run."""
        if self.client.status != "running":
            return
        # The cluster may go away at this very moment, and then there is nothing to stop.
        with contextlib.suppress(OSError, TimeoutError, RuntimeError):
            if self.at_work:
                self.client.cancel([future for future, _ in self.at_work.values()], force=True)
            self.client.run(
                dask_worker.end, self.job.token, on_error="ignore", callback_timeout=_STOP_SECONDS
            )


def _outcome(unit: Any, answer: dask_worker.Answer) -> Outcome[Any, Any]:
    if answer.failure is not None or answer.value is None:
        return Outcome(unit, None, answer.failure, answer.seconds)
    try:
        value = pickle.loads(answer.value)
    except Exception as error:  # a value that does not come back is its unit's failure
        failure = Failure("error", f"the result cannot be unpickled: {error!r}")
        return Outcome(unit, None, failure, answer.seconds)
    return Outcome(unit, value, None, answer.seconds)


def _deaths(error: Exception) -> str:
    return (
        "took down every Dask worker that it was given to, one after the other, also when nothing "
        f"else was at work ({error.args[0] if error.args else error})"
    )[:2000]
