"""Find a trained detector: by its name, by its folder, or the best of a project's leaderboard."""

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from fvc.errors import DataError, MissingInputError, OptionError
from fvc.inference.card import parse_card
from fvc.inference.predictor import Predictor
from fvc.models import find_model
from fvc.models.loading import read_card
from fvc.workspace import Workspace


def load(
    model: str | Path | None = None, *, project: Path | str = Path("."), trust: bool = False
) -> Predictor:
    """Load a trained detector to judge files with.

    Parameters
    ----------
    model
        Name of a model trained in the project, or a model's folder, or its ``final`` folder. By
        default the best complete one on the project's leaderboard.
    project
        Folder of the project.
    trust
        Read a pickle where there is no other form. Only for files that you made.

    Returns
    -------
    Predictor

    Raises
    ------
    MissingInputError
        There is no such detector.
    StaleError
        It was trained by an earlier version.
    OptionError
        There is only a pickle and `trust` is False, or no model has this name.
    DataError
        Its files are damaged.

    Examples
    --------
    >>> import fvc
    >>> for answer in fvc.load("svm", project="my-project").predict("clips"):  # doctest: +SKIP
    ...     print(answer.path, answer.probability, answer.decision)
    """
    workspace = Workspace(project)
    chosen = f"{model}" if model is not None else None
    name = best_model(workspace) if chosen is None else chosen
    folder = _folder(name, workspace)
    try:
        document = read_card(folder)
    except (ValueError, OSError) as error:
        raise DataError(f"the card in {folder} cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise DataError(f"the card in {folder} is not a detector's card")
    return Predictor(
        folder=folder,
        card=parse_card(document, folder),
        trust=trust,
        chosen_by="asked for" if model is not None else "best on the leaderboard",
        leaderboard=_leaderboard(folder),
    )


def best_model(workspace: Workspace) -> str:
    """Name the best complete model of a project's leaderboard.

    Raises
    ------
    MissingInputError
        There is no leaderboard, or no complete model on it.
    """
    path = workspace.leaderboard_json
    if not path.is_file():
        raise MissingInputError("no leaderboard", path=path, remedy="Run `fvc train` first")
    for row in json.loads(path.read_text(encoding="utf-8"))["models"]:
        if row["complete"] and not row["stale"]:
            return str(row["model"])
    raise MissingInputError(
        "no complete model on the leaderboard", path=path, remedy="Run `fvc train` first"
    )


def _folder(name: str, workspace: Workspace) -> Path:
    """Find a detector's folder by a trained model's name, or by its path."""
    own = workspace.model(name)
    for folder in (own, Path(name)):
        if any((folder / part / "card.json").is_file() for part in (".", "final")):
            return folder
    if own.is_dir() or Path(name).exists():
        where = own if own.is_dir() else Path(name)
        raise MissingInputError(
            "no trained detector with a card", path=where, remedy="Run `fvc train` first"
        )
    trained = sorted(path.parent.name for path in workspace.stage5.glob("*/metrics.json"))
    close = get_close_matches(name, trained, n=1, cutoff=0.5)
    if close:
        raise OptionError(f"no trained model {name!r}: did you mean {close[0]!r}?")
    find_model(name)
    raise MissingInputError(
        f"{name} is not trained", path=own, remedy=f"Run `fvc train --model-types {name}` first"
    )


def _leaderboard(folder: Path) -> dict[str, Any]:
    """Take from the leaderboard beside a detector what a reader of its answers has to know."""
    place = folder.parent if folder.name == "final" else folder
    path = place.parent / Workspace().leaderboard_json.name
    try:
        board = json.loads(path.read_text(encoding="utf-8"))
        row = next(row for row in board["models"] if row["model"] == place.name)
        selection = board.get("selection") or {}
        won = selection.get("winner") == place.name and selection.get("corrected") is not None
        return {
            "warning": row.get("warning"),
            "notes": list(board.get("notes", ())),
            "stale": bool(row.get("stale")),
            "corrected_for_selection": selection["corrected"] if won else None,
            "chosen_among": len(selection["candidates"]) if won else None,
        }
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        # A detector that was handed on alone has no leaderboard beside it.
        return {}
