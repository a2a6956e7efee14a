"""The leaderboard's winner: what its score is worth once choosing it is paid for."""

from collections.abc import Sequence
from typing import Any

from fvc.errors import DataError, MissingInputError
from fvc.evaluation.common_rows import common_rows
from fvc.evaluation.selection import corrected_selection, nothing_selected
from fvc.tables import read_table
from fvc.workspace import Workspace


def leaderboard_selection(workspace: Workspace, models: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Correct the winner's score for the choice among the leaderboard's models.

    Parameters
    ----------
    workspace
        The project, with ``predictions.parquet`` of the models.
    models
        Rows of the leaderboard, best first; incomplete and stale ones are no candidates.

    Returns
    -------
    dict
        As `fvc.evaluation.selection.corrected_selection`; ``corrected`` is None and ``reason`` says
        why where it cannot be computed.
    """
    candidates = [row for row in models if row["complete"] and not row["stale"]]
    if not candidates:
        return nothing_selected("no model is complete and trained on these folds")
    best = candidates[0]
    try:
        common = common_rows({
            row["model"]: read_table(workspace.model(row["model"]) / "predictions.parquet")
            for row in candidates
        })  # fmt: skip
    except (DataError, MissingInputError) as error:
        reason = f"the predictions cannot be compared: {error}"
        return nothing_selected(reason, winner=best["model"], naive=best["roc_auc"])
    return corrected_selection(common.models)
