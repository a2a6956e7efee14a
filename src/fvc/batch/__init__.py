"""The pipeline on a batch system: submit the stages to SLURM, see how they stand, cancel them."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fvc.batch.scripts import write_slurm_scripts
    from fvc.batch.status import slurm_status
    from fvc.batch.submission import cancel_on_slurm, submit_to_slurm

__all__ = ["cancel_on_slurm", "slurm_status", "submit_to_slurm", "write_slurm_scripts"]

_PLACES = {
    "cancel_on_slurm": "submission",
    "slurm_status": "status",
    "submit_to_slurm": "submission",
    "write_slurm_scripts": "scripts",
}


def __getattr__(name: str) -> Any:
    # Status reads tables with Polars, which submitting need not wait for.
    from importlib import import_module

    if name in _PLACES:
        return getattr(import_module(f"fvc.batch.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
