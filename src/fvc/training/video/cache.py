"""Frames decoded once: a memory-mapped file a clip, read by every epoch, fold and model."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

from fvc.engines import Engine, heartbeat
from fvc.errors import LockedError, NothingLeftError
from fvc.stages import RunOptions, Stage, StageReport, Unit, fingerprint_file, run_stage
from fvc.tables import atomic_write, read_table
from fvc.training.progress import unshown
from fvc.training.video.frames import FrameSetting, take_frames
from fvc.workspace import StageFiles, Workspace

logger = logging.getLogger("fvc.training")

_WAIT_SECONDS = 1.0


class FrameSchema(dy.Schema):
    """The table of a frame store: one row a clip."""

    clip = dy.String(primary_key=True, min_length=1)
    frames_path = dy.String(nullable=False)
    frames = dy.Int32(nullable=False, min=1)
    height = dy.Int32(nullable=False, min=1)
    width = dy.Int32(nullable=False, min=1)


@dataclass(frozen=True)
class FrameWork:
    """Take the frames of one clip and write them.

    Parameters
    ----------
    project
        The project's folder.
    setting
        Which frames.
    folder
        Where the files go.
    """

    project: Path
    setting: FrameSetting
    folder: Path

    def __call__(self, unit: Unit) -> list[dict[str, Any]]:
        """Write the clip's frames and return its row."""
        workspace = Workspace(self.project)
        path = workspace.absolute(str(unit.row["video_path"]))
        array = take_frames(path, self.setting, on_frame=heartbeat)
        target = self.folder / f"{unit.id}.npy"
        with atomic_write(target) as temporary, temporary.open("wb") as file:
            np.save(file, array, allow_pickle=False)
        frames, height, width, _ = array.shape
        return [{
            "clip": unit.id,
            "frames_path": workspace.relative(target),
            "frames": frames,
            "height": height,
            "width": width,
        }]  # fmt: skip


def stored_files(row: Mapping[str, Any]) -> Sequence[str]:
    """Name the files of a row."""
    return (str(row["frames_path"]),)


@dataclass(frozen=True)
class FrameStore:
    """The frames of a project's clips under one setting, on the disk.

    Attributes
    ----------
    root
        The project's folder.
    setting
        Which frames they are.
    table
        ``clip, frames_path, frames, height, width, key``, the key saying what they were made of.
    """

    root: Path
    setting: FrameSetting
    table: pl.DataFrame

    def paths(self, clips: Sequence[str]) -> list[str]:
        """Give the file of each clip."""
        known = dict(zip(self.table["clip"], self.table["frames_path"], strict=True))
        return [str(Path(self.root, known[clip])) for clip in clips]


def read_frames(path: str | Path) -> NDArray[np.uint8]:
    """Map a clip's frames into memory, shape (t, h, w, channels); nothing is read until used."""
    array: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def make_frames(
    workspace: Workspace,
    clips: pl.DataFrame,
    setting: FrameSetting,
    *,
    options: RunOptions | None = None,
    engine: Engine | None = None,
) -> FrameStore:
    """Take the frames of clips that are not in the store yet.

    Each clip is decoded once; what is there and was made of the same clip is kept. A clip that
    fails is a row of ``data/failures.csv`` and is not in the store.

    Parameters
    ----------
    workspace
        The project.
    clips
        Rows of stage 3's table.
    setting
        Which frames.
    options
        How to run; by default one worker a core.
    engine
        Where to run; by default what the options say.

    Raises
    ------
    NothingLeftError
        Not one clip could be read.
    """
    files = workspace.frame_store(setting.name)
    stage = Stage(
        number=5,
        name=setting.name,
        files=files,
        settings=setting.to_dict(),
        schema=FrameSchema,
        work=FrameWork(workspace.root, setting, files.folder),
        outputs=stored_files,
    )
    units = [clip_unit(row, workspace) for row in clips.iter_rows(named=True)]
    run = hushed(options or RunOptions())
    report = when_free(lambda: run_stage(stage, units, workspace, run, engine=engine))
    if report.failed:
        logger.warning("%s", report.summary(workspace.relative(workspace.failures)))
    return FrameStore(workspace.root, setting, read_store(report.table, files))


def hushed(run: RunOptions) -> RunOptions:
    """Show no progress where the log shows none."""
    return replace(run, quiet=run.quiet or unshown())


def when_free(run: Callable[[], StageReport]) -> StageReport:
    """Run a stage; where another run is at it, wait for its end: there is then nothing left to do.

    Shares of a training begin at once and want the same frames. A lock goes with its process, so
    that nobody waits for a dead one.
    """
    told = False
    while True:
        try:
            return run()
        except LockedError as error:
            if not told:
                logger.info("waiting: %s", error)
            told = True
            time.sleep(_WAIT_SECONDS)


def clip_unit(row: Mapping[str, Any], workspace: Workspace) -> Unit:
    """Make the unit of a scaled clip, known by its content."""
    key = row.get("key")
    path = str(row["video_path"])
    return Unit(
        id=str(row["clip"]),
        row={"video_path": path},
        fingerprint=str(key) if key is not None else fingerprint_file(workspace.absolute(path)),
    )


def read_store(table: Path | None, files: StageFiles) -> pl.DataFrame:
    """Read a store's table.

    Raises
    ------
    NothingLeftError
        There is none.
    """
    if table is None:
        raise NothingLeftError(f"there is no table in {files.folder}")
    return read_table(table)
