"""A project of tiny clips that nets in their smallest form are tried on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from fvc.workspace import Workspace

SOURCES = 12


def make_clips(
    root: Path, make_video: Callable[..., Path], *, sources: int = SOURCES, first: int = 0
) -> Path:
    """Make clips of two shapes and their CSV; two of the groups hold two sources."""
    rows = []
    for i in range(first, first + sources):
        label = "fake" if i % 2 else "real"
        size = {"width": 64, "height": 48} if i % 3 else {"width": 48, "height": 64}
        make_video(root / label / f"c{i:02d}.mp4", frames=12, seed=i, **size)
        rows.append(
            {
                "path": f"{label}/c{i:02d}.mp4",
                "label": label,
                "group": f"g{i - 2 if i in (2, 3) else i}",
            }
        )
    pl.DataFrame(rows).write_csv(root / "index.csv")
    return root / "index.csv"


def prepare(
    root: Path, make_video: Callable[..., Path], *, sources: int = SOURCES, variants: int = 1
) -> Workspace:
    """Make a project with scaled clips."""
    from fvc.augmentation import stage1_augment_videos
    from fvc.dataset import setup_dataset
    from fvc.scaling import stage3_scale_videos
    from fvc.stages import RunOptions

    corpus = make_clips(root / "corpus", make_video, sources=sources)
    project, run = root / "project", RunOptions(workers=1, quiet=True)
    setup_dataset(project, corpus=corpus, workers=1)
    stage1_augment_videos(project, num_augmentations=variants, run=run)
    stage3_scale_videos(project, target_size=64, run=run)
    return Workspace(project)


def train(root: Path, *models: str, **options: Any) -> Any:
    """Train nets in their smallest form, in two folds."""
    from fvc.training import stage5_train_models

    settings: dict[str, Any] = {
        "n_splits": 2, "repeats": 1, "grid": "none", "workers": 1, "tiny": True, "max_epochs": 1,
        "device": "cpu", **options,
    }  # fmt: skip
    return stage5_train_models(root, model_types=models, **settings)
