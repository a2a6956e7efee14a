"""How far a project is, stage by stage, as its own files say; also while a stage runs."""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from fvc.errors import TableError
from fvc.pipeline import STAGES
from fvc.stages import recorder as field
from fvc.stages.journal import read_index
from fvc.tables import find_table, read_table
from fvc.workspace import Workspace


@dataclass(frozen=True)
class StageProgress:
    """How far a stage is.

    Parameters
    ----------
    stage, verb
        Number and verb.
    unit
        What is counted: ``source``, ``clip`` or ``model``.
    units
        How many there are to do; None where the stage before has not ended.
    finished, failed
        How many are.
    table
        The stage's result, relative to the project; None while it is not there.
    failures
        ``unit, path, kind, reason`` of each that failed.
    """

    stage: int
    verb: str
    unit: str
    units: int | None
    finished: int
    failed: int
    table: str | None
    failures: tuple[dict[str, str], ...] = ()


def stage_progress(workspace: Workspace, number: int) -> StageProgress:
    """Look how far a stage is.

    Parameters
    ----------
    workspace
        The project.
    number
        1 to 5.
    """
    verb = list(STAGES)[number - 1]
    if number == 5:
        return _training(workspace, verb)
    files = workspace.stages[number - 1]
    finished, failures = _journals(files.folder / ".journal")
    table = find_table(files)
    return StageProgress(
        stage=number,
        verb=verb,
        unit="source" if number == 1 else "clip",
        units=_units(workspace, number),
        finished=finished,
        failed=len(failures),
        table=None if table is None else workspace.relative(table),
        failures=tuple(failures),
    )


def _journals(folder: Path) -> tuple[int, list[dict[str, str]]]:
    """Count the units whose latest record says that they are done, and list the failed ones."""
    wanted = (field.UNIT, field.KIND, field.REASON, field.PATH, field.GENERATION)
    index = read_index(folder, lambda block: block.select(wanted))
    index = index.filter(pl.col(field.UNIT).is_not_null())
    newest = pl.col(field.GENERATION) == pl.col(field.GENERATION).max().over(field.UNIT)
    latest = index.filter(newest & (pl.col(field.KIND).fill_null("") != field.BEGUN))
    units = latest.unique(field.UNIT, keep="last", maintain_order=True)
    failed = units.filter(pl.col(field.KIND).is_not_null())
    rows = failed.select(
        pl.col(field.UNIT).alias("unit"),
        pl.col(field.PATH).fill_null("").alias("path"),
        pl.col(field.KIND).alias("kind"),
        pl.col(field.REASON).fill_null("").alias("reason"),
    ).sort("unit")
    return units.height - failed.height, rows.to_dicts()


def _units(workspace: Workspace, number: int) -> int | None:
    try:
        if number == 1:
            status = read_table(workspace.index_csv)["status"]
            return int((status == "ok").sum())
        table = find_table(workspace.stage3 if number == 4 else workspace.stage1)
        if table is None:
            return None
        return (
            int(pl.scan_ipc(table).select(pl.len()).collect().item())
            if (table.suffix == ".arrow")
            else read_table(table).height
        )
    except (OSError, TableError, pl.exceptions.PolarsError):
        return None


def _training(workspace: Workspace, verb: str) -> StageProgress:
    """Count models: one is begun when its folder is there, finished with its metrics."""
    finished, begun = 0, 0
    failures = []
    for folder in sorted(workspace.stage5.glob("*/")):
        metrics = folder / "metrics.json"
        if metrics.is_file():
            with contextlib.suppress(OSError, ValueError):
                document = json.loads(metrics.read_text(encoding="utf-8"))
                if document.get("complete"):
                    finished += 1
                    continue
                reason = str(document.get("incomplete_reason") or "")
                path = workspace.relative(folder)
                failures.append(
                    {"unit": folder.name, "path": path, "kind": "incomplete", "reason": reason}
                )
        elif (folder / ".folds").is_dir():
            begun += 1
    there = workspace.leaderboard_json.is_file()
    return StageProgress(
        stage=5,
        verb=verb,
        unit="model",
        units=finished + begun + len(failures) if finished or begun or failures else None,
        finished=finished,
        failed=len(failures),
        table=workspace.relative(workspace.leaderboard_json) if there else None,
        failures=tuple(failures),
    )
