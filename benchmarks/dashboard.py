"""How long the dashboard takes to open on a project of 100,000 clips, in a real browser."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from benchmarks.context import Bench
from benchmarks.filled import clip_table
from benchmarks.rows import Row, Target, absolute_row

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = {"Overview": "", "Corpus": "corpus", "Leaderboard": "leaderboard"}
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--disable-background-networking")  # fmt: skip
# The script is through, and no table or chart is still on its way.
DRAWN = """() => {
    const all = name => [...document.querySelectorAll(name)];
    const shown = item => item.checkVisibility();
    return all("h1").length > 0
        && all('[data-test-script-state="notRunning"]').length > 0
        && !all('[data-testid="stSkeleton"]').some(shown)
        && all('[data-testid="stPlotlyChart"]').filter(shown).every(
            chart => chart.querySelector(".main-svg"))
        && all('[data-testid="stDataFrame"]').filter(shown).every(
            table => table.querySelector("canvas"));
}"""
_PATIENCE_MS = 120_000


def dashboard(bench: Bench) -> None:
    """The dashboard's pages in Chromium, first and later, on tables of 100,000 clips."""
    clips = 1_100 if bench.tiny else 100_000
    project = bench.room("project")
    fill_project(project, clips)
    what = f"dashboard, {clips:,} clips"
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    target = Target("<", 3, "s")
    if chromium is None:
        missing = "Chromium not installed: scripts/install_services.sh"
        bench.add(Row(what, "–", target=target, missing=missing))
        return
    from playwright.sync_api import sync_playwright

    starts: list[float] = []
    firsts: list[float] = []
    later: dict[str, list[float]] = {name: [] for name in PAGES}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for _ in range(bench.repeats):
            begun = time.perf_counter()
            with served(project) as address:
                starts.append(time.perf_counter() - begun)
                firsts.append(opened(browser, address))
                for name, page in PAGES.items():
                    later[name].append(opened(browser, f"{address}/{page}"))
        browser.close()
    whole = [start + first for start, first in zip(starts, firsts, strict=True)]
    for row, figures, wanted, note in (
        ("until its address answers", starts, None, "from the command on"),
        ("Overview, first page of a server", firsts, target, "from the address on until drawn"),
        ("from the command to that page", whole, None, "the two together"),
        *((f"{name}, later", seconds, None, "another visitor") for name, seconds in later.items()),
    ):
        bench.add(absolute_row(f"{what}: {row}", "–", figures, "s", wanted, note))


def fill_project(project: Path, clips: int) -> None:
    """Write the tables of a finished project of so many clips, without a video."""
    from fvc.evaluation import (
        build_leaderboard,
        describe_split,
        index_fingerprint,
        load_folds,
        make_folds,
        read_folds_info,
        save_folds,
        summarise_folds,
    )
    from fvc.features.names import FEATURE_NAMES
    from fvc.tables import IndexSchema, write_json_atomic, write_table
    from fvc.workspace import Workspace

    workspace = Workspace(project)
    table = clip_table(clips)
    rng = np.random.default_rng(0)
    numbers = {name: rng.standard_normal(clips, np.float32) for name in FEATURE_NAMES}
    size = {name: pl.lit(256, pl.Int32) for name in ("scaled_width", "scaled_height")}
    for files, frame in (
        (workspace.stage1, table),
        (workspace.stage2, table.with_columns(**numbers)),
        (workspace.stage3, table.with_columns(**size)),
        (workspace.stage4, table.with_columns(**numbers)),
    ):
        files.folder.mkdir(parents=True, exist_ok=True)
        write_table(frame, files.table("arrow"))
    types = IndexSchema.create_empty().schema
    sources = table.filter("is_original").with_columns(
        pl.col("original_video").alias("video_path"),
        pl.lit("ok").alias("status"),
        pl.lit("h264").alias("codec_name"),
        pl.lit(10.0).alias("duration_sec"),
    )
    absent = [pl.lit(None).alias(name) for name in types if name not in sources.columns]
    index = sources.with_columns(absent).select(pl.col(name).cast(t) for name, t in types.items())
    write_table(index, workspace.index_csv)
    fingerprint = index_fingerprint(index)
    save_folds(make_folds(index), workspace.folds, fingerprint=fingerprint, seed=0)
    folds = load_folds(workspace.folds, fingerprint=fingerprint)
    split = describe_split(folds, read_folds_info(workspace.folds))
    scores = folds.with_columns(score=pl.Series(rng.random(len(folds))))
    document = {
        "model": "logistic_regression",
        "aggregate": summarise_folds(scores, folds=folds, resamples=50),
        "split": split,
    }
    write_json_atomic(workspace.model("logistic_regression") / "metrics.json", document)
    write_table(scores, workspace.model("logistic_regression") / "predictions.parquet")
    build_leaderboard(workspace, baselines=[])


@contextmanager
def served(project: Path) -> Iterator[str]:
    """Start the dashboard as its users do, and wait until it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("fvc")), "dashboard", "--headless",
               "--port", str(port), "--project", str(project)]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              start_new_session=True)  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            if server.poll() is not None:
                raise RuntimeError("the dashboard's server ended")
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.02)
        yield address
    finally:
        # The interrupt that users give; the server is a process of the command's.
        server.send_signal(2)
        server.wait(30)


def opened(browser: "Browser", address: str) -> float:
    """Open a page as a new visitor and return the seconds until it is drawn."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    begun = time.perf_counter()
    page.goto(address, timeout=_PATIENCE_MS)
    page.wait_for_function(DRAWN, timeout=_PATIENCE_MS)
    seconds = time.perf_counter() - begun
    context.close()
    return seconds
