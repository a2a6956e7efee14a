"""Figures of what goes in: the pipeline, and the corpus."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from fvc.errors import MissingInputError
from fvc.reporting.figures.material import Material
from fvc.reporting.figures.style import BLACK, FAKE, GREY, REAL, blank
from fvc.tables import find_table, read_table

_COLLECTIONS = 10


def pipeline(material: Material, width: float) -> Figure:
    """Draw the steps from archives to detectors, with the numbers of this project."""
    counts = _counts(material)
    narrow = width < 5
    # Column and row of each step; a narrow figure runs downwards.
    steps = {
        "0 index": (0, 1.0),
        "1 augment": (1, 1.0),
        "2 features": (2.4, 0.0),
        "3 scale": (2, 2.0),
        "4 features": (3, 2.0),
        "5 train": (4, 1.0),
    }
    arrows = (
        *(("0 index", "1 augment"), ("1 augment", "2 features"), ("1 augment", "3 scale")),
        *(("3 scale", "4 features"), ("2 features", "5 train"), ("4 features", "5 train")),
    )
    figure = blank(width, 4.4 if narrow else 1.9)
    axes = figure.subplots()
    axes.axis("off")
    across, down = (1.55, 1.0) if narrow else (1.5, 0.95)
    box_wide, box_high = (1.32, 0.72) if narrow else (1.24, 0.72)
    place = {
        name: ((row * across, -column * down) if narrow else (column * across, -row * down))
        for name, (column, row) in steps.items()
    }
    for name, (x, y) in place.items():
        corner = (x - box_wide / 2, y - box_high / 2)
        axes.add_patch(
            FancyBboxPatch(
                corner,
                box_wide,
                box_high,
                boxstyle="round,pad=0,rounding_size=0.08",
                facecolor="#F3F6F9" if name != "5 train" else "#E6F2EA",
                edgecolor=GREY,
                linewidth=0.7,
            )
        )
        size = float(axes.xaxis.label.get_fontsize())
        axes.text(x, y + 0.14, name, ha="center", va="center", weight="bold")
        axes.text(x, y - 0.15, counts[name], ha="center", va="center", fontsize=size - 1.5)
    for start, end in arrows:
        _arrow(axes, place[start], place[end], box_wide, box_high, downwards=narrow)
    xs, ys = zip(*place.values(), strict=True)
    axes.set_xlim(min(xs) - box_wide * 0.55, max(xs) + box_wide * 0.55)
    axes.set_ylim(min(ys) - box_high * 0.6, max(ys) + box_high * 0.6)
    return figure


def _arrow(
    axes: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    wide: float,
    high: float,
    *,
    downwards: bool,
) -> None:
    (x0, y0), (x1, y1) = start, end
    if downwards:
        tail, head = (x0, y0 - high / 2), (x1, y1 + high / 2)
    else:
        tail, head = (x0 + wide / 2, y0), (x1 - wide / 2, y1)
    axes.annotate(
        "",
        head,
        tail,
        arrowprops={
            "arrowstyle": "-|>",
            "color": BLACK,
            "linewidth": 0.7,
            "shrinkA": 1,
            "shrinkB": 1,
            "mutation_scale": 7,
        },
    )


def _counts(material: Material) -> dict[str, str]:
    told = {"0 index": f"{len(_usable(material.index))} sources"}
    names = ("1 augment", "2 features", "3 scale", "4 features")
    for name, files in zip(names, material.workspace.stages, strict=True):
        path = find_table(files)
        told[name] = "not run" if path is None else f"{len(read_table(path))} clips"
    try:
        trained = len(material.leaderboard["models"])
    except MissingInputError:
        trained = 0
    told["5 train"] = f"{trained} models" if trained else "not run"
    return told


def corpus(material: Material, width: float) -> Figure:
    """Draw the corpus: sources by collection, durations, heights and sizes of groups, by class."""
    index = _usable(material.index)
    figure = blank(width, 0.78 * width if width < 5 else 0.5 * width)
    (first, second), (third, fourth) = figure.subplots(2, 2)
    _collections(first, index)
    _spread(second, index, "duration_sec", "duration (s)")
    _spread(third, index, "height", "height (pixels)")
    _groups(fourth, index)
    for axes in (second, third, fourth):
        axes.set_ylabel("groups" if axes is fourth else "sources")
    figure.legend(*_legend(), loc="outside upper center", ncols=2, handlelength=0.9)
    for letter, axes in zip("abcd", (first, second, third, fourth), strict=True):
        axes.set_title(letter, loc="left", weight="bold")
    return figure


def corpus_caption(material: Material) -> str:
    """Say what the figure of the corpus shows."""
    index = _usable(material.index)
    fake = int((index["label"] == 1).sum())
    return (
        f"The corpus: {len(index)} sources ({len(index) - fake} real, {fake} fake) in "
        f"{index['group'].n_unique()} groups. (a) Sources by collection, (b) duration, (c) height, "
        "(d) sources a group; groups are never divided between training and test."
    )


def _usable(index: pl.DataFrame) -> pl.DataFrame:
    return index.filter(pl.col("status") == "ok", pl.col("label").is_not_null())


def _legend() -> tuple[list[Patch], list[str]]:
    return [Patch(color=REAL), Patch(color=FAKE)], ["real", "fake"]


def _collections(axes: Axes, index: pl.DataFrame) -> None:
    table = (
        index.group_by("collection")
        .agg(
            (pl.col("label") == 0).sum().alias("real"),
            (pl.col("label") == 1).sum().alias("fake"),
            pl.len().alias("n"),
        )
        .sort("n", "collection", descending=[True, False])
    )
    rest = table[_COLLECTIONS:]
    table = table[:_COLLECTIONS]
    names = [str(name) for name in table["collection"]]
    real, fake = table["real"].to_list(), table["fake"].to_list()
    if len(rest):
        names.append(f"{len(rest)} others")
        real.append(int(rest["real"].sum()))
        fake.append(int(rest["fake"].sum()))
    at = np.arange(len(names))
    axes.barh(at, real, color=REAL, height=0.75)
    axes.barh(at, fake, left=real, color=FAKE, height=0.75)
    axes.set_yticks(at, [name if len(name) <= 18 else f"{name[:17]}…" for name in names])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlabel("sources")
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))


def _spread(axes: Axes, index: pl.DataFrame, column: str, name: str) -> None:
    values = index.filter(pl.col(column).is_not_null(), pl.col(column) > 0)
    numbers = values[column].to_numpy().astype(np.float64)
    axes.set_xlabel(name)
    if not len(numbers):
        axes.text(0.5, 0.5, "not known", ha="center", transform=axes.transAxes, color=GREY)
        return
    low, high = float(numbers.min()), float(numbers.max())
    logarithmic = high > 20 * low
    edges = np.geomspace(low, high, 13) if logarithmic else np.linspace(low, high * 1.0001, 13)
    if low == high:
        edges = np.linspace(low - 0.5, high + 0.5, 4)
    fake = values["label"].to_numpy() == 1
    # Steps rather than filled bars: the classes lie over each other.
    for chosen, colour in ((~fake, REAL), (fake, FAKE)):
        counts, _ = np.histogram(numbers[chosen], edges)
        axes.stairs(counts, edges, color=colour, linewidth=1.1)
        axes.stairs(counts, edges, color=colour, fill=True, alpha=0.15)
    if logarithmic:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))


def _groups(axes: Axes, index: pl.DataFrame) -> None:
    sizes = index.group_by("group").len()["len"].to_numpy()
    counts = np.bincount(np.minimum(sizes, 6), minlength=7)[1:]
    axes.bar(np.arange(1, 7), counts, color=GREY, width=0.75)
    axes.set_xticks(np.arange(1, 7), ["1", "2", "3", "4", "5", "6+"])
    axes.set_xlabel("sources in a group")
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
