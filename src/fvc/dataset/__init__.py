"""Step 0: archives, folders and lists of videos become an index."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fvc.dataset.report import SetupReport
    from fvc.dataset.simulated import make_simulated_archives
    from fvc.dataset.stage import setup_dataset

__all__ = ["SetupReport", "make_simulated_archives", "setup_dataset"]

_HOMES = {
    "SetupReport": "fvc.dataset.report",
    "make_simulated_archives": "fvc.dataset.simulated",
    "setup_dataset": "fvc.dataset.stage",
}


def __getattr__(name: str) -> Any:
    # Worker processes import this package for its probe alone, which needs no table library.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
