"""``fvc augment``: stage 1."""

from fvc.augmentation import stage1_augment_videos
from fvc.cli.verb import verb

command = verb(
    stage1_augment_videos,
    name="augment",
    example="fvc augment --num-augmentations 10 --workers 4",
    results=lambda workspace: workspace.stage1.folder,
)
