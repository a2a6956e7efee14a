"""Rows of JSON documents as tables: a model's ``metrics.json``, or a list of objects."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from fvc.errors import TableError


def fold_rows(path: Path) -> pl.DataFrame:
    """Read the rows of ``fold_results`` with the model's name, or those of a list of objects.

    Raises
    ------
    TableError
        The file is not JSON, or holds no rows.
    """
    return frame_of(read_rows(path))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read the rows as objects; see `fold_rows`."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TableError(path, f"is not JSON: {error}") from error
    if isinstance(document, dict) and isinstance(document.get("fold_results"), list):
        model = document.get("model", path.parent.name)
        return [{"model": model, **row} for row in document["fold_results"]]
    if isinstance(document, list) and all(isinstance(row, dict) for row in document):
        return document
    raise TableError(path, "holds neither fold_results nor a list of objects")


def frame_of(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Make a table of objects; nested values become JSON text."""
    flat = [
        {
            key: json.dumps(value) if isinstance(value, dict | list) else value
            for key, value in row.items()
        }
        for row in rows
    ]
    frame = pl.DataFrame(flat, infer_schema_length=None, strict=False)
    # A metric that is undefined everywhere is still a number; a reason never given, a text.
    empty = [name for name in frame.columns if frame[name].dtype == pl.Null]
    return frame.with_columns(
        pl.col(name).cast(pl.Float64 if name.startswith(("val_", "test_")) else pl.String)
        for name in empty
    )
