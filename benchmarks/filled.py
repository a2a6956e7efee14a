"""A project whose stage 2 has done a great many clips, made without a video."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fvc.features.names import FEATURE_NAMES, VERSION
from fvc.features.stage import _NEEDED, units
from fvc.features.work import IDENTITY, ExtractFeatures, feature_files
from fvc.stages import Stage
from fvc.stages.compaction import python_types, table_columns
from fvc.stages.folder import StageFolder
from fvc.stages.identity import Keys, described_settings
from fvc.stages.options import Part
from fvc.stages.recorder import Recorder, Task, settings_line
from fvc.tables import ClipSchema, FeatureSchema, check, write_table
from fvc.workspace import Workspace

CLIPS_OF_A_SOURCE = 11
NUM_FRAMES = 6


class FakeFeatures:
    """Gives numbers where the real work would look at a clip."""

    def __init__(self, workspace: Workspace, *, files: bool) -> None:
        self.workspace = workspace
        self.files = files
        self.rng = np.random.default_rng(0)

    def __call__(self, unit: Any) -> list[dict[str, Any]]:
        numbers = self.rng.standard_normal(len(FEATURE_NAMES), np.float32)
        path = self.workspace.stage2.folder / f"{unit.id}.npy"
        if self.files:
            np.save(path, numbers)
        identity = {name: unit.row[name] for name in IDENTITY}
        columns = dict(zip(FEATURE_NAMES, numbers.tolist(), strict=True))
        return [{**identity, "feature_path": self.workspace.relative(path), **columns}]


def fill(project: Path, rows: int, *, files: bool) -> None:
    """Write stage 1's table and stage 2's journal for so many clips.

    Parameters
    ----------
    project
        An empty folder.
    rows
        Number of clips.
    files
        Whether the files are there that the journal names; without them it names none.
    """
    workspace = Workspace(project)
    path = workspace.stage1.table("arrow")
    path.parent.mkdir(parents=True)
    clips = check(clip_table(rows), ClipSchema, path)
    write_table(clips, path)
    stage = Stage(
        number=2,
        name="features",
        files=workspace.stage2,
        settings={"num_frames": NUM_FRAMES, "feature_set": "standard"},
        version=VERSION,
        schema=FeatureSchema,
        work=ExtractFeatures(str(workspace.root), NUM_FRAMES),
        outputs=feature_files,
        extra=dict.fromkeys(FEATURE_NAMES, pl.Float32),
    )
    folder = StageFolder(stage.files, workspace.root)
    folder.journals.mkdir(parents=True, exist_ok=True)
    record = Recorder(
        FakeFeatures(workspace, files=files),
        feature_files if files else _no_files,
        workspace.root,
        python_types(table_columns(stage)),
        1,
    )
    keys = Keys(stage)
    with folder.journal(Part()).open("wb") as journal:
        journal.write(settings_line(described_settings(stage), 1))
        for unit in units(clips, _NEEDED):
            journal.write(record(Task(unit, keys(unit))))


def _no_files(_row: dict[str, Any]) -> tuple[str, ...]:
    return ()


def clip_table(rows: int) -> pl.DataFrame:
    number = pl.int_range(rows, dtype=pl.Int64, eager=True).alias("number")
    source = pl.format("youtube_{}", (pl.col("number") // CLIPS_OF_A_SOURCE).cast(pl.String))
    k = (pl.col("number") % CLIPS_OF_A_SOURCE - 1).cast(pl.Int32)
    name = pl.when(k < 0).then(pl.lit("original")).otherwise(pl.format("aug{}", k))
    return pl.DataFrame([number]).select(
        clip=pl.format("{}_{}", source, name),
        source=source,
        label=(pl.col("number") // CLIPS_OF_A_SOURCE % 2).cast(pl.Int8),
        group=source,
        collection=pl.lit("FVC1"),
        platform=pl.lit("youtube"),
        is_original=k < 0,
        augmentation_idx=k,
        augmentation=pl.when(k < 0).then(pl.lit("original")).otherwise(pl.lit("blur")),
        video_path=pl.format("data/augmented_videos/{}_{}.mp4", source, name),
        original_video=pl.format("videos/FVC1/{}.mp4", source),
        parameters=pl.lit('{"sigma": 1.0}'),
        seed=pl.col("number"),
        width=pl.lit(640, pl.Int32),
        height=pl.lit(360, pl.Int32),
        fps=pl.lit(30.0),
        frame_count=pl.lit(300, pl.Int64),
        key=pl.format("{}{}", pl.lit("0" * 20), pl.col("number") + 10**11),
    )
