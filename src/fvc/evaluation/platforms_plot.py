"""The picture of robustness after platforms: what each step costs, and curves by quality."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from fvc.evaluation.plot_style import (
    BLUE,
    GREY,
    GRID,
    ORANGE,
    RED,
    save_png,
    save_svg,
    titled_figure,
)

_COLOURS = (BLUE, ORANGE)


def draw_platforms(document: dict[str, Any], png: Path, svg: Path) -> None:
    """Draw the report as PNG and SVG.

    Parameters
    ----------
    document
        As `fvc.inference.robustness.platform_robustness` writes it.
    png, svg
        The files to write.
    """
    rows = [row for row in document["transformations"] if row["change_of_auc"] is not None]
    figure = titled_figure(
        14.0,
        2.0 + 0.32 * max(8, len(rows)),
        f"After what platforms do · {document['model']}",
        f"unit: source, n = {document['n_sources']} in {document['n_groups']} groups, each scored "
        f"by a detector that has not seen its group ({document['n_splits']} folds), 95 % intervals "
        "over groups",
        document["simulated"],
    )
    left, middle, right = figure.subplots(1, 3, width_ratios=[1.2, 1, 1])
    _steps(left, rows)
    _curves(middle, rows, "roc_auc", "ROC AUC", document["roc_auc_untouched"])
    _curves(right, rows, "absolute_change", "mean absolute change of the score", None)
    save_png(figure, png)
    save_svg(figure, svg)


def _steps(axes: Axes, rows: list[dict[str, Any]]) -> None:
    for place, row in enumerate(rows):
        y = len(rows) - 1 - place
        if row["change_of_auc_low"] is not None:
            ends = [row["change_of_auc_low"], row["change_of_auc_high"]]
            axes.plot(ends, [y, y], color=RED, lw=2)
        axes.plot(row["change_of_auc"], y, "s", color=RED, markersize=6)
    axes.axvline(0, color=GREY, linestyle="--", linewidth=1)
    axes.set_yticks(range(len(rows)), [row["words"] for row in reversed(rows)])
    axes.set_xlabel("change of ROC AUC against the same sources untouched")
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def _curves(
    axes: Axes, rows: list[dict[str, Any]], name: str, words: str, untouched: float | None
) -> None:
    families: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["quality"] is not None:
            families.setdefault(row["family"], []).append(row)
    curves = {family: own for family, own in families.items() if len(own) > 1}
    for number, (colour, (family, own)) in enumerate(zip(_COLOURS, curves.items(), strict=False)):
        # Beside each other, so that one interval does not hide another.
        steps = [step + 0.06 * (2 * number - 1) for step in range(len(own))]
        axes.plot(steps, [row[name] for row in own], "-o", color=colour, label=family)
        for step, row in zip(steps, own, strict=True):
            if row[f"{name}_low"] is not None:
                ends = [row[f"{name}_low"], row[f"{name}_high"]]
                axes.plot([step, step], ends, color=colour, lw=1.5)
    if untouched is not None:
        axes.axhline(untouched, color=GREY, linestyle="--", linewidth=1, label="untouched")
    most = max((len(own) for own in curves.values()), default=0)
    ticks = [
        "\n".join(
            f"{own[0]['family']} {own[i]['quality']}" for own in curves.values() if i < len(own)
        )
        for i in range(most)
    ]
    axes.set_xticks(range(most), ticks)
    axes.set_xlabel("constant rate factor, coarser to the right")
    axes.set_ylabel(words)
    if curves:
        # Above the axes: below, an interval may reach anywhere.
        axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
