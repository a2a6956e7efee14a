"""Stage 3 under its documented path."""
