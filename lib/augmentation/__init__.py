"""Stage 1 under its documented path."""
