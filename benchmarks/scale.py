"""Tables, splits and small files of very many clips; and Dask with two workers against one.

``python -m benchmarks.scale [NAMES…] [--rows 1000000 10000000]`` measures each in a process apart
and prints CPU seconds, the largest resident size and what was written. No video is made, but for
``dask``, which augments copies of one short clip and stands apart: it wants two cores for itself.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.clips import make_clip
from benchmarks.measure import ROOT, Usage, python, run

CLIPS_OF_A_SOURCE = 11
CLIPS = 24
FRAMES = 200


def index_of(rows: int) -> pl.DataFrame:
    """Make an index of so many sources, in groups of one to six."""
    rng = np.random.default_rng(0)
    number = pl.Series(np.arange(rows))
    group = np.sort(rng.integers(0, max(2, rows // 3), rows))
    return pl.DataFrame({
        "source": pl.select(pl.format("platform_{}", number.cast(pl.String).str.zfill(10)))
        .to_series(),
        "group": pl.Series(group).cast(pl.String),
        "label": ((group * 2654435761) % 97 % 2).astype(np.int8),
        "platform": pl.Series(["youtube", "facebook", "twitter"]).gather(group % 3),
        "collection": pl.Series(["one", "two"]).gather(group % 2),
    })  # fmt: skip


def split(folder: str, rows: int) -> dict[str, Any]:
    """Make, write and read the split file: one repeat of five folds."""
    from fvc.evaluation import index_fingerprint, load_folds, make_folds, save_folds

    path = Path(folder) / "folds.parquet"
    index = index_of(rows)
    fingerprint = index_fingerprint(index)
    save_folds(make_folds(index, n_splits=5, repeats=1), path, fingerprint=fingerprint)
    del index
    folds = load_folds(path, fingerprint=fingerprint)
    return {"rows": folds.height, "bytes": path.stat().st_size}


def table(folder: str, rows: int) -> dict[str, Any]:
    """Write a feature table, read it and go through its rows as the next stage does."""
    from fvc.features.names import FEATURE_NAMES
    from fvc.tables import read_table, write_table

    path = Path(folder) / "features_metadata.arrow"
    rng = np.random.default_rng(0)
    clips = pl.int_range(rows, eager=True)
    source = (clips // CLIPS_OF_A_SOURCE).cast(pl.String).str.zfill(10)
    frame = pl.DataFrame({
        "clip": pl.select(pl.format("{}_aug{}", source, clips % CLIPS_OF_A_SOURCE)).to_series(),
        "source": source,
        "label": (clips % 2).cast(pl.Int8),
        "group": (clips // (3 * CLIPS_OF_A_SOURCE)).cast(pl.String),
        "feature_path": pl.select(pl.format("data/features_stage2/{}.npy", clips)).to_series(),
        "key": clips.hash(0).cast(pl.String),
        **{name: rng.standard_normal(rows, np.float32) for name in FEATURE_NAMES},
    })  # fmt: skip
    write_table(frame, path)
    del frame
    found = read_table(path)
    seen = sum(row["label"] for row in found.iter_rows(named=True))
    return {"rows": found.height, "seen": seen, "bytes": path.stat().st_size}


def files(folder: str, rows: int) -> dict[str, Any]:
    """Write small files into one folder, then look at each as a resumed run does."""
    content = b"\0" * 200
    for number in range(rows):
        (Path(folder) / f"{number:010}.npy").write_bytes(content)
    return {"bytes": sum(os.stat(f"{folder}/{n:010}.npy").st_size for n in range(rows))}


def duplicates(folder: str, rows: int) -> dict[str, Any]:
    """Look for near-duplicates among the random hashes of so many sources, six frames each."""
    from fvc.dataset.hash_match import CROPS, FrameHashes, find_matches

    rng = np.random.default_rng(0)
    videos = [
        FrameHashes(
            hashes=rng.integers(0, 2**64, (6, len(CROPS), 4), dtype=np.uint64),
            votes=np.ones(6, dtype=bool),
            borders=(0.0, 1.0, 0.0, 1.0),
        )
        for _ in range(rows)
    ]
    return {"found": len(find_matches(videos, threshold=64, min_share=0.4))}


def journal(folder: str, rows: int) -> dict[str, Any]:
    """Make a stage's table of a journal, and see that nothing is left to do."""
    run(python("fill_stage", project=folder, rows=rows, files=False))
    return {}


MEASURES: dict[str, Callable[[str, int], dict[str, Any]]] = {
    "split": split,
    "table": table,
    "files": files,
    "duplicates": duplicates,
    "journal": journal,
}


def measure(name: str, rows: int) -> tuple[Usage, dict[str, Any]]:
    """Measure one thing in a process of its own, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        if name == "journal":
            journal(folder, rows)
            used = run(python("resume", project=folder))
            return used, {"bytes": _size(Path(folder))}
        code = "import sys, json; from benchmarks.scale import MEASURES as m; " + (
            f"print(json.dumps(m[{name!r}]({folder!r}, {rows})))"
        )
        used = run([sys.executable, "-c", code])
        return used, json.loads(used.output)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@contextmanager
def dask_cluster(folder: Path, workers: int) -> Iterator[str]:
    """Run a scheduler and nannies with workers of one thread each, on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    address = f"tcp://127.0.0.1:{port}"
    common = ("--host", "127.0.0.1", "--no-dashboard")
    commands = [["scheduler", *common, "--port", port, "--no-show"]]
    commands += [
        ["worker", address, *common, "--nthreads", "1", "--local-directory", str(folder)]
    ] * workers
    with open(folder / "dask.log", "ab") as log:
        started = [
            subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{kind}", *arguments],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
            for kind, *arguments in commands
        ]
    try:
        yield address
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
        for process in started:
            process.wait(30)


def two_workers(pairs: int) -> list[tuple[float, float]]:
    """Augment equal clips with one Dask worker and with two, in turns; wall seconds of each."""
    from fvc.dataset import setup_dataset

    found = []
    with tempfile.TemporaryDirectory() as room:
        clip = make_clip(Path(room) / "clip.mp4", frames=FRAMES, width=320, height=240)
        for number in range(CLIPS):
            side = Path(room) / "corpus" / ("real", "fake")[number % 2]
            side.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(clip, side / f"{number}.mp4")
        for _ in range(pairs):
            seconds = []
            for workers in (1, 2):
                project = Path(room) / "project"
                shutil.rmtree(project, ignore_errors=True)
                setup_dataset(project, corpus=Path(room) / "corpus", workers=1)
                with dask_cluster(Path(room), workers) as address:
                    seconds.append(_augment(project, address, workers))
            found.append((seconds[0], seconds[1]))
    return found


def _augment(project: Path, address: str, workers: int) -> float:
    from distributed import Client

    from fvc.augmentation import stage1_augment_videos
    from fvc.stages import RunOptions

    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(workers, timeout=60)
    options = RunOptions(engine="dask", scheduler=address, quiet=True)
    begun = time.monotonic()
    stage1_augment_videos(project, num_augmentations=4, run=options)
    return time.monotonic() - begun


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join((*MEASURES, "dask")))
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--pairs", type=int, default=2, help="turns of one and two workers")
    options = parser.parse_args()
    unknown = set(options.names) - {*MEASURES, "dask"}
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    for name in options.names or MEASURES:
        if name == "dask":
            for one, two in two_workers(options.pairs):
                load = os.getloadavg()[0]
                print(f"dask: {one:.1f} s, {two:.1f} s, {one / two:.2f}x, load {load:.0f}")
            continue
        for rows in options.rows:
            used, told = measure(name, rows)
            print(
                f"{name}: {rows:,} rows, {used.cpu:.1f} CPU s, {used.wall:.1f} s, "
                f"{used.peak_mib:,.0f} MiB, {told}",
                flush=True,
            )


if __name__ == "__main__":
    main()
