"""Measure the engine: ``python -m benchmarks [NAMES…]``; ``make bench`` measures everything."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from benchmarks import archives, bookkeeping, memory, pipeline, quality, report, speed
from benchmarks.clips import Clips
from benchmarks.context import Bench
from benchmarks.rows import Results

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
    with tempfile.TemporaryDirectory(prefix="fvc-benchmarks-") as folder:
        clips = Clips(Path(folder), options.clips, options.tiny)
        bench = Bench(Path(folder), clips, results, options.repeats, options.full, options.tiny)
        for name in options.names or BENCHMARKS:
            start = time.monotonic()
            BENCHMARKS[name](bench)
            console.print(f"{name}: {time.monotonic() - start:.0f} s")
    report.show(results, console)
    if options.json:
        rows = [row.to_dict() for row in results.rows]
        options.json.write_text(json.dumps({"rows": rows, "tables": results.tables}, indent=2))
    if options.write:
        text = f"{report.machine()}\n\n{report.markdown(results)}"
        report.write_between_markers(options.write, options.mark, text)
    return results


if __name__ == "__main__":
    main()
