"""The critical-difference picture: models on a line by average rank, joined where none differs."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from fvc.evaluation.plot_style import BLUE, GREY, RED, save_png, save_svg, titled_figure

_ROW = 0.42


def critical_differences(
    comparison: dict[str, Any], png: Path, svg: Path, *, simulated: bool = False
) -> None:
    """Draw a comparison after Demšar (2006), as PNG and SVG.

    Models stand on a line by their average rank over all test folds, the best to the left. A thick
    line joins models of which no two differ by the deciding test after Holm's adjustment. The
    ruler shows Nemenyi's critical difference over the folds of one repeat, for orientation.

    Parameters
    ----------
    comparison
        As `fvc.evaluation.comparison.compare_predictions` returns it.
    png, svg
        The files to write.
    simulated
        Whether the corpus is simulated, which the picture then says.
    """
    models = sorted(comparison["models"], key=lambda row: row["rank"])
    runs = comparison["ranks"]["cliques"]
    half = (len(models) + 1) // 2
    depth = 0.3 + 0.22 * len(runs) + half
    figure = titled_figure(
        11.0, 2.0 + _ROW * depth, "average rank over test folds", _under(comparison), simulated
    )
    axes = figure.subplots()
    last = len(models)
    margin = 0.72 * max(1, last - 1)
    axes.set_xlim(1 - margin, last + margin)
    axes.set_ylim(-depth, 1.3)
    axes.axis("off")
    _scale(axes, last)
    _ruler(axes, comparison, last)
    first_row = 0.5 + 0.22 * len(runs)
    for place, row in enumerate(models):
        left = place < half
        line = place if left else len(models) - 1 - place
        y = -(first_row + line)
        end = 1 - 0.1 * (last - 1) - 0.05 if left else last + 0.1 * (last - 1) + 0.05
        axes.plot([row["rank"], row["rank"], end], [0, y, y], color="black", linewidth=1)
        axes.text(
            end,
            y,
            f" {row['model']}  (AUC {row['roc_auc']:.3f}, rank {row['rank']:.2f}) ",
            ha="right" if left else "left",
            va="center",
            fontsize=10,
        )
    ranks = {row["model"]: row["rank"] for row in models}
    for k, run in enumerate(runs):
        ends = [ranks[name] for name in run]
        y = -(0.22 + 0.22 * k)
        axes.plot(
            [min(ends) - 0.02, max(ends) + 0.02],
            [y, y],
            color=RED,
            linewidth=4,
            solid_capstyle="round",
        )
    save_png(figure, png)
    save_svg(figure, svg)


def _under(comparison: dict[str, Any]) -> str:
    told = (
        f"unit: source, n = {comparison['n_scored']} in {comparison['n_groups']} groups, "
        f"{comparison['n_splits']} grouped folds × {comparison['repeats']} repeats"
    )
    joined = comparison["ranks"]["cliques"]
    alpha = comparison["alpha"]
    lines = (
        f"thick lines: no significant difference ({comparison['deciding_test']}, Holm, {alpha:g})"
        if joined
        else f"no line: all pairs differ ({comparison['deciding_test']}, Holm, {alpha:g})"
    )
    return f"{told}\n{lines}"


def _scale(axes: Axes, last: int) -> None:
    axes.plot([1, last], [0, 0], color="black", linewidth=1.5)
    for rank in range(1, last + 1):
        axes.plot([rank, rank], [0, 0.12], color="black", linewidth=1.5)
        axes.text(rank, 0.2, str(rank), ha="center", va="bottom", fontsize=10)
    axes.text(0.97, 0.2, "best ", ha="right", va="bottom", fontsize=9, color=GREY)


def _ruler(axes: Axes, comparison: dict[str, Any], last: int) -> None:
    ranks = comparison["ranks"]
    wide = ranks["nemenyi_difference"]
    reaches = min(wide, last - 1.0)
    y = 0.95
    axes.plot([1, 1 + reaches], [y, y], color=BLUE, linewidth=2)
    for x in (1.0, 1 + reaches) if wide <= last - 1 else (1.0,):
        axes.plot([x, x], [y - 0.1, y + 0.1], color=BLUE, linewidth=2)
    beyond = " (wider than the scale)" if wide > last - 1 else ""
    axes.text(
        1 + reaches,
        y,
        f"  Nemenyi, {ranks['sets']} folds: {wide:.2f}{beyond}",
        va="center",
        fontsize=9,
        color=BLUE,
    )
