"""The picture of what nets need: drops by what is taken away, and a map of the picture's parts."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from fvc.evaluation.plot_style import BLUE, GREY, GRID, save_png, save_svg, titled_figure

_SIDE = 3
_ROWS, _COLUMNS = ("top", "middle", "bottom"), ("left", "centre", "right")


def draw_alterations(document: dict[str, Any], png: Path, svg: Path) -> None:
    """Draw the report as PNG and SVG.

    Parameters
    ----------
    document
        As `fvc.training.net_importance.net_importance` writes it.
    png, svg
        The files to write.
    """
    rows = [row for row in document["alterations"] if row["kind"] != "place"]
    parts = [row for row in document["alterations"] if row["kind"] == "place"]
    figure = titled_figure(
        13.0,
        5.0,
        f"What the score rests on · {document['model']}",
        f"unit: source, n = {document['n_sources']} in {document['n_groups']} groups, each scored "
        f"by a detector that has not seen its group ({document['n_splits']} folds), 95 % intervals "
        "over groups",
        document["simulated"],
    )
    left, right = figure.subplots(1, 2, width_ratios=[1.4, 1])
    _drops(left, rows)
    _map(right, parts)
    save_png(figure, png)
    save_svg(figure, svg)


def _drops(axes: Axes, rows: list[dict[str, Any]]) -> None:
    for place, row in enumerate(rows):
        y = len(rows) - 1 - place
        if row["drop"] is None:
            continue
        if row["drop_low"] is not None:
            axes.plot([row["drop_low"], row["drop_high"]], [y, y], color=BLUE, lw=2)
        axes.plot(row["drop"], y, "s", color=BLUE, markersize=6)
    axes.axvline(0, color=GREY, linestyle="--", linewidth=1)
    labels = [f"{row['alteration']}\n({row['words']})" for row in reversed(rows)]
    axes.set_yticks(range(len(rows)), labels, fontsize=9)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlabel("drop of ROC AUC against the same clips as they are")
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def _map(axes: Axes, parts: list[dict[str, Any]]) -> None:
    values = np.array([np.nan if row["drop"] is None else row["drop"] for row in parts])
    most = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0
    axes.imshow(
        values.reshape(_SIDE, _SIDE), cmap="PuOr", vmin=-max(most, 0.01), vmax=max(most, 0.01)
    )
    for number, row in enumerate(parts):
        if row["drop"] is None:
            text = "–"
        else:
            text = f"{row['drop']:+.3f}"
            if row["drop_low"] is not None:
                text += f"\n{row['drop_low']:+.2f} to {row['drop_high']:+.2f}"
        dark = row["drop"] is not None and most > 0 and abs(row["drop"]) > 0.6 * most
        axes.text(
            number % _SIDE, number // _SIDE, text, ha="center", va="center", fontsize=10,
            color="white" if dark else "black",
        )  # fmt: skip
    axes.set_xticks(range(_SIDE), _COLUMNS)
    axes.set_yticks(range(_SIDE), _ROWS)
    axes.tick_params(length=0)
    axes.set_title("drop of ROC AUC without this part of the picture", fontsize=11)
