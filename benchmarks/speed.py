"""Stages 1 to 4, one clip at a time, against FFmpeg and against decoding alone."""

import shutil
import statistics
from pathlib import Path

from benchmarks.context import Bench
from benchmarks.measure import call, cpu_pairs, python, run
from benchmarks.parts import HELD_FRAMES
from benchmarks.reference import (
    copies_command,
    encode_raw_command,
    raw_command,
    scale_command,
    split_command,
)
from benchmarks.rows import Target, ratio_row

VARIANTS = 10
SIZE = 256
TURNS = 3
WARM = "one worker, its start and imports counted, for all clips; an `ffmpeg` for each clip"


def stage1(bench: Bench) -> None:
    """Stage 1: the copy and ten variants of a clip against one FFmpeg with eleven outputs."""
    target = Target("≤", 0.8)
    work, against = "stage 1, copy and ten variants, one worker", "one `ffmpeg`, `split=11`"
    if bench.lacks("ffmpeg", work, against, target):
        return
    folder = bench.room("stage1")
    clips = bench.clips.job[: 1 if bench.tiny else 3]
    by_hand = [_by_hand(clip, folder) for clip in clips]
    ours = python("stage1", sources=clips, folder=folder, count=VARIANTS)
    pairs = [
        (run(ours).cpu, sum(run(command).cpu for command in by_hand)) for _ in range(bench.repeats)
    ]
    bare = sum(run(copies_command(clip, VARIANTS + 1, folder)).cpu for clip in clips)
    floor = [(bare, pairs[-1][1])]
    note = (
        f"{WARM}; each clip with the ten augmentations that stage 1 deals it, the same on "
        "both sides"
    )
    bench.add(ratio_row(work, against, pairs, target, unit="CPU s", note=note))
    work = "the same without any augmentation: one `ffmpeg`, eleven outputs"
    note = "decoding once and encoding eleven times, which both sides must; nothing else is done"
    bench.add(ratio_row(work, against, floor, None, unit="CPU s", note=note))
    _encoding_alone(bench, clips, folder)
    parts = call("stage1_parts", sources=clips, folder=folder, count=VARIANTS)
    bench.results.tables["where stage 1's CPU seconds go"] = _parts_table(parts)


def _by_hand(clip: Path, folder: Path) -> list[str]:
    from fvc.augmentation.parameters import plan_variants
    from fvc.video import probe

    info = probe(clip)
    # Each clip with the ten of twelve augmentations that stage 1 would deal it.
    variants = plan_variants(clip.stem, VARIANTS)
    size = {"width": info.width, "height": info.height}
    return split_command(clip, variants, folder, **size, fps=info.fps)


def _encoding_alone(bench: Bench, clips: list[Path], folder: Path) -> None:
    """The encoder in PyAV against the one in FFmpeg, on the same raw frames."""
    from fvc.video import probe

    pairs = []
    for clip in clips:
        info, raw, target = probe(clip), folder / "frames.yuv", folder / "alone.mp4"
        run(raw_command(clip, raw, HELD_FRAMES))
        size = (info.width, info.height)
        ours = call("encoding_alone", source=clip, target=target, repeats=bench.repeats)
        for seconds in ours:
            reading = run(encode_raw_command(raw, None, *size)).cpu
            pairs.append((seconds, run(encode_raw_command(raw, target, *size)).cpu - reading))
    work, against = "encoding alone, the same raw frames: libx264 in PyAV", "libx264 in `ffmpeg`"
    note = "frames in memory; of `ffmpeg`, the time of reading the frames is taken away"
    bench.add(ratio_row(work, against, pairs, None, unit="CPU s", note=note))


def _parts_table(parts: dict[str, float]) -> str:
    whole = sum(parts.values())
    lines = ["| part | CPU s | share |", "| --- | --- | --- |"]
    lines += [f"| {name} | {s:.2f} | {100 * s / whole:.0f} % |" for name, s in parts.items()]
    return "\n".join(lines)


def stage3(bench: Bench) -> None:
    """Stage 3: a clip to 256 against FFmpeg's scale filter on one thread."""
    from fvc.scaling.resolution import scaled_size
    from fvc.video import probe

    target = Target("≤", 1.05)
    work, against = "stage 3, a clip to 256", "`ffmpeg -vf scale`, one thread"
    if bench.lacks("ffmpeg", work, against, target):
        return
    folder = bench.room("stage3")
    clips = _copies(bench)
    info = probe(clips[0])
    size = scaled_size(info.width, info.height, SIZE)
    by_hand = {clip: scale_command(clip, folder / "reference.mp4", *size) for clip in clips}

    def measure(chosen: list[Path]) -> list[tuple[float, float]]:
        pairs = []
        for _ in range(bench.repeats):
            ours = run(python("stage3", sources=chosen, target=folder / "ours.mp4", size=SIZE))
            pairs.append((ours.cpu, sum(run(by_hand[clip]).cpu for clip in chosen)))
        return pairs

    note = f"{WARM}; three clips, {TURNS} times each: stage 3 has eleven clips of each source"
    many = measure(clips * (1 if bench.tiny else TURNS))
    bench.add(ratio_row(work, against, many, target, unit="CPU s", note=note))
    note = "start and imports of a Python process counted against one clip"
    alone = measure(clips[:1])
    bench.add(ratio_row(f"{work}, a process for it", against, alone, None, unit="CPU s", note=note))


def _copies(bench: Bench) -> list[Path]:
    """Stage 1's copies of the job's clips."""
    folder = bench.folder / "copies"
    if not folder.exists():
        folder.mkdir()
        for clip in bench.clips.job:
            made = bench.room("copy")
            run(python("stage1", sources=[clip], folder=made, count=0))
            shutil.move(made / "ours-1.mp4", folder / f"{clip.stem}.mp4")
    return sorted(folder.iterdir())


def stage2(bench: Bench) -> None:
    """Stage 2: features of six frames against decoding these six frames."""
    own = list(zip(_copies(bench), sorted(bench.clips.job, key=lambda p: p.stem), strict=True))
    raw = [(clip, clip) for clip in bench.clips.some]
    for name, clips, limit in (("raw clips", raw, 1.2), ("our own clips", own, 1.4)):
        rows = call("stage2_pairs", clips=clips, repeats=bench.repeats)
        number = len(clips)
        target = Target("≤", limit)
        for against, column, goal in (
            ("exact sampling of them, as we do it", 1, target),
            ("seeking to each with PyAV", 2, None),
            ("decoding all frames", 3, None),
        ):
            pairs = [(row[0] / number, row[column] / number) for row in rows]
            work = f"stage 2, six frames of {name}"
            bench.add(ratio_row(work, against, pairs, goal, unit="CPU s"))


def stage4(bench: Bench) -> None:
    """Stage 4: features of six frames of scaled clips against decoding them."""
    from fvc.video import probe

    folder = bench.room("scaled")
    clips = []
    for copy, raw in zip(
        _copies(bench), sorted(bench.clips.job, key=lambda p: p.stem), strict=True
    ):
        small = folder / copy.name
        run(python("stage3", sources=[copy], target=small, size=SIZE))
        info = probe(copy)
        clips.append((small, copy, raw, [info.width, info.height]))
    rows = call("stage4_pairs", clips=clips, repeats=bench.repeats)
    work, number = "stage 4, six frames of scaled clips", len(clips)
    target = Target("≤", 1.5)
    both = [(r[0] / number, (r[1] + r[2]) / number) for r in rows]
    scaled = [(r[0] / number, r[1] / number) for r in rows]
    needed = "decoding what it reads: the six scaled and the six unscaled frames"
    bench.add(ratio_row(work, needed, both, target, unit="CPU s"))
    bench.add(
        ratio_row(
            work,
            "decoding the six scaled frames alone",
            scaled,
            None,
            unit="CPU s",
            note="edges are compared with those of the unscaled frames, which must be decoded: "
            f"{statistics.median((r[1] + r[2]) / r[1] for r in rows):.1f}× is the floor",
        )
    )


def probing(bench: Bench) -> None:
    """Index and probe: step 0 on a folder of clips against one ffprobe a file."""
    target = Target("≤", 0.2)
    work, against = "index and probe", "`ffprobe` on each file"
    if bench.lacks("ffprobe", work, against, target):
        return
    corpus = bench.room("corpus")
    number = 4 if bench.tiny else 300
    for label in ("real", "fake"):
        (corpus / label).mkdir()
    clips = bench.clips.some
    for n in range(number):
        clip = clips[n % len(clips)]
        name = f"{n:03d}{clip.suffix}"
        shutil.copyfile(clip, corpus / ("real" if n % 2 else "fake") / name)
    loop = "for f in */*; do ffprobe -v error -of json -show_format -show_streams $f; done"
    reference = ["sh", "-c", f"cd {corpus} && {loop}"]
    pairs = []
    for _ in range(min(3, bench.repeats)):
        ours = python("index", corpus=corpus, project=bench.room("index"))
        pairs += cpu_pairs(ours, reference, 1)
    note = f"{number} files; ours is all of step 0"
    bench.add(ratio_row(work, against, pairs, target, unit="CPU s", note=note))
