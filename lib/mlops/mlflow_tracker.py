"""Experiment tracking under its documented path."""

from fvc.tracking import create_mlflow_tracker

__all__ = ["create_mlflow_tracker"]
