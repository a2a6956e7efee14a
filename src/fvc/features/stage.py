"""Stage 2: fifteen handcrafted features a clip, or the extended set."""

from collections.abc import Iterable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Literal

import polars as pl

from fvc.errors import OptionError
from fvc.features.names import FEATURE_SETS, VERSION
from fvc.features.work import IDENTITY, ExtractFeatures, feature_files
from fvc.stages import RunOptions, Stage, StageReport, Unit, run_stage
from fvc.tables import ClipSchema, FeatureSchema, check, read_table, require_table
from fvc.workspace import Workspace

_NEEDED = (*IDENTITY, "video_path", "original_video")


def stage2_extract_features(
    project: Path = Path("."),
    *,
    num_frames: int = 6,
    feature_set: Literal["standard", "extended"] = "standard",
    run: RunOptions = RunOptions(),
) -> StageReport:
    """Compute fifteen handcrafted features of every clip that stage 1 made.

    Writes ``data/features_stage2/<clip>.npy`` (float32, in the order of `FEATURE_SETS`) and the
    same numbers as columns of ``features_metadata``. What cannot be computed for a clip is null in
    the table and NaN in the array, never 0.

    Parameters
    ----------
    project
        The project's folder.
    num_frames
        Frames sampled uniformly from each clip.
    feature_set
        ``extended`` adds twenty-three features on motion, colour, spectrum and recompression, at
        about four times the time; models then train on all of them.
    run
        How to run: workers, shards, limits.

    Returns
    -------
    StageReport
        What was done and what failed.

    Raises
    ------
    MissingInputError
        Stage 1 has not run.
    TableError
        Its table is wrong.
    OptionError
        `num_frames` is less than 1, or there is no such feature set.
    """
    check_num_frames(num_frames)
    if feature_set not in FEATURE_SETS:
        raise OptionError(f"feature_set must be one of {', '.join(FEATURE_SETS)}: {feature_set!r}")
    workspace = Workspace(project)
    path = require_table(workspace.stage1)
    clips = check(read_table(path), ClipSchema, path)
    stage = Stage(
        number=2,
        name="features",
        files=workspace.stage2,
        settings={"num_frames": num_frames, "feature_set": feature_set},
        version=VERSION,
        schema=FeatureSchema,
        work=ExtractFeatures(str(workspace.root), num_frames, feature_set),
        outputs=feature_files,
        extra=dict.fromkeys(FEATURE_SETS[feature_set], pl.Float32),
    )
    total, work = clips.height, units(clips, _NEEDED)
    # The table goes when the last unit has been read from it, before this stage's own is made.
    del clips
    return run_stage(stage, work, workspace, run, total=total)


def check_num_frames(num_frames: int) -> None:
    """Raise OptionError unless at least one frame is to be sampled."""
    if num_frames < 1:
        raise OptionError(f"num_frames must be 1 or more, not {num_frames}")


def units(clips: pl.DataFrame, needed: tuple[str, ...]) -> Iterator[Unit]:
    """Make a unit of every clip of a table.

    Parameters
    ----------
    clips
        With ``key``, by which a changed clip is known, and the needed columns.
    needed
        The columns that the work reads; a change in any other does not redo it.
    """
    fingerprints: Iterable[str] = clips["key"] if "key" in clips.columns else repeat("")
    rows = clips.select(needed).iter_rows(named=True)
    # Of a million clips the columns that nobody reads count.
    del clips
    for row, fingerprint in zip(rows, fingerprints, strict=False):
        yield Unit(id=row["clip"], row=row, fingerprint=fingerprint, path=row["video_path"])
