"""Figures of scores: the leaderboard, ROC and precision–recall, calibration, ranks."""

from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fvc.errors import DataError
from fvc.evaluation.leaderboard import folds_in_words
from fvc.evaluation.mean_curves import GRID, mean_curves
from fvc.reporting.figures.material import Material
from fvc.reporting.figures.style import (
    BLACK,
    BLUE,
    DASHES,
    GREY,
    RED,
    SERIES,
    blank,
    estimate,
    named_rows,
)

Floats = npt.NDArray[np.float64]

_CURVES = 4
_BASELINES = 3
_BINS = 10
_SOURCES_A_BIN = 10
_TICK_INCHES = 0.16


def split_in_words(material: Material, *models: str, repeats: int | None = None) -> str:
    """Say what scores are of: unit, number of sources and groups, split.

    Parameters
    ----------
    models
        Those whose scores are shown, since dear ones are scored in fewer repeats; default all.
    repeats
        Where it is known otherwise in how many.
    """
    board = material.leaderboard
    split = board["split"]
    rows = [row for row in board["models"] if not models or row["model"] in models]
    shown = {"split": split, "models": [{"repeats": repeats}] if repeats else rows}
    made_up = " Simulated data." if material.simulated else ""
    return (
        f"Unit: source; n = {split['n_sources']} in {split['n_groups']} groups; test sides of "
        f"{folds_in_words(shown)}.{made_up}"
    )


def leaderboard(material: Material, width: float) -> Figure:
    """Draw every model's AUC with its interval, and the best that metadata alone reach."""
    board = material.leaderboard
    rows: list[tuple[str, dict[str, Any], bool]] = [
        (str(row["model"]), row, True) for row in board["models"] if row["roc_auc"] is not None
    ]
    scored = [row for row in board["baselines"] if row["roc_auc"] is not None and row["columns"]]
    scored.sort(key=lambda row: -float(row["roc_auc"]))
    rows += [(str(row["baseline"]), row, False) for row in scored[:_BASELINES]]
    figure = blank(width, 0.45 + 0.19 * len(rows))
    axes = figure.subplots()
    for place, (_, row, model) in enumerate(rows):
        colour, marker = (BLUE, "o") if model else (GREY, "s")
        estimate(axes, row, "roc_auc", place, colour, marker=marker)
        if width > 5:
            axes.text(
                1.01, place, _interval(row), va="center", transform=axes.get_yaxis_transform()
            )
    axes.axvline(0.5, color=GREY, linestyle=":", linewidth=0.8)
    selection = board.get("selection") or {}
    if selection.get("corrected") is not None:
        place = [name for name, _, _ in rows].index(selection["winner"])
        axes.plot(selection["corrected"], place, "D", color=RED, markersize=3.5, fillstyle="none")
    names = [_named(name, row) if model else f"{name} (metadata)" for name, row, model in rows]
    named_rows(axes, names)
    axes.set_xlabel("ROC AUC, 95 % interval")
    lows = [row["roc_auc_low"] for _, row, _ in rows if row["roc_auc_low"] is not None]
    lowest = min([0.48, *lows, *(row["roc_auc"] for _, row, _ in rows)])
    axes.set_xlim(max(0.0, lowest - 0.03), 1.005)
    return figure


def _named(name: str, row: dict[str, Any]) -> str:
    return f"{name} (random weights)" if row.get("random_weights") else name


def leaderboard_caption(material: Material) -> str:
    """Say what the figure of the leaderboard shows."""
    selection = material.leaderboard.get("selection") or {}
    best = ""
    if selection.get("corrected") is not None:
        best = (
            f" Open diamond: the first model's AUC corrected for having been chosen, "
            f"{selection['corrected']:.2f}."
        )
    random = ""
    if any(row.get("random_weights") for row in material.leaderboard["models"]):
        random = " Random weights: nets that did not begin with published ones."
    return (
        "ROC AUC with 95 % intervals from a bootstrap over groups: models (dots) and the strongest "
        f"predictions from metadata alone (squares); dotted line: chance.{best}{random} "
        f"{split_in_words(material)}"
    )


def _interval(row: dict[str, Any]) -> str:
    if row["roc_auc_low"] is None:
        return f"{row['roc_auc']:.2f}"
    return f"{row['roc_auc']:.2f} ({row['roc_auc_low']:.2f}–{row['roc_auc_high']:.2f})"


def roc_pr(material: Material, width: float) -> Figure:
    """Draw mean ROC and precision–recall curves over folds of the first models."""
    figure = blank(width, (0.62 if width < 5 else 0.48) * width)
    left, right = figure.subplots(1, 2)
    share = 0.5
    for place, row in enumerate(_drawn(material)):
        found = mean_curves(material.predictions(row["model"]))
        share = found.share
        for axes, lines in ((left, found.sensitivity), (right, found.precision)):
            mean, low, high = found.spread(lines)
            colour = SERIES[place % len(SERIES)]
            dashes = DASHES[place % len(DASHES)]
            axes.plot(GRID, mean, color=colour, linestyle=dashes, label=row["model"])
            if place == 0:
                axes.fill_between(GRID, low, high, color=colour, alpha=0.15, linewidth=0)
    left.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=0.8)
    right.axhline(share, color=GREY, linestyle=":", linewidth=0.8)
    left.set(xlabel="false-positive rate", ylabel="true-positive rate")
    right.set(xlabel="recall", ylabel="precision")
    for axes in (left, right):
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), aspect="equal")
        axes.set_xticks([0, 0.5, 1])
        axes.set_yticks([0, 0.5, 1])
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2 if width < 5 else 4)
    return figure


def roc_pr_caption(material: Material) -> str:
    """Say what the curves show."""
    return (
        "Receiver operating characteristic (left) and precision–recall (right): means over test "
        f"folds of the first {len(_drawn(material))} models; band: standard deviation over folds, "
        "first model; dotted: chance. "
        f"{split_in_words(material, *(row['model'] for row in _drawn(material)))}"
    )


def _drawn(material: Material) -> list[dict[str, Any]]:
    return [row for row in material.leaderboard["models"] if row["complete"]][:_CURVES]


def calibration(material: Material, width: float) -> Figure:
    """Draw reliability before and after calibration, and where the probabilities lie."""
    table = material.predictions(material.shown).filter(pl.col("score").is_not_null())
    means = table.group_by("source").agg(
        pl.col("label").first(), pl.col("score").mean(), pl.col("calibrated").mean()
    )
    fake = (means["label"] == 1).to_numpy()
    figure = blank(width, 0.62 * width if width < 5 else 0.4 * width)
    sides = figure.subplots(2, 2, height_ratios=(4, 1), sharex=True)
    for column, (name, title) in enumerate((("score", "as scored"), ("calibrated", "calibrated"))):
        axes, below = sides[0, column], sides[1, column]
        known = means[name].is_not_null().to_numpy()
        axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=0.8)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.03, 1.03), title=title)
        if known.any():
            _reliability(axes, below, means[name].to_numpy()[known], fake[known])
        else:
            axes.text(0.5, 0.5, "none", ha="center", color=GREY)
        below.set_xlabel("probability of fake")
        below.set_yticks([])
        below.spines["left"].set_visible(False)
    sides[0, 0].set_ylabel("share that is fake")
    return figure


def calibration_caption(material: Material) -> str:
    """Say what the reliability curves show."""
    return (
        f"Reliability of {material.shown}, before (left) and after (right) cross-fitted "
        f"calibration: share of fakes in up to {_BINS} bins of equal numbers of sources against "
        "their mean probability, with 95 % Wilson intervals, which count sources of one group as "
        "independent; below: where the probabilities lie. "
        f"{split_in_words(material, material.shown)}"
    )


def _reliability(axes: Axes, below: Axes, probability: Floats, fake: npt.NDArray[np.bool_]) -> None:
    from scipy.stats import binomtest

    bins = max(1, min(_BINS, len(probability) // _SOURCES_A_BIN))
    for part in np.array_split(np.argsort(probability, kind="stable"), bins):
        share, n = float(fake[part].mean()), len(part)
        low, high = binomtest(int(fake[part].sum()), n).proportion_ci(method="wilson")
        x = float(probability[part].mean())
        axes.plot([x, x], [low, high], color=BLUE, linewidth=0.8)
        axes.plot(x, share, "o", color=BLUE, markersize=3.5)
    below.hist(probability, bins=20, range=(0, 1), color=BLUE)


def _broken(name: str, longest: int) -> str:
    """Break a long name after an underscore: a name that is cut off names nothing."""
    if len(name) <= longest:
        return name
    at = name.rfind("_", 0, longest) + 1
    return f"{name[:at]}\n{_broken(name[at:], longest)}" if at else name


def critical_difference(material: Material, width: float) -> Figure:
    """Draw models by average rank, joined where no two differ (Demšar 2006)."""
    comparison = material.comparison
    models = sorted(comparison["models"], key=lambda row: row["rank"])
    runs = [run for run in comparison["ranks"]["cliques"] if len(run) > 1]
    last, half = len(models), (len(models) + 1) // 2
    if last < 2:
        raise DataError("a comparison needs two models or more")
    names = [_broken(row["model"], 19 if width < 5 else 40) for row in models]
    lines = max(name.count("\n") + 1 for name in names)
    figure = blank(width, 0.55 + 0.1 * len(runs) + (0.06 + 0.12 * lines) * half)
    axes = figure.subplots()
    axes.axis("off")
    # What names need on either side is taken from the scale, which keeps a quarter.
    longest = max(len(line) for name in names for line in name.split("\n"))
    beside = min(0.37 * width, 0.1 + 0.55 * longest * matplotlib.rcParams["font.size"] / 72)
    inches = width - 2 * beside
    margin = beside / inches * (last - 1)
    step = int(np.ceil(_TICK_INCHES * (last - 1) / inches))
    first = 0.6 + 0.4 * len(runs)
    axes.set_xlim(1 - margin, last + margin)
    axes.set_ylim(-(first + half), 1.1)
    axes.plot([1, last], [0, 0], color=BLACK, linewidth=0.9)
    for rank in range(1, last + 1):
        axes.plot([rank, rank], [0, 0.2], color=BLACK, linewidth=0.9)
        if (rank - 1) % step == 0:
            axes.text(rank, 0.3, str(rank), ha="center", va="bottom")
    for place, row in enumerate(models):
        left = place < half
        y = -(first + (place if left else last - 1 - place))
        end = 1 - 0.06 * (last - 1) if left else last + 0.06 * (last - 1)
        axes.plot([row["rank"], row["rank"], end], [0, y, y], color=BLACK, linewidth=0.6)
        side = "right" if left else "left"
        name = "\n".join(f" {line} " for line in names[place].split("\n"))
        axes.text(end, y, name, ha=side, va="center", multialignment=side, linespacing=1.0)
    ranks = {row["model"]: row["rank"] for row in models}
    for place, run in enumerate(runs):
        ends = [ranks[name] for name in run]
        y = -0.35 - 0.4 * place
        axes.plot([min(ends) - 0.03, max(ends) + 0.03], [y, y], color=RED, linewidth=2.2)
    return figure


def critical_difference_caption(material: Material) -> str:
    """Say what the figure of ranks shows."""
    comparison = material.comparison
    return (
        "Average rank over test folds, best left. Thick lines join models of which no two differ "
        f"({comparison['tests'][comparison['deciding_test']]}; Holm, {comparison['alpha']:g}). "
        f"{split_in_words(material, repeats=comparison.get('repeats'))}"
    )
