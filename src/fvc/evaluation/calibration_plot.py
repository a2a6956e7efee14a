"""The reliability picture: share of fakes by probability, before and after, and a histogram."""

from pathlib import Path
from typing import Any

import numpy as np
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

_TITLES = {"before": "as scored", "after": "calibrated, cross-fitted"}


def draw_calibration(document: dict[str, Any], png: Path, svg: Path) -> None:
    """Draw a calibration report as PNG and SVG.

    Parameters
    ----------
    document
        As `fvc.evaluation.calibration_report.model_calibration` writes it.
    png, svg
        The files to write.
    """
    stated = document["prevalence"]["stated"]
    weighed = "" if stated is None else f", weighed to {stated:.3g} fake"
    figure = titled_figure(
        10.5,
        7.0,
        f"Reliability · {document['model']}",
        f"unit: source, n = {document['n_scored']} ({document['n_real']} real, "
        f"{document['n_fake']} fake{weighed}) in {document['n_groups']} groups, test sides of "
        f"{document['n_splits']} grouped folds × {document['repeats']} repeats",
        document["simulated"],
    )
    axes = figure.subplots(2, 2, sharex=True, height_ratios=[3, 1])
    for column, when in enumerate(("before", "after")):
        _curve(axes[0, column], document, when)
        _histogram(axes[1, column], document, when)
    axes[0, 0].set_ylabel("share of fakes")
    axes[1, 0].set_ylabel("sources")
    handles, labels = axes[0, 1].get_legend_handles_labels()
    more = axes[1, 1].get_legend_handles_labels()
    figure.legend(
        [*handles, *more[0]], [*labels, *more[1]], loc="outside lower center", ncols=5,
        fontsize=9, frameon=False,
    )  # fmt: skip
    save_png(figure, png)
    save_svg(figure, svg)


def _curve(axes: Axes, document: dict[str, Any], when: str) -> None:
    rows = [row for row in document["bins"] if row["when"] == when]
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="calibrated")
    x = [row["mean_probability"] for row in rows]
    if rows:
        low, high = ([row[end] for row in rows] for end in ("low", "high"))
        axes.fill_between(
            x, low, high, color=ORANGE, alpha=0.3, linewidth=0, label="95 % over groups, pointwise"
        )
        axes.plot(x, [row["share_fake"] for row in rows], "o-", color=BLUE, label="found")
    else:
        axes.text(0.5, 0.5, "too few sources,\nor no probabilities", ha="center", va="center")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_title(f"{_TITLES[when]}\n{_said(document[when])}", fontsize=10)


def _said(found: dict[str, Any]) -> str:
    told = []
    for name, words in (
        ("brier", "Brier"),
        ("calibration_error", "calibration error"),
        ("slope", "slope"),
    ):
        one = found[name]
        if one["value"] is None:
            continue
        ends = ["?" if one[end] is None else f"{one[end]:.2f}" for end in ("low", "high")]
        told.append(f"{words} {one['value']:.2f} ({ends[0]}–{ends[1]})")
    return ", ".join(told[:2]) + ("\n" + told[2] if len(told) > 2 else "")


def _histogram(axes: Axes, document: dict[str, Any], when: str) -> None:
    rows = [row for row in document["histogram"] if row["when"] == when]
    axes.set_xlabel("probability of fake" if when == "after" else "score")
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    if not rows:
        return
    middle = np.array([(row["from"] + row["to"]) / 2 for row in rows])
    width = rows[0]["to"] - rows[0]["from"]
    real = np.array([row["real"] for row in rows])
    fake = np.array([row["fake"] for row in rows])
    axes.bar(middle, real, width, color=BLUE, alpha=0.7, label="real")
    axes.bar(middle, fake, width, bottom=real, color=RED, alpha=0.7, hatch="//", label="fake")
