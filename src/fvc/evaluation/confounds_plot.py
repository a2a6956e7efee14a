"""The confound picture: what metadata alone reach, beside what the models reach."""

from pathlib import Path
from typing import Any

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


def draw_confounds(document: dict[str, Any], png: Path, svg: Path) -> None:
    """Draw a confound report as PNG and SVG.

    Parameters
    ----------
    document
        As `fvc.evaluation.confounds.confound_report` writes it.
    png, svg
        The files to write.
    """
    rows = [
        *({**row, "name": row["model"], "kind": "model"} for row in document["models"]),
        *(
            {**row, "name": f"only {row['baseline']}", "kind": "metadata"}
            for row in document["baselines"]
            if row["roc_auc"] is not None and row["roc_auc_low"] is not None
        ),
    ]
    rows.sort(key=lambda row: (row["kind"] == "metadata", -row["roc_auc"]))
    split = document["split"]
    figure = titled_figure(
        9.5,
        1.9 + 0.36 * len(rows),
        "What metadata alone give away",
        f"ROC AUC, unit: source, n = {split['n_sources']} in {split['n_groups']} groups, "
        f"{split['n_splits']} grouped folds × {split['repeats']} repeats, 95 % intervals",
        document["simulated"],
    )
    axes = figure.subplots()
    colours = {"model": BLUE, "metadata": ORANGE, "rival": RED}
    said: set[str] = set()
    words = {
        "model": "trained model",
        "metadata": "metadata only",
        "rival": "metadata only, and the best model is not shown to be better",
    }
    best = document["best"]
    if best is not None:
        axes.axvspan(best["roc_auc_low"], best["roc_auc_high"], color=BLUE, alpha=0.08, zorder=0)
    for place, row in enumerate(rows):
        y = len(rows) - 1 - place
        kind = "rival" if row.get("rival") else row["kind"]
        axes.plot([row["roc_auc_low"], row["roc_auc_high"]], [y, y], color=colours[kind], lw=2.2)
        axes.plot(
            row["roc_auc"],
            y,
            "s" if kind == "model" else "o",
            color=colours[kind],
            markersize=7,
            label=None if kind in said else words[kind],
        )
        said.add(kind)
        axes.text(
            1.015,
            y,
            f"{row['roc_auc']:.2f}",
            va="center",
            fontsize=9,
            transform=axes.get_yaxis_transform(),
        )
    axes.axvline(_CHANCE, color=GREY, linestyle="--", linewidth=1, label="chance, 0.50")
    axes.set_yticks(range(len(rows)), [row["name"] for row in reversed(rows)])
    axes.set_ylim(-0.7, len(rows) - 0.3)
    left = min([0.4, *(row["roc_auc_low"] for row in rows)])
    axes.set_xlim(left - 0.02, 1.0)
    axes.set_xlabel("ROC AUC")
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    figure.legend(loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    save_png(figure, png)
    save_svg(figure, svg)
