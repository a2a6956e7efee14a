"""Stages 1 to 4 as a user runs them: two workers against one, and against a published figure."""

import os
import shutil

from benchmarks.clips import JOB_FRAMES, frame_count
from benchmarks.context import Bench
from benchmarks.measure import Usage, python, run
from benchmarks.rows import Target, absolute_row, ratio_row

# The public implementation of the same workflow (each frame of each clip decoded, warped and
# written through Python arrays), run once on a machine of this kind on three clips of 640×360 with
# 1,673 frames in all: CPU seconds, and peak memory in GiB.
PUBLISHED_CPU_SECONDS = 2142.0
PUBLISHED_PEAK_GIB = 1.5


def whole_job(bench: Bench) -> None:
    """Stages 1 to 4 of three clips with some 1,673 frames, one worker."""
    clips = bench.clips.job
    frames = sum(frame_count(clip) for clip in clips)
    uses = [_stages(bench, 1) for _ in range(1 if bench.tiny else min(2, bench.repeats))]
    work = f"stages 1–4 of three clips, {frames:,} frames in all, one worker"
    scaled = PUBLISHED_CPU_SECONDS * frames / JOB_FRAMES
    pairs = [(use.cpu, scaled) for use in uses]
    note = f"published: {PUBLISHED_CPU_SECONDS:,.0f} CPU s for {JOB_FRAMES:,} frames"
    target = Target("≤", 1 / 15)
    against = "the public implementation of the workflow"
    bench.add(ratio_row(work, against, pairs, target, unit="CPU s", note=note))
    peak = [use.peak_mib for use in uses]
    note = f"peak of one process; the public implementation: {PUBLISHED_PEAK_GIB:g} GiB"
    bench.add(absolute_row(work, "–", peak, "MiB", None, note))


def two_workers(bench: Bench) -> None:
    """Two workers on two cores against one, stages 1 to 4."""
    pairs = []
    for _ in range(1 if bench.tiny else min(3, bench.repeats)):
        one, two = _stages(bench, 1, evenly=True), _stages(bench, 2, evenly=True)
        pairs.append((one.wall, two.wall))
    load = os.getloadavg()[0]
    note = f"wall time, twelve clips of three seconds; other processes ran, too: load {load:.0f}"
    bench.add(
        ratio_row(
            "two workers on two cores, stages 1–4",
            "one worker",
            pairs,
            Target("≥", 1.8),
            unit="s",
            note=note,
        )
    )


def _stages(bench: Bench, workers: int, *, evenly: bool = False) -> Usage:
    """Run the stages on the job's clips, or on twelve equal ones that two can share out evenly."""
    project = bench.room("job")
    corpus = bench.room("job-corpus")
    clips = [bench.clips.short] * 12 if evenly else bench.clips.job
    for n, clip in enumerate(clips):
        side = corpus / ("real" if n % 2 else "fake")
        side.mkdir(exist_ok=True)
        shutil.copyfile(clip, side / f"{n}{clip.suffix}")
    run(python("index", corpus=corpus, project=project))
    return run(python("stages", project=project, workers=workers))
