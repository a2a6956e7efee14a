"""The audit as one picture: each way to split, true labels above permuted ones."""

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

_NAMES = {
    "grouped": "whole groups",
    "source-wise": "whole sources,\ngroups torn",
    "row-wise": "row by row:\nsources torn",
    "unknown": "folds unknown",
}
_COLOURS = {"grouped": BLUE, "source-wise": ORANGE, "row-wise": RED}
_CHANCE = 0.5


def draw_audit(
    document: dict[str, Any], png: Path, svg: Path, *, model: str, simulated: bool
) -> None:
    """Draw an audit as PNG and SVG.

    Parameters
    ----------
    document
        As `fvc.audit.table.audit_table` or `fvc.audit.given.audit_scores` returns it.
    png, svg
        The files to write.
    model
        Name for the title.
    simulated
        Whether the corpus is simulated, which the picture then says.
    """
    true = [r for r in document["rows"] if r["labels"] == "true"]
    permuted = {(r["folds"], r["unit"]): r for r in document["rows"] if r["labels"] == "permuted"}
    sources, groups = true[0]["n_sources"], true[0]["n_groups"]
    figure = titled_figure(
        9.5,
        2.0 + 1.15 * len(true),
        f"What the score is worth · {model}",
        f"ROC AUC by the way of splitting; {sources} sources in {groups} groups",
        simulated,
    )
    axes = figure.subplots()
    rng = np.random.default_rng(0)
    for place, row in enumerate(true):
        y = len(true) - 1 - place
        key = row["folds"], row["unit"]
        aucs = document["permuted_aucs"].get(row["folds"])
        if aucs is None:
            aucs = document["permuted_aucs"].get(row["unit"], [])
        _permuted(axes, y - 0.2, permuted.get(key), aucs, rng, first=place == 0)
        _true(axes, y + 0.16, row, first=place == 0)
    axes.axvline(_CHANCE, color=GREY, linestyle="--", linewidth=1, label="chance, 0.50")
    labels = [f"{_NAMES[r['folds']]}\n({r['n']:,} {r['unit']}s scored)" for r in reversed(true)]
    axes.set_yticks(range(len(true)), labels)
    axes.set_ylim(-0.6, len(true) - 0.4)
    axes.set_xlim(_left(document), 1.02)
    axes.set_xlabel("ROC AUC")
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, fontsize=9, frameon=False)
    save_png(figure, png)
    save_svg(figure, svg)


def _true(axes: Axes, y: float, row: dict[str, Any], *, first: bool) -> None:
    if row["auc"] is None:
        axes.text(_CHANCE, y, " incomplete: a draw failed", va="center", fontsize=9, color=RED)
        return
    colour = _COLOURS.get(row["folds"], GREY)
    label = "true labels, 95 % interval over groups" if first else None
    axes.plot(
        [row["auc_low"], row["auc_high"]], [y, y], color=colour, linewidth=3, solid_capstyle="butt"
    )
    axes.plot(row["auc"], y, marker="o", markersize=10, color=colour, linestyle="", label=label)
    axes.annotate(
        f"{row['auc']:.2f}",
        (row["auc"], y),
        xytext=(0, 8),
        textcoords="offset points",
        ha="center",
        fontsize=11,
        fontweight="bold",
    )


def _permuted(
    axes: Axes,
    y: float,
    row: dict[str, Any] | None,
    aucs: list[float],
    rng: np.random.Generator,
    *,
    first: bool,
) -> None:
    if row is None or row["auc"] is None:
        return
    label = f"labels permuted by group, {len(aucs)} draws" if first else None
    lift = y + rng.uniform(-0.07, 0.07, len(aucs))
    axes.plot(aucs, lift, ".", color=GREY, markersize=4, alpha=0.45, label=label)
    axes.plot([row["auc"]] * 2, [y - 0.12, y + 0.12], color="black", linewidth=1.6)
    axes.annotate(
        f"{row['auc']:.2f}",
        (row["auc"], y),
        xytext=(0, -19),
        textcoords="offset points",
        ha="center",
        fontsize=9,
        color=GREY,
    )


def _left(document: dict[str, Any]) -> float:
    lowest = [a for aucs in document["permuted_aucs"].values() for a in aucs]
    lowest += [r["auc_low"] for r in document["rows"] if r["auc_low"] is not None]
    return min(0.4, float(np.floor(min(lowest, default=0.4) * 20) / 20) - 0.02)
