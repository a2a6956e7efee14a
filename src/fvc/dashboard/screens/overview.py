"""Overview: what is in the project, how far the pipeline came, what failed, what to do next."""

from datetime import datetime
from pathlib import Path
from typing import Any

import streamlit as st

from fvc.dashboard.frame import empty
from fvc.dashboard.plain_tables import class_bars, plain_table
from fvc.dashboard.reading import board_of, query
from fvc.tables import find_table
from fvc.workspace import StageFiles, Workspace

_TITLES = {
    1: "Standard copies and variants",
    2: "Features of the clips",
    3: "Scaled clips",
    4: "Features of the scaled clips",
}

_STEPS = ("step", "what", "state", "last written", "command")
_COLLECTIONS = 20


def show(workspace: Workspace) -> None:
    """Show the page."""
    st.title("Overview")
    sources = query(
        workspace,
        "SELECT count(*) AS n, count(*) FILTER (label = 0) AS real, "
        'count(*) FILTER (label = 1) AS fake, count(DISTINCT "group") AS groups FROM sources',
    )
    if sources is None:
        st.markdown("This project has no index yet: no videos are known to it.")
        empty("Index the archives, or a folder of real and fake clips.", "fvc setup --corpus CLIPS")
        return
    _numbers(workspace, sources.row(0, named=True))
    _next(workspace)
    st.header("Pipeline")
    what = "How far the pipeline came"
    st.html(plain_table(_STEPS, _steps(workspace), what=what, text="what", code="command"))
    st.header("Collections")
    _collections(workspace)
    st.header("Failures")
    _failures(workspace)


def _numbers(workspace: Workspace, row: dict[str, int]) -> None:
    clips = query(workspace, "SELECT count(*) AS n FROM clips")
    failures = query(workspace, "SELECT count(*) AS n FROM failures")
    board = board_of(workspace)
    shown = (
        ("Sources", f"{row['n']:,}", f"{row['real']:,} real, {row['fake']:,} fake"),
        ("Groups", f"{row['groups']:,}", "sources of a group are never divided"),
        ("Clips", "none yet" if clips is None else f"{clips['n'][0]:,}", "copies and variants"),
        ("Trained models", "0" if board is None else f"{len(board['models'])}", _complete(board)),
        ("Failures", "0" if failures is None else f"{failures['n'][0]:,}", "each with its reason"),
    )
    # Columns would be squeezed beside the sidebar; these go to the next line.
    with st.container(horizontal=True):
        for name, value, note in shown:
            with st.container(width=150, gap="xxsmall"):
                st.metric(name, value)
                st.caption(note)


def _complete(board: dict[str, Any] | None) -> str:
    if board is None:
        return "none yet"
    lacking = sum(not row["complete"] or row["stale"] for row in board["models"])
    return f"{lacking} incomplete or stale" if lacking else "all complete"


def _steps(workspace: Workspace) -> list[tuple[str, ...]]:
    rows = [_step("0", "Index", "fvc setup", workspace.index_csv)]
    rows += [
        _step(str(files.number), _TITLES[files.number], f"fvc {files.command}", find_table(files))
        for files in workspace.stages
    ]
    return [*rows, _step("5", "Trained models", "fvc train", workspace.leaderboard_json)]


def _step(number: str, what: str, command: str, path: Path | None) -> tuple[str, ...]:
    when = ""
    if path is not None and path.is_file():
        when = datetime.fromtimestamp(path.stat().st_mtime).strftime("%Y-%m-%d %H:%M")
    return number, what, "✓ done" if when else "– not run", when, command


def _next(workspace: Workspace) -> None:
    missing: StageFiles | None = next(
        (files for files in workspace.stages if find_table(files) is None), None
    )
    if missing is not None:
        empty(f"Next: {_TITLES[missing.number].lower()}, and what follows.", "fvc run")
    elif board_of(workspace) is None:
        empty("Next: train detectors.", "fvc train")
    elif not (workspace.comparison / "comparison.json").is_file():
        empty("Next: see whether the models differ at all.", "fvc compare")
    elif not any(workspace.audits.glob("*/audit.json")):
        empty("Next: see how much of a score is memory.", "fvc audit gradient_boosting")


def _collections(workspace: Workspace) -> None:
    table = query(
        workspace,
        "SELECT coalesce(collection, 'not known') AS collection, "
        "count(*) FILTER (label = 0) AS real, count(*) FILTER (label = 1) AS fake FROM sources "
        "GROUP BY ALL ORDER BY count(*) DESC, collection",
    )
    if table is None:
        return
    rows = [(str(name), int(real), int(fake)) for name, real, fake in table.rows()]
    what = "Real and fake sources of each collection"
    st.html(class_bars(rows[:_COLLECTIONS], named="collection", what=what))
    left_out = len(rows) - _COLLECTIONS
    if left_out > 0:
        st.caption(f"And {left_out:,} smaller collections.")


def _failures(workspace: Workspace) -> None:
    table = query(
        workspace,
        "SELECT kind, stage, count(*) AS n, any_value(reason) AS example FROM failures "
        "GROUP BY stage, kind ORDER BY n DESC, kind, stage",
    )
    if table is None or not len(table):
        st.success("None recorded.", icon=":material/check_circle:")
        return
    rows = [
        (str(kind).replace("_", " "), str(stage), f"{n:,}", str(example))
        for kind, stage, n, example in table.rows()
    ]
    headings = ("kind", "stage", "how many", "an example of the reason")
    st.html(plain_table(headings, rows, what="Failures by kind and stage", text=headings[-1]))
    st.caption('All of them: `fvc query "SELECT * FROM failures"`')
