"""Resume and compaction of stages with very many rows."""

from benchmarks.context import Bench
from benchmarks.measure import python, run
from benchmarks.rows import Target, absolute_row


def bookkeeping(bench: Bench) -> None:
    """Resume with nothing to do over 100,000 rows; compaction of 1,000,000 rows."""
    few, many = (200, 500) if bench.tiny else (100_000, 1_000_000)
    _measure(bench, "resume with nothing to do", few, files=True, seconds=5, gib=1.0)
    _measure(bench, "compacting", many, files=False, seconds=30, gib=1.5)


def _measure(
    bench: Bench, work: str, rows: int, *, files: bool, seconds: float, gib: float
) -> None:
    project = bench.room("project")
    run(python("fill_stage", project=project, rows=rows, files=files))
    uses = [run(python("resume", project=project)) for _ in range(min(2, bench.repeats))]
    bench.room("project")
    work = f"{work}, {rows:,} rows"
    looked = "each row's file is looked for" if files else "journal to table"
    walls = ", ".join(f"{use.wall:.1f}" for use in uses)
    note = f"{looked}; CPU seconds, since wall time ({walls} s) hangs on what else runs"
    target = Target("<", seconds, "s")
    bench.add(absolute_row(work, "–", [use.cpu for use in uses], "s", target, note))
    peak = [use.peak_mib / 1024 for use in uses]
    bench.add(absolute_row(work, "–", peak, "GiB", Target("<", gib, "GiB"), "peak memory"))
