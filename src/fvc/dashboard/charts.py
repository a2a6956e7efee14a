"""Charts, as Plotly figures made of plain rows. They follow the page's light or dark theme."""

from typing import Any

import plotly.graph_objects as go
import polars as pl

from fvc.dashboard.colours import FAKE, GREY, REAL, SERIES
from fvc.evaluation.mean_curves import GRID, MeanCurves


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
            error_x=_interval([row for _, row in chosen], "roc_auc", colour),
            hovertemplate="%{y}: ROC AUC %{x:.3f}<extra></extra>",
        )
    figure.add_vline(x=0.5, line={"dash": "dot", "color": GREY})
    figure.update_yaxes(autorange="reversed", title=None)
    figure.update_xaxes(title="ROC AUC on sources, 95 % interval; dotted: chance")
    return laid_out(figure, height=120 + 32 * len(rows))


def _interval(rows: list[dict[str, Any]], key: str, colour: str) -> dict[str, Any]:
    """Describe intervals as Plotly's error bars; of length 0 where there is none."""

    def beyond(row: dict[str, Any], end: str) -> float:
        return 0.0 if row[f"{key}_{end}"] is None else float(row[f"{key}_{end}"] - row[key])

    return {
        "type": "data",
        "symmetric": False,
        "array": [beyond(row, "high") for row in rows],
        "arrayminus": [-beyond(row, "low") for row in rows],
        "color": colour,
    }


def mean_curve(lines: MeanCurves, kind: str) -> go.Figure:
    """Draw the mean ROC (``kind="roc"``) or precision–recall curve with its band over folds."""
    of = lines.sensitivity if kind == "roc" else lines.precision
    mean, low, high = lines.spread(of)
    figure = go.Figure()
    figure.add_scatter(
        x=[*GRID, *GRID[::-1]],
        y=[*high, *low[::-1]],
        fill="toself",
        fillcolor="rgba(86,160,211,0.25)",
        line={"width": 0},
        name="± 1 standard deviation over folds",
        hoverinfo="skip",
    )
    figure.add_scatter(x=GRID, y=mean, line={"color": REAL, "width": 3}, name="mean over folds")
    chance = [0, 1] if kind == "roc" else [lines.share, lines.share]
    figure.add_scatter(
        x=[0, 1], y=chance, line={"color": GREY, "dash": "dot"}, name="chance", hoverinfo="skip"
    )
    if kind == "roc":
        figure.update_xaxes(title="false-positive rate (real called fake)")
        figure.update_yaxes(title="true-positive rate (fake found)")
    else:
        figure.update_xaxes(title="recall (fake found)")
        figure.update_yaxes(title="precision", range=[0, 1.02])
    return laid_out(figure, height=420)


def reliability(rows: list[dict[str, Any]]) -> go.Figure:
    """Draw shares of fakes against mean probability: rows of ``when, probability, share, n``."""
    figure = go.Figure()
    for when, colour in (("as scored", GREY), ("calibrated", REAL)):
        chosen = [row for row in rows if row["when"] == when]
        figure.add_scatter(
            x=[row["probability"] for row in chosen],
            y=[row["share"] for row in chosen],
            mode="lines+markers",
            name=when,
            line={"color": colour},
            marker={"size": 9},
            customdata=[row["n"] for row in chosen],
            hovertemplate="P %{x:.2f}: %{y:.0%} fake of %{customdata}<extra></extra>",
        )
    figure.add_scatter(
        x=[0, 1], y=[0, 1], line={"color": GREY, "dash": "dot"}, name="perfect", hoverinfo="skip"
    )
    figure.update_xaxes(title="mean probability of fake in a bin", range=[0, 1])
    figure.update_yaxes(title="share that is fake", range=[0, 1])
    return laid_out(figure, height=420)


def training(curves: list[dict[str, Any]]) -> go.Figure:
    """Draw loss and inner loss by epoch, a line a fold."""
    figure = go.Figure()
    for key, name, colour in (("loss", "training", REAL), ("val_loss", "inner", FAKE)):
        for place, fold in enumerate(curves):
            epochs = [row for row in fold["epochs"] if row.get(key) is not None]
            figure.add_scatter(
                x=[row["epoch"] for row in epochs],
                y=[row[key] for row in epochs],
                mode="lines+markers",
                line={"color": colour},
                name=f"{name} loss",
                legendgroup=name,
                showlegend=place == 0,
                hovertemplate=f"fold {fold['fold']}, epoch %{{x}}: %{{y:.3f}}<extra></extra>",
            )
    figure.update_xaxes(title="epoch")
    figure.update_yaxes(title="loss")
    return laid_out(figure, height=380)


def changes(rows: list[dict[str, Any]], name: str) -> go.Figure:
    """Draw ROC AUC on altered videos with intervals, rows named by the column `name`."""
    chosen = [row for row in rows if row["roc_auc"] is not None]
    figure = go.Figure()
    figure.add_scatter(
        x=[row["roc_auc"] for row in chosen],
        y=[str(row[name]).replace("_", " ") for row in chosen],
        mode="markers",
        marker={"color": REAL, "size": 10},
        error_x=_interval(chosen, "roc_auc", REAL),
        name="altered, 95 % interval",
    )
    figure.add_scatter(
        x=[row.get("roc_auc_unaugmented") for row in chosen],
        y=[str(row[name]).replace("_", " ") for row in chosen],
        mode="markers",
        marker={"color": GREY, "symbol": "line-ns-open", "size": 12},
        name="the same sources unaltered",
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title="ROC AUC on sources")
    return laid_out(figure, height=120 + 28 * len(chosen))


def agreement(table: pl.DataFrame, a: str, b: str) -> go.Figure:
    """Draw the scores of two models against each other: rows of ``source, label, a, b``."""
    figure = go.Figure()
    for label, colour, symbol in ((0, REAL, "circle"), (1, FAKE, "diamond")):
        part = table.filter(pl.col("label") == label)
        figure.add_scatter(
            x=part["a"].to_list(),
            y=part["b"].to_list(),
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 8, "opacity": 0.8},
            text=part["source"].to_list(),
            name="fake" if label else "real",
            hovertemplate="%{text}<br>%{x:.2f}, %{y:.2f}<extra></extra>",
        )
    for line in ({"x": 0.5}, {"y": 0.5}):
        (figure.add_vline if "x" in line else figure.add_hline)(
            **line, line={"dash": "dot", "color": GREY}
        )
    figure.update_xaxes(title=a, range=[-0.02, 1.02])
    figure.update_yaxes(title=b, range=[-0.02, 1.02])
    return laid_out(figure, height=480)


def distribution(table: pl.DataFrame, feature: str) -> go.Figure:
    """Draw a feature's distribution by class: rows of ``label`` and the feature."""
    figure = go.Figure()
    for label, colour in ((0, REAL), (1, FAKE)):
        figure.add_histogram(
            x=table.filter(pl.col("label") == label)[feature].drop_nulls().to_list(),
            marker={"color": colour},
            opacity=0.6,
            nbinsx=40,
            histnorm="probability",
            name="fake" if label else "real",
        )
    figure.update_xaxes(title=feature)
    figure.update_yaxes(title="share of the class", tickformat=".0%")
    return laid_out(figure, height=380, barmode="overlay")


def correlations(matrix: Any, names: list[str]) -> go.Figure:
    """Draw rank correlations, −1…1, as a map."""
    figure = go.Figure(
        go.Heatmap(
            z=matrix,
            x=names,
            y=names,
            zmin=-1,
            zmax=1,
            colorscale="RdBu",
            hovertemplate="%{y} and %{x}: %{z:.2f}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed")
    return laid_out(figure, height=160 + 22 * len(names))


def plane(points: pl.DataFrame, by: str) -> go.Figure:
    """Draw clips in a plane, coloured by a column: rows of ``x, y, clip`` and the column."""
    figure = go.Figure()
    values = points[by].cast(pl.String).fill_null("none")
    common = values.value_counts(sort=True)[by].to_list()
    for place, value in enumerate(common[:30]):
        part = points.filter(values == value)
        colour, symbol = SERIES[place % len(SERIES)], place // len(SERIES)
        figure.add_scattergl(
            x=part["x"].to_list(),
            y=part["y"].to_list(),
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 6},
            text=part["clip"].to_list(),
            name=value,
            hovertemplate="%{text}<extra>" + value + "</extra>",
        )
    if len(common) > 30:
        part = points.filter(~values.is_in(common[:30]))
        figure.add_scattergl(
            x=part["x"].to_list(),
            y=part["y"].to_list(),
            mode="markers",
            marker={"color": GREY, "size": 4, "opacity": 0.5},
            text=part["clip"].to_list(),
            name=f"{len(common) - 30} others",
            hovertemplate="%{text}<extra></extra>",
        )
    figure.update_xaxes(title=None, showticklabels=False)
    figure.update_yaxes(title=None, showticklabels=False)
    return laid_out(figure, height=560, showlegend=len(common) <= 12)


def schemes(rows: list[dict[str, Any]]) -> go.Figure:
    """Draw an audit: AUC by kind of folds, with true labels and with labels dealt anew."""
    figure = go.Figure()
    for labels, colour, symbol in (("true", REAL, "circle"), ("permuted", GREY, "square")):
        chosen = [row for row in rows if row["labels"] == labels and row["auc"] is not None]
        figure.add_scatter(
            x=[row["auc"] for row in chosen],
            y=[row["folds"] for row in chosen],
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 12},
            error_x=_interval(chosen, "auc", colour),
            name="true labels" if labels == "true" else "labels dealt anew by group",
        )
    figure.add_vline(x=0.5, line={"dash": "dot", "color": GREY})
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title="ROC AUC; dotted: chance")
    return laid_out(figure, height=300)
