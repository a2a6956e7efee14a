"""The robustness picture: what each kind costs, and curves by strength."""

from math import ceil
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from fvc.evaluation.plot_style import (
    BLUE,
    GREY,
    GRID,
    RED,
    save_png,
    save_svg,
    titled_figure,
)

_COLUMNS = 4


def draw_robustness(document: dict[str, Any], png: Path, svg: Path) -> None:
    """Draw a robustness report as PNG and SVG.

    Parameters
    ----------
    document
        As `fvc.evaluation.robustness.model_robustness` writes it.
    png, svg
        The files to write.
    """
    kinds = [row for row in document["kinds"] if row["change_of_auc"] is not None]
    curves: dict[str, list[dict[str, Any]]] = {}
    for row in document["strengths"]:
        if row["change_of_auc"] is not None:
            curves.setdefault(row["augmentation"], []).append(row)
    lines = ceil(len(curves) / _COLUMNS)
    top = 1.0 + 0.3 * max(1, len(kinds))
    figure = titled_figure(
        13.0,
        1.4 + top + 2.5 * lines,
        f"What alterations do to the score · {document['model']}",
        f"unit: source, mean over its variants, n = {document['n_sources']} in "
        f"{document['n_groups']} groups, {document['n_clips']} variants, test sides of "
        f"{document['n_splits']} grouped folds, 95 % intervals over groups",
        document["simulated"],
    )
    if not lines:
        _kinds(figure.subplots(1, 2), kinds)
    else:
        halves: Any = figure.subfigures(2, 1, height_ratios=[top, 2.5 * lines])
        upper, lower = halves
        _kinds(upper.subplots(1, 2), kinds)
        grid = lower.subplots(lines, _COLUMNS, sharey=True, squeeze=False).reshape(-1)
        for axes in grid[len(curves) :]:
            axes.axis("off")
        for place, (axes, (kind, rows)) in enumerate(zip(grid, curves.items(), strict=False)):
            _curve(axes, kind, rows, first=place % _COLUMNS == 0)
    save_png(figure, png)
    save_svg(figure, svg)


def _kinds(sides: Any, rows: list[dict[str, Any]]) -> None:
    panels = (
        ("change_of_auc", "change of ROC AUC against the same sources unaugmented", BLUE),
        ("absolute_change", "mean absolute change of the score", RED),
    )
    for axes, (name, words, colour) in zip(sides, panels, strict=True):
        for place, row in enumerate(rows):
            y = len(rows) - 1 - place
            if row[f"{name}_low"] is not None:
                axes.plot([row[f"{name}_low"], row[f"{name}_high"]], [y, y], color=colour, lw=2)
            axes.plot(row[name], y, "s", color=colour, markersize=6)
        axes.axvline(0, color=GREY, linestyle="--", linewidth=1)
        axes.set_yticks(range(len(rows)), [row["augmentation"] for row in reversed(rows)])
        axes.set_xlabel(words)
        axes.grid(axis="x", color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)


def _curve(axes: Axes, kind: str, rows: list[dict[str, Any]], *, first: bool) -> None:
    x = [row["strength_median"] for row in rows]
    y = [row["change_of_auc"] for row in rows]
    axes.plot(x, y, "-o", color=BLUE, markersize=5)
    for row in rows:
        if row["change_of_auc_low"] is not None:
            ends = [row["change_of_auc_low"], row["change_of_auc_high"]]
            axes.plot([row["strength_median"]] * 2, ends, color=BLUE, lw=1.5)
    axes.axhline(0, color=GREY, linestyle="--", linewidth=1)
    axes.set_title(kind, fontsize=10)
    axes.set_xlabel(rows[0]["strength"], fontsize=9)
    if first:
        axes.set_ylabel("change of AUC", fontsize=9)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
