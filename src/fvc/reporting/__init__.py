"""What people look at: publication figures and tables, and notebooks."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fvc.reporting.figures.stage import FigureReport, generate_figures
    from fvc.reporting.notebooks.stage import NotebookReport, generate_model_notebooks

_HOME = {
    "FigureReport": "figures",
    "NotebookReport": "notebooks",
    "generate_figures": "figures",
    "generate_model_notebooks": "notebooks",
}

__all__ = ["FigureReport", "NotebookReport", "generate_figures", "generate_model_notebooks"]


def __getattr__(name: str) -> Any:
    # Matplotlib is not loaded by whoever only asks what there is.
    if name in _HOME:
        return getattr(import_module(f"fvc.reporting.{_HOME[name]}.stage"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
