"""Stage 2 under its documented path."""

from fvc.features import stage2_extract_features

__all__ = ["stage2_extract_features"]
