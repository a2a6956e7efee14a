"""Stage 4 under its documented path."""

from fvc.features import stage4_extract_scaled_features

__all__ = ["stage4_extract_scaled_features"]
