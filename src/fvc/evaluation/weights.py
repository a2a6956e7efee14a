"""What a reader of a net's score has to know of its weights."""

from collections.abc import Mapping
from typing import Any


def is_tiny(described: Mapping[str, Any]) -> bool:
    """Whether a net or a backbone is in its smallest form, by ``metrics.json`` or the card."""
    return bool(described.get("tiny", described.get("net", {}).get("tiny", False)))


def weights_notes(described: Mapping[str, Any]) -> list[str]:
    """Say that a net is in its smallest form, or began with random weights.

    Parameters
    ----------
    described
        ``metrics.json`` or the card, or how nets are fitted now (``tiny``, ``weights``).
    """
    notes = []
    if is_tiny(described):
        notes.append("The net is in its smallest form: a test of the way, not a result.")
    if described.get("random_weights") or described.get("weights") == "none":
        notes.append("Its weights were random at the beginning, not pretrained.")
    return notes
