"""Scores that are handed in: someone's CSV, or a trained model's own predictions."""

from pathlib import Path
from typing import Any

import polars as pl

from fvc.errors import MissingInputError, TableError
from fvc.tables import read_table
from fvc.workspace import Workspace

REQUIRED = ("clip", "source", "label", "score")
_LABELS = {"0": 0, "1": 1, "real": 0, "fake": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}


def read_scores(path: Path, workspace: Workspace) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Read someone's scores.

    Parameters
    ----------
    path
        A table with ``clip, source, label, score`` and optionally ``group``, ``fold``, ``repeat``.
        Labels are 0 and 1, or real and fake. An empty score is a clip that was not scored.
    workspace
        The project: where the file has no groups, its index gives them.

    Returns
    -------
    (polars.DataFrame, dict)
        The scored clips, and notes: ``unscored`` clips, and ``group_note`` where the file has no
        groups.

    Raises
    ------
    MissingInputError
        There is no such file.
    TableError
        It has wrong columns or values.
    """
    table = read_table(path)
    missing = [name for name in REQUIRED if name not in table.columns]
    if missing:
        raise TableError(
            path, f"columns are missing: {', '.join(missing)}; there are {', '.join(table.columns)}"
        )
    label = table["label"].cast(pl.String).str.strip_chars().str.to_lowercase()
    known = label.is_in(list(_LABELS))
    if not known.fill_null(False).all():
        wrong = label.filter(~known.fill_null(False))[0]
        raise TableError(path, f"label {wrong!r}: labels are 0 and 1, or real and fake")
    try:
        score = table["score"].cast(pl.Float64).fill_nan(None)
        repeat = (
            table["repeat"].cast(pl.Int32)
            if "repeat" in table.columns
            else pl.Series([0] * table.height, dtype=pl.Int32)
        )
    except pl.exceptions.PolarsError as error:
        raise TableError(path, f"a score or repeat is no number: {error}") from error
    if score.is_infinite().any():
        raise TableError(path, "a score is infinite")
    clean = pl.DataFrame({
        "clip": table["clip"].cast(pl.String),
        "source": table["source"].cast(pl.String),
        "label": label.replace_strict(_LABELS, return_dtype=pl.Int8),
        "score": score,
        "repeat": repeat,
    })  # fmt: skip
    for name in ("group", "fold"):
        if name in table.columns:
            clean = clean.with_columns(table[name].cast(pl.String).alias(name))
    for name in ("clip", "source", "group", "fold"):
        if name in clean.columns and clean[name].null_count():
            raise TableError(path, f"{clean[name].null_count()} row(s) have no {name}")
    doubled = clean.select("repeat", "clip").is_duplicated()
    if doubled.any():
        raise TableError(path, f"clip {clean['clip'].filter(doubled)[0]!r} stands in several rows")
    group_note = None
    if "group" not in clean.columns:
        clean, group_note = _add_groups(clean, workspace)
    unscored = clean["score"].null_count()
    clean = clean.filter(pl.col("score").is_not_null())
    if not clean.height:
        raise TableError(path, "no clip has a score")
    return clean, {"unscored": unscored, "group_note": group_note}


def _add_groups(table: pl.DataFrame, workspace: Workspace) -> tuple[pl.DataFrame, str]:
    if workspace.index_csv.is_file():
        index = read_table(workspace.index_csv)
        if {"source", "group"} <= set(index.columns):
            groups = index.select(pl.col("source", "group").cast(pl.String))
            joined = table.join(groups, on="source", how="left", maintain_order="left")
            unknown = joined.filter(pl.col("group").is_null())["source"].n_unique()
            if unknown == 0:
                return joined, "The file has no groups: those of the project's index are used."
            if unknown < table["source"].n_unique():
                filled = joined.with_columns(pl.coalesce("group", "source"))
                return filled, (
                    f"The file has no groups: those of the project's index are used; {unknown} "
                    "source(s) that it lacks are groups of their own."
                )
    return table.with_columns(group=pl.col("source")), (
        "The file has no groups: every source is taken for a group of its own, so memory of "
        "scenes cannot be seen."
    )


def read_predictions(name: str, workspace: Workspace) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Read a trained model's out-of-fold predictions in the same shape.

    Raises
    ------
    MissingInputError
        The model was not trained.
    """
    path = workspace.model(name) / "predictions.parquet"
    if not path.is_file():
        raise MissingInputError(
            f"{name} was not trained",
            path=path,
            remedy=f"Run `fvc train --model-types {name}` first",
        )
    table = read_table(path).select(
        pl.col("source").alias("clip"),
        "source",
        "group",
        "label",
        "score",
        "repeat",
        pl.col("fold").cast(pl.String),
    )
    unscored = table.filter(pl.col("score").is_null())["source"].n_unique()
    return table.filter(pl.col("score").is_not_null()), {"unscored": unscored, "group_note": None}
