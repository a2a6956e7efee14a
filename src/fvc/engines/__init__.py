"""Where work runs. ``submit(function, units)`` gives results as they finish; no stage knows more.

A unit that fails, hangs, eats memory or kills its process is an `Outcome` with a `Failure`; every
other unit is worked on as if nothing had happened.
"""

from typing import TYPE_CHECKING, Any

from fvc.engines.base import Engine, Failure, Outcome, create_engine
from fvc.engines.heartbeat import heartbeat

if TYPE_CHECKING:
    from fvc.engines.dask_engine import DaskEngine
    from fvc.engines.local import LocalEngine
    from fvc.engines.resources import default_memory_limit_mib, default_workers

__all__ = [
    "DaskEngine",
    "Engine",
    "Failure",
    "LocalEngine",
    "Outcome",
    "create_engine",
    "default_memory_limit_mib",
    "default_workers",
    "heartbeat",
]


def __getattr__(name: str) -> Any:
    # Work in a worker wants `heartbeat` alone, not the pool that the worker is part of.
    if name == "LocalEngine":
        from fvc.engines.local import LocalEngine

        return LocalEngine
    if name == "DaskEngine":
        from fvc.engines.dask_engine import DaskEngine

        return DaskEngine
    if name in ("default_memory_limit_mib", "default_workers"):
        from fvc.engines import resources

        return getattr(resources, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
