"""The index: one row for each source that can be used."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from fvc.dataset.candidates import Candidate, LeftOut
from fvc.dataset.probing import Probed, probe_video
from fvc.engines import Engine
from fvc.stages.progress import Display
from fvc.tables import IndexSchema, check, write_json_atomic, write_table
from fvc.workspace import Workspace

COLUMNS: tuple[str, ...] = tuple(IndexSchema.column_names())


def probe_candidates(
    candidates: Sequence[Candidate],
    workspace: Workspace,
    engine: Engine,
    shown: Display | None = None,
) -> tuple[list[dict[str, Any]], list[LeftOut]]:
    """Probe every candidate in worker processes and make its row.

    Parameters
    ----------
    candidates
        Videos with labels; their sources differ.
    workspace
        The project, which paths become relative to.
    engine
        Where the probing runs.
    shown
        Where progress is shown.

    Returns
    -------
    rows : list of dict
        In the order of the candidates, with status ``"ok"``.
    left_out : list of LeftOut
        The videos that cannot be used, with what the probe said.
    """
    by_path = {str(candidate.path): candidate for candidate in candidates}
    rows: dict[str, dict[str, Any]] = {}
    left_out: dict[str, LeftOut] = {}
    for number, outcome in enumerate(engine.submit(probe_video, list(by_path)), start=1):
        candidate = by_path[outcome.unit]
        if outcome.value is not None:
            rows[outcome.unit] = _row(candidate, outcome.value, workspace.relative(candidate.path))
        else:
            kind = outcome.failure.kind if outcome.failure else "error"
            reason = outcome.failure.reason if outcome.failure else "no answer"
            left_out[outcome.unit] = LeftOut(candidate.source, outcome.unit, kind, reason)
        if shown is not None:
            shown.update(finished=number, failed=len(left_out), expected=len(by_path))
    return (
        [rows[path] for path in by_path if path in rows],
        [left_out[path] for path in by_path if path in left_out],
    )


def _row(candidate: Candidate, probed: Probed, where: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "source": candidate.source,
        "video_path": where,
        "label": candidate.label,
        "raw_label": candidate.raw_label,
        "group": candidate.group,
        "group_source": candidate.group_source,
        "collection": candidate.collection,
        "platform": candidate.platform,
        "subset": candidate.subset,
        "video_id": candidate.video_id,
        **asdict(probed),
        "status": "ok",
    }
    for name, text in candidate.carried.items():
        if name not in row:
            row[name] = text
        elif text is not None and not _same(row[name], text):
            # What the file says wins; what the list says is kept where it differs.
            row[f"declared_{name}"] = text
    return row


def _same(value: Any, text: str) -> bool:
    if isinstance(value, bool):
        return text.casefold() in (("1", "true", "yes") if value else ("0", "false", "no"))
    if isinstance(value, (int, float)):
        try:
            return math.isclose(float(text), value, rel_tol=1e-3)
        except ValueError:
            return False
    return bool(text == value)


def write_index(rows: Sequence[dict[str, Any]], workspace: Workspace) -> pl.DataFrame:
    """Write ``video_index_input.csv`` and ``.json`` and return the table.

    Parameters
    ----------
    rows
        As `probe_candidates` gives them.
    workspace
        The project.

    Raises
    ------
    TableError
        The rows break a rule of the index: a fault of this program.
    OutputError
        The disk is full, read-only or forbidden.
    """
    types = dict(IndexSchema.create_empty().schema)
    further = list(dict.fromkeys(name for row in rows for name in row if name not in types))
    schema: dict[str, Any] = {**types, **dict.fromkeys(further, pl.String)}
    frame = pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)
    frame = check(frame, IndexSchema, workspace.index_csv)
    write_json_atomic(workspace.index_json, frame.to_dicts())
    write_table(frame, workspace.index_csv)
    return frame
