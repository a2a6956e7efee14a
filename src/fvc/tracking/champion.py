"""Which registered version is the champion: moved for an honest difference only."""

import json
import logging
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from fvc.errors import FVCError
from fvc.tracking.registry import find_version, read_tags
from fvc.tracking.results import ModelResult
from fvc.tracking.sending import KEY_TAG
from fvc.workspace import Workspace

logger = logging.getLogger("fvc.tracking")

ALIAS = "champion"


@dataclass(frozen=True)
class Contender:
    """A registered version and what it scored in the outer folds.

    Attributes
    ----------
    key
        What identifies the result.
    split
        Hash of the split that it was scored on.
    roc_auc
        Mean outer ROC AUC on sources.
    """

    key: str
    split: str
    roc_auc: float


@dataclass(frozen=True)
class Verdict:
    """Whether the alias moves, and why."""

    moves: bool
    reason: str


def decide(winner: Contender, corrected: float | None, holder: Contender | None) -> Verdict:
    """Decide whether the leaderboard's winner takes the alias.

    It takes it where nobody holds it or the holder was scored on another split; else only where
    the winner's score, corrected for having been chosen as the best of many, is above the holder's
    own outer score. A score on training data or inner folds counts nowhere.

    Parameters
    ----------
    winner
        The best complete result of the leaderboard by mean outer ROC AUC on sources.
    corrected
        Its score corrected for the choice; None where it could not be computed.
    holder
        Who holds the alias; None where nobody does.

    References
    ----------
    Tsamardinos et al. 2018, the correction for the choice.
    """
    if holder is None:
        return Verdict(True, "the best complete result by outer ROC AUC; nobody held the alias")
    if holder.key == winner.key:
        return Verdict(False, "it holds the alias already")
    if holder.split != winner.split:
        return Verdict(True, "the holder was scored on another split")
    if corrected is None:
        return Verdict(False, "the winner's score could not be corrected for the choice")
    if corrected > holder.roc_auc:
        reason = f"{corrected:.3f}, corrected for the choice, is above the holder's"
        return Verdict(True, f"{reason} {holder.roc_auc:.3f}")
    return Verdict(
        False,
        f"{winner.roc_auc:.3f} is {corrected:.3f} once corrected for the choice, not above the "
        f"holder's {holder.roc_auc:.3f}",
    )


def settle_champion(client: Any, name: str, workspace: Workspace) -> str | None:
    """Move the alias ``champion`` of a registered model where the leaderboard justifies it.

    Parameters
    ----------
    client
        An MLflow client.
    name
        The registered model.
    workspace
        The project, with its leaderboard.

    Returns
    -------
    str or None
        What was decided, in words; None where there is nothing to decide on.
    """
    if not workspace.leaderboard_json.is_file():
        return None
    board = json.loads(workspace.leaderboard_json.read_text(encoding="utf-8"))
    selection = board.get("selection") or {}
    model = str(selection.get("winner"))
    row = next((r for r in board["models"] if r["model"] == model), None)
    if row is None or not row["complete"] or row["stale"] or row["roc_auc"] is None:
        return None
    try:
        result = ModelResult(workspace, model)
    except FVCError as error:
        return f"champion: left where it is, {error}"
    name = result.registered_in(name)
    version = find_version(client, name, result.key)
    if version is None:
        return f"champion: left where it is, {model} is not registered in {name}"
    holder, by_hand = _holder(client, name)
    if by_hand:
        return f"champion: left where it is, the alias of {name} was set by hand"
    winner = Contender(result.key, result.split["hash"], float(row["roc_auc"]))
    verdict = decide(winner, selection.get("corrected"), holder)
    if not verdict.moves:
        return f"champion: left where it is, {verdict.reason}"
    client.set_registered_model_alias(name, ALIAS, version.version)
    told = {"champion.reason": verdict.reason, "champion.selection": _plain(selection)}
    for tag, text in told.items():
        client.set_model_version_tag(name, version.version, tag, text)
    return f"champion: {model}, version {version.version} of {name}; {verdict.reason}"


def _holder(client: Any, name: str) -> tuple[Contender | None, bool]:
    """Find who holds the alias, and whether it is a version that is not ours."""
    exception = import_module("mlflow.exceptions").MlflowException
    try:
        version = client.get_model_version_by_alias(name, ALIAS)
    except exception as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None, False
        raise
    tags = read_tags(version)
    try:
        return (
            Contender(
                str(version.tags[KEY_TAG]),
                str(version.tags["fvc.split_hash"]),
                float(tags["test_roc_auc"]),
            ),
            False,
        )
    except (KeyError, TypeError, ValueError):
        return None, True


def _plain(selection: dict[str, Any]) -> str:
    kept = ("winner", "naive", "corrected", "low", "high", "candidates", "method", "reason")
    return json.dumps({name: selection.get(name) for name in kept})


__all__ = ["ALIAS", "Contender", "Verdict", "decide", "settle_champion"]
