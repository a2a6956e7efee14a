"""The columns of the tables that others read: stable names, types and ranges.

Columns may be added, none renamed. `check` casts what can be cast without loss, keeps columns
beyond the schema, and names the file, the column and an example where a rule is broken.
"""

from pathlib import Path
from typing import TypeVar

import dataframely as dy
import polars as pl

from fvc.errors import TableError


class IndexSchema(dy.Schema):
    """``video_index_input``: one row a source."""

    source = dy.String(primary_key=True, min_length=1)
    video_path = dy.String(nullable=False)
    label = dy.Int8(nullable=False, is_in=[0, 1])
    raw_label = dy.String(nullable=True)
    group = dy.String(nullable=False, min_length=1)
    group_source = dy.String(nullable=True)
    collection = dy.String(nullable=True)
    platform = dy.String(nullable=True)
    subset = dy.String(nullable=True)
    video_id = dy.String(nullable=True)
    width = dy.Int32(nullable=True, min=1)
    height = dy.Int32(nullable=True, min=1)
    fps = dy.Float64(nullable=True, min_exclusive=0)
    frame_count = dy.Int64(nullable=True, min=1)
    duration_sec = dy.Float64(nullable=True, min=0)
    codec_name = dy.String(nullable=True)
    bitrate = dy.Int64(nullable=True, min=0)
    pixel_format = dy.String(nullable=True)
    has_audio = dy.Bool(nullable=True)
    file_size_bytes = dy.Int64(nullable=True, min=0)
    status = dy.String(nullable=False)


class _Clip(dy.Schema):
    clip = dy.String(primary_key=True, min_length=1)
    source = dy.String(nullable=False, min_length=1)
    label = dy.Int8(nullable=False, is_in=[0, 1])
    group = dy.String(nullable=False, min_length=1)
    collection = dy.String(nullable=True)
    platform = dy.String(nullable=True)
    is_original = dy.Bool(nullable=False)
    augmentation_idx = dy.Int32(nullable=False, min=-1)
    augmentation = dy.String(nullable=True)


class ClipSchema(_Clip):
    """Stage 1: one row a clip; ``augmentation_idx`` −1 is the unaugmented copy."""

    video_path = dy.String(nullable=False)
    original_video = dy.String(nullable=False)
    parameters = dy.String(nullable=True)
    seed = dy.Int64(nullable=True)
    width = dy.Int32(nullable=False, min=1)
    height = dy.Int32(nullable=False, min=1)
    fps = dy.Float64(nullable=True, min_exclusive=0)
    frame_count = dy.Int64(nullable=False, min=1)


class ScaledSchema(ClipSchema):
    """Stage 3: stage 1's columns for the scaled file, and what it was scaled from."""

    original_width = dy.Int32(nullable=False, min=1)
    original_height = dy.Int32(nullable=False, min=1)
    scaled_width = dy.Int32(nullable=False, min=1)
    scaled_height = dy.Int32(nullable=False, min=1)
    is_upscaled = dy.Bool(nullable=False)
    is_downscaled = dy.Bool(nullable=False)
    method = dy.String(nullable=False)


class FeatureSchema(_Clip):
    """Stages 2 and 4: one row a clip; the features themselves follow as Float32 columns."""

    feature_path = dy.String(nullable=False)


class FoldSchema(dy.Schema):
    """``folds.parquet``: one row a source and repeat; ``fold`` is the one it is tested in."""

    source = dy.String(primary_key=True, min_length=1)
    repeat = dy.Int32(primary_key=True, min=0)
    group = dy.String(nullable=False, min_length=1)
    label = dy.Int8(nullable=False, is_in=[0, 1])
    platform = dy.String(nullable=True)
    collection = dy.String(nullable=True)
    fold = dy.Int32(nullable=False, min=0)


class PredictionSchema(dy.Schema):
    """``predictions.parquet``: out-of-fold scores; a null score is a source not scored."""

    source = dy.String(primary_key=True, min_length=1)
    repeat = dy.Int32(primary_key=True, min=0)
    group = dy.String(nullable=False, min_length=1)
    label = dy.Int8(nullable=False, is_in=[0, 1])
    fold = dy.Int32(nullable=False, min=0)
    score = dy.Float64(nullable=True)
    calibrated = dy.Float64(nullable=True, min=0, max=1)
    calibrator = dy.String(nullable=True)


class FailureSchema(dy.Schema):
    """``failures.csv``: one row for each unit that a stage could not finish."""

    stage = dy.String(nullable=False)
    unit = dy.String(nullable=False)
    path = dy.String(nullable=True)
    kind = dy.String(nullable=False)
    reason = dy.String(nullable=False)


S = TypeVar("S", bound=dy.Schema)


def check(frame: pl.DataFrame, schema: type[S], path: Path | str) -> pl.DataFrame:
    """Check a table against a schema and return it, cast, with columns beyond the schema kept.

    Parameters
    ----------
    frame
        The table as read.
    schema
        One of the schemas of this module.
    path
        The file that it came from, for messages.

    Raises
    ------
    TableError
        A column is missing, has the wrong type, or holds a value against the rules.
    """
    expected = schema.column_names()
    missing = [name for name in expected if name not in frame.columns]
    if missing:
        raise TableError(path, f"columns are missing: {', '.join(missing)}")
    types = schema.create_empty().schema
    columns: dict[str, pl.Series] = {}
    for name in expected:
        column = frame[name]
        wanted = types[name]
        try:
            columns[name] = column.cast(wanted)
        except pl.exceptions.PolarsError as error:
            first = str(error).splitlines()[0]
            raise TableError(path, f"column {name!r} is not {wanted}: {first}") from error
        # A cast from decimal to whole numbers cuts in silence.
        if column.dtype.is_float() and wanted.is_integer():
            lost = column.filter(column != columns[name].cast(column.dtype))
            if len(lost):
                raise TableError(path, f"column {name!r} is not {wanted}: it holds {lost[0]}")
    cast = frame.with_columns(**columns)
    _, failure = schema.filter(cast.select(expected), cast=False)
    counts = failure.counts()
    if counts:
        rule, count = max(counts.items(), key=lambda item: item[1])
        example = failure.invalid().head(1).to_dicts()[0]
        culprit = rule.split("|")[0]
        shown = f", for example {example[culprit]!r}" if culprit in example else f": {example}"
        raise TableError(path, f"{count} row(s) break the rule {rule!r}{shown}")
    return cast
