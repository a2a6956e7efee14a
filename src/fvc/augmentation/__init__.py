"""Stage 1: a standardised copy of each source, and variants of it."""

from fvc.augmentation.parameters import AUGMENTATIONS
from fvc.augmentation.remaking import remake
from fvc.augmentation.stage import stage1_augment_videos

__all__ = ["AUGMENTATIONS", "remake", "stage1_augment_videos"]
