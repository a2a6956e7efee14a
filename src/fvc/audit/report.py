"""What an audit came to, on disk and in hand."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from fvc.audit.plot import draw_audit
from fvc.audit.rows import COLUMNS
from fvc.errors import EXIT_SOME_FAILED
from fvc.tables import write_json_atomic, write_table
from fvc.workspace import Workspace

AUDIT_VERSION = 1

_TEXT = frozenset({"folds", "labels", "unit", "reason"})
_WHOLE = frozenset({
    *("n", "n_real", "n_fake", "n_sources", "n_groups", "n_splits", "repeats", "permutations"),
})  # fmt: skip


@dataclass(frozen=True)
class AuditReport:
    """What an audit came to.

    Attributes
    ----------
    document
        ``target``, ``rows``, ``verdict``, ``memory``, ``cannot``, ``files`` and what was done.
    folder
        Where the files are.
    """

    document: dict[str, Any]
    folder: Path

    @property
    def exit_code(self) -> int:
        """0, or 5 where a draw failed."""
        return 0 if self.document["complete"] else EXIT_SOME_FAILED

    def to_dict(self) -> dict[str, Any]:
        """Give the report in plain JSON types."""
        return self.document

    def summary(self) -> str:
        """Give the report in a few lines."""
        lines = [self.document["verdict"]]
        for row in self.document["rows"]:
            score = "–" if row["auc"] is None else f"{row['auc']:.3f}"
            lines.append(f"  {row['folds']:<12} {row['labels']:<9} {score}")
        return "\n".join(lines)


def write_audit(document: dict[str, Any], name: str, workspace: Workspace) -> AuditReport:
    """Write an audit's table, document and picture.

    Parameters
    ----------
    document
        The audit; gets ``files`` and ``version``.
    name
        Name of its folder, and of the model in the picture.
    workspace
        The project.
    """
    folder = workspace.audit(name)
    table = pl.DataFrame(
        [{key: row.get(key) for key in COLUMNS} for row in document["rows"]], schema=_schema()
    )
    write_table(table, folder / "audit.parquet")
    write_table(table, folder / "audit.csv")
    png, svg = folder / "audit.png", folder / "audit.svg"
    draw_audit(document, png, svg, model=name, simulated=bool(document["simulated"]))
    names = ("audit.json", "audit.parquet", "audit.csv", png.name, svg.name)
    document = {
        **document,
        "files": [workspace.relative(folder / file) for file in names],
        "version": AUDIT_VERSION,
    }
    write_json_atomic(folder / "audit.json", document)
    return AuditReport(document, folder)


def _schema() -> dict[str, Any]:
    return {
        name: pl.String
        if name in _TEXT
        else pl.Int64
        if name in _WHOLE
        else pl.Boolean
        if name == "complete"
        else pl.Float64
        for name in COLUMNS
    }
