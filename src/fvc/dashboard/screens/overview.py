"""Overview: what is in the project, how far the pipeline came, what failed, what to do next."""

from datetime import datetime
from pathlib import Path

import polars as pl
import streamlit as st

from fvc.dashboard import charts
from fvc.dashboard.frame import chart, empty
from fvc.dashboard.reading import board_of, query
from fvc.tables import find_table
from fvc.workspace import StageFiles, Workspace

_TITLES = {
    1: "Standard copies and variants",
    2: "Features of the clips",
    3: "Scaled clips",
    4: "Features of the scaled clips",
}


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
    st.dataframe(_steps(workspace), hide_index=True, width="stretch")
    left, right = st.columns(2)
    with left:
        st.header("Collections")
        _collections(workspace)
    with right:
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
        ("Trained models", "0" if board is None else f"{len(board['models'])}", ""),
        ("Failures", "0" if failures is None else f"{failures['n'][0]:,}", "each with its reason"),
    )
    for column, (name, value, note) in zip(st.columns(len(shown)), shown, strict=True):
        with column:
            st.metric(name, value)
            st.caption(note)


def _steps(workspace: Workspace) -> pl.DataFrame:
    rows = [_step("0", "Index", "fvc setup", workspace.index_csv)]
    rows += [
        _step(str(files.number), _TITLES[files.number], f"fvc {files.command}", find_table(files))
        for files in workspace.stages
    ]
    rows.append(_step("5", "Trained models", "fvc train", workspace.leaderboard_json))
    return pl.DataFrame(rows)


def _step(number: str, what: str, command: str, path: Path | None) -> dict[str, str]:
    when = ""
    if path is not None and path.is_file():
        when = datetime.fromtimestamp(path.stat().st_mtime).strftime("%Y-%m-%d %H:%M")
    return {
        "step": number,
        "what": what,
        "state": "done" if when else "not run",
        "last written": when,
        "command": command,
    }


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
        "SELECT collection, count(*) FILTER (label = 0) AS real, "
        "count(*) FILTER (label = 1) AS fake FROM sources "
        "GROUP BY collection ORDER BY count(*) DESC, collection LIMIT 20",
    )
    if table is not None:
        words = "Real and fake sources of each collection."
        chart(charts.stacked(table, "collection"), table, words)


def _failures(workspace: Workspace) -> None:
    table = query(
        workspace,
        "SELECT stage, kind, count(*) AS clips, any_value(reason) AS example FROM failures "
        "GROUP BY stage, kind ORDER BY clips DESC",
    )
    if table is None or not len(table):
        st.success("None recorded.", icon=":material/check_circle:")
        return
    st.dataframe(table, hide_index=True, width="stretch")
    st.caption('All of them: `fvc query "SELECT * FROM failures"`')
