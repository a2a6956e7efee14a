"""What all pictures share: colours, size, a title that says what was measured on what, saving."""

from pathlib import Path
from typing import Any

import matplotlib
import polars as pl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fvc.tables import atomic_write

# Okabe & Ito (2008), Color universal design.
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#6E6E6E"
GRID = "#DDDDDD"

_NAMES = {
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "f1": "F1",
    "f1_macro": "macro F1",
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
}

_DPI = 150
# A narrower picture breaks its title once more.
_NARROW_INCHES = 8


def results_figure(
    width: float,
    height: float,
    what: str,
    predictions: pl.DataFrame,
    model: str,
    split: str,
    simulated: bool,
) -> Figure:
    """Return an empty figure whose title says model, unit, number of sources and split."""
    by = predictions.group_by("source").agg(
        pl.col("score").is_not_null().all(), pl.col("label").first()
    )
    n, scored, fakes = len(by), int(by["score"].sum()), int((by["label"] == 1).sum())
    folds, repeats = predictions["fold"].n_unique(), predictions["repeat"].n_unique()
    told = split or f"{folds} grouped folds" + (f" × {repeats} repeats" if repeats > 1 else "")
    coverage = "" if scored == n else f", {scored} scored"
    between = ",\n" if width < _NARROW_INCHES else ", "
    title = (
        f"unit: source, n = {n} ({n - fakes} real, {fakes} fake{coverage}){between}"
        f"test sides of {told}"
    )
    return titled_figure(width, height, f"{what} · {model}", title, simulated)


def titled_figure(width: float, height: float, first: str, second: str, simulated: bool) -> Figure:
    """Return an empty figure of a size in inches with a title of two lines."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    made_up = " · SIMULATED DATA" if simulated else ""
    figure.suptitle(f"{first}{made_up}\n{second}", fontsize=12)
    return figure


def metric_name(metric: str) -> str:
    """Return how a metric is called in pictures."""
    return _NAMES.get(metric, metric.replace("_", " "))


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; the same figure gives the same bytes."""
    with atomic_write(path) as temporary:
        # The name of the program and its version would differ between machines.
        figure.savefig(temporary, dpi=_DPI, format="png", metadata={"Software": None})


def save_svg(figure: Figure, path: Path) -> None:
    """Write a figure as SVG with text as text; the same figure gives the same bytes."""
    # Ids of clip paths are random without a salt, and the date is that of writing.
    settings: dict[Any, Any] = {"svg.hashsalt": "fvc", "svg.fonttype": "none"}
    with atomic_write(path) as temporary, matplotlib.rc_context(settings):
        figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": None})
