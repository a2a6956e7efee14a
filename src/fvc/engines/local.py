"""Work on this machine: one process a worker, with limits on what a unit may take."""

import pickle
from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

from fvc.engines.base import Outcome
from fvc.engines.pool import Pool
from fvc.engines.resources import default_memory_limit_mib, default_workers
from fvc.errors import OptionError

U = TypeVar("U")
R = TypeVar("R")


class LocalEngine:
    """Processes on this machine, with limits on memory, on output and on time without progress.

    Parameters
    ----------
    workers
        Processes that work side by side; by default one a core, fewer where memory is short.
        One worker is a process of its own, too.
    stall_seconds
        How long a unit may go without a heartbeat before it counts as hung, in seconds.
    memory_limit_mib
        Resident memory at which a unit is stopped, in MiB; by default 2048, less on a small
        machine.
    output_limit_mib
        Largest size of one file that a unit may write, in MiB.
    address_space_mib
        Backstop for allocations faster than the watch, in MiB; by default four times the memory
        limit and at least 4096. 0 is no limit, which GPU libraries need: they reserve more than
        they use.

    Raises
    ------
    OptionError
        A limit is not a positive number.
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        stall_seconds: float = 120.0,
        memory_limit_mib: int | None = None,
        output_limit_mib: int = 8192,
        address_space_mib: int | None = None,
    ) -> None:
        self.workers = default_workers() if workers is None else workers
        if self.workers < 1:
            raise OptionError(f"workers must be 1 or more, not {workers}")
        if not stall_seconds > 0:
            raise OptionError(f"stall_seconds must be more than 0, not {stall_seconds}")
        if memory_limit_mib is None:
            memory_limit_mib = default_memory_limit_mib(self.workers)
        if memory_limit_mib < 1:
            raise OptionError(f"memory_limit_mib must be 1 or more, not {memory_limit_mib}")
        if address_space_mib is None:
            address_space_mib = max(4096, 4 * memory_limit_mib)
        self.stall_seconds = stall_seconds
        self.memory_limit_mib = memory_limit_mib
        self.output_limit_mib = output_limit_mib
        self.address_space_mib = address_space_mib

    def submit(
        self, function: Callable[[U], R], units: Iterable[U]
    ) -> Generator[Outcome[U, R], None, None]:
        """Apply a function to every unit in worker processes; see `Engine.submit`."""
        with Pool(self, pickle.dumps(function)) as pool:
            source = iter(units)
            finished: list[Outcome[U, R]] = []
            more = True
            while more or pool.busy or finished:
                while more and pool.has_room:
                    try:
                        unit = next(source)
                    except StopIteration:
                        more = False
                    else:
                        pool.give(unit)
                # Workers have their next unit before the caller spends time on the last.
                yield from finished
                if pool.fatal is not None:
                    raise pool.fatal
                finished = list(pool.collect()) if pool.busy else []
