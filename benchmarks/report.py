"""Show the rows: on the terminal, as JSON, and in a Markdown page."""

import os
import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.rows import Results, Row, shown

BEGIN, END = "<!-- {}: begin -->", "<!-- {}: end -->"


def show(results: Results, console: Console) -> None:
    """Print a table."""
    table = Table(title="Benchmarks", show_lines=False)
    for name in ("work", "against", "ours", "reference", "median", "spread", "target", ""):
        table.add_column(name, overflow="fold")
    styles = {"met": "green", "missed": "red", "not measured": "yellow"}
    for row in results.rows:
        cells = _cells(row)
        verdict = cells[-1]
        table.add_row(*cells[:-1], verdict, style=None)
        if verdict in styles:
            table.columns[-1]._cells[-1] = f"[{styles[verdict]}]{verdict}[/]"
    console.print(table)
    for row in results.rows:
        if row.note or row.missing:
            console.print(f"[dim]{row.work}, against {row.against}: {row.missing or row.note}[/]")


def _cells(row: Row) -> list[str]:
    if row.median is None:
        return [row.work, row.against, "", "", "", "", str(row.target or ""), row.verdict]
    ours = "" if row.ours is None else shown(row.ours, row.absolute_unit)
    reference = "" if row.reference is None else shown(row.reference, row.absolute_unit)
    median = shown(row.median, row.unit)
    spread = ""
    if row.spread is not None:
        low, high = row.spread
        spread = f"{shown(low, '')}–{shown(high, '')}"
    target = "" if row.target is None else str(row.target)
    return [row.work, row.against, ours, reference, median, spread, target, row.verdict]


def markdown(results: Results) -> str:
    """Give the rows as a table in Markdown, with their notes below."""
    heads = ("work", "against", "ours", "reference", "median", "spread", "target", "")
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    notes: list[str] = []
    for row in results.rows:
        cells = _cells(row)
        note = row.missing or row.note
        if note:
            if note not in notes:
                notes.append(note)
            cells[0] += f" ({notes.index(note) + 1})"
        if row.verdict == "missed":
            cells[-1] = "**missed**"
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", *(f"{n}. {note}" for n, note in enumerate(notes, start=1))]
    lines += ["", f"Measured {'; '.join(results.runs)}."] if results.runs else []
    for title, text in results.tables.items():
        lines += ["", f"**{title[:1].upper()}{title[1:]}**", "", text]
    return "\n".join(lines)


def write_between_markers(path: Path, name: str, text: str) -> None:
    """Put a text between the two marks of a name in a page, in the place of what was there.

    Raises
    ------
    ValueError
        The page has no such marks.
    """
    begin, end = BEGIN.format(name), END.format(name)
    page = path.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"{path} has no marks {begin} … {end}")
    page = pattern.sub(lambda _: f"{begin}\n\n{text}\n\n{end}", page)
    path.write_text(page, encoding="utf-8")


def machine() -> str:
    """Describe processor, memory and versions; no names of hosts or folders."""
    import av
    import cv2

    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "polars", "pyarrow"))
    codec = ".".join(map(str, av.library_versions["libavcodec"]))
    lines = [
        f"- {_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB, "
        f"{platform.system()} {platform.machine()}",
        f"- Python {platform.python_version()}, PyAV {av.__version__} (libavcodec {codec}), "
        f"OpenCV {cv2.__version__}, {libraries}",
    ]
    references = [text for text in (_first_line("ffmpeg"), _first_line("7z")) if text]
    if references:
        lines.append(f"- references: {'; '.join(references)}")
    return "\n".join(lines)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        match = re.search(r"model name\s*:\s*(.+)", info.read_text())
        if match:
            return match[1]
    return platform.processor() or platform.machine()


def _memory_gib() -> float:
    if sys.platform == "win32":
        return 0.0
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _first_line(program: str) -> str:
    if shutil.which(program) is None:
        return ""
    arguments = ["-version"] if program == "ffmpeg" else ["i"]
    text = subprocess.run([program, *arguments], capture_output=True, text=True).stdout
    wanted = r"ffmpeg version \S+" if program == "ffmpeg" else r"7-Zip.*?\d+\.\d+"
    match = re.search(wanted, text)
    return match[0] if match else ""
