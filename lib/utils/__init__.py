"""Queries and tables under their documented paths."""
