"""The clips that are measured on: made here, or a user's own."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame

from benchmarks.measure import call

ENDINGS = {".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v"}
RATE = Fraction(30)

# Three clips of 640×360 with so many frames in all: the size of the job that was published.
JOB_FRAMES = 1673
JOB_SIZE = (640, 360)


def make_clip(
    path: Path,
    *,
    frames: int,
    width: int,
    height: int,
    seed: int = 0,
    interval: int = 30,
    rate: Fraction = RATE,
) -> Path:
    """Write a simulated shot as an upload would be: H.264, CRF 20, B-frames."""
    from fvc.dataset.scenes import Shot, random_camera, shoot

    camera = random_camera(np.random.default_rng(seed))
    # Scenes are slow to draw. Seen forth and back, a short one lasts.
    drawn = min(frames, 120)
    shot = Shot(width, height, drawn, seed, camera)
    pictures = [_yuv(picture) for picture in shoot(shot)]
    order = itertools.cycle([*range(drawn), *range(drawn - 2, 0, -1)])
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "20", "g": str(interval)}
        stream.codec_context.thread_count = 1
        for number, which in zip(range(frames), order, strict=False):
            frame = pictures[which]
            frame.pts, frame.time_base, frame.pict_type = number, 1 / rate, 0
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def _yuv(picture: Any) -> VideoFrame:
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    return frame.reformat(format="yuv420p")


def repeat_clip(source: Path, path: Path, times: int, *, slower: int = 1) -> Path:
    """Write a clip's packets again and again, one after the other: a long video in no time.

    With `slower`, each frame lasts so many times as long.
    """
    with av.open(str(source)) as once:
        stream = once.streams.video[0]
        step = int(1 / (stream.average_rate * stream.time_base))
        packets = [p for p in once.demux(stream) if p.size]
        first = min(p.dts for p in packets)
        length = step * len(packets)
        stored = [(p.pts - first, p.dts - first, p.is_keyframe, bytes(p)) for p in packets]
        with av.open(str(path), "w") as out:
            copy = out.add_stream_from_template(stream)
            copy.time_base = stream.time_base
            for turn in range(times):
                for pts, dts, key, data in stored:
                    packet = av.Packet(data)
                    packet.stream, packet.time_base = copy, stream.time_base
                    packet.pts = (pts + turn * length) * slower
                    packet.dts = (dts + turn * length) * slower
                    packet.duration = step * slower
                    packet.is_keyframe = key
                    out.mux(packet)
    return path


def videos_in(folder: Path) -> list[Path]:
    """All videos of a folder and its sub-folders, in a fixed order."""
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS)


def made(path: Path, **arguments: Any) -> Path:
    """Make a clip in another process: what this one holds would count as its children's peak."""
    call("make_clip", path=path, **arguments)
    return path


@dataclass
class Clips:
    """Clips for the benchmarks, made when first asked for.

    Parameters
    ----------
    folder
        Temporary folder.
    given
        A folder of real clips to measure on instead, or None.
    tiny
        Clips of a few small frames, to see whether the benchmarks run at all.
    """

    folder: Path
    given: Path | None = None
    tiny: bool = False

    @property
    def kind(self) -> str:
        return "simulated clips" if self.given is None else "real clips"

    @cached_property
    def job(self) -> list[Path]:
        """Three clips of 640×360 with some 1,673 frames in all."""
        if self.given is not None:
            return self._given_job(self.given)
        width, height = (96, 64) if self.tiny else JOB_SIZE
        counts = (10, 9, 8) if self.tiny else (557, 558, 558)
        return [
            make_clip(self.folder / f"job{n}.mp4", frames=count, width=width, height=height, seed=n)
            for n, count in enumerate(counts)
        ]

    def _given_job(self, folder: Path) -> list[Path]:
        from fvc.video import probe

        known = {path: probe(path) for path in videos_in(folder)}
        right = {p: i.frame_count for p, i in known.items() if (i.width, i.height) == JOB_SIZE}
        if len(right) < 3:
            raise ValueError(f"{folder} holds fewer than three clips of 640×360")

        def distance(three: tuple[Path, ...]) -> tuple[int, int]:
            counts = [right[path] for path in three]
            # As near to the published job as can be, and clips of similar length.
            return abs(sum(counts) - JOB_FRAMES), max(counts)

        return list(min(itertools.combinations(right, 3), key=distance))

    @cached_property
    def some(self) -> list[Path]:
        """A dozen clips of several sizes, to take six frames of each."""
        if self.given is not None:
            every = videos_in(self.given)
            return every[:: max(1, len(every) // 12)][:12]
        if self.tiny:
            return self.job[:2]
        sizes = ((640, 360), (480, 480), (854, 480), (512, 288), (1280, 720), (320, 240))
        return [
            made(
                self.folder / f"some{n}.mp4",
                frames=150 + 40 * n,
                width=width,
                height=height,
                seed=20 + n,
                interval=(30, 60, 250)[n % 3],
            )
            for n, (width, height) in enumerate(sizes)
        ]

    @cached_property
    def short(self) -> Path:
        """Three seconds of 640×360."""
        width, height = (96, 64) if self.tiny else JOB_SIZE
        path = self.folder / "short.mp4"
        return made(path, frames=8 if self.tiny else 90, width=width, height=height, seed=7)

    @cached_property
    def second_of_1080p(self) -> Path:
        width, height = (192, 108) if self.tiny else (1920, 1080)
        return made(
            self.folder / "1080p.mp4", frames=60, width=width, height=height, seed=9, interval=60
        )


def frame_count(path: Path) -> int:
    from fvc.video import probe

    return probe(path).frame_count


def numbered(folder: Path, count: int) -> Iterator[Path]:
    """Paths in sub-folders of a thousand files."""
    for n in range(count):
        yield folder / f"{n // 1000:04d}" / f"{n:07d}.npy"
