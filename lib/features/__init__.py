"""Stages 2 and 4 under their documented paths."""
