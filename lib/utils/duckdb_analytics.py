"""SQL over results under its documented path."""

from fvc.tracking import DuckDBAnalytics

__all__ = ["DuckDBAnalytics"]
