"""Stage 1 under its documented path."""

from fvc.augmentation import stage1_augment_videos

__all__ = ["stage1_augment_videos"]
