"""Stage 4: twenty-three handcrafted features a scaled clip."""

from pathlib import Path

import polars as pl

from fvc.errors import StaleError
from fvc.features.names import INDICATOR_NAMES, SCALED_FEATURE_NAMES, VERSION
from fvc.features.stage import check_num_frames, units
from fvc.features.work import IDENTITY, ExtractScaledFeatures, feature_files
from fvc.stages import RunOptions, Stage, StageReport, run_stage
from fvc.tables import (
    ClipSchema,
    FeatureSchema,
    ScaledSchema,
    check,
    read_table,
    require_table,
)
from fvc.workspace import Workspace

_NEEDED = (
    *IDENTITY,
    "video_path",
    "original_video",
    "unscaled_path",
    "original_width",
    "original_height",
    *INDICATOR_NAMES,
)


def stage4_extract_scaled_features(
    project: Path = Path("."), *, num_frames: int = 6, run: RunOptions = RunOptions()
) -> StageReport:
    """Compute twenty-three handcrafted features of every clip that stage 3 scaled.

    Writes ``data/features_stage4/<clip>.npy`` (float32, in the order of `SCALED_FEATURE_NAMES`) and
    the same numbers as columns of ``features_scaled_metadata``. The first fifteen bear the names
    that they have in stage 2; whoever joins the tables puts ``scaled_`` before these. What cannot
    be computed for a clip is null in the table and NaN in the array, never 0.

    Parameters
    ----------
    project
        The project's folder.
    num_frames
        Frames sampled uniformly from each clip.
    run
        How to run: workers, shards, limits.

    Returns
    -------
    StageReport
        What was done and what failed.

    Raises
    ------
    MissingInputError
        Stage 3 or stage 1 has not run.
    StaleError
        Stage 3's table has clips that stage 1's no longer has.
    TableError
        One of the tables is wrong.
    OptionError
        `num_frames` is less than 1.
    """
    check_num_frames(num_frames)
    workspace = Workspace(project)
    path = require_table(workspace.stage3)
    scaled = check(read_table(path), ScaledSchema, path)
    clips = _with_unscaled(scaled, workspace, path)
    stage = Stage(
        number=4,
        name="scaled-features",
        files=workspace.stage4,
        settings={"num_frames": num_frames},
        version=VERSION,
        schema=FeatureSchema,
        work=ExtractScaledFeatures(str(workspace.root), num_frames),
        outputs=feature_files,
        extra=dict.fromkeys(SCALED_FEATURE_NAMES, pl.Float32),
    )
    total, work = clips.height, units(clips, _NEEDED)
    # The tables go when the last unit has been read from them, before this stage's own is made.
    del scaled, clips
    return run_stage(stage, work, workspace, run, total=total)


def _with_unscaled(scaled: pl.DataFrame, workspace: Workspace, path: Path) -> pl.DataFrame:
    """Add the path of the file that each clip was scaled from."""
    before = require_table(workspace.stage1)
    unscaled = check(read_table(before), ClipSchema, before)
    joined = scaled.join(
        unscaled.select("clip", unscaled_path="video_path"),
        on="clip",
        how="left",
        maintain_order="left",
    )
    lost = joined.filter(pl.col("unscaled_path").is_null())["clip"].to_list()
    if lost:
        raise StaleError(
            f"{len(lost)} clip(s) of stage 3, {lost[0]!r} for one, are no longer in stage 1's "
            "table",
            path=path,
            remedy="Run `fvc scale` again",
        )
    return joined
