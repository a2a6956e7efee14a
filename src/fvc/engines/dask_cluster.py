"""Finding Dask's scheduler: by its address, by its file, or started with workers on SLURM."""

import atexit
import importlib
import logging
from pathlib import Path
from typing import Any

from fvc.errors import FVCError, MissingExtraError, OptionError

SLURM = "slurm"
"""In place of an address: start the workers as jobs of SLURM."""

CONNECT_SECONDS = 15.0

_log = logging.getLogger("fvc.engines")


def check_scheduler(scheduler: str | None) -> None:
    """See whether there is a scheduler to connect to, without connecting.

    Raises
    ------
    MissingExtraError
        Dask is not installed.
    OptionError
        No scheduler is named, it is no address, or not one that Dask's configuration allows.
    """
    import_dask()
    named = _named(scheduler)
    if named != SLURM and "://" not in named and not Path(named).is_file() and ":" not in named:
        raise OptionError(
            f"scheduler {named!r} is neither an address such as tcp://127.0.0.1:8786, nor the file "
            "that a scheduler writes with --scheduler-file, nor 'slurm'"
        )
    encrypted = importlib.import_module("dask").config.get("distributed.comm.require-encryption")
    if encrypted and "://" in named and not named.startswith("tls://"):
        raise OptionError(
            f"Dask's configuration requires encryption, and scheduler {named!r} is not a tls:// "
            "address"
        )


def connect(scheduler: str | None, *, jobs: int | None = None) -> Any:
    """Connect to a scheduler.

    Parameters
    ----------
    scheduler
        ``tcp://host:port``, ``tls://host:port``, a scheduler's file, or ``slurm``; None is what
        Dask's own configuration names (``DASK_SCHEDULER_ADDRESS``). Certificates are those of
        Dask's configuration (``distributed.comm.tls``).
    jobs
        Jobs to start, of SLURM alone; 1 by default. They serve all later connections.

    Raises
    ------
    MissingExtraError
        Dask is not installed.
    OptionError
        No scheduler is named, or what Dask's configuration says is not enough.
    FVCError
        It does not answer.
    """
    check_scheduler(scheduler)
    named = _named(scheduler)
    where: dict[str, Any] = {"address": named}
    if named == SLURM:
        where = {"address": _slurm_cluster(jobs or 1)}
    elif Path(named).is_file():
        where = {"scheduler_file": named}
    try:
        return import_dask().Client(
            **where, timeout=CONNECT_SECONDS, set_as_default=False, name="fvc"
        )
    except (OSError, ValueError, TypeError) as error:  # of time-outs, addresses, certificates
        raise unreachable(named, error) from error


def unreachable(scheduler: str, why: object) -> FVCError:
    """Make the error of a scheduler that is not there."""
    return FVCError(
        f"Dask's scheduler {scheduler} cannot be reached ({why}). What is done is kept: start it "
        "and run the same command to go on"
    )


def _named(scheduler: str | None) -> str:
    named = scheduler or importlib.import_module("dask").config.get("scheduler-address", None)
    if not named:
        raise OptionError(
            "the engine 'dask' needs the address of a scheduler: --scheduler tcp://HOST:8786, or "
            "--scheduler slurm to start workers on SLURM"
        )
    return str(named)


def import_dask() -> Any:
    """Import ``distributed``, which takes a second.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        return importlib.import_module("distributed")
    except ModuleNotFoundError:
        raise MissingExtraError("the engine 'dask'", "cluster") from None


_STARTED: list[Any] = []


def _slurm_cluster(jobs: int) -> Any:
    """Start workers on SLURM once a process; Dask's configuration says how large a job is."""
    if not _STARTED:
        try:
            jobqueue: Any = importlib.import_module("dask_jobqueue")
        except ModuleNotFoundError:
            raise MissingExtraError("Dask on SLURM", "cluster") from None
        try:
            cluster = jobqueue.SLURMCluster()
        except ValueError as error:
            raise OptionError(
                f"Dask's workers on SLURM: {error}. Say so under jobqueue.slurm in "
                "~/.config/dask/jobqueue.yaml, or in DASK_JOBQUEUE__SLURM__CORES and the like"
            ) from error
        _STARTED.append(cluster)
        atexit.register(cluster.close)
        _log.info("asked SLURM for %d job(s) of Dask workers", jobs)
    _STARTED[0].scale(jobs=jobs)
    return _STARTED[0]
