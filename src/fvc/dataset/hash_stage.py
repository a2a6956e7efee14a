"""The hashes of every source, made in worker processes and kept."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fvc.dataset.video_hash import CROPS, WORDS, FrameHashes, hash_frames
from fvc.stages import RunOptions, Stage, StageReport, Unit, fingerprint_file
from fvc.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

STAGE_NAME = "duplicates"


@dataclass(frozen=True)
class HashedSource:
    """A source with the hashes of its frames and their times in seconds."""

    source: str
    video_path: str
    hashes: FrameHashes
    times: tuple[float, ...]


@dataclass(frozen=True)
class HashSource:
    """Hashes frames of one source.

    Parameters
    ----------
    project
        The project's folder.
    num_frames
        Frames sampled uniformly.
    """

    project: str
    num_frames: int

    def __call__(self, unit: Unit) -> list[dict[str, Any]]:
        """Do one source."""
        from fvc.engines import heartbeat
        from fvc.video import sample_frames

        path = Workspace(self.project).absolute(unit.row["video_path"])
        sample = sample_frames(path, num_frames=self.num_frames, on_frame=heartbeat)
        hashed = hash_frames([upright_luma(frame) for frame in sample.frames])
        return [
            {
                "source": unit.id,
                "video_path": unit.row["video_path"],
                "frames": len(sample.frames),
                "voting_frames": int(hashed.votes.sum()),
                **dict(zip(BORDERS, hashed.borders, strict=True)),
                "times": json.dumps([round(float(t), 6) for t in sample.pts_seconds]),
                "votes": "".join("y" if vote else "n" for vote in hashed.votes),
                **{f"hash_{name}": _text(hashed.hashes[:, j]) for j, name in enumerate(CROPS)},
            }
        ]


BORDERS = ("picture_top", "picture_bottom", "picture_left", "picture_right")


def _text(hashes: "np.typing.NDArray[np.uint64]") -> str:
    return base64.b64encode(hashes.astype(">u8").tobytes()).decode()


def upright_luma(frame: Any) -> "np.typing.NDArray[np.uint8]":
    """Give a frame's luma as a player shows it, a rotation flag applied."""
    from fvc.video import luma_plane
    from fvc.video.standardising import orientation

    turns, mirrored = orientation(frame)
    luma = np.rot90(luma_plane(frame), -turns)
    return np.ascontiguousarray(luma[:, ::-1] if mirrored else luma)


def hash_sources(
    workspace: Workspace, index: "pl.DataFrame", *, num_frames: int, run: RunOptions
) -> StageReport:
    """Hash every source of the index that is not hashed yet.

    Parameters
    ----------
    workspace
        The project.
    index
        With ``source`` and ``video_path``.
    num_frames
        Frames sampled from each.
    run
        How to run.

    Returns
    -------
    StageReport
        Its table has a row for each source that could be hashed.
    """
    # Workers import this module for `HashSource`: not the runner, nor Polars.
    import polars as pl

    from fvc.dataset.hash_schema import HashSchema
    from fvc.stages import run_stage

    stage = Stage(
        number=workspace.duplicates.number,
        name=STAGE_NAME,
        files=workspace.duplicates,
        settings={"num_frames": num_frames, "crops": {k: list(v) for k, v in CROPS.items()}},
        schema=HashSchema,
        work=HashSource(str(workspace.root), num_frames),
        extra={f"hash_{name}": pl.String for name in CROPS},
    )
    return run_stage(stage, _units(workspace, index), workspace, run, total=index.height)


def _units(workspace: Workspace, index: "pl.DataFrame") -> Iterator[Unit]:
    # The label and the group are no input: merging groups leaves the hashes as they are.
    for source, path in index.select("source", "video_path").iter_rows():
        yield Unit(source, {"video_path": path}, fingerprint_file(workspace.absolute(path)))


def read_hashes(path: Path) -> list[HashedSource]:
    """Read the table of `hash_sources`.

    Raises
    ------
    TableError
        It has wrong columns or values.
    """
    from fvc.dataset.hash_schema import HashSchema
    from fvc.tables import check, read_table

    frame = check(read_table(path), HashSchema, path)
    return [_read(row) for row in frame.iter_rows(named=True)]


def _read(row: dict[str, Any]) -> HashedSource:
    crops = [
        np.frombuffer(base64.b64decode(row[f"hash_{name}"]), dtype=">u8").reshape(-1, WORDS)
        for name in CROPS
    ]
    votes = np.array([vote == "y" for vote in str(row["votes"])], dtype=np.bool_)
    borders = tuple(float(row[name]) for name in BORDERS)
    return HashedSource(
        source=row["source"],
        video_path=row["video_path"],
        hashes=FrameHashes(
            np.stack(crops, axis=1).astype(np.uint64),
            votes,
            (borders[0], borders[1], borders[2], borders[3]),
        ),
        times=tuple(json.loads(row["times"])),
    )
