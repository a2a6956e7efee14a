"""The leaderboard's picture: models with their intervals above what metadata alone reach."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from fvc.evaluation.leaderboard import folds_in_words
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

_BASELINES = 5
_CHANCE = 0.5


def draw_leaderboard(board: dict[str, Any], png: Path, svg: Path) -> None:
    """Draw a leaderboard as PNG and SVG.

    Parameters
    ----------
    board
        As `fvc.evaluation.leaderboard.build_leaderboard` returns it. A model without a score has
        its line too; one of other folds is drawn hollow; of the baselines the five strongest are
        drawn.
    png, svg
        The files to write.
    """
    models, split = board["models"], board["split"]
    baselines = [row for row in board["baselines"] if row["roc_auc"] is not None and row["columns"]]
    baselines.sort(key=lambda row: -row["roc_auc"])
    rows = [(_model(row), row, BLUE, "o") for row in models]
    rows += [(_metadata(row["baseline"]), row, ORANGE, "s") for row in baselines[:_BASELINES]]
    matching = board["matching"]
    figure = titled_figure(
        9.5,
        1.9 + 0.34 * len(rows),
        "Leaderboard" if matching is None else f"Leaderboard · {matching['words']}",
        f"unit: source, n = {split['n_sources']} in {split['n_groups']} groups, test sides of "
        f"{folds_in_words(board)}, 95 % intervals",
        board["simulated"],
    )
    axes = figure.subplots()
    said: set[str] = set()
    for place, (_, row, colour, marker) in enumerate(rows):
        words = "trained model" if marker == "o" else "metadata only"
        _estimate(axes, row, place, colour, marker, "" if words in said else words)
        said.add(words)
    _corrected(axes, board)
    axes.axvline(_CHANCE, color=GREY, linestyle="--", linewidth=1, label="chance, 0.50")
    axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axes.set_ylim(len(rows) - 0.3, -0.7)
    lows = [row[key] for _, row, *_ in rows for key in ("roc_auc", "roc_auc_low")]
    axes.set_xlim(min([0.4, *(low for low in lows if low is not None)]) - 0.02, 1.0)
    axes.set_xlabel("ROC AUC")
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    figure.legend(loc="outside lower center", ncols=4, fontsize=9, frameon=False)
    save_png(figure, png)
    save_svg(figure, svg)


def _model(row: dict[str, Any]) -> str:
    said = (
        (not row["complete"], "incomplete"),
        (row["stale"], "other folds"),
        (row.get("random_weights"), "random weights"),
    )
    remarks = [words for is_so, words in said if is_so]
    return f"{row['model']} ({', '.join(remarks)})" if remarks else str(row["model"])


def _metadata(baseline: str) -> str:
    return baseline.removesuffix(" together") if "all " in baseline else f"only {baseline}"


def _estimate(
    axes: Axes, row: dict[str, Any], place: int, colour: str, marker: str, label: str
) -> None:
    value, low, high = row["roc_auc"], row["roc_auc_low"], row["roc_auc_high"]
    if low is not None and high is not None:
        axes.plot([low, high], [place, place], color=colour, lw=2.2)
    if value is not None:
        face = "white" if row.get("stale") else colour
        axes.plot(
            value, place, marker, color=colour, markerfacecolor=face, markersize=7,
            linestyle="none", label=label or None,
        )  # fmt: skip
    axes.text(
        1.015,
        place,
        "no score" if value is None else f"{value:.2f}",
        va="center",
        fontsize=9,
        transform=axes.get_yaxis_transform(),
    )


def _corrected(axes: Axes, board: dict[str, Any]) -> None:
    """Mark what the winner's score is worth once choosing it is paid for."""
    selection = board["selection"]
    if selection["corrected"] is None:
        return
    place = [row["model"] for row in board["models"]].index(selection["winner"])
    axes.plot(
        selection["corrected"], place, "D", color=RED, markersize=7, fillstyle="none",
        markeredgewidth=1.6, linestyle="none", label="the winner, corrected for the choice",
    )  # fmt: skip
