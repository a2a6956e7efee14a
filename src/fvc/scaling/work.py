"""What is done with one clip of stage 3, in a worker process."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fvc.engines import heartbeat
from fvc.scaling.resolution import Scaler
from fvc.stages import Unit
from fvc.tables import atomic_write
from fvc.video import Encoder, Standardiser, decode, probe
from fvc.workspace import Workspace


@dataclass(frozen=True)
class ScaleWork:
    """Scale one clip of stage 1 by interpolation.

    Parameters
    ----------
    project
        The project's folder.
    target_size
        Length of the longer side, in pixels.
    """

    project: Path
    target_size: int

    def __call__(self, unit: Unit) -> list[dict[str, Any]]:
        """Write the scaled clip and return its row."""
        workspace = Workspace(self.project)
        source = workspace.absolute(unit.row["video_path"])
        target = workspace.stage3.folder / f"{unit.id}.mp4"
        with atomic_write(target) as temporary:
            written = scale_video(source, temporary, self.target_size)
        return [scaled_row(unit.row, workspace.relative(target), written)]


@dataclass(frozen=True)
class ScaledVideo:
    """What was read, and what was written."""

    original_width: int
    original_height: int
    width: int
    height: int
    fps: float
    frame_count: int


def scale_video(source: Path, target: Path, target_size: int) -> ScaledVideo:
    """Scale a video file into another one; its timestamps, relative to the first, stay."""
    info = probe(source, on_frame=heartbeat)
    upright, scaler = Standardiser(), Scaler(target_size)
    size = (0, 0)
    with Encoder(target, fps=info.fps, sample_aspect_ratio=info.sample_aspect_ratio) as out:
        for frame in decode(source, on_frame=heartbeat):
            standard = upright(frame)
            size = (standard.width, standard.height)
            out.write(scaler(standard))
    return ScaledVideo(*size, out.width, out.height, out.fps, out.frame_count)


@dataclass(frozen=True)
class RedrawWork:
    """Scale one clip of stage 1, each frame drawn again by an autoencoder.

    Parameters
    ----------
    project
        The project's folder.
    target_size
        Length of the longer side, in pixels.
    folder
        The autoencoder's.
    """

    project: Path
    target_size: int
    folder: Path

    def __call__(self, unit: Unit) -> list[dict[str, Any]]:
        """Write the scaled clip and return its row."""
        from fvc.scaling.autoencoder import load_autoencoder, redraw_video

        workspace = Workspace(self.project)
        source = workspace.absolute(unit.row["video_path"])
        target = workspace.stage3.folder / f"{unit.id}.mp4"
        autoencoder = load_autoencoder(self.folder)
        with atomic_write(target) as temporary:
            size, out = redraw_video(source, temporary, self.target_size, autoencoder)
        written = ScaledVideo(*size, out.width, out.height, out.fps, out.frame_count)
        return [scaled_row(unit.row, workspace.relative(target), written, "autoencoder")]


def scaled_row(
    row: Mapping[str, Any], video_path: str, video: ScaledVideo, method: str = "resolution"
) -> dict[str, Any]:
    """Make the row of a scaled clip from that of stage 1."""
    before = max(video.original_width, video.original_height)
    after = max(video.width, video.height)
    return {
        **row,
        "video_path": video_path,
        "width": video.width,
        "height": video.height,
        "fps": video.fps,
        "frame_count": video.frame_count,
        "original_width": video.original_width,
        "original_height": video.original_height,
        "scaled_width": video.width,
        "scaled_height": video.height,
        "is_upscaled": after > before,
        "is_downscaled": after < before,
        "method": method,
    }


def outputs(row: dict[str, Any]) -> tuple[str]:
    """Name the files of a row."""
    return (row["video_path"],)
