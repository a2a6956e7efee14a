"""``fvc show``: what is in a file."""

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.markup import escape
from rich.style import Style
from rich.table import Table
from rich.text import Text

from fvc.cli.output import OutputOptions, logging_to_terminal, print_report
from fvc.cli.verb import app_of, options_of
from fvc.inference.asking import printable
from fvc.reporting.preview.report import Preview, show_file
from fvc.reporting.preview.videos import Frames
from fvc.workspace import Workspace

SHOWN_COLUMNS = 60
"""Columns of a table that are listed; JSON has them all."""

SHOWN_FRAMES = 6
"""Frames that are drawn in the terminal."""

_FRAME_WIDTH, _FRAME_HEIGHT = 25, 28
_GAP = 2
_NAME, _TYPE, _CELL = 32, 14, 24


def show_preview(preview: Preview, _workspace: Workspace) -> None:
    """Draw a preview for people."""
    console = Console(highlight=False)
    _DRAWN[preview.kind](preview, console)
    if preview.output is not None:
        console.print(f"Contact sheet: {_safe(preview.output)}", soft_wrap=True)


def _draw_table(preview: Preview, console: Console) -> None:
    facts = preview.facts
    console.print(
        f"[bold]{_safe(preview.path)}[/]  {facts['format']}, {facts['n_rows']:,} rows × "
        f"{facts['n_columns']:,} columns",
        soft_wrap=True,
    )
    columns, rows = facts["columns"], facts["rows"]
    listed = columns[:SHOWN_COLUMNS]
    table = Table(box=None, pad_edge=False)
    cells = [
        (
            _cut(column["name"], _NAME),
            _cut(column["type"], _TYPE),
            f"{column['nulls']:,}" if column["nulls"] else "–",
        )
        for column in listed
    ]
    headings = ("column", "type", "missing")
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    for heading in headings:
        end = heading == "missing"
        table.add_column(heading, justify="right" if end else "left", no_wrap=True)
    table.add_column("first rows", no_wrap=True)
    room = _wide(console).width - sum(widths) - 2 * len(headings) - 1
    for i, start in enumerate(cells):
        some = Text("  ").join(_cell(row[i]) for row in rows)
        some.truncate(max(room, 8), overflow="ellipsis")
        table.add_row(*map(Text, start), some)
    _wide(console).print(table)
    if len(columns) > SHOWN_COLUMNS:
        console.print(f"… and {len(columns) - SHOWN_COLUMNS:,} more columns; --json has them all")


def _draw_document(preview: Preview, console: Console) -> None:
    facts = preview.facts
    console.print(f"[bold]{_safe(preview.path)}[/]  {facts['what']}", soft_wrap=True)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=34)
    table.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
    for line in facts["outline"]:
        value = _safe(line["value"])
        if line["type"] in ("object", "list", "null"):
            value = f"[dim]{value}[/]"
        table.add_row("  " * line["depth"] + _safe(line["key"]), value)
    _wide(console).print(table)
    if facts["cut"]:
        console.print("… and more")
    if facts["drawn_by"]:
        console.print(f"`{facts['drawn_by']}` draws it.")


def _draw_array(preview: Preview, console: Console) -> None:
    facts = preview.facts
    shape = " × ".join(map(str, facts["shape"])) or "one number"
    console.print(f"[bold]{_safe(preview.path)}[/]  {shape}, {facts['dtype']}", soft_wrap=True)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    features = facts.get("features")
    names = ("n_nan", "least", "mean", "largest")
    for name, value in (features or {n: facts[n] for n in names}).items():
        table.add_row(name, "[dim]missing[/]" if value is None else f"{value:.6g}")
    console.print(table)


def _draw_video(preview: Preview, console: Console) -> None:
    f = preview.facts
    turned = f", turned by {f['rotation']}°" if f["rotation"] else ""
    sound = "with sound" if f["has_audio"] else "no sound"
    console.print(f"[bold]{_safe(preview.path)}[/]", soft_wrap=True)
    console.print(
        f"{f['width']} × {f['height']} pixels{turned}, {f['fps']:.4g} frames a second, "
        f"{f['frame_count']:,} frames, {_clock(f['duration_seconds'])}"
    )
    console.print(
        f"{f['codec']} ({f['pixel_format']}) in {_safe(f['container'])}, "
        f"{f['bitrate'] / 1000:,.0f} kbit/s, {sound}, {_size(f['file_size_bytes'])}"
    )
    if preview.frames is not None and console.color_system is not None and console.is_terminal:
        for line in half_blocks(preview.frames, console.width):
            console.print(line, no_wrap=True)


def half_blocks(frames: Frames, width: int) -> list[Text]:
    """Draw frames with ``▀``, two pixels a character, as many beside each other as fit.

    Parameters
    ----------
    frames
        Small pictures; a few of them, evenly, are drawn.
    width
        Of the terminal, in characters.
    """
    import cv2

    n = min(len(frames.pictures), SHOWN_FRAMES)
    chosen = [int((i + 0.5) * len(frames.pictures) / n) for i in range(n)]
    height, across = frames.pictures[0].shape[:2]
    columns = min(width, _FRAME_WIDTH, max(4, round(_FRAME_HEIGHT * across / height)))
    beside = max(1, (width + _GAP) // (columns + _GAP))
    beside = math.ceil(n / math.ceil(n / beside))  # rows of one length
    lines = max(1, round(columns * height / across / 2))
    drawn: list[Text] = []
    for start in range(0, n, beside):
        part = chosen[start : start + beside]
        small = [
            cv2.resize(frames.pictures[i], (columns, 2 * lines), interpolation=cv2.INTER_AREA)
            for i in part
        ]
        for line in range(lines):
            text = Text()
            for picture in small:
                upper, lower = picture[2 * line].tolist(), picture[2 * line + 1].tolist()
                for over, under in zip(upper, lower, strict=True):
                    text.append("▀", Style(color=_colour(over), bgcolor=_colour(under)))
                text.append(" " * _GAP)
            drawn.append(_trimmed(text))
        times = (f"{frames.seconds[i]:.2f} s".ljust(columns + _GAP) for i in part)
        drawn.append(Text("".join(times).rstrip(), "dim"))
    return drawn


def _trimmed(text: Text) -> Text:
    text.right_crop(_GAP)
    return text


def _colour(rgb: Sequence[int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def _cell(value: Any) -> Text:
    if value is None:
        return Text("–", "dim")
    return Text(_cut(f"{value:.4g}" if isinstance(value, float) else value, _CELL))


def _cut(value: object, length: int) -> str:
    text = printable(str(value))
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _wide(console: Console) -> Console:
    # Piped, a table is as wide as it has to be: cut columns would be lost data.
    return console if console.is_terminal else Console(highlight=False, width=10_000)


def _safe(text: object) -> str:
    return escape(printable(str(text)))


def _clock(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02} min"


def _size(n_bytes: int) -> str:
    power = min(3, int(math.log(max(n_bytes, 1), 1000)))
    return f"{n_bytes / 1000**power:.3g} {('bytes', 'kB', 'MB', 'GB')[power]}"


_DRAWN: dict[str, Callable[[Preview, Console], None]] = {
    "table": _draw_table,
    "document": _draw_document,
    "array": _draw_array,
    "video": _draw_video,
}


def _call(*bare: Any, **given: Any) -> int:
    shown: OutputOptions = given.pop("shown", OutputOptions())
    given |= dict(zip(("file",), bare, strict=False))
    with logging_to_terminal(shown):
        preview = show_file(**given)
    print_report(preview, shown, Workspace(), show_preview)
    return preview.exit_code


def _parameters() -> list[inspect.Parameter]:
    options = options_of(show_file)
    bare = options[0].replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD)
    shown = inspect.Parameter(
        "shown",
        inspect.Parameter.KEYWORD_ONLY,
        default=OutputOptions(),
        annotation=Annotated[OutputOptions, Parameter(name="*", group="Output")],
    )
    return [bare, *options[1:], shown]


_call.__doc__ = show_file.__doc__
command = app_of(
    _call,
    _parameters(),
    name="show",
    example="fvc show clip.mp4 --output sheet.png",
)
