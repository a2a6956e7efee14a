"""Where work runs. ``submit(function, units)`` gives results as they finish; no stage knows more.

A unit that fails, hangs, eats memory or kills its process is an `Outcome` with a `Failure`; every
other unit is worked on as if nothing had happened.
"""

from fvc.engines.base import Engine, Failure, Outcome, create_engine
from fvc.engines.heartbeat import heartbeat
from fvc.engines.local import LocalEngine
from fvc.engines.resources import default_memory_limit_mib, default_workers

__all__ = [
    "Engine",
    "Failure",
    "LocalEngine",
    "Outcome",
    "create_engine",
    "default_memory_limit_mib",
    "default_workers",
    "heartbeat",
]
