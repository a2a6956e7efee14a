"""A pool of worker processes, each watched, none able to harm another.

Every worker has a pipe of its own and holds one unit at a time. So the parent always knows which
unit a process is at, a process may be killed at any instant (in the middle of sending, too)
without a lock or half a message left behind for the others, and the kill meets the right unit:
pools in which workers share a queue cannot promise the last two.
"""

import pickle
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import RawArray
from typing import TYPE_CHECKING, Any

from fvc.engines.base import Failure, Outcome
from fvc.engines.heartbeat import Counter
from fvc.engines.processes import cause_of_death, process_context
from fvc.engines.resources import resident_mib
from fvc.engines.worker import READY, Fatal, Limits, revive, run_worker
from fvc.errors import FVCError

if TYPE_CHECKING:
    from fvc.engines.local import LocalEngine

_WATCH_SECONDS = 0.05
_KILL_SECONDS = 10.0
_START_ATTEMPTS = 3


@dataclass(eq=False)
class _Worker:
    """One process as seen from its parent; `lock` of the pool guards what changes."""

    process: BaseProcess
    connection: Connection
    lifeline: Connection
    index: int
    unit: Any = None
    task: bytes | None = None
    ready: bool = False
    started: float = 0.0
    beats: int = 0
    given_at: int = 0
    alive_at: float = 0.0
    killed_at: float | None = None
    verdict: Failure | None = None


@dataclass(eq=False)
class Pool:
    """The processes of one `submit`."""

    engine: "LocalEngine"
    function: bytes
    fatal: FVCError | None = None
    workers: list[_Worker] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    done: threading.Event = field(default_factory=threading.Event)
    start_failures: int = 0

    def __post_init__(self) -> None:
        self.context = process_context()
        self.counters: Counter = RawArray("Q", self.engine.workers)
        self.watcher = threading.Thread(target=self._watch, name="fvc-watch", daemon=True)

    def __enter__(self) -> "Pool":
        self.watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        for worker in self.workers:
            worker.lifeline.close()
            worker.process.kill()
        for worker in self.workers:
            worker.process.join(_KILL_SECONDS)
            worker.connection.close()
        self.watcher.join()

    @property
    def busy(self) -> bool:
        """Whether a unit is at work."""
        return any(worker.task is not None for worker in self.workers)

    @property
    def has_room(self) -> bool:
        """Whether there is a worker, or room for one, that has nothing to do."""
        return self.fatal is None and (
            len(self.workers) < self.engine.workers
            or any(worker.task is None for worker in self.workers)
        )

    def give(self, unit: Any) -> None:
        """Hand a unit to an idle worker, or to a new one."""
        self.hand_over(unit, pickle.dumps(unit))

    def kill(self) -> None:
        """Kill the processes; whoever collects sees their units crash."""
        with self.lock:
            for worker in self.workers:
                worker.process.kill()

    def hand_over(self, unit: Any, task: bytes) -> None:
        """Like `give`, of a unit that is pickled already."""
        while True:
            worker = next((w for w in self.workers if w.task is None), None) or self._start()
            with self.lock:
                if worker.verdict is None:
                    worker.unit, worker.task = unit, task
                    worker.given_at = self.counters[worker.index]
                    worker.started = worker.alive_at = time.monotonic()
            try:
                if worker.task is not None:
                    worker.connection.send_bytes(task)
                    return
            except ConnectionError:
                if not worker.ready:
                    return  # `collect` sees to a worker that cannot start
            # It died while it had nothing to do: no unit is to blame.
            worker.task = None
            self._bury(worker)

    def collect(self) -> Iterator[Outcome[Any, Any]]:
        """Wait for the next workers to finish and yield what became of their units."""
        busy = {worker.connection: worker for worker in self.workers if worker.task is not None}
        ready = wait(list(busy), timeout=1.0)
        now = time.monotonic()
        for connection, worker in busy.items():
            if connection in ready:
                yield from self._receive(worker)
            elif worker.killed_at is not None and now - worker.killed_at > _KILL_SECONDS:
                # Stuck in the kernel, as on a network drive that is gone: left behind.
                yield self._lost(worker)

    def _receive(self, worker: _Worker) -> Iterator[Outcome[Any, Any]]:
        try:
            message = worker.connection.recv_bytes()
        except (EOFError, OSError):
            if worker.verdict is None and self.counters[worker.index] == worker.given_at:
                self._restart(worker)  # it had not begun: no unit is to blame
            else:
                yield self._lost(worker)
            return
        if message == READY and not worker.ready:
            with self.lock:
                worker.ready = True
                worker.started = worker.alive_at = time.monotonic()
            return
        self.start_failures = 0
        with self.lock:
            worker.task = None
        outcome = self._outcome(worker, message)
        if worker.verdict is not None or self._has_grown(worker):
            self._bury(worker)
        if outcome is not None:
            yield outcome

    def _outcome(self, worker: _Worker, message: bytes) -> Outcome[Any, Any] | None:
        try:
            answer = pickle.loads(message)
        except Exception as error:  # a value that does not come back is its unit's failure
            answer = Failure("error", f"the result cannot be unpickled: {error!r}")
        seconds = time.monotonic() - worker.started
        if isinstance(answer, Failure):
            return Outcome(worker.unit, None, answer, seconds)
        if isinstance(answer, Fatal):
            self.fatal = revive(answer)
            return None
        return Outcome(worker.unit, answer[0], None, seconds)

    def _lost(self, worker: _Worker) -> Outcome[Any, Any]:
        """Say why a worker is gone with its unit."""
        seconds = time.monotonic() - worker.started
        unit, verdict = worker.unit, worker.verdict
        self._bury(worker)
        code = worker.process.exitcode
        if verdict is None and code in (None, 255):
            # The server that forks is gone, too. Where that is because a signal goes through the
            # whole process group, ours arrives now, and the unit must not get the blame.
            time.sleep(0.2)
        return Outcome(unit, None, verdict or Failure("crash", cause_of_death(code)), seconds)

    def _restart(self, worker: _Worker) -> None:
        unit, task = worker.unit, worker.task
        self._bury(worker)
        self.start_failures += 1
        if self.start_failures >= _START_ATTEMPTS:
            raise FVCError(
                f"worker processes cannot start: {cause_of_death(worker.process.exitcode)}. A "
                'script that calls this must do so under `if __name__ == "__main__":`.'
            )
        assert task is not None
        self.hand_over(unit, task)

    def _start(self) -> _Worker:
        engine = self.engine
        ours, theirs = self.context.Pipe(duplex=True)
        their_lifeline, lifeline = self.context.Pipe(duplex=False)
        taken = {worker.index for worker in self.workers}
        index = next(i for i in range(engine.workers) if i not in taken)
        limits = Limits(engine.address_space_mib or None, engine.output_limit_mib or None)
        process = self.context.Process(  # type: ignore[attr-defined]
            target=run_worker,
            args=(theirs, their_lifeline, self.counters, index, limits, self.function),
            name=f"fvc-worker-{index}",
            daemon=True,
        )
        process.start()
        # Only the child may hold these: then the pipe ends when the child does.
        theirs.close()
        their_lifeline.close()
        worker = _Worker(process, ours, lifeline, index)
        with self.lock:
            self.workers.append(worker)
        return worker

    def _bury(self, worker: _Worker) -> None:
        with self.lock:
            self.workers.remove(worker)
        if worker.task is not None and worker.killed_at is None:
            worker.process.join(0.5)  # it is ending by itself: let it say how
        worker.lifeline.close()
        worker.process.kill()
        worker.process.join(_KILL_SECONDS if worker.killed_at is None else 0.5)
        worker.connection.close()

    def _has_grown(self, worker: _Worker) -> bool:
        """Whether a worker holds so much between units that the next would pay for the last."""
        pid = worker.process.pid
        return pid is not None and resident_mib(pid) > self.engine.memory_limit_mib / 2

    def _watch(self) -> None:
        last = time.monotonic()
        while not self.done.wait(_WATCH_SECONDS):
            now = time.monotonic()
            # This thread sleeps by the clock; a gap means that the machine or the whole process
            # group stood still, and a worker cannot be blamed for that time.
            gap = now - last if now - last > 20 * _WATCH_SECONDS else 0.0
            last = now
            with self.lock:
                for worker in self.workers:
                    if worker.task is not None and worker.killed_at is None:
                        worker.alive_at += gap
                        self._judge(worker, now)

    def _judge(self, worker: _Worker, now: float) -> None:
        beats = self.counters[worker.index]
        if beats != worker.beats:
            worker.beats = beats
            worker.alive_at = now
        pid = worker.process.pid
        resident = resident_mib(pid) if pid is not None else 0.0
        limit, patience = self.engine.memory_limit_mib, self.engine.stall_seconds
        if resident > limit:
            worker.verdict = Failure(
                "memory",
                f"held {resident:.0f} MiB of memory, the limit is {limit} MiB; usual videos need "
                "far less: look at the file before you raise --memory-limit-mib",
            )
        elif now - worker.alive_at > patience:
            worker.verdict = Failure(
                "stalled",
                f"made no progress for {patience:g} seconds, so it was stopped; on a slow disk or "
                "machine, --stall-seconds gives it more time",
            )
        if worker.verdict is not None:
            worker.killed_at = now
            worker.process.kill()
