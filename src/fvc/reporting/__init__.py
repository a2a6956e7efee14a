"""What people look at: publication figures and tables, and notebooks."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fvc.reporting.figures.stage import FigureReport, generate_figures

__all__ = ["FigureReport", "generate_figures"]


def __getattr__(name: str) -> Any:
    # Matplotlib is not loaded by whoever only asks what there is.
    if name in __all__:
        return getattr(import_module("fvc.reporting.figures.stage"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
