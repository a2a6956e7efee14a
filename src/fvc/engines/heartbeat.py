"""A sign of life from a unit at work: a counter in memory that the watching process reads."""

from typing import Protocol


class Counter(Protocol):
    """Numbers shared between processes, one for each worker."""

    def __getitem__(self, index: int, /) -> int: ...
    def __setitem__(self, index: int, value: int, /) -> None: ...


class _Pulse:
    """The counter of this process; there is none outside a worker."""

    counters: Counter | None = None
    index: int = 0


def heartbeat() -> None:
    """Say that the unit at work makes progress; does nothing outside a worker.

    Call it once a frame or more often: it costs well under a microsecond. A unit may take as long
    as it needs, so long as the next call comes within the engine's ``stall_seconds``.
    """
    counters = _Pulse.counters
    if counters is not None:
        counters[_Pulse.index] += 1


def connect(counters: Counter, index: int) -> None:
    """Let `heartbeat` count in ``counters[index]`` from now on."""
    _Pulse.counters = counters
    _Pulse.index = index
