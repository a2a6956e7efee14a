"""The picture of decisions: what became of real and of fake sources, rule by rule."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from fvc.evaluation.plot_style import (
    BLUE,
    GREY,
    RED,
    save_png,
    save_svg,
    titled_figure,
)

_PARTS = (
    ("called_real", BLUE, "", "called real"),
    ("undecided", "#CCCCCC", "..", "undecided"),
    ("called_fake", RED, "//", "called fake"),
)


def draw_decisions(document: dict[str, Any], png: Path, svg: Path) -> None:
    """Draw a report on decisions as PNG and SVG.

    Parameters
    ----------
    document
        As `fvc.evaluation.decisions_report.model_decisions` writes it.
    png, svg
        The files to write.
    """
    rows = document["rows"]
    figure = titled_figure(
        11.0,
        2.4 + 0.36 * len(rows),
        f"Decisions · {document['model']}",
        f"unit: source, n = {document['n_scored']} ({document['n_real']} real, "
        f"{document['n_fake']} fake) in {document['n_groups']} groups, test sides of "
        f"{document['n_splits']} grouped folds × {document['repeats']} repeats",
        document["simulated"],
    )
    axes = figure.subplots(1, 2, sharey=True)
    for one, name in zip(axes, ("real", "fake"), strict=True):
        _bars(one, rows, name)
    axes[0].set_yticks(range(len(rows)), [_label(row) for row in reversed(rows)])
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=9, frameon=False)
    save_png(figure, png)
    save_svg(figure, svg)


def _label(row: dict[str, Any]) -> str:
    if row["rule"] == "costs":
        undecided = row["cost_undecided"]
        more = "" if undecided is None else f", undecided {undecided:g}"
        return f"costs {row['cost_false_alarm']:g} : {row['cost_miss']:g}{more}"
    words = "error rate" if row["rule"] == "conformal" else row["rule"]
    return f"{words} {100 * row['setting']:g} %" + ("" if row["possible"] else " (too few groups)")


def _bars(axes: Axes, rows: list[dict[str, Any]], name: str) -> None:
    wrong = "called_fake" if name == "real" else "called_real"
    for place, row in enumerate(rows):
        y, left = len(rows) - 1 - place, 0.0
        for part, colour, hatch, words in _PARTS:
            value = row[f"{name}_{part}"]
            axes.barh(
                y, value, left=left, height=0.7, color=colour, hatch=hatch, alpha=0.8,
                edgecolor="white", linewidth=0.5, label=words if place == 0 else None,
            )  # fmt: skip
            left += value
        # The interval of the mistakes, drawn from the side where they stand.
        low, high = (row[f"{name}_{wrong}_{end}"] for end in ("low", "high"))
        ends = [1 - low, 1 - high] if name == "real" else [low, high]
        axes.plot(
            ends, [y, y], color="black", linewidth=1.4, solid_capstyle="butt",
            label="95 % interval of the mistakes" if place == 0 else None,
        )  # fmt: skip
    axes.set(xlim=(0, 1), xlabel="share")
    axes.axvline(0.5, color=GREY, linewidth=0.6, linestyle=":")
    axes.set_title(f"{name} sources", fontsize=11)
