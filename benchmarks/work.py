"""What runs in the measured processes: ``python -m benchmarks.work FUNCTION ARGUMENTS``.

Imports stand inside the functions, so that each process loads what its own work needs.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def make_clip(path: str, **arguments: int) -> None:
    """Make a clip."""
    from benchmarks import clips

    clips.make_clip(Path(path), **arguments)


def repeat_clip(source: str, path: str, times: int, slower: int = 1) -> None:
    """Make a long clip out of a short one."""
    from benchmarks import clips

    clips.repeat_clip(Path(source), Path(path), times, slower=slower)


def stage1(sources: list[str], folder: str, count: int, name: str | None = None) -> None:
    """Write copies and variants of clips one after the other, as a worker of stage 1 does.

    Variants are those of a source of that name; by default, of the file's own.
    """
    from fvc.augmentation.parameters import plan_variants
    from fvc.augmentation.render import COPY, render

    for source in map(Path, sources):
        variants = (COPY, *plan_variants(name or source.stem, count))
        render(source, [(v, Path(folder) / f"ours{v.index}.mp4") for v in variants])


def stage1_parts(sources: list[str], folder: str, count: int) -> dict[str, float]:
    """Say where stage 1's CPU seconds go."""
    from benchmarks.parts import stage1_parts

    return stage1_parts([Path(source) for source in sources], Path(folder), count)


def encoding_alone(source: str, target: str, repeats: int) -> list[float]:
    """CPU seconds of encoding frames that lie in memory."""
    from benchmarks.parts import encoding_alone

    return encoding_alone(Path(source), Path(target), repeats)


def stage3(sources: list[str], target: str, size: int) -> None:
    """Scale clips one after the other, as a worker of stage 3 does."""
    from fvc.scaling.work import scale_video

    for source in sources:
        scale_video(Path(source), Path(target), size)


def features(clip: str, original: str) -> None:
    """Extract a clip's features, as a worker of stage 2 does."""
    from fvc.features.extraction import extract_features

    extract_features(Path(clip), Path(original))


def scaled_features(clip: str, unscaled: str, original: str, size: list[int]) -> None:
    """Extract a scaled clip's features, as a worker of stage 4 does."""
    from fvc.features.extraction import extract_scaled_features

    extract_scaled_features(
        Path(clip), Path(unscaled), Path(original), unscaled_size=(size[0], size[1])
    )


def stage2_pairs(clips: list[list[str]], repeats: int) -> list[list[float]]:
    """Per repeat: CPU seconds of features, of exact sampling, of seeking, of decoding it all."""
    from fvc.features.extraction import extract_features
    from fvc.video import decode, sample_frames

    paths = [(Path(clip), Path(original)) for clip, original in clips]
    return _in_turns(
        [
            lambda: [extract_features(clip, original) for clip, original in paths],
            lambda: [sample_frames(clip) for clip, _ in paths],
            lambda: [_plain_seeking(clip, 6) for clip, _ in paths],
            lambda: [sum(1 for _ in decode(clip)) for clip, _ in paths],
        ],
        repeats,
    )


def stage4_pairs(clips: list[list[Any]], repeats: int) -> list[list[float]]:
    """Per repeat: CPU seconds of features, and of sampling the scaled and the unscaled clips."""
    from fvc.features.extraction import extract_scaled_features
    from fvc.video import frames_at, sample_frames

    every = [(Path(c), Path(u), Path(o), (s[0], s[1])) for c, u, o, s in clips]
    times = {scaled: sample_frames(scaled).pts_seconds for scaled, *_ in every}
    return _in_turns(
        [
            lambda: [extract_scaled_features(c, u, o, unscaled_size=s) for c, u, o, s in every],
            lambda: [sample_frames(scaled) for scaled, *_ in every],
            lambda: [frames_at(unscaled, times[scaled]) for scaled, unscaled, *_ in every],
        ],
        repeats,
    )


def _in_turns(things: list[Callable[[], object]], repeats: int) -> list[list[float]]:
    import cv2

    cv2.setNumThreads(1)
    rows: list[list[float]] = []
    for number in range(repeats + 1):
        row = []
        for thing in things:
            start = time.process_time()
            thing()
            row.append(time.process_time() - start)
        if number:  # the first round fills caches
            rows.append(row)
    return rows


def _plain_seeking(path: Path, number: int) -> None:
    """Take frames as one would with a few lines of PyAV."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        start, length = stream.start_time or 0, stream.duration
        if not length:
            length = int(container.duration / av.time_base / stream.time_base)
        for part in range(number):
            wanted = start + round((part + 0.5) / number * length)
            container.seek(wanted, stream=stream)
            for frame in container.decode(stream):
                if frame.pts + (frame.duration or 1) > wanted:
                    break


def index(corpus: str, project: str) -> None:
    """Step 0 on a folder of clips."""
    from fvc.dataset import setup_dataset

    setup_dataset(Path(project), corpus=Path(corpus), workers=1)


def unzip(archive: str, target: str, password: str) -> None:
    """Extract an archive."""
    from fvc.dataset.archives import extract_archive

    extract_archive(Path(archive), Path(target), password=password)


def stages(project: str, workers: int) -> None:
    """Stages 1 to 4 of a project."""
    from fvc.augmentation import stage1_augment_videos
    from fvc.features import stage2_extract_features, stage4_extract_scaled_features
    from fvc.scaling import stage3_scale_videos
    from fvc.stages import RunOptions

    options = RunOptions(workers=workers, quiet=True)
    root = Path(project)
    stage1_augment_videos(root, run=options)
    stage2_extract_features(root, run=options)
    stage3_scale_videos(root, run=options)
    stage4_extract_scaled_features(root, run=options)


def load_all(source: str) -> None:
    """Hold all frames of a video, as RGB arrays."""
    import av

    with av.open(source) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    if not frames:
        raise ValueError(source)


def fill_stage(project: str, rows: int, files: bool) -> None:
    """Make a project whose stage 2 has done so many clips, without doing them."""
    from benchmarks.filled import fill

    fill(Path(project), rows, files=files)


def resume(project: str) -> None:
    """Run a stage that has nothing to do but to see that, and to write its table."""
    from fvc.features import stage2_extract_features
    from fvc.stages import RunOptions

    report = stage2_extract_features(Path(project), run=RunOptions(quiet=True))
    if report.done or report.failed:
        raise ValueError(f"{report.done} units were done again, {report.failed} failed")


def copy_quality(sources: list[str], folder: str) -> list[dict[str, Any]]:
    """Compare copies with their sources."""
    from benchmarks.fidelity import compare_copy

    return [compare_copy(Path(source), Path(folder)) for source in sources]


# These start workers of their own, which see to it themselves.
_WHOLE_RUNS = {"stages", "index", "resume", "fill_stage"}


def main() -> None:
    function, arguments = sys.argv[1], json.loads(sys.argv[2])
    if function not in _WHOLE_RUNS:
        from fvc.engines.worker import ENVIRONMENT

        os.environ.update(ENVIRONMENT)
    result = globals()[function](**arguments)
    print(json.dumps(result))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
