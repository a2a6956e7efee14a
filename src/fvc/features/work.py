"""What the workers of stages 2 and 4 do with one clip."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fvc.engines import heartbeat
from fvc.features.extraction import as_stored, extract_features, extract_scaled_features
from fvc.stages import Unit
from fvc.tables import atomic_write
from fvc.workspace import StageFiles, Workspace

IDENTITY = (
    "clip",
    "source",
    "label",
    "group",
    "collection",
    "platform",
    "is_original",
    "augmentation_idx",
    "augmentation",
)
"""The columns that a feature table has from the table before it."""


@dataclass(frozen=True)
class ExtractFeatures:
    """Stage 2's work: one clip to its ``.npy`` and its row.

    Parameters
    ----------
    project
        The project's folder.
    num_frames
        Number of frames to sample.
    feature_set
        ``"standard"`` or ``"extended"``.
    """

    project: str
    num_frames: int
    feature_set: str = "standard"

    def __call__(self, unit: Unit) -> list[dict[str, Any]]:
        """Compute the features of a clip."""
        workspace = Workspace(self.project)
        features = extract_features(
            workspace.absolute(unit.row["video_path"]),
            workspace.absolute(unit.row["original_video"]),
            num_frames=self.num_frames,
            extended=self.feature_set == "extended",
            on_frame=heartbeat,
        )
        return [_store(unit, features, workspace, workspace.stage2)]


@dataclass(frozen=True)
class ExtractScaledFeatures:
    """Stage 4's work: one scaled clip to its ``.npy`` and its row.

    Parameters
    ----------
    project
        The project's folder.
    num_frames
        Number of frames to sample.
    """

    project: str
    num_frames: int

    def __call__(self, unit: Unit) -> list[dict[str, Any]]:
        """Compute the twenty-three features of a scaled clip."""
        workspace, row = Workspace(self.project), unit.row
        features = extract_scaled_features(
            workspace.absolute(row["video_path"]),
            workspace.absolute(row["unscaled_path"]),
            workspace.absolute(row["original_video"]),
            unscaled_size=(row["original_width"], row["original_height"]),
            num_frames=self.num_frames,
            on_frame=heartbeat,
        )
        features |= {name: float(row[name]) for name in ("is_upscaled", "is_downscaled")}
        return [_store(unit, features, workspace, workspace.stage4)]


def _store(
    unit: Unit, features: dict[str, float], workspace: Workspace, files: StageFiles
) -> dict[str, Any]:
    array, columns = as_stored(features)
    path = files.folder / f"{unit.id}.npy"
    with atomic_write(path) as temporary:
        np.save(temporary, array)
    identity = {name: unit.row[name] for name in IDENTITY}
    return {**identity, "feature_path": workspace.relative(path), **columns}


def feature_files(row: dict[str, Any]) -> Sequence[str]:
    """Name the files of a row, relative to the project."""
    return (row["feature_path"],)
