"""The stage runner, written once: resume, journal, shards, quarantine, locks, progress.

A stage says what to do with one row of a table; `run_stage` does it for all of them, in worker
processes, and may be killed at any instant and started again.
"""

from typing import TYPE_CHECKING, Any

from fvc.stages.identity import fingerprint_file, unit_key
from fvc.stages.options import RunOptions
from fvc.stages.stage import Stage, StageReport, Unit

if TYPE_CHECKING:
    from fvc.stages.progress import log_file
    from fvc.stages.runner import run_stage

__all__ = [
    "RunOptions",
    "Stage",
    "StageReport",
    "Unit",
    "fingerprint_file",
    "log_file",
    "run_stage",
    "unit_key",
]


def __getattr__(name: str) -> Any:
    # Workers import this package for its types alone; the runner brings Polars and its threads.
    if name == "run_stage":
        from fvc.stages.runner import run_stage

        return run_stage
    if name == "log_file":
        from fvc.stages.progress import log_file

        return log_file
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
