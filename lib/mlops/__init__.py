"""Experiment tracking under its documented path."""
