"""Runs in MLflow, and SQL over tables and results."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fvc.tracking.analytics import DuckDBAnalytics
    from fvc.tracking.mlflow_tracker import MLflowTracker, create_mlflow_tracker
    from fvc.tracking.project_sql import ProjectSQL
    from fvc.tracking.publishing import ProjectTracking, Track, tracking_of
    from fvc.tracking.syncing import sync_tracking, tracking_status

_HOME = {
    "DuckDBAnalytics": "analytics",
    "MLflowTracker": "mlflow_tracker",
    "ProjectSQL": "project_sql",
    "ProjectTracking": "publishing",
    "Track": "publishing",
    "create_mlflow_tracker": "mlflow_tracker",
    "sync_tracking": "syncing",
    "tracking_of": "publishing",
    "tracking_status": "syncing",
}

__all__ = [
    "DuckDBAnalytics",
    "MLflowTracker",
    "ProjectSQL",
    "ProjectTracking",
    "Track",
    "create_mlflow_tracker",
    "sync_tracking",
    "tracking_of",
    "tracking_status",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"fvc.tracking.{_HOME[name]}"), name)
    raise AttributeError(f"module 'fvc.tracking' has no attribute {name!r}")
