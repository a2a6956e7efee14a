"""Tables under any of their names, under its documented path."""

from fvc.tables import load_metadata_flexible

__all__ = ["load_metadata_flexible"]
