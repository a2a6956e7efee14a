"""Stage 1: a standardised copy of each source, and variants of it."""
