"""Stage 3 under its documented path."""

from fvc.scaling import stage3_scale_videos

__all__ = ["stage3_scale_videos"]
