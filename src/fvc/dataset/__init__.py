"""Step 0: archives, folders and lists of videos become an index."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fvc.dataset.duplicate_pairs import Duplicates, duplicates_of
    from fvc.dataset.duplicates import DuplicatesReport, find_duplicates
    from fvc.dataset.report import SetupReport
    from fvc.dataset.simulated import make_simulated_archives
    from fvc.dataset.stage import setup_dataset

__all__ = [
    "Duplicates",
    "DuplicatesReport",
    "SetupReport",
    "duplicates_of",
    "find_duplicates",
    "make_simulated_archives",
    "setup_dataset",
]

_HOMES = {
    "Duplicates": "fvc.dataset.duplicate_pairs",
    "DuplicatesReport": "fvc.dataset.duplicates",
    "duplicates_of": "fvc.dataset.duplicate_pairs",
    "find_duplicates": "fvc.dataset.duplicates",
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
