"""The matrix that tabular models read: feature tables joined by clip to the sources of a split."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fvc.errors import NothingLeftError, StaleError, TableError
from fvc.tables import ClipSchema, FeatureSchema, IndexSchema, ScaledSchema, check

_INDICATORS = frozenset({"is_upscaled", "is_downscaled"})
# Whatever a table carries along, these never become features: they name, place or label a clip.
_NEVER_FEATURES = (
    frozenset(ClipSchema.column_names())
    | frozenset(ScaledSchema.column_names())
    | frozenset(IndexSchema.column_names())
    | {"key", "feature_path", "fold", "repeat", "score", "calibrated"}
) - _INDICATORS
_CARRIED = ("clip", "source", "label", "is_original", "augmentation_idx", "augmentation")


@dataclass(frozen=True)
class Sources:
    """The sources of a split, in the order of the names.

    Attributes
    ----------
    names : tuple of str, length s
    labels : (s,) int8
        0 real, 1 fake.
    groups : (s,) object
        Group of each source.
    fold : (repeats, s) int32
        Fold in which a source is tested, by repeat.
    """

    names: tuple[str, ...]
    labels: NDArray[np.int8]
    groups: NDArray[Any]
    fold: NDArray[np.int32]

    @classmethod
    def from_folds(cls, folds: pl.DataFrame, repeats: int) -> "Sources":
        """Read the first `repeats` repeats of a split table."""
        parts = [folds.filter(pl.col("repeat") == r).sort("source") for r in range(repeats)]
        first = parts[0]
        return cls(
            names=tuple(first["source"]),
            labels=first["label"].to_numpy().astype(np.int8),
            groups=np.array(first["group"].to_list(), dtype=object),
            fold=np.stack([part["fold"].to_numpy() for part in parts]).astype(np.int32),
        )

    def first(self, repeats: int) -> "Sources":
        """Keep the first `repeats` repeats only."""
        return replace(self, fold=self.fold[:repeats])


@dataclass(frozen=True)
class Clips:
    """Features of clips, sorted by source and variant, so that the tables' order does not matter.

    Attributes
    ----------
    X : (n, p) float32
        Features; NaN is missing.
    feature_names : list of str, length p
        Stage 4's are prefixed ``scaled_``.
    source : (n,) int32
        Position of a clip's source in `Sources`.
    original : (n,) bool
        The unaugmented copy of a source.
    clip, kind : (n,) Polars series of str
        Name of the clip; name of its augmentation.
    notes : dict
        What was left out, counted.
    """

    X: NDArray[np.float32]
    feature_names: list[str]
    source: NDArray[np.int32]
    original: NDArray[np.bool_]
    clip: pl.Series
    kind: pl.Series
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def inputs(self) -> NDArray[Any]:
        """What a detector is given of the clips, one row a clip: here their features."""
        return self.X

    def digest(self) -> str:
        """Hash of everything that training reads."""
        hashed = hashlib.sha256("\0".join(self.feature_names).encode())
        for array in (self.X, self.source, self.original):
            hashed.update(np.ascontiguousarray(array).data)
        hashed.update("\0".join(self.clip.unique(maintain_order=True)).encode())
        return hashed.hexdigest()[:32]


def feature_columns(frame: pl.DataFrame, path: Path) -> list[str]:
    """Name the feature columns of a stage 2 or 4 table: numbers that follow ``feature_path``.

    Columns that name, place or label a clip are never among them, wherever they stand.

    Raises
    ------
    TableError
        There are none.
    """
    after = frame.columns[frame.columns.index("feature_path") + 1 :]
    names = [
        name
        for name in after
        if name not in _NEVER_FEATURES
        and (
            frame[name].dtype.is_numeric()
            or frame[name].dtype in (pl.Boolean, pl.Null)
            # A CSV file does not say of which type an empty column is.
            or frame[name].null_count() == frame.height
        )
    ]
    if not names:
        raise TableError(path, "no feature column follows 'feature_path'")
    return names


def join_clips(
    tables: Sequence[tuple[int, Path, pl.DataFrame]],
    sources: Sources,
    *,
    leave_out: Callable[[str], bool] | None = None,
) -> Clips:
    """Join feature tables by clip, and clips to the sources of the split.

    A clip that one of the tables lacks has failed in that stage and is left out, never filled in.

    Parameters
    ----------
    tables
        (stage number, file, frame) of each feature table; columns of stage 4 get the prefix
        ``scaled_``.
    sources
        The sources of the split.
    leave_out
        Says of a feature's name that it is not to be used; those are named in the notes.

    Raises
    ------
    StaleError
        A table's labels are not those of the split: the index has changed since.
    TableError
        A table has wrong columns, or two unaugmented copies of a source.
    NothingLeftError
        No clip has features in all tables.
    """
    joined: pl.DataFrame | None = None
    names: list[str] = []
    notes: dict[str, Any] = {}
    for stage, path, frame in tables:
        frame = check(frame, FeatureSchema, path)
        prefix = "scaled_" if stage == 4 else ""
        columns = feature_columns(frame, path)
        if leave_out is not None:
            out = [name for name in columns if leave_out(name)]
            notes.setdefault("left_out", []).extend(f"{prefix}{name}" for name in out)
            columns = [name for name in columns if name not in out]
        features = [pl.col(c).cast(pl.Float32).alias(f"{prefix}{c}") for c in columns]
        names += [f"{prefix}{c}" for c in columns]
        notes[f"clips_in_table_{stage}"] = frame.height
        if joined is None:
            joined = frame.select(*_CARRIED, *features)
        else:
            joined = joined.join(frame.select("clip", *features), on="clip", how="inner")
    assert joined is not None
    position = pl.DataFrame({
        "source": sources.names,
        "position": np.arange(len(sources.names), dtype=np.int32),
        "wanted": sources.labels,
    })  # fmt: skip
    known = joined.join(position, on="source", how="inner")
    notes["clips_in_all_tables"] = joined.height
    notes["clips_of_sources_outside_the_index"] = joined.height - known.height
    _check_labels(known, tables[0][1])
    known = known.sort("position", "augmentation_idx", "clip")
    if not known.height:
        raise NothingLeftError("no clip of the index has features in all tables that are needed")
    # Column by column: one dense copy, and none of the strings.
    X = np.empty((known.height, len(names)), dtype=np.float32)
    for i, name in enumerate(names):
        X[:, i] = known[name].fill_null(float("nan")).to_numpy()
    infinite = np.isinf(X)
    notes["infinite_values_taken_as_missing"] = int(infinite.sum())
    X[infinite] = np.nan
    source = known["position"].to_numpy().astype(np.int32)
    original = (known["augmentation_idx"] == -1).to_numpy()
    notes["sources_with_features"] = len(np.unique(source[original]))
    twice = np.flatnonzero(np.bincount(source[original]) > 1)
    if len(twice):
        raise TableError(
            tables[0][1],
            f"source {sources.names[twice[0]]!r} has more than one unaugmented copy",
        )
    return Clips(
        X=X,
        feature_names=names,
        source=source,
        original=original,
        clip=known["clip"],
        kind=known["augmentation"].fill_null("original"),
        notes=notes,
    )


def _check_labels(known: pl.DataFrame, path: Path) -> None:
    other = known.filter(pl.col("label") != pl.col("wanted"))
    if other.height:
        row = other.row(0, named=True)
        raise StaleError(
            f"source {row['source']!r} has label {row['label']} in this table and {row['wanted']} "
            "in the index",
            path=path,
            remedy="Run the stages again: `fvc run`",
        )
