"""What pages read: SQL over the project's files in place, and its JSON documents, each kept."""

import json
import weakref
from pathlib import Path
from threading import Lock
from typing import Any

import polars as pl
import streamlit as st

from fvc.errors import DataError, MissingInputError
from fvc.tables import read_table
from fvc.tracking.project_sql import ProjectSQL
from fvc.workspace import Workspace


def stamp_of(workspace: Workspace) -> float:
    """Tell when the project's tables and results changed last: what is kept is kept until then."""
    places = [
        workspace.index_csv,
        workspace.failures,
        *(stage.folder for stage in workspace.stages),
        workspace.leaderboard_json,
        workspace.stage5,
        workspace.duplicate_pairs,
    ]
    return max((path.stat().st_mtime for path in places if path.exists()), default=0.0)


def query(workspace: Workspace, sql: str) -> pl.DataFrame | None:
    """Run a query over the project's views; None where one of them is not there yet."""
    return _query(str(workspace.root), sql, stamp_of(workspace))


@st.cache_data(show_spinner=False, max_entries=200)
def _query(project: str, sql: str, stamp: float) -> pl.DataFrame | None:
    views = _views(project, stamp)
    try:
        with views.lock:
            return views.connection.query(sql)
    except MissingInputError:
        return None


class _Views:
    """The project's views, opened once: opening them takes longer than most queries do."""

    def __init__(self, project: str) -> None:
        # Pages of several visitors ask at once, and a connection answers one at a time.
        self.lock = Lock()
        self.connection = ProjectSQL(project)
        # Closed once nobody asks it any more: another's query may still run when it is replaced.
        weakref.finalize(self, self.connection.close)


@st.cache_resource(show_spinner=False, max_entries=1)
def _views(project: str, stamp: float) -> _Views:
    return _Views(project)


def document(path: Path) -> dict[str, Any] | None:
    """Read a JSON document of the project; None where it is not there.

    Raises
    ------
    DataError
        It is damaged.
    """
    if not path.is_file():
        return None
    found: dict[str, Any] = _document(str(path), path.stat().st_mtime_ns)
    return found


@st.cache_data(show_spinner=False, max_entries=100)
def _document(path: str, stamp: int) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def board_of(workspace: Workspace) -> dict[str, Any] | None:
    """Read the leaderboard; None where nothing is trained."""
    return document(workspace.leaderboard_json)


def trained_models(workspace: Workspace) -> list[str]:
    """Name the trained models, the leaderboard's first first."""
    board = board_of(workspace)
    return [] if board is None else [str(row["model"]) for row in board["models"]]


def predictions(workspace: Workspace, model: str) -> pl.DataFrame | None:
    """Read a model's out-of-fold predictions; None where they are not there."""
    path = workspace.model(model) / "predictions.parquet"
    if not path.is_file():
        return None
    return table_of(path)


def table_of(path: Path) -> pl.DataFrame:
    """Read a table that is there."""
    found: pl.DataFrame = _table(str(path), path.stat().st_mtime_ns)
    return found


@st.cache_data(show_spinner=False, max_entries=50)
def _table(path: str, stamp: int) -> pl.DataFrame:
    return read_table(Path(path))
