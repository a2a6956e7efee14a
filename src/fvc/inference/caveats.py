"""What a reader of a detector's answers has to know before any of them."""

from collections.abc import Mapping
from typing import Any

from fvc.inference.card import Card


def caveats(card: Card, leaderboard: Mapping[str, Any]) -> list[str]:
    """Say what a reader of every answer of a detector has to know, the gravest first.

    Parameters
    ----------
    card
        What is known of the detector.
    leaderboard
        As `Predictor` keeps it; empty where there is none.
    """
    said = []
    if card.expected()["simulated"]:
        said.append("Trained on a simulated corpus: answers say nothing about real videos.")
    calibrator = card.calibrator
    if not calibrator["method"]:
        said.append(f"Not calibrated: the probability is a score ({calibrator['reason']}).")
    elif card.fitted is not None and card.fitted.constant:
        said.append(
            "Out of fold the scores said nothing about the label: the calibrated probability "
            "of every file is the share of fakes."
        )
    matching = card.recipe.matching
    if matching is not None:
        said.append(f"Every file is matched before it is judged: {matching.words}.")
    warning = leaderboard.get("warning")
    if warning:
        said.append(f"{warning[0].upper()}{warning[1:]}")
    notes = leaderboard.get("notes", ())
    said += [note for note in notes if "simulated" not in note]
    if leaderboard.get("stale"):
        said.append("The split has changed since this detector was trained.")
    if card.assumed:
        said.append(
            "The card does not say with which settings these stages ran, and the defaults are "
            f"used: {', '.join(card.assumed)}."
        )
    return said
