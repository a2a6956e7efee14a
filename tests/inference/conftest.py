"""A small project of simulated videos, trained."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import fvc
from fvc.stages import RunOptions
from fvc.tables import read_table, require_table
from fvc.workspace import Workspace

N_SOURCES = 24
GRID = (
    "logistic_regression: {C: [0.1]}\n"
    "logistic_regression_stage2: {C: [0.1]}\n"
    "sklearn_logreg: {penalty: [l1]}\n"
    "svm: {C: [0.01]}\n"
    "gradient_boosting: {n_estimators: [8], max_depth: [2]}\n"
)
MODELS = (
    *("logistic_regression", "svm", "sklearn_logreg", "gradient_boosting"),
    "logistic_regression_stage2",
)


@dataclass(frozen=True)
class Project:
    """A trained project and the features that training read."""

    workspace: Workspace
    index: pl.DataFrame

    def features(self, names: tuple[str, ...]) -> np.ndarray:
        """Features of the unaugmented clips from the project's own tables, by order of index."""
        two, four = (
            read_table(require_table(files)).filter(pl.col("augmentation_idx") == -1)
            for files in (self.workspace.stage2, self.workspace.stage4)
        )
        columns = {name: two[name] for name in two.columns}
        by_source = four.select(
            "source", pl.col(pl.Float32).name.prefix("scaled_")
        ).rename({"source": "of"})  # fmt: skip
        joined = pl.DataFrame(columns).join(by_source, left_on="source", right_on="of")
        ordered = self.index.select("source").join(joined, on="source", maintain_order="left")
        return ordered.select(names).fill_null(float("nan")).to_numpy()

    def video(self, number: int) -> Path:
        return self.workspace.absolute(self.index["video_path"][number])


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
    fvc.stage5_train_models(
        root, model_types=MODELS, n_splits=3, repeats=2, grid=str(grid), workers=1
    )
    workspace = Workspace(root)
    return Project(workspace, read_table(workspace.index_csv))
