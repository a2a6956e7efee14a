"""The frames of an epoch: read from the store, against decoding them each time."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.context import Bench
from benchmarks.measure import python, run
from benchmarks.rows import Row, Target, absolute_row, ratio_row
from benchmarks.speed import _copies

FRAMES, SIZE = 16, 224


def frames(bench: Bench) -> None:
    """An epoch's frames from the store of stage 5 against PyAV and torchcodec decoding anew."""
    folder = bench.room("frames")
    clips = []
    for number, clip in enumerate(_copies(bench)):
        target = folder / f"scaled{number}.mp4"
        run(python("stage3", sources=[clip], target=target, size=256))
        clips.append(str(target))
    text = json.dumps({"clips": clips, "folder": str(folder), "repeats": bench.repeats})
    rows = json.loads(run([sys.executable, "-m", "benchmarks.frames", text]).output)
    work = f"{FRAMES} frames of a scaled clip, at {SIZE} pixels"
    against = {
        "exact": (
            "decoding these frames anew, as the store's maker does (PyAV)",
            Target("≤", 0.25),
        ),
        "naive": ("decoding the whole clip with PyAV and picking", Target("≤", 0.1)),
        "torchcodec": ("torchcodec, `get_frames_at`, one thread", Target("≤", 0.25)),
    }
    for name, (words, target_ratio) in against.items():
        if name not in rows:
            missing = "reference not installed: pip install torchcodec, apt-get install ffmpeg"
            bench.add(Row(work, words, target=target_ratio, missing=missing))
            continue
        pairs = list(zip(rows["store"], rows[name], strict=True))
        note = "CPU seconds a frame, scaling to the net's input counted on both sides"
        bench.add(ratio_row(work, words, pairs, target_ratio, unit="CPU s", note=note))
    for name, seconds in rows.items():
        label = {"store": "from the store", "exact": "decoded anew"}.get(name, name)
        rate = [1 / value for value in seconds]
        bench.add(absolute_row(f"frames a CPU second, {label}", "–", rate, "frames/s", None))


def measure(clips: list[str], folder: str, repeats: int) -> dict[str, list[float]]:
    """Give CPU seconds a frame of each way, once a repeat, in turns."""
    import av
    import cv2
    import numpy as np

    from fvc.models.video_spec import VideoInput
    from fvc.training.video.cache import read_frames
    from fvc.training.video.frames import FrameSetting, rgb_array, take_frames
    from fvc.training.video.picture import fit_pictures, layout

    cv2.setNumThreads(1)
    setting, form = FrameSetting(FRAMES), VideoInput(FRAMES, size=SIZE)
    stored = []
    for number, clip in enumerate(clips):
        path = Path(folder) / f"{number}.npy"
        np.save(path, take_frames(Path(clip), setting))
        stored.append(path)

    def fit(pictures: np.ndarray) -> None:
        fit_pictures(pictures, layout(*pictures.shape[1:3], form))

    def naive(clip: str) -> np.ndarray:
        with av.open(clip) as container:
            container.streams.video[0].thread_count = 1
            every = [rgb_array(frame) for frame in container.decode(video=0)]
        chosen = ((np.arange(FRAMES) + 0.5) * len(every) / FRAMES).astype(int)
        return np.stack([every[i] for i in chosen])

    ways: dict[str, Callable[[], object]] = {
        "store": lambda: [fit(read_frames(path)) for path in stored],
        "exact": lambda: [fit(take_frames(Path(clip), setting)) for clip in clips],
        "naive": lambda: [fit(naive(clip)) for clip in clips],
    }
    try:
        from torchcodec.decoders import VideoDecoder
    except (ImportError, RuntimeError, OSError):
        pass
    else:
        import torch

        torch.set_num_threads(1)

        def torchcodec(clip: str) -> np.ndarray:
            decoder = VideoDecoder(clip, dimension_order="NHWC", num_ffmpeg_threads=1)
            count = decoder.metadata.num_frames
            chosen = [int((i + 0.5) * count / FRAMES) for i in range(FRAMES)]
            return decoder.get_frames_at(indices=chosen).data.numpy()

        ways["torchcodec"] = lambda: [fit(torchcodec(clip)) for clip in clips]
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(repeats + 1):
        for name, way in ways.items():
            start = time.process_time()
            way()
            if number:  # the first round fills caches
                found[name].append((time.process_time() - start) / (FRAMES * len(clips)))
    return found


if __name__ == "__main__":
    from fvc.engines.worker import ENVIRONMENT

    os.environ.update(ENVIRONMENT)
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
