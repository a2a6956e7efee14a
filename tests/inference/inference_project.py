"""What tests know of the small trained project."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

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
