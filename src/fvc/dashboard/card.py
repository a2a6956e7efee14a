"""What a model is made of, and what its final detector was fitted on: a part of its page."""

from typing import Any

import streamlit as st

from fvc.dashboard.plain_tables import plain_table
from fvc.dashboard.reading import document
from fvc.workspace import Workspace


def warn_of_weights(metrics: dict[str, Any]) -> None:
    """Say at the top of the page where a score is not one of a model as published."""
    if metrics.get("random_weights"):
        st.warning(
            "It began with random weights, or rests on a net that did: its score says nothing of "
            "the published model.",
            icon=":material/casino:",
        )
    if metrics.get("tiny"):
        st.warning(
            "It was built in its smallest form (`--tiny`), to try the way, not for results.",
            icon=":material/compress:",
        )


def show_card(workspace: Workspace, name: str, metrics: dict[str, Any]) -> None:
    """Show a model's card: its metrics file, and the card of the final detector where there is one.

    Parameters
    ----------
    workspace
        The project.
    name
        The model.
    metrics
        Its ``metrics.json``.
    """
    path = workspace.model(name) / "final" / "card.json"
    card = document(path) or {}
    facts = [
        ("family", str(metrics["family"])),
        ("after", str(card.get("reference") or "")),
        *_made_of(card | metrics),
        ("settings of the final detector", _words(card.get("settings") or {})),
        ("chosen by", str(card.get("settings_chosen_by") or "")),
        ("calibrated by", _calibrator(card)),
        ("fitted on", _trained_on(card)),
    ]
    rows = [(key, value) for key, value in facts if value]
    st.html(plain_table(("fact", "value"), rows, what=f"Facts about {name}", text="value"))
    if card:
        st.caption(f"All of it: `{workspace.relative(path)}`")
    else:
        st.caption("There is no final detector of it.")


def _made_of(known: dict[str, Any]) -> list[tuple[str, str]]:
    facts = []
    names = known.get("feature_names") or []
    if names:
        stages = " and ".join(str(number) for number in known.get("tables") or ())
        facts.append(
            (
                "looks at",
                f"{len(names)} features, of stage {stages}" if stages else f"{len(names)} features",
            )
        )
    if known.get("members"):
        facts.append(("members", ", ".join(known["members"])))
    embedding, video, net = (known.get(key) for key in ("embedding", "video", "net"))
    if embedding:
        facts.append(("embeds with", str(embedding["backbone"])))
    if video:
        size = video["size"]
        facts.append(("looks at", f"{video['num_frames']} frames of {size} × {size} pixels"))
    if net:
        facts.append(("parameters", f"{net['parameters']:,}"))
    weights = known.get("weights")
    if weights:
        facts.append(("weights", _weights(weights)))
    return facts


def _weights(weights: dict[str, Any]) -> str:
    if weights["random"]:
        return "random"
    licence = f", licence {weights['licence']}" if weights["licence"] else ""
    return f"{weights['kind']}: {weights['source'] or 'a file'}{licence}"


def _words(settings: dict[str, Any]) -> str:
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in settings.items())


def _calibrator(card: dict[str, Any]) -> str:
    found = card.get("calibrator") or {}
    return str(found.get("method") or "")


def _trained_on(card: dict[str, Any]) -> str:
    found = card.get("trained_on") or {}
    if not found:
        return ""
    return (
        f"{found['n_sources']:,} sources ({found['n_real']:,} real, {found['n_fake']:,} fake) in "
        f"{found['n_groups']:,} groups, {found['n_clips']:,} clips"
    )
