"""A small project of simulated videos, trained."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from inference_project import GRID, MODELS, N_SOURCES, Project

import fvc
from fvc.stages import RunOptions
from fvc.tables import read_table
from fvc.workspace import Workspace
from quick_boards import quick_boards


@pytest.fixture(scope="module", autouse=True)
def _quick_boards() -> Iterator[None]:
    with quick_boards():
        yield


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, make_video: Callable[..., Path]) -> Project:
    root = tmp_path_factory.mktemp("predict")
    for i in range(N_SOURCES):
        kind = "fake" if i % 2 else "real"
        # Two in three fakes are of coarser quality; the rest cannot be told from real ones.
        quality = "34" if i % 2 and i % 3 else "20"
        make_video(
            root / "corpus" / kind / f"clip{i}.mp4",
            frames=9 + i % 3,
            width=64 + 16 * (i % 4),
            options={"crf": quality},
            seed=i,
        )
    quiet = RunOptions(quiet=True, workers=2)
    fvc.setup_dataset(root, corpus=root / "corpus")
    fvc.stage1_augment_videos(root, num_augmentations=0, run=quiet)
    fvc.stage2_extract_features(root, num_frames=4, run=quiet)
    fvc.stage3_scale_videos(root, target_size=80, run=quiet)
    fvc.stage4_extract_scaled_features(root, num_frames=5, run=quiet)
    grid = root / "grid.yaml"
    grid.write_text(GRID)
    with quick_boards():
        fvc.stage5_train_models(
            root, model_types=MODELS, n_splits=3, repeats=2, grid=str(grid), workers=1
        )
    workspace = Workspace(root)
    return Project(workspace, read_table(workspace.index_csv))
