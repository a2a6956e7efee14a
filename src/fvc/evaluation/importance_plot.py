"""The importance picture: features by permutation, families by ablation."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from fvc.evaluation.plot_style import (
    BLUE,
    GREEN,
    GREY,
    GRID,
    ORANGE,
    save_png,
    save_svg,
    titled_figure,
)

_SHOWN = 15


def draw_importance(document: dict[str, Any], png: Path, svg: Path) -> None:
    """Draw an importance report as PNG and SVG.

    Parameters
    ----------
    document
        As `fvc.training.importance.model_importance` writes it.
    png, svg
        The files to write.
    """
    features = [row for row in document["features"] if row["drop"] is not None][:_SHOWN]
    families = document["families"]
    figure = titled_figure(
        13.0,
        2.2 + 0.32 * max(len(features), 2 * len(families)),
        f"What the score rests on · {document['model']}",
        f"unit: source, n = {document['n_sources']} in {document['n_groups']} groups, test sides "
        f"of {document['n_splits']} grouped folds × {document['repeats']} repeats, 95 % intervals",
        document["simulated"],
    )
    left, right = figure.subplots(1, 2)
    _features(left, features, len(document["features"]))
    _families(right, families, document["roc_auc"])
    figure.legend(loc="outside lower center", ncols=3, fontsize=9, frameon=False)
    save_png(figure, png)
    save_svg(figure, svg)


def _features(axes: Axes, rows: list[dict[str, Any]], n: int) -> None:
    for place, row in enumerate(rows):
        y = len(rows) - 1 - place
        axes.plot([row["drop_low"], row["drop_high"]], [y, y], color=BLUE, lw=2)
        axes.plot(row["drop"], y, "s", color=BLUE, markersize=6)
    axes.axvline(0, color=GREY, linestyle="--", linewidth=1)
    axes.set_yticks(range(len(rows)), [row["feature"] for row in reversed(rows)])
    axes.set_xlabel("drop of ROC AUC when the feature is permuted")
    axes.set_title(f"{len(rows)} of {n} features, by permutation", fontsize=11)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def _families(axes: Axes, rows: list[dict[str, Any]], base: float) -> None:
    styles = (
        ("without", ORANGE, 0.16, "retrained without the family"),
        ("only", GREEN, -0.16, "retrained on the family alone"),
    )
    labelled: set[str] = set()
    for place, row in enumerate(rows):
        y = len(rows) - 1 - place
        for key, colour, shift, words in styles:
            if row[f"{key}_roc_auc"] is None:
                continue
            # The interval is that of the difference from all features, drawn around the score.
            ends = [base - row[f"{key}_high"], base - row[f"{key}_low"]]
            axes.plot(ends, [y + shift] * 2, color=colour, lw=2)
            label = None if key in labelled else words
            labelled.add(key)
            axes.plot(
                row[f"{key}_roc_auc"], y + shift, "o", color=colour, markersize=6, label=label
            )
    axes.axvline(base, color=BLUE, linewidth=1.2, label=f"all features, {base:.2f}")
    axes.axvline(0.5, color=GREY, linestyle="--", linewidth=1)
    names = [f"{row['family']} ({row['n_features']})" for row in reversed(rows)]
    axes.set_yticks(range(len(rows)), names)
    axes.set_xlabel("ROC AUC, with the interval of its difference from all features")
    axes.set_title("families of features, by retraining", fontsize=11)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
