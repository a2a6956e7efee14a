"""Reading results with SQL, and (later) tracking runs."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fvc.tracking.analytics import DuckDBAnalytics
    from fvc.tracking.mlflow_tracker import create_mlflow_tracker

_HOME = {"DuckDBAnalytics": "analytics", "create_mlflow_tracker": "mlflow_tracker"}

__all__ = ["DuckDBAnalytics", "create_mlflow_tracker"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"fvc.tracking.{_HOME[name]}"), name)
    raise AttributeError(f"module 'fvc.tracking' has no attribute {name!r}")
