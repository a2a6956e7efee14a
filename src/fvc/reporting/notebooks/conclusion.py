"""What a model's measured numbers allow to be said."""

import json
from pathlib import Path
from typing import Any

from fvc.workspace import Workspace


def conclude(model: str, project: Path) -> str:
    """Say in words what a model's results in a project amount to.

    Parameters
    ----------
    model
        Name of a model.
    project
        Folder of the project.

    Returns
    -------
    str
        Markdown: the score with its interval, whether it stands above chance and above what
        metadata alone reach, and its place among the models trained; or that there is no result.
    """
    workspace = Workspace(project)
    path = workspace.model(model) / "metrics.json"
    if not path.is_file():
        return f"`{model}` has not been trained in this project: there is nothing to conclude yet."
    metrics = json.loads(path.read_text(encoding="utf-8"))
    aggregate = metrics["aggregate"]
    auc, low, high = (aggregate.get(key) for key in ("roc_auc", "roc_auc_low", "roc_auc_high"))
    lines = []
    if metrics["simulated"]:
        lines.append("The corpus is simulated: what follows says nothing about real videos.")
    if not metrics["complete"]:
        lines.append(f"The result is incomplete ({metrics['incomplete_reason']}).")
    if auc is None:
        return "\n\n".join([*lines, "No ROC AUC could be computed."])
    lines.append(_against_chance(model, auc, low, high, aggregate["n_scored"]))
    board = _board(workspace)
    if board is not None:
        lines += _against_metadata(auc, high, low, board)
        lines += _among_models(model, board)
    return "\n\n".join(lines)


def _against_chance(
    model: str, auc: float, low: float | None, high: float | None, scored: int
) -> str:
    if low is None or high is None:
        return f"`{model}` reaches a ROC AUC of {auc:.2f} on {scored} sources, without an interval."
    score = f"`{model}` reaches a ROC AUC of {auc:.2f} ({low:.2f}–{high:.2f}) on {scored} sources"
    if low > 0.5:
        return f"{score}: above chance."
    if high < 0.5:
        return f"{score}: below chance, which calls for a look at the labels."
    return f"{score}: the interval holds 0.50, so that it is not shown to be better than chance."


def _board(workspace: Workspace) -> dict[str, Any] | None:
    if not workspace.leaderboard_json.is_file():
        return None
    board: dict[str, Any] = json.loads(workspace.leaderboard_json.read_text(encoding="utf-8"))
    return board


def _against_metadata(
    auc: float, high: float | None, low: float | None, board: dict[str, Any]
) -> list[str]:
    scored = [row for row in board["baselines"] if row["roc_auc"] is not None and row["columns"]]
    if not scored:
        return []
    best = max(scored, key=lambda row: float(row["roc_auc"]))
    told = f"Without a look at a pixel, {best['baseline']} alone gives {best['roc_auc']:.2f}"
    if best["roc_auc"] >= auc:
        return [f"{told}: as much or more. The corpus's construction may explain the score."]
    if low is not None and best["roc_auc"] >= low:
        return [f"{told}, within the model's interval. `fvc confounds` compares them in pairs."]
    return [f"{told}, below the model's interval."]


def _among_models(model: str, board: dict[str, Any]) -> list[str]:
    names = [row["model"] for row in board["models"]]
    if model not in names or len(names) < 2:
        return []
    place = names.index(model) + 1
    return [
        f"It stands at place {place} of {len(names)} models trained here; whether the differences "
        "mean anything, `fvc compare` says."
    ]
