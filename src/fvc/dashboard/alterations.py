"""What a net's score rests on: what it costs to take a part of its clips away."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl
import streamlit as st

from fvc.dashboard import charts
from fvc.dashboard.frame import chart, signed
from fvc.dashboard.reading import document
from fvc.models import MODEL_CONFIGS
from fvc.workspace import Workspace

_ROWS, _COLUMNS = ("top", "middle", "bottom"), ("left", "centre", "right")
_HEIGHT = 420


def looks_at_frames(model: str) -> bool:
    """Tell whether a model is a net or rests on one, so that parts of clips can be taken away."""
    return model in MODEL_CONFIGS and MODEL_CONFIGS[model].family in ("video", "embedding")


def net_importance(workspace: Workspace, model: str) -> dict[str, Any] | None:
    """Read what `fvc importance` found of a net or an embedding model; None where it has not."""
    return document(workspace.importances / model / "alterations.json")


def show_alterations(item: dict[str, Any]) -> None:
    """Show a report: verdict, chart and map with their numbers, and what has to be known of it."""
    for line in item["verdict"]:
        st.markdown(line)
    whole = [row for row in item["alterations"] if row["kind"] != "place"]
    parts = [row for row in item["alterations"] if row["kind"] == "place"]
    known = "not known" if item["roc_auc"] is None else f"{item['roc_auc']:.2f}"
    unit = (
        f"Unit: source, n = {item['n_sources']:,} in {item['n_groups']:,} groups, each scored by a "
        f"detector that has not seen its group ({item['n_splits']} folds); as they are, their AUC "
        f"is {known}. {100 * item['confidence']:.0f} % intervals over groups."
    )
    left, right = st.columns([3, 2])
    with left:
        words = f"What the AUC loses when something is taken away from held-out clips. {unit}"
        chart(drops(whole), _numbers(whole), words)
    with right:
        words = "What it loses without each ninth of the picture: brown is lost, violet is gained."
        chart(parts_map(parts), _numbers(parts), words)
    st.caption(" ".join(item["notes"]))


def drops(rows: list[dict[str, Any]]) -> go.Figure:
    """Draw what the AUC loses when something is taken away: rows of ``alteration`` and ``drop``."""
    known = [row | {"feature": row["alteration"]} for row in rows if row["drop"] is not None]
    return charts.importance(known).update_layout(height=_HEIGHT)


def parts_map(rows: list[dict[str, Any]]) -> go.Figure:
    """Draw what the AUC loses without each ninth of the picture, from the top left, as a map."""
    shape = (len(_ROWS), len(_COLUMNS))
    lost = np.array([np.nan if row["drop"] is None else row["drop"] for row in rows])
    most = max(0.01, float(np.nanmax(np.abs(lost), initial=0.0)))
    words = [
        "–" if row["drop"] is None else f"{signed(row['drop'], 3)}<br>{_interval(row)}"
        for row in rows
    ]
    figure = go.Figure(
        go.Heatmap(
            z=lost.reshape(shape),
            x=_COLUMNS,
            y=_ROWS,
            zmin=-most,
            zmax=most,
            colorscale="PuOr_r",
            text=np.array(words).reshape(shape),
            texttemplate="%{text}",
            colorbar={"title": {"text": "AUC lost"}},
            hovertemplate="without %{y} %{x}: %{text}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed")
    return charts.laid_out(figure, height=_HEIGHT)


def _interval(row: dict[str, Any]) -> str:
    if row["drop_low"] is None:
        return ""
    return f"{signed(row['drop_low'])} to {signed(row['drop_high'])}"


def _numbers(rows: list[dict[str, Any]]) -> pl.DataFrame:
    numbers = [
        {
            "taken away": row["alteration"],
            "what is left": row["words"],
            "AUC lost": row["drop"],
            "interval": _interval(row),
            "sources": row["n_sources"],
        }
        for row in rows
    ]
    return pl.DataFrame(numbers, infer_schema_length=None)
