"""Quality is a bound on speed: what the copy of stage 1 keeps of its source."""

import math
import statistics
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clips import made, videos_in
from benchmarks.context import Bench
from benchmarks.measure import call
from benchmarks.rows import Row, absolute_row

SIMULATED_SOURCES = 24


def quality(bench: Bench) -> None:
    """PSNR, SSIM and the movement of each feature, copy against source."""
    if bench.clips.given is not None:
        sources = videos_in(bench.clips.given)[:: 1 if bench.full else 3]
    else:
        sources = _simulated(bench)
    results = []
    for source in sources:
        results += call("copy_quality", sources=[source], folder=bench.room("quality"))
    kind = f"{len(sources)} {bench.clips.kind}"
    for name, unit, text in (
        ("psnr", "dB", "PSNR of luma, all frames"),
        ("ssim", "", "SSIM of luma (Wang et al. 2004), each tenth frame"),
        ("bits", "×", "bits of the copy over those of the source"),
    ):
        figures = [r[name] for r in results]
        bench.add(absolute_row(f"copy of {kind}", "its source", figures, unit, None, text))
    moved = movements(results)
    worst = max(moved, key=lambda m: m["median"])
    text = f"largest median movement of a feature, over its spread between sources: {worst['name']}"
    bench.add(Row(f"copy of {kind}", "its source", (worst["median"],), unit="σ", note=text))
    bench.results.tables[f"features of the copies of {kind}"] = _table(moved)


def _simulated(bench: Bench) -> list[Path]:
    folder = bench.room("sources")
    number = 3 if bench.tiny else SIMULATED_SOURCES
    sizes = ((640, 360), (480, 480), (512, 288), (360, 640))
    return [
        made(
            folder / f"{n:02d}.mp4",
            frames=8 if bench.tiny else 72,
            width=sizes[n % 4][0],
            height=sizes[n % 4][1],
            seed=100 + n,
            interval=(15, 30, 60)[n % 3],
        )
        for n in range(number)
    ]


def movements(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How far each feature moves from source to copy, over its spread between sources.

    Parameters
    ----------
    results
        As from `fidelity.compare_copy`.

    Returns
    -------
    list of dict
        ``name``; ``spread``, the standard deviation over sources; ``median`` and ``largest`` of
        |after − before|, and ``shift``, the mean of after − before, in spreads; ``correlation``
        of before and after.
    """
    rows = []
    for name in results[0]["before"]:
        pairs = [(r["before"][name], r["after"][name]) for r in results]
        pairs = [(a, b) for a, b in pairs if not (math.isnan(a) or math.isnan(b))]
        if len(pairs) < 2:
            continue
        before, after = np.array(pairs).T
        spread = float(before.std(ddof=1))
        moved = (after - before) / spread if spread > 0 else np.zeros(len(before))
        varies = spread > 0 and after.std() > 0
        rows.append(
            {
                "name": name,
                "spread": spread,
                "median": statistics.median(np.abs(moved).tolist()),
                "largest": float(np.abs(moved).max()),
                "shift": float(moved.mean()),
                "correlation": float(np.corrcoef(before, after)[0, 1]) if varies else None,
            }
        )
    return rows


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| feature | spread between sources | moved by: median | largest | mean shift | r |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for r in rows:
        correlation = "–" if r["correlation"] is None else f"{r['correlation']:.3f}"
        lines.append(
            f"| `{r['name']}` | {r['spread']:.3g} | {r['median']:.2f} σ | {r['largest']:.2f} σ "
            f"| {r['shift']:+.2f} σ | {correlation} |"
        )
    return "\n".join(lines)
