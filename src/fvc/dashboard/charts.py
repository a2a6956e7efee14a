"""Charts, as Plotly figures made of plain rows. They follow the page's light or dark theme."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl

from fvc.dashboard.colours import FAKE, GREY, REAL, SERIES
from fvc.evaluation.mean_curves import GRID, MeanCurves

_FEWEST_BINS, _MOST_BINS = 10, 40


def laid_out(figure: go.Figure, *, height: int, **layout: Any) -> go.Figure:
    """Give a figure the margins and behaviour that all charts share."""
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        **layout,
    )
    return figure


def named(row: dict[str, Any]) -> str:
    """Name a model of the leaderboard, with what has to be known of its score."""
    said = (
        (not row.get("complete", True), "incomplete"),
        (row.get("stale"), "other folds"),
        (row.get("random_weights"), "random weights"),
    )
    remarks = [words for is_so, words in said if is_so]
    return f"{row['model']} ({', '.join(remarks)})" if remarks else str(row["model"])


def metadata(baseline: str) -> str:
    """Name a baseline: ``only frame rate``, ``all metadata``."""
    return baseline.removesuffix(" together") if "all " in baseline else f"only {baseline}"


def ranking(board: dict[str, Any], *, most: int = 6) -> go.Figure:
    """Draw models with their intervals, and what metadata alone reach, best at the top."""
    figure = go.Figure()
    rows = [("model", named(row), row) for row in board["models"]]
    # The majority class is no metadata, and chance has its own line.
    baselines = [row for row in board["baselines"] if row["roc_auc"] is not None and row["columns"]]
    baselines.sort(key=lambda row: -row["roc_auc"])
    rows += [("metadata", metadata(row["baseline"]), row) for row in baselines[:most]]
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
    order = [name for _, name, row in rows if row["roc_auc"] is not None]
    figure.update_yaxes(
        autorange="reversed", title=None, categoryorder="array", categoryarray=order
    )
    figure.update_xaxes(title="ROC AUC on sources, 95 % interval")
    return laid_out(figure, height=120 + 28 * len(order))


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
        x=[0, 1],
        y=chance,
        mode="lines",
        line={"color": GREY, "dash": "dot"},
        name="chance",
        hoverinfo="skip",
    )
    figure.update_xaxes(range=[-0.01, 1.01])
    figure.update_yaxes(range=[-0.01, 1.02])
    if kind == "roc":
        figure.update_xaxes(title="false-positive rate (real called fake)")
        figure.update_yaxes(title="true-positive rate (fake found)")
    else:
        figure.update_xaxes(title="recall (fake found)")
        figure.update_yaxes(title="precision")
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
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": GREY, "dash": "dot"},
        name="perfect",
        hoverinfo="skip",
    )
    figure.update_xaxes(title="mean probability of fake in a bin", range=[-0.02, 1.02])
    figure.update_yaxes(title="share that is fake", range=[-0.03, 1.03])
    return laid_out(figure, height=420)


def training(curves: list[dict[str, Any]], kind: str) -> go.Figure:
    """Draw losses (``kind="loss"``) or the inner ROC AUC by epoch, a line a fold."""
    figure = go.Figure()
    lines = [("val_roc_auc", "inner ROC AUC", REAL)]
    if kind == "loss":
        lines = [("train_loss", "training loss", GREY), ("val_loss", "inner loss", REAL)]
    for key, name, colour in lines:
        for place, fold in enumerate(curves):
            epochs = [row for row in fold["epochs"] if row.get(key) is not None]
            figure.add_scatter(
                x=[row["epoch"] for row in epochs],
                y=[row[key] for row in epochs],
                mode="lines+markers",
                line={"color": colour},
                name=name,
                legendgroup=name,
                showlegend=place == 0,
                opacity=0.75,
                hovertemplate=f"repeat {fold['repeat']}, fold {fold['fold']}, epoch %{{x}}: "
                "%{y:.3f}<extra></extra>",
            )
    most = max((row["epoch"] for fold in curves for row in fold["epochs"]), default=1)
    # Epochs are counted: no tick lies between two.
    figure.update_xaxes(title="epoch", dtick=max(1, most // 10), tick0=0)
    figure.update_yaxes(title="cross-entropy" if kind == "loss" else "ROC AUC on inner sources")
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
    figure.update_xaxes(title=f"score of {a}", range=[-0.02, 1.02])
    figure.update_yaxes(title=f"score of {b}", range=[-0.02, 1.02])
    return laid_out(figure, height=480)


def distribution(table: pl.DataFrame, feature: str, words: str) -> go.Figure:
    """Draw a feature's distribution by class: rows of ``label`` and the feature."""
    figure = go.Figure()
    known = table.select("label", feature).drop_nulls()
    # The same bins for both: Plotly would choose those of each class apart.
    number = int(np.clip(np.sqrt(len(known)), _FEWEST_BINS, _MOST_BINS))
    edges = np.histogram_bin_edges(known[feature].to_numpy(), bins=number)
    for label, colour in ((0, REAL), (1, FAKE)):
        values = known.filter(pl.col("label") == label)[feature].to_numpy()
        counts, _ = np.histogram(values, bins=edges)
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts / max(1, len(values)),
            width=np.diff(edges),
            marker={"color": colour, "line": {"width": 0}},
            opacity=0.6,
            name=f"{'fake' if label else 'real'}, {len(values):,} clips",
            hovertemplate="%{x:.3g}: %{y:.1%}<extra></extra>",
        )
    figure.update_xaxes(title=f"{words} ({feature})")
    figure.update_yaxes(title="share of the class", tickformat=".0%")
    return laid_out(figure, height=380, barmode="overlay")


def importance(rows: list[dict[str, Any]]) -> go.Figure:
    """Draw what the AUC loses without each feature: rows of ``feature``, ``drop`` and its ends."""
    figure = go.Figure()
    figure.add_scatter(
        x=[row["drop"] for row in rows],
        y=[row["feature"] for row in rows],
        mode="markers",
        marker={"color": REAL, "size": 9},
        error_x=_interval(rows, "drop", REAL),
        hovertemplate="%{y}: %{x:+.3f}<extra></extra>",
    )
    figure.add_vline(x=0, line={"dash": "dot", "color": GREY})
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title="ROC AUC lost, 95 % interval")
    return laid_out(figure, height=60 + 24 * len(rows), showlegend=False)


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
            colorbar={"title": {"text": "ρ"}},
            hovertemplate="%{y} and %{x}: %{z:.2f}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed")
    return laid_out(figure, height=160 + 22 * len(names))


def plane(points: pl.DataFrame, by: str, shares: tuple[float, float]) -> go.Figure:
    """Draw clips in a plane, coloured by a column: rows of ``x, y, clip`` and the column.

    `shares` are those of the variance that lie along the two axes.
    """
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
    across, upwards = shares
    bare = {"showticklabels": False, "showgrid": False, "zeroline": False}
    figure.update_xaxes(title=f"first principal component, {across:.0%} of the variance", **bare)
    figure.update_yaxes(title=f"second, {upwards:.0%}", **bare)
    return laid_out(figure, height=560, showlegend=len(common) <= 12)


def schemes(rows: list[dict[str, Any]]) -> go.Figure:
    """Draw an audit: AUC by kind of folds, with true labels and with labels dealt anew."""
    figure = go.Figure()
    kinds = list(dict.fromkeys(row["folds"] for row in rows))
    # Above one another, or intervals that overlap would be one line.
    for labels, colour, symbol, aside in (
        ("true", REAL, "circle", -0.12),
        ("permuted", GREY, "square", 0.12),
    ):
        chosen = [row for row in rows if row["labels"] == labels and row["auc"] is not None]
        figure.add_scatter(
            x=[row["auc"] for row in chosen],
            y=[kinds.index(row["folds"]) + aside for row in chosen],
            hovertemplate="ROC AUC %{x:.3f}<extra></extra>",
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 12},
            error_x=_interval(chosen, "auc", colour),
            name="true labels" if labels == "true" else "labels dealt anew by group",
        )
    figure.add_vline(x=0.5, line={"dash": "dot", "color": GREY})
    figure.update_yaxes(
        range=[len(kinds) - 0.5, -0.5],
        tickvals=list(range(len(kinds))),
        ticktext=kinds,
        zeroline=False,
    )
    figure.update_xaxes(title="ROC AUC, 95 % interval")
    return laid_out(figure, height=300)
