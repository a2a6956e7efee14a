"""Time and memory of ``fvc query`` on 10 million rows of predictions.

``python -m benchmarks.queries [ROWS]`` makes a project of four models in a temporary folder and
asks it in a process apart, once on a tenth of the rows and once on all.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from fvc.workspace import Workspace

QUERIES = {
    "count": "SELECT count(*) FROM predictions",
    "aggregate": "SELECT model, repeat, fold, count(*), avg(score), stddev(score), "
    "avg(((score >= 0.5)::INT = label)::INT) FROM predictions GROUP BY ALL ORDER BY ALL",
    "one model": "SELECT fold, avg(score) FROM predictions WHERE model = 'm0' GROUP BY fold",
    "quantiles": "SELECT model, quantile_cont(score, [0.05, 0.5, 0.95]) FROM predictions "
    "GROUP BY model",
    "by group, sorted": 'SELECT "group", avg(score) AS s FROM predictions GROUP BY ALL '
    "ORDER BY s DESC LIMIT 10",
    "all rows streamed": "SELECT * FROM predictions",
}
MODELS = 4

MEASURE = """
import json, sys, time
from fvc.tracking import ProjectSQL
with ProjectSQL(sys.argv[1]) as project:
    begun = time.perf_counter()
    rows = sum(1 for _ in project.stream(sys.argv[2]).rows)
    seconds = time.perf_counter() - begun
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"rows": rows, "seconds": seconds, "mib": int(peak.split()[1]) / 1024}))
"""


def make_project(root: Path, rows: int) -> None:
    """Write predictions of four models, in row groups as stage 5 writes them."""
    workspace = Workspace(root)
    each = rows // MODELS
    for number in range(MODELS):
        rng = np.random.default_rng(number)
        source = np.arange(each) % max(1, each // 5)
        table = pl.DataFrame({
            "source": pl.Series(source).cast(pl.String),
            "group": pl.Series(source // 3).cast(pl.String),
            "label": (source % 2).astype(np.int8),
            "repeat": (np.arange(each) // max(1, each // 5)).astype(np.int32),
            "fold": (source % 5).astype(np.int32),
            "score": rng.random(each),
            "calibrated": rng.random(each),
        })  # fmt: skip
        folder = workspace.model(f"m{number}")
        folder.mkdir(parents=True)
        table.write_parquet(folder / "predictions.parquet")


def ask(root: Path, sql: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(root), sql], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return dict(json.loads(done.stdout))


def measure(rows: int) -> dict[str, list[dict[str, float]]]:
    """Ask every query on a tenth of the rows and on all of them."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in QUERIES}
    for n in (rows // 10, rows):
        with tempfile.TemporaryDirectory() as folder:
            make_project(Path(folder), n)
            for name, sql in QUERIES.items():
                found[name].append(ask(Path(folder), sql))
    return found


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    print(f"| query | seconds, {rows // 10:,} rows | {rows:,} rows | MiB | MiB |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, (small, large) in measure(rows).items():
        print(
            f"| {name} | {small['seconds']:.2f} | {large['seconds']:.2f} "
            f"| {small['mib']:.0f} | {large['mib']:.0f} |"
        )


if __name__ == "__main__":
    main()
