"""Measure the engine: ``python -m benchmarks [NAMES…]``; ``make bench`` measures everything."""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from benchmarks import (
    archives,
    bookkeeping,
    dashboard,
    frames,
    memory,
    pipeline,
    quality,
    report,
    speed,
)
from benchmarks.clips import Clips
from benchmarks.context import Bench
from benchmarks.rows import Results, Row

BENCHMARKS: dict[str, Callable[[Bench], None]] = {
    "stage1": speed.stage1,
    "stage2": speed.stage2,
    "stage3": speed.stage3,
    "stage4": speed.stage4,
    "probe": speed.probing,
    "archives": archives.archives,
    "workers": pipeline.two_workers,
    "bookkeeping": bookkeeping.bookkeeping,
    "memory": memory.memory,
    "job": pipeline.whole_job,
    "quality": quality.quality,
    "frames": frames.frames,
    "dashboard": dashboard.dashboard,
}


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    listed = "\n".join(f"  {name:12} {f.__doc__}" for name, f in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure speed and memory against FFmpeg, 7-Zip and naive code.",
        epilog=f"benchmarks:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which to run; default: all")
    parser.add_argument("--clips", type=Path, help="measure on the videos of this folder")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    parser.add_argument(
        "--show",
        type=Path,
        nargs="+",
        metavar="JSON",
        help="measure nothing: put the rows of these files together",
    )
    parser.add_argument("--write", type=Path, help="renew the table in this Markdown page")
    parser.add_argument("--mark", default="benchmarks", help="name of the page's marks")
    parser.add_argument("--repeats", type=int, default=3, help="pairs of measurements a row")
    parser.add_argument("--full", action="store_true", help="measure the long rows at full length")
    parser.add_argument("--tiny", action="store_true", help="only see whether everything runs")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
    return options


def main(arguments: list[str] | None = None) -> Results:
    """Run the benchmarks that are asked for and show their rows."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    console = Console(width=None if sys.stdout.isatty() else 160)
    results = Results()
    if options.show:
        for path in options.show:
            stored = json.loads(path.read_text())
            results.rows += map(Row.from_dict, stored["rows"])
            results.tables |= stored["tables"]
            results.runs += stored["runs"]
        return _give(results, options, console)
    with tempfile.TemporaryDirectory(prefix="fvc-benchmarks-") as folder:
        clips = Clips(Path(folder), options.clips, options.tiny)
        load = os.getloadavg()[0]
        bench = Bench(Path(folder), clips, results, options.repeats, options.full, options.tiny)
        for name in options.names or BENCHMARKS:
            start = time.monotonic()
            BENCHMARKS[name](bench)
            console.print(f"{name}: {time.monotonic() - start:.0f} s")
    names = ", ".join(options.names or ["everything"])
    loads = f"{load:.0f} to {os.getloadavg()[0]:.0f}"
    results.runs.append(f"{names}: on {clips.kind}, at a load of {loads} processes")
    return _give(results, options, console)


def _give(results: Results, options: argparse.Namespace, console: Console) -> Results:
    report.show(results, console)
    if options.json:
        rows = [row.to_dict() for row in results.rows]
        stored = {"rows": rows, "tables": results.tables, "runs": results.runs}
        options.json.write_text(json.dumps(stored, indent=2))
    if options.write:
        text = f"{report.machine()}\n\n{report.markdown(results)}"
        report.write_between_markers(options.write, options.mark, text)
    return results


if __name__ == "__main__":
    main()
