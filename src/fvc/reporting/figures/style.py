"""How a figure looks in print: column widths, type and lines of journals; saving it as vectors."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fvc.tables import atomic_write

StyleName = Literal["plain", "ieee", "acm", "nature"]
Columns = Literal["one", "two"]

# Okabe & Ito (2008), Color universal design: told apart by colour-blind readers.
BLUE, ORANGE, GREEN, RED, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"
SKY, BLACK, GREY, GRID = "#56B4E9", "#000000", "#6E6E6E", "#DDDDDD"
REAL, FAKE = BLUE, RED
SERIES = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY)
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)), "-", (0, (4, 1.5)))

PNG_DPI = 300
_MM = 1 / 25.4

_SANS = ("Arial", "Helvetica", "Liberation Sans", "DejaVu Sans")
_SERIF = ("Times New Roman", "Times", "Liberation Serif", "STIXGeneral")


@dataclass(frozen=True)
class Style:
    """A journal's demands on figures.

    Parameters
    ----------
    one, two
        Width of one column and of two, in inches.
    points
        Size of type, in points; notes are one point smaller.
    fonts
        Families in the order of preference; matplotlib itself ships the last one.
    """

    one: float
    two: float
    points: float
    fonts: tuple[str, ...]

    def width(self, columns: Columns) -> float:
        """Width of a figure in inches."""
        return self.one if columns == "one" else self.two


STYLES: dict[StyleName, Style] = {
    "plain": Style(3.5, 7.0, 8, _SANS),
    # IEEE: 3.5 and 7.16 inches, Times or Helvetica, 8 to 10 points.
    "ieee": Style(3.5, 7.16, 8, _SERIF),
    # ACM's sigconf columns.
    "acm": Style(3.33, 7.0, 8, ("Linux Libertine O", "Libertinus Serif", *_SERIF)),
    # Nature: 89 and 183 mm, sans serif, 5 to 7 points.
    "nature": Style(89 * _MM, 183 * _MM, 7, _SANS),
}


def installed_font(style: Style) -> str:
    """Name the first of a style's families that this machine has."""
    from matplotlib.font_manager import fontManager

    known = set(fontManager.get_font_names())
    return next((name for name in style.fonts if name in known), style.fonts[-1])


@contextmanager
def drawing(style: Style) -> Iterator[None]:
    """Draw and save within a style; matplotlib's settings are what they were afterwards."""
    font = installed_font(style)
    small = style.points - 1
    settings: dict[Any, Any] = {
        "font.family": font,
        "mathtext.fontset": "stix" if style.fonts[-1] == "STIXGeneral" else "dejavusans",
        "font.size": style.points,
        "axes.titlesize": style.points,
        "axes.labelsize": style.points,
        "xtick.labelsize": small,
        "ytick.labelsize": small,
        "legend.fontsize": small,
        "legend.frameon": False,
        "legend.handlelength": 1.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.6,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "lines.linewidth": 1.1,
        "grid.color": GRID,
        "grid.linewidth": 0.5,
        # TrueType outlines: Type 3 fonts, the default, are refused by publishers.
        "pdf.fonttype": 42,
        "ps.fonttype": 42,
        # Letters as outlines: an SVG looks the same where the font is missing.
        "svg.fonttype": "path",
        # Ids of clip paths are random without a salt.
        "svg.hashsalt": "fvc",
    }
    with matplotlib.rc_context(settings):
        yield


def blank(width: float, height: float) -> Figure:
    """Make an empty figure of a size in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def estimate(
    axes: Axes, row: Mapping[str, Any], key: str, y: float, colour: str, *, marker: str = "o"
) -> None:
    """Draw a row's estimate at a height, and its interval where it has one (``key_low/_high``)."""
    low, high = row[f"{key}_low"], row[f"{key}_high"]
    if low is not None and high is not None:
        axes.plot([low, high], [y, y], color=colour)
    axes.plot(row[key], y, marker, color=colour, markersize=3.5)


def named_rows(axes: Axes, names: Sequence[str], places: Sequence[float] | None = None) -> None:
    """Name the rows of a figure, the first at the top."""
    axes.set_yticks(range(len(names)) if places is None else places, names)
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()


def save(figure: Figure, stem: Path) -> tuple[Path, ...]:
    """Write a figure as PDF, SVG and PNG at 300 dpi; the same figure gives the same bytes.

    Parameters
    ----------
    figure
        What was drawn within `drawing`.
    stem
        The path without an ending.
    """
    # Dates and the program's version would differ from one run or machine to the next.
    metadata: dict[str, dict[str, Any]] = {
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
        "svg": {"Date": None, "Creator": None},
        "png": {"Software": None},
    }
    written = []
    for ending, nothing in metadata.items():
        path = stem.with_name(f"{stem.name}.{ending}")
        with atomic_write(path) as temporary:
            figure.savefig(temporary, format=ending, dpi=PNG_DPI, metadata=nothing)
        written.append(path)
    return tuple(written)
