"""The frames of platforms' clips, taken as `fvc predict` takes those of a file that it is given."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fvc.inference.measuring import MeasureVideo, Recipe
from fvc.inference.platform_features import file_units
from fvc.stages import RunOptions, Stage, StageReport, Unit, run_stage
from fvc.tables import atomic_write
from fvc.training.video.frames import FrameSetting
from fvc.workspace import StageFiles, Workspace

if TYPE_CHECKING:
    import polars as pl

STAGE_NAME = "platform-frames"


@dataclass(frozen=True)
class TakePlatformFrames:
    """The stage's work: one file to the frames that a net looks at.

    Parameters
    ----------
    project
        The project's folder.
    recipe
        How files are measured.
    streams
        By stream (``"frames"``, ``"flow"``), which frames.
    folder
        Where the files go.
    """

    project: str
    recipe: Recipe
    streams: Mapping[str, FrameSetting]
    folder: Path

    def __call__(self, unit: Unit) -> list[dict[str, Any]]:
        """Take the frames of one file; copies of it are removed when that is done."""
        import numpy as np

        workspace, row = Workspace(self.project), unit.row
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".scratch-") as scratch:
            path = str(workspace.absolute(row["video_path"]))
            measured = MeasureVideo(self.recipe, scratch)((0, path))
        found: dict[str, Any] = {"clip": unit.id, "frames_path": None, "flow_path": None}
        for stream, setting in self.streams.items():
            target = self.folder / f"{unit.id}-{stream}.npy"
            with atomic_write(target) as temporary, temporary.open("wb") as file:
                np.save(file, measured.frames[setting.name], allow_pickle=False)
            found[f"{stream}_path"] = workspace.relative(target)
        return [{**found, **{name: row[name] for name in ("source", "transformation")}}]


def frame_files(workspace: Workspace, streams: Mapping[str, FrameSetting]) -> StageFiles:
    """Name the store of some frames; nets that look at the same ones share it."""
    return workspace.platform_frames("-".join(setting.name for setting in streams.values()))


def take_platform_frames(
    workspace: Workspace,
    files: "pl.DataFrame",
    *,
    recipe: Recipe,
    streams: Mapping[str, FrameSetting],
    run: RunOptions,
) -> StageReport:
    """Take the frames of the clips that are not there yet.

    Parameters
    ----------
    workspace
        The project.
    files
        As `fvc.inference.platform_features.platform_files` lists them.
    recipe
        How files are measured.
    streams
        By stream, which frames.
    run
        How to run.
    """
    from fvc.transcoding.schemas import PlatformFrameSchema

    store = frame_files(workspace, streams)
    recipe = replace(recipe, frames=tuple(streams.values()))
    stage = Stage(
        number=store.number,
        name=STAGE_NAME,
        files=store,
        settings={
            "recipe": asdict(recipe),
            "frames": {stream: setting.to_dict() for stream, setting in streams.items()},
        },
        schema=PlatformFrameSchema,
        work=TakePlatformFrames(str(workspace.root), recipe, dict(streams), store.folder),
        outputs=_outputs,
    )
    return run_stage(stage, file_units(files), workspace, run, total=files.height)


def _outputs(row: Mapping[str, Any]) -> Sequence[str]:
    return [str(row[name]) for name in ("frames_path", "flow_path") if row[name] is not None]
