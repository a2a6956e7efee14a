"""How fast and how large the engine is, against what a user could do by hand."""
