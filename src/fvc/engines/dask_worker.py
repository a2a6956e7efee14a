"""The inside of a Dask worker: each unit in a watched process of its own, as on one machine.

Dask's worker itself runs none of a unit's code. So a unit that hangs, eats memory or kills its
process meets the same limits as with `LocalEngine`, and Dask's worker lives on. This module is
imported on the workers and needs nothing of Dask.
"""

import contextlib
import importlib
import multiprocessing
import os
import pickle
import socket
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from fvc import __version__
from fvc.engines.base import Failure
from fvc.engines.local import LocalEngine
from fvc.engines.pool import Pool
from fvc.engines.worker import Fatal, describe
from fvc.errors import OptionError

IDLE_SECONDS = 60.0
"""How long a process waits for its next unit when nobody says that the run is over."""

_MARKER_SECONDS = 10.0


@dataclass(frozen=True)
class Job:
    """What all units of a run share; it travels with each of them, so it is small.

    Attributes
    ----------
    token
        Name of the run.
    function : bytes
        Pickled; what to apply to each unit.
    folder
        Where the caller works; relative paths begin here.
    marker
        A file on the shared file system that the caller has written; empty is no check.
    stall_seconds, memory_limit_mib, output_limit_mib, address_space_mib
        As in `LocalEngine`.
    version
        Version of this package with the caller.
    """

    token: str
    function: bytes
    folder: str
    marker: str
    stall_seconds: float
    memory_limit_mib: int | None
    output_limit_mib: int
    address_space_mib: int | None
    version: str = __version__


@dataclass(frozen=True)
class Answer:
    """What became of a unit: a pickled value, its failure, or the end of the run."""

    seconds: float = 0.0
    value: bytes | None = None
    failure: Failure | None = None
    fatal: Fatal | None = None


@dataclass
class _Packed:
    """The function as the process of a unit calls it: there, and with a value that stays packed."""

    function: bytes
    folder: str
    loaded: Callable[[Any], Any] | None = None

    def __call__(self, unit: Any) -> bytes:
        if self.loaded is None:
            try:
                os.chdir(self.folder)
                self.loaded = pickle.loads(self.function)
            except (OSError, ImportError, AttributeError) as error:
                raise OptionError(
                    f"the Dask worker on {socket.gethostname()} has not what this machine has: "
                    f"{error}. Workers need the same packages, and the same folders under the "
                    "same names"
                ) from error
        return pickle.dumps(self.loaded(unit))


def work_all(job: Job, tasks: Sequence[bytes]) -> list[Answer]:
    """Do units one after the other, up to one that ends the run; see `work`."""
    answers: list[Answer] = []
    for task in tasks:
        answers.append(work(job, task))
        if answers[-1].fatal is not None:
            break
    return answers


def work(job: Job, task: bytes) -> Answer:
    """Do one unit; runs in a thread of a Dask worker.

    Parameters
    ----------
    job
        What all units share.
    task
        The pickled unit.
    """
    if job.version != __version__:
        return _end(
            f"the Dask worker on {socket.gethostname()} has fvc {__version__}, this machine has "
            f"{job.version}: install the same version"
        )
    if not _sees(job.marker):
        return _end(
            f"the Dask worker on {socket.gethostname()} does not see {Path(job.marker).parent}: "
            "the project has to be on a file system that all workers share, under the same path"
        )
    pool = _POOLS.take(job)
    if pool is None:
        return Answer(failure=Failure("error", "the run has ended"))
    try:
        pool.hand_over(None, task)
        outcomes: list[Any] = []
        while pool.busy and pool.fatal is None and not outcomes:
            outcomes = list(pool.collect())
    finally:
        _POOLS.give_back(job.token, pool)
    if pool.fatal is not None:
        fatal = describe(pool.fatal)
        return Answer(fatal=fatal) if isinstance(fatal, Fatal) else Answer(failure=fatal)
    (outcome,) = outcomes
    return Answer(outcome.seconds, outcome.value, outcome.failure)


def end(token: str) -> None:
    """Give up what runs for a run and end its processes."""
    _POOLS.end(token)


def _end(message: str) -> Answer:
    return Answer(fatal=Fatal(OptionError.__name__, message))


def _sees(marker: str) -> bool:
    """Whether a file is there; a network file system may show a new one late."""
    if not marker or marker in _SEEN:
        return True
    deadline = time.monotonic() + _MARKER_SECONDS
    while not os.path.exists(marker):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    _SEEN.add(marker)
    return True


@dataclass
class _Pools:
    """The processes of this worker: one for each of its threads, kept from unit to unit."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    idle: dict[str, list[Pool]] = field(default_factory=lambda: defaultdict(list))
    busy: dict[str, list[Pool]] = field(default_factory=lambda: defaultdict(list))
    timers: dict[int, threading.Timer] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)

    def take(self, job: Job) -> Pool | None:
        """Give an idle pool or a new one; None when the run has ended."""
        with self.lock:
            if job.token in self.ended:
                return None
            if self.idle[job.token]:
                pool = self.idle[job.token].pop()
                self.timers.pop(id(pool)).cancel()
            else:
                pool = _open(job)
            self.busy[job.token].append(pool)
            return pool

    def give_back(self, token: str, pool: Pool) -> None:
        """Keep a pool for the next unit."""
        with self.lock:
            self.busy[token].remove(pool)
            if token not in self.ended:
                self.idle[token].append(pool)
                timer = threading.Timer(IDLE_SECONDS, self._retire, (token, pool))
                timer.daemon = True
                self.timers[id(pool)] = timer
                timer.start()
                return
        pool.__exit__()

    def end(self, token: str) -> None:
        """Kill what is at work and close what is not."""
        with self.lock:
            self.ended.add(token)
            idle = self.idle.pop(token, [])
            for pool in idle:
                self.timers.pop(id(pool)).cancel()
            for pool in self.busy[token]:
                pool.kill()  # the thread that waits for it sees it die, and closes it
        for pool in idle:
            pool.__exit__()

    def _retire(self, token: str, pool: Pool) -> None:
        with self.lock:
            if pool not in self.idle[token]:
                return
            self.idle[token].remove(pool)
            self.timers.pop(id(pool))
        pool.__exit__()


def _open(job: Job) -> Pool:
    engine = LocalEngine(
        1,
        stall_seconds=job.stall_seconds,
        memory_limit_mib=job.memory_limit_mib or _memory_limit_mib(),
        output_limit_mib=job.output_limit_mib,
        address_space_mib=job.address_space_mib,
    )
    # Dask's nannies start workers as daemons, which may have no children; ours end with us.
    multiprocessing.current_process().daemon = False
    return _Pool(engine, pickle.dumps(_Packed(job.function, job.folder))).__enter__()


class _Pool(Pool):
    """A pool whose processes do not import the program that started this one: Dask's."""

    def _start(self) -> Any:
        with _no_main():
            return super()._start()


_MAIN_LOCK = threading.Lock()


@contextlib.contextmanager
def _no_main() -> Iterator[None]:
    with _MAIN_LOCK:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


def _memory_limit_mib() -> int:
    """Share out what Dask gave to this worker among its threads, 512 MiB to 2 GiB each."""
    worker: Any = importlib.import_module("distributed").get_worker()
    granted = worker.memory_manager.memory_limit
    if not granted:
        return 2048
    threads = int(worker.state.nthreads)
    return max(512, min(2048, int(granted) * 8 // (10 * threads) >> 20))


_POOLS = _Pools()
_SEEN: set[str] = set()
