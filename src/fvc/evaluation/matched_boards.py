"""Leaderboards of the same sources, matched and as they came, side by side."""

import json
from pathlib import Path
from typing import Any

from fvc.errors import DataError
from fvc.workspace import Workspace

NOT_MATCHED = "not matched"
_SCORES = ("model", "complete", "n_sources", "n_scored", "roc_auc", "roc_auc_low", "roc_auc_high",
           "f1", "balanced_accuracy", "stale", "random_weights")  # fmt: skip
_BASELINE = ("baseline", "columns", "n_sources", "n_scored", "roc_auc", "roc_auc_low",
             "roc_auc_high", "accuracy", "balanced_accuracy")  # fmt: skip


def matching_of(workspace: Workspace) -> dict[str, Any] | None:
    """Say what a project's clips were brought to; None where they are as they came.

    Returns
    -------
    dict or None
        ``words`` for people, ``match`` (which aspects), ``matching`` (all settings),
        ``matched_from`` (the project that it was made of, relative to this one) and ``notes``.

    Raises
    ------
    DataError
        What says so cannot be read.
    """
    if not workspace.matching.is_file():
        return None
    document = _read(workspace.matching)
    keys = ("words", "match", "matching", "matched_from", "notes")
    return {key: document[key] for key in keys}


def boards_beside(workspace: Workspace) -> list[dict[str, Any]]:
    """Collect the leaderboards of the same sources that lie in other projects.

    Parameters
    ----------
    workspace
        A project. Beside it are those in ``data/matched``; beside a matched one is the one that
        it was made of.

    Returns
    -------
    list of dict
        ``project`` (relative to this one), ``label`` (what the clips were brought to, or "not
        matched"), ``same_folds`` (scores compare pair by pair), ``models`` and ``baselines``.
    """
    own = matching_of(workspace)
    if own is not None:
        projects = [workspace.absolute(own["matched_from"])]
    else:
        projects = sorted(path.parent.parent for path in _matched(workspace))
    split = _board(workspace)["split"]["hash"] if workspace.leaderboard_json.is_file() else None
    boards = []
    for project in projects:
        other = Workspace(project)
        if not other.leaderboard_json.is_file():
            continue
        board, matching = _board(other), matching_of(other)
        boards.append({
            "project": workspace.relative(project),
            "label": NOT_MATCHED if matching is None else f"matched: {matching['words']}",
            "same_folds": board["split"]["hash"] == split,
            "models": [{k: row.get(k) for k in _SCORES} for row in board["models"]],
            "baselines": [{k: row.get(k) for k in _BASELINE} for row in board["baselines"]],
        })  # fmt: skip
    return boards


def _matched(workspace: Workspace) -> list[Path]:
    place = Workspace(workspace.matched_projects).matching.relative_to(workspace.matched_projects)
    return list(workspace.matched_projects.glob(f"*/{place.as_posix()}"))


def _board(workspace: Workspace) -> dict[str, Any]:
    return _read(workspace.leaderboard_json)


def _read(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    return document
