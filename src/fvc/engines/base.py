"""The one small interface between a stage and the place where its work runs."""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from fvc.errors import OptionError

U = TypeVar("U")
R = TypeVar("R")


@dataclass(frozen=True)
class Failure:
    """Why a unit gave no value.

    Parameters
    ----------
    kind
        The ``kind`` of a `VideoError`, or one of ``"crash"`` (took its process down), ``"stalled"``
        (no progress for too long), ``"memory"``, ``"output"`` (wrote too much), ``"missing"`` (no
        such file), ``"data"`` (another error about the input) and ``"error"`` (anything else).
    reason
        A sentence that helps.
    """

    kind: str
    reason: str


@dataclass(frozen=True)
class Outcome(Generic[U, R]):
    """What became of one unit: a value or a failure, and the seconds that it took."""

    unit: U
    value: R | None
    failure: Failure | None
    seconds: float


class Engine(Protocol):
    """A place where work runs."""

    workers: int

    def submit(
        self, function: Callable[[U], R], units: Iterable[U]
    ) -> Generator[Outcome[U, R], None, None]:
        """Apply a function to every unit and yield outcomes as they finish.

        Parameters
        ----------
        function
            Must pickle, as must the units and the values. It may call
            `~fvc.engines.heartbeat`.
        units
            May be huge or endless: only a few are taken ahead of the outcomes.

        Yields
        ------
        Outcome
            In the order in which units finish. Close the generator to give up what is running.

        Raises
        ------
        OutputError, OptionError, NotAvailableError
            Raised by the function: they would meet every further unit as well.
        """
        ...


def create_engine(
    name: str = "local",
    *,
    workers: int | None = None,
    stall_seconds: float = 120.0,
    memory_limit_mib: int | None = None,
    address_space_mib: int | None = None,
    scheduler: str | None = None,
    folder: Path | None = None,
) -> Engine:
    """Make an engine by name.

    Parameters
    ----------
    name
        ``"local"``: processes on this machine; ``"dask"``: the workers of a Dask cluster.
    workers, stall_seconds, memory_limit_mib, address_space_mib
        As in `LocalEngine` and `DaskEngine`.
    scheduler, folder
        As in `DaskEngine`.

    Raises
    ------
    MissingExtraError
        Dask is not installed.
    OptionError
        There is no such engine, or it lacks a scheduler.
    """
    limits: dict[str, Any] = {
        "workers": workers,
        "stall_seconds": stall_seconds,
        "memory_limit_mib": memory_limit_mib,
        "address_space_mib": address_space_mib,
    }
    if name == "local":
        from fvc.engines.local import LocalEngine

        return LocalEngine(**limits)
    if name == "dask":
        from fvc.engines.dask_engine import DaskEngine

        return DaskEngine(scheduler, folder=folder, **limits)
    raise OptionError(f"engine {name!r}: there are 'local' and 'dask'")
