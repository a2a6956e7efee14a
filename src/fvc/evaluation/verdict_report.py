"""What verbs that pass a verdict return, and how their results are written: once, for all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from fvc.tables import write_json_atomic, write_table
from fvc.workspace import Workspace


@dataclass(frozen=True)
class VerdictReport:
    """A document with a verdict.

    Attributes
    ----------
    document
        As it is written to JSON; ``verdict`` and ``notes`` are lists of sentences.
    exit_code
        0, or 5 where a part of the work failed.
    """

    document: dict[str, Any]
    exit_code: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Give the report in plain JSON types."""
        return self.document

    def summary(self) -> str:
        """Give the report in a few lines."""
        return "\n".join([*self.document["verdict"], *self.document["notes"]])


def write_results(
    document: dict[str, Any],
    stem: Path,
    tables: Mapping[str, pl.DataFrame],
    draw: Callable[[dict[str, Any], Path, Path], None],
    workspace: Workspace,
) -> dict[str, Any]:
    """Write a document's tables (Parquet, CSV), picture (PNG, SVG) and itself (JSON).

    Parameters
    ----------
    document
        What was found; gets ``files``, relative to the project.
    stem
        Path of picture and document without an ending; the tables stand beside them.
    tables
        By the stem of their file names; one without columns is not written.
    draw
        Draws the document: as PNG, and as SVG.
    workspace
        The project.

    Returns
    -------
    dict
        The document.
    """
    files = []
    for name, table in tables.items():
        if table.width:
            for ending in ("parquet", "csv"):
                files.append(stem.with_name(f"{name}.{ending}"))
                write_table(table, files[-1])
    png, svg, path = (stem.with_name(f"{stem.name}.{ending}") for ending in ("png", "svg", "json"))
    draw(document, png, svg)
    document["files"] = [workspace.relative(file) for file in (*files, png, svg, path)]
    write_json_atomic(path, document)
    return document


def rows_table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Make a table of a document's rows; a value that is missing in the first may come later."""
    return pl.DataFrame(rows, infer_schema_length=None)
