"""Charts, as Plotly figures made of plain rows. They follow the page's light or dark theme."""

from typing import Any

import plotly.graph_objects as go
import polars as pl

# Okabe & Ito (2008): told apart by colour-blind readers, on light and on dark.
REAL, FAKE, GREY = "#56A0D3", "#E07B39", "#8A8A8A"
SERIES = ("#56A0D3", "#E07B39", "#2BA67F", "#C77CA8", "#D9A400", "#9C7BD4")

CONFIG: dict[str, Any] = {"displaylogo": False, "responsive": True}


def laid_out(figure: go.Figure, *, height: int, **layout: Any) -> go.Figure:
    """Give a figure the margins and behaviour that all charts share."""
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        **layout,
    )
    return figure


def ranking(board: dict[str, Any]) -> go.Figure:
    """Draw models with their intervals, and what metadata alone reach, best at the top."""
    figure = go.Figure()
    rows = [("model", row["model"], row) for row in board["models"]]
    baselines = [row for row in board["baselines"] if row["roc_auc"] is not None]
    baselines.sort(key=lambda row: -row["roc_auc"])
    rows += [("metadata", row["baseline"], row) for row in baselines[:6]]
    for kind, colour, symbol in (("model", SERIES[0], "circle"), ("metadata", GREY, "square")):
        chosen = [(name, row) for k, name, row in rows if k == kind and row["roc_auc"] is not None]
        figure.add_scatter(
            x=[row["roc_auc"] for _, row in chosen],
            y=[name for name, _ in chosen],
            mode="markers",
            name="trained model" if kind == "model" else "metadata alone",
            marker={"color": colour, "symbol": symbol, "size": 11},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [_beyond(row, "roc_auc_high") for _, row in chosen],
                "arrayminus": [-_beyond(row, "roc_auc_low") for _, row in chosen],
                "color": colour,
            },
            hovertemplate="%{y}: ROC AUC %{x:.3f}<extra></extra>",
        )
    figure.add_vline(x=0.5, line={"dash": "dot", "color": GREY})
    figure.update_yaxes(autorange="reversed", title=None)
    figure.update_xaxes(title="ROC AUC on sources, 95 % interval; dotted: chance")
    return laid_out(figure, height=120 + 32 * len(rows))


def _beyond(row: dict[str, Any], end: str) -> float:
    """How far an end of the interval lies from the estimate; 0 where there is no interval."""
    return 0.0 if row[end] is None else float(row[end] - row["roc_auc"])


def stacked(table: pl.DataFrame, by: str) -> go.Figure:
    """Draw numbers of real and fake sources by a column: rows of ``by, real, fake``."""
    figure = go.Figure()
    names = [str(name) for name in table[by]]
    for label, colour in (("real", REAL), ("fake", FAKE)):
        figure.add_bar(
            x=table[label].to_list(),
            y=names,
            orientation="h",
            name=label,
            marker={"color": colour},
            hovertemplate=f"%{{y}}: %{{x}} {label}<extra></extra>",
        )
    figure.update_yaxes(autorange="reversed", title=None, type="category")
    figure.update_xaxes(title="sources")
    return laid_out(figure, height=110 + 26 * len(names), barmode="stack")
