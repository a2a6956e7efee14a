"""Metrics under their documented path."""

from fvc.evaluation import compute_classification_metrics

__all__ = ["compute_classification_metrics"]
