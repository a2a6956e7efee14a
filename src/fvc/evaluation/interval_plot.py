"""The picture of intervals: one line a method, and the ranges of new sets."""

from pathlib import Path
from typing import Any

from fvc.evaluation.plot_style import (
    BLUE,
    GREY,
    GRID,
    ORANGE,
    save_png,
    save_svg,
    titled_figure,
)


def draw_intervals(document: dict[str, Any], png: Path, svg: Path) -> None:
    """Draw intervals of the AUC as PNG and SVG.

    Parameters
    ----------
    document
        As `fvc.training.interval.model_interval` writes it.
    png, svg
        The files to write.
    """
    rows = [row for row in document["rows"] if row["metric"] == "roc_auc"]
    figure = titled_figure(
        8.4,
        2.2 + 0.4 * len(rows),
        f"How sure the AUC is · {document['model']}",
        f"unit: source, n = {document['n_scored']} ({document['n_real']} real, "
        f"{document['n_fake']} fake) in {document['n_groups']} groups, test sides of "
        f"{document['n_splits']} grouped\nfolds × {document['repeats']} repeats, 95 % intervals",
        document["simulated"],
    )
    axes = figure.subplots()
    for place, row in enumerate(rows):
        y, new = len(rows) - 1 - place, row["method"].startswith("new set")
        colour = ORANGE if new else BLUE
        if row["low"] is not None:
            axes.plot([row["low"], row["high"]], [y, y], color=colour, lw=3)
        if row["value"] is not None:
            axes.plot(row["value"], y, "D" if new else "o", color=colour, markersize=7)
    axes.axvline(0.5, color=GREY, linestyle="--", linewidth=1)
    axes.set_yticks(range(len(rows)), [row["method"] for row in reversed(rows)])
    axes.set(ylim=(-0.6, len(rows) - 0.4), xlabel="ROC AUC; dashed: chance")
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    save_png(figure, png)
    save_svg(figure, svg)
