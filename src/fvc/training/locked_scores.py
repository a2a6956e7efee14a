"""The record of every scoring of the locked set."""

import json
from typing import Any

from fvc.errors import DataError
from fvc.tables import write_json_atomic
from fvc.workspace import Workspace


def record_scoring(workspace: Workspace, scoring: dict[str, Any]) -> dict[str, Any]:
    """Add a scoring of the locked set to ``locked_scores.json``, and say which it is.

    Parameters
    ----------
    workspace
        The project.
    scoring
        ``model, model_hash, time`` and the numbers.

    Returns
    -------
    dict
        `scoring` with ``number`` (from 1), ``first`` and ``said``, a sentence.

    Raises
    ------
    DataError
        The record is there and cannot be read; it is never begun anew.
    """
    path = workspace.locked_scores
    scorings: list[dict[str, Any]] = []
    if path.is_file():
        try:
            scorings = json.loads(path.read_text(encoding="utf-8"))["scorings"]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path} cannot be read ({error!r}); it is not written over") from error
    number = len(scorings) + 1
    same = sum(row["model_hash"] == scoring["model_hash"] for row in scorings)
    said = (
        "This is the first scoring of the locked set."
        if number == 1
        else f"This is scoring {number} of the locked set, not the first: choosing among models by "
        "it makes the best one look better than it is"
        + (f" ({same} earlier one(s) of this very detector)." if same else ".")
    )
    taken = {"number": number, "first": number == 1, **scoring}
    write_json_atomic(path, {"scorings": [*scorings, taken], "version": 1})
    return {**taken, "said": said}
