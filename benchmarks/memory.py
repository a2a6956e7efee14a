"""Peak memory of each stage's worker, on long and short videos."""

from pathlib import Path
from typing import Any

from benchmarks.context import Bench
from benchmarks.measure import call, python, run
from benchmarks.rows import Row, Target, absolute_row

BYTES_OF_RGB = 3

# Seconds, and how many times as long as at 30 Hz each frame lasts.
LENGTHS = {"short": 10, "minute": 60, "long": 600}
SLOWER = {"short": 5, "minute": 15, "long": 60}


def memory(bench: Bench) -> None:
    """Peak memory of a worker on ten minutes and a minute of 1080p against ten seconds."""
    clip = bench.clips.second_of_1080p  # two seconds at 30 Hz
    folder = bench.room("long")
    # At a lower rate the same minutes have fewer frames: quicker to measure, and as long.
    rates = {"short": 1, "minute": 1, "long": 1} if bench.full else SLOWER
    paths = {name: folder / f"{name}.mp4" for name in rates}
    turns = {name: LENGTHS[name] // 2 // slower for name, slower in rates.items()}
    if bench.tiny:
        turns = {"short": 1, "minute": 2, "long": 6}
    for name, slower in rates.items():
        call("repeat_clip", source=clip, path=paths[name], times=turns[name], slower=slower)
    short, minute, long = (paths[name] for name in ("short", "minute", "long"))
    counts = f"{60 * turns['long']:,} frames against {60 * turns['short']:,}"
    note = counts + ("" if bench.full else ", each shown so much longer")
    peaks = {name: _peaks(bench, path) for name, path in (("s", short), ("l", long))}
    for stage in peaks["s"]:
        work = f"{stage}, 10 minutes of 1080p"
        ratio = peaks["l"][stage] / peaks["s"][stage]
        growth = Target("≤", 1.1)
        bench.add(
            Row(
                work,
                "10 seconds of it",
                (ratio,),
                growth,
                ours=peaks["l"][stage],
                reference=peaks["s"][stage],
                absolute_unit="MiB",
                note=note,
            )
        )
        most = Target("≤", 400, "MiB")
        bench.add(absolute_row(work, "–", [peaks["l"][stage]], "MiB", most, "peak of a worker"))
    _against_loading(bench, minute, clip)


def _against_loading(bench: Bench, minute: Path, clip: Path) -> None:
    two_seconds = run(python("load_all", source=clip)).peak_mib
    one_frame = 1920 * 1080 * BYTES_OF_RGB / 2**20
    # All 1,800 frames would take 11 GiB; two seconds of them show what a frame takes.
    frames = 60 * (2 if bench.tiny else LENGTHS["minute"] // 2)
    everything = two_seconds + (frames - 60) * one_frame
    for stage, peak in _peaks(bench, minute).items():
        bench.add(
            Row(
                f"{stage}, a minute of 1080p",
                "loading all its frames",
                (peak / everything,),
                Target("≤", 1 / 50),
                ours=peak,
                reference=everything,
                absolute_unit="MiB",
                note=f"{frames:,} RGB frames (30 Hz): measured for 60, the rest computed",
            )
        )


def _peaks(bench: Bench, clip: Path) -> dict[str, float]:
    """Peak of each stage's work on a clip, in MiB."""
    folder = bench.room("peak")
    copy, small = folder / "copy.mp4", folder / "small.mp4"
    peaks: dict[str, float] = {}

    def measure(stage: str, function: str, **arguments: Any) -> None:
        peaks[stage] = run(python(function, **arguments)).peak_mib

    measure("stage 1", "stage1", sources=[clip], folder=folder, count=10, name="any")
    (folder / "ours-1.mp4").rename(copy)
    measure("stage 2", "features", clip=copy, original=clip)
    measure("stage 3", "stage3", sources=[copy], target=small, size=256)
    size = [192, 108] if bench.tiny else [1920, 1080]
    measure("stage 4", "scaled_features", clip=small, unscaled=copy, original=clip, size=size)
    return peaks
