"""The hold-out picture: every held-out set, their mean, and the grouped folds beside it."""

from pathlib import Path
from typing import Any

import numpy as np

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

_CHANCE = 0.5


def draw_holdouts(document: dict[str, Any], png: Path, svg: Path) -> None:
    """Draw a hold-out report as PNG and SVG.

    Parameters
    ----------
    document
        As `fvc.training.protocols.hold_out` writes it.
    png, svg
        The files to write.
    """
    models = document["models"]
    by = document["by"]
    figure = titled_figure(
        9.5,
        2.2 + 1.0 * len(models),
        f"Trained without a {by}, scored on it",
        f"ROC AUC, unit: source, {document['n_sources']} sources in {document['n_groups']} groups, "
        f"{document['n_sets']} held-out sets of {document['n_values_held_out']} values",
        document["simulated"],
    )
    axes = figure.subplots()
    rng = np.random.default_rng(0)
    labelled: set[str] = set()

    def once(words: str) -> str | None:
        first = words not in labelled
        labelled.add(words)
        return words if first else None

    for place, row in enumerate(models):
        y = len(models) - 1 - place
        aucs = [r["roc_auc"] for r in document["sets"] if r["model"] == row["model"]]
        known = np.array([auc for auc in aucs if auc is not None])
        axes.plot(
            known,
            y - 0.18 + rng.uniform(-0.09, 0.09, len(known)),
            "o",
            color=GREY,
            alpha=0.45,
            markersize=4,
            label=once("one held-out set"),
        )
        for key, colour, shift, words in (
            ("pooled", RED, 0.08, f"mean, {by} held out"),
            ("grouped", BLUE, 0.28, "grouped folds"),
        ):
            found = row[key]["all"] if key == "pooled" else row[key]
            if not found or found["roc_auc"] is None:
                continue
            if found["roc_auc_low"] is not None:
                ends = [found["roc_auc_low"], found["roc_auc_high"]]
                axes.plot(ends, [y + shift] * 2, color=colour, lw=2.2)
            axes.plot(found["roc_auc"], y + shift, "s", color=colour, label=once(words))
            axes.text(
                1.015,
                y + shift,
                f"{found['roc_auc']:.2f}",
                va="center",
                fontsize=9,
                color=colour,
                transform=axes.get_yaxis_transform(),
            )
    axes.axvline(_CHANCE, color=ORANGE, linestyle="--", linewidth=1, label="chance, 0.50")
    axes.set_yticks(range(len(models)), [row["model"] for row in reversed(models)])
    axes.set_ylim(-0.5, len(models) - 0.4)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("ROC AUC")
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    figure.legend(loc="outside lower center", ncols=4, fontsize=9, frameon=False)
    save_png(figure, png)
    save_svg(figure, svg)
