"""Pictures of results: curves with their spread, confusion matrix, fold by fold.

Every picture's title says the model, the unit, the number of sources and the split. Nothing of
matplotlib's global state is used. Colours are Okabe and Ito's (2008), told apart by colour-blind
readers and in grey.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from fvc.errors import DataError
from fvc.evaluation.mean_curves import GRID as GRID_AT
from fvc.evaluation.mean_curves import MeanCurves, mean_curves, two_class_folds
from fvc.evaluation.metrics import curves
from fvc.evaluation.plot_style import (
    BLUE,
    GREY,
    GRID,
    ORANGE,
    RED,
    metric_name,
    results_figure,
    save_png,
    save_svg,
)
from fvc.evaluation.search_plot import search_results
from fvc.evaluation.summary import fold_metrics

__all__ = ["confusion_matrix", "fold_comparison", "roc_pr_curves", "search_results"]

Floats = npt.NDArray[np.float64]


def roc_pr_curves(
    predictions: pl.DataFrame,
    path: Path,
    *,
    model: str,
    split: str = "",
    simulated: bool = False,
    svg: Path | None = None,
) -> None:
    """Draw ROC and precision–recall curves: each fold, their mean, and the spread between folds.

    Parameters
    ----------
    predictions
        ``source, label, repeat, fold, score`` (and ``group``); a null score is not drawn.
    path
        The PNG to write.
    model
        Name of the model, for the title.
    split
        What the split is, for the title; by default told from the table.
    simulated
        Whether the corpus is simulated, which the picture then says.
    svg
        Another file, for the same picture as SVG.

    Raises
    ------
    DataError
        No fold has scored sources of both classes.
    """
    folds = two_class_folds(predictions)
    mean = mean_curves(predictions)
    figure = results_figure(
        10.5, 5.2, "ROC and precision–recall", predictions, model, split, simulated
    )
    left, right = figure.subplots(1, 2)
    aucs, averages = [], []
    for fake, score in folds:
        fpr, tpr, at = curves(fake, score)
        found = tpr > 0
        aucs.append(np.trapezoid(tpr, fpr))
        averages.append(np.sum(np.diff(tpr) * at[1:]))
        thin = {"color": BLUE, "alpha": min(0.5, 3 / len(folds) + 0.08), "linewidth": 0.8}
        left.plot(fpr, tpr, **thin)
        right.step(tpr[found], at[found], where="pre", **thin)
    all_folds = predictions.select("repeat", "fold").n_unique()
    drawn = f"{len(folds)}" if len(folds) == all_folds else f"{len(folds)} of {all_folds}"
    _band(left, mean, mean.sensitivity, f"mean of {drawn} folds, AUC {_plus_minus(aucs)}")
    _band(right, mean, mean.precision, f"mean of {drawn} folds, AP {_plus_minus(averages)}")
    left.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="chance, AUC 0.50")
    right.axhline(mean.share, color=GREY, linestyle="--", label=f"chance, {mean.share:.2f} fake")
    _axes(left, "false-positive rate (real called fake)", "true-positive rate (fake found)")
    _axes(right, "recall (fake found)", "precision (called fake and fake)")
    left.legend(loc="lower right", fontsize=9)
    right.legend(loc="lower left", fontsize=9)
    save_png(figure, path)
    if svg is not None:
        save_svg(figure, svg)


def confusion_matrix(
    predictions: pl.DataFrame,
    path: Path,
    *,
    model: str,
    threshold: float = 0.5,
    split: str = "",
    simulated: bool = False,
) -> None:
    """Draw the confusion matrix: mean counts a repeat, and shares of each true class.

    Parameters
    ----------
    predictions, path, model, split, simulated
        As for `roc_pr_curves`.
    threshold
        A score of at least this much is called fake.

    Raises
    ------
    DataError
        No source was scored.
    """
    scored = predictions.filter(pl.col("score").is_not_null())
    if scored.is_empty():
        raise DataError("no source was scored; there is no confusion matrix to draw")
    repeats = scored["repeat"].n_unique()
    fake, called = scored["label"].to_numpy() == 1, scored["score"].to_numpy() >= threshold
    counts = np.array([[((fake == t) & (called == c)).sum() for c in (0, 1)] for t in (0, 1)])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = results_figure(6.4, 5.6, "Confusion matrix", predictions, model, split, simulated)
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for true in (0, 1):
        for call in (0, 1):
            count = counts[true, call] / repeats
            shown = f"{count:.0f}" if float(count).is_integer() else f"{count:.1f}"
            axes.text(
                call,
                true,
                f"{shown}\n{shares[true, call]:.0%}",
                ha="center",
                va="center",
                fontsize=15,
                color="white" if shares[true, call] > 0.65 else "black",
            )
    axes.set_xticks([0, 1], ["real", "fake"])
    axes.set_yticks([0, 1], ["real", "fake"])
    mean = f"mean of {repeats} repeats; " if repeats > 1 else ""
    axes.set_xlabel(f"called (fake from a score of {threshold:g})\n{mean}% of each true class")
    axes.set_ylabel("true class")
    figure.colorbar(image, ax=axes, shrink=0.8, format=FuncFormatter(_percent))
    save_png(figure, path)


def fold_comparison(
    predictions: pl.DataFrame,
    path: Path,
    *,
    model: str,
    summary: Mapping[str, Any] | None = None,
    metric: str = "roc_auc",
    split: str = "",
    simulated: bool = False,
) -> None:
    """Draw a metric fold by fold, with chance, the mean and its interval.

    Parameters
    ----------
    predictions, path, model, split, simulated
        As for `roc_pr_curves`. A fold in which the metric is undefined is marked, not left out.
    summary
        As `summarise_folds` returns it; brings mean and interval.
    metric
        One of `fvc.evaluation.summary.FOLD_METRICS`.
    """
    rows = fold_metrics(predictions)
    repeats = sorted({row["repeat"] for row in rows})
    name = metric_name(metric)
    figure = results_figure(8.4, 4.8, f"{name} by fold", predictions, model, split, simulated)
    axes = figure.subplots()
    if summary is not None and summary.get(metric) is not None:
        low, high = summary.get(f"{metric}_low"), summary.get(f"{metric}_high")
        told = f"mean {summary[metric]:.3f}"
        if low is not None and high is not None:
            percent = 100 * summary["interval"]["confidence"]
            axes.axhspan(low, high, color=ORANGE, alpha=0.25, linewidth=0)
            told += f", {percent:g} % interval {low:.3f}–{high:.3f}"
        axes.axhline(summary[metric], color=RED, linewidth=2, label=told)
    chance = {"roc_auc": 0.5, "balanced_accuracy": 0.5}.get(metric)
    if chance is not None:
        axes.axhline(chance, color=GREY, linestyle="--", label=f"chance, {chance:g}")
    width = 0.6 / max(1, len(repeats) - 1) if len(repeats) > 1 else 0.0
    values = [row[metric] for row in rows if row[metric] is not None]
    lowest = min([*values, *([chance] if chance is not None else [])], default=0.0)
    floor = max(0.0, np.floor(lowest * 10 - 0.5) / 10)
    for row in rows:
        x = row["fold"] + (repeats.index(row["repeat"]) * width - 0.3 if width else 0.0)
        if row[metric] is None:
            axes.plot(x, floor + 0.02, marker="x", color=RED, markersize=9, markeredgewidth=2)
        else:
            axes.plot(x, row[metric], marker="o", color=BLUE, markersize=6, alpha=0.85)
    several = f" (points of a fold: {len(repeats)} repeats)" if len(repeats) > 1 else ""
    axes.plot([], [], marker="o", linestyle="", color=BLUE, label=f"one test fold{several}")
    if len(values) < len(rows):
        undefined = f"undefined in {len(rows) - len(values)} fold(s)"
        axes.plot([], [], marker="x", linestyle="", color=RED, label=undefined)
    folds = sorted({row["fold"] for row in rows})
    axes.set_xticks(folds, [f"fold {k}" for k in folds])
    axes.set_xlim(folds[0] - 0.5, folds[-1] + 0.5)
    axes.set_ylim(floor, 1.02)
    axes.set_ylabel(f"{name} on test sources")
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2, fontsize=9, frameon=False)
    save_png(figure, path)


def _percent(value: float, _position: Any = None) -> str:
    return f"{value:.0%}"


def _plus_minus(values: Sequence[Any]) -> str:
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"


def _band(axes: Axes, curves: MeanCurves, lines: Floats, label: str) -> None:
    mean, low, high = curves.spread(lines)
    axes.plot(GRID_AT, mean, color=RED, linewidth=2.2, label=label)
    if len(lines) > 1:
        told = "± 1 standard deviation over folds"
        axes.fill_between(GRID_AT, low, high, color=ORANGE, alpha=0.3, linewidth=0, label=told)


def _axes(axes: Axes, x: str, y: str) -> None:
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), xlabel=x, ylabel=y, aspect="equal")
    axes.grid(color=GRID, linewidth=0.6)
    axes.xaxis.set_minor_formatter(NullFormatter())
