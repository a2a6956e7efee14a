"""Small healthy files of many containers, codecs and habits, which `fuzz_mutations` then spoils."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

ENDINGS = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mpg", ".flv", ".asf", ".nut", ".ogv"}


@dataclass(frozen=True)
class Seed:
    """A file to be made: ending, encoder and what is special about it."""

    name: str
    codec: str
    pix_fmt: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict)
    container: dict[str, str] = field(default_factory=dict)
    size: tuple[int, int] = (64, 48)
    frames: int = 20
    sound: bool = False
    irregular: bool = False
    rotation: int | None = None


_X264 = {"preset": "ultrafast", "g": "8", "x264-params": "threads=1"}
_B = {"preset": "veryfast", "g": "12", "bf": "2", "x264-params": "threads=1"}
_X265 = {"preset": "ultrafast", "x265-params": "log-level=none:pools=1:keyint=8"}
_VP = {"g": "8", "deadline": "realtime", "cpu-used": "8"}
_FAST = {"movflags": "faststart"}
_FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}

SEEDS = (
    Seed("h264.mp4", "libx264", options=_B),
    Seed("h264-faststart-sound.mp4", "libx264", options=_X264, container=_FAST, sound=True),
    Seed("h264-fragments.mp4", "libx264", options=_X264, container=_FRAGMENTS),
    Seed("h264-irregular.mp4", "libx264", options=_B, container=_FAST, irregular=True),
    Seed("h264-turned.mp4", "libx264", options=_X264, container=_FAST, rotation=90),
    Seed("h264-odd.mp4", "libx264", "yuv444p", _X264, _FAST, size=(51, 37)),
    Seed("h264-ten-bit.mp4", "libx264", "yuv420p10le", _X264, _FAST),
    Seed("h264-one-frame.mp4", "libx264", options=_X264, frames=1),
    Seed("hevc.mp4", "libx265", options=_X265, container=_FAST),
    Seed("mpeg4.mp4", "mpeg4", options={"g": "8", "bf": "2"}, container=_FAST),
    Seed("vp9.mp4", "libvpx-vp9", options=_VP, container=_FAST),
    Seed("av1.mp4", "libsvtav1", options={"preset": "12", "g": "8"}, container=_FAST, frames=10),
    Seed("h264.mov", "libx264", options=_B, sound=True),
    Seed("mjpeg.mov", "mjpeg", "yuvj420p"),
    Seed("prores.mov", "prores_ks", "yuv422p10le", frames=6),
    Seed("png.mov", "png", "rgb24", frames=6),
    Seed("qtrle.mov", "qtrle", "rgb24", frames=8),
    Seed("h264.mkv", "libx264", options=_B),
    Seed("h264-sound-irregular.mkv", "libx264", options=_B, sound=True, irregular=True),
    Seed("hevc.mkv", "libx265", options=_X265),
    Seed("ffv1.mkv", "ffv1", "yuv422p10le", frames=8),
    Seed("ffv1-gray.mkv", "ffv1", "gray", frames=8),
    Seed("mpeg4.mkv", "mpeg4", options={"g": "8"}),
    Seed("mjpeg.mkv", "mjpeg", "yuvj422p"),
    Seed("vp8.webm", "libvpx", options=_VP),
    Seed("vp9.webm", "libvpx-vp9", options=_VP),
    Seed("vp9-odd.webm", "libvpx-vp9", options=_VP, size=(63, 35)),
    Seed("av1.webm", "libsvtav1", options={"preset": "12", "g": "8"}, frames=10),
    Seed("mpeg4.avi", "mpeg4", options={"g": "8", "bf": "1"}),
    Seed("h264.avi", "libx264", options=_X264),
    Seed("mjpeg.avi", "mjpeg", "yuvj420p"),
    Seed("ffv1.avi", "ffv1", frames=8),
    Seed("msmpeg4.avi", "msmpeg4", options={"g": "8"}),
    Seed("huffyuv.avi", "huffyuv", "yuv422p", frames=6),
    Seed("raw.avi", "rawvideo", "bgr24", frames=4),
    Seed("h264.ts", "libx264", options=_B, sound=True),
    Seed("hevc.ts", "libx265", options=_X265),
    Seed("mpeg2.ts", "mpeg2video", options={"g": "8", "bf": "2"}),
    Seed("mpeg2.mpg", "mpeg2video", options={"g": "8", "bf": "2"}),
    Seed("h264.flv", "libx264", options=_X264),
    Seed("flv1.flv", "flv", options={"g": "8"}),
    Seed("wmv2.asf", "wmv2", options={"g": "8"}),
    Seed("mpeg4.nut", "mpeg4", options={"g": "8"}),
    Seed("vp8.ogv", "libvpx", options=_VP),
)


def make_seeds(folder: Path) -> list[Path]:
    """Write every seed that this FFmpeg has an encoder for, and give their paths."""
    os.environ.setdefault("SVT_LOG", "1")  # that encoder talks
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, seed in enumerate(SEEDS):
        if seed.codec not in av.codecs_available:
            continue
        path = folder / seed.name
        if not path.exists():
            temporary = path.with_stem(f"part-{path.stem}")
            _write(seed, temporary, number)
            temporary.rename(path)
        paths.append(path)
    return paths


def clips_as_seeds(folder: Path) -> list[Path]:
    """Give every video below a folder."""
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())


def _write(seed: Seed, path: Path, number: int) -> None:
    with av.open(str(path), "w", container_options=seed.container) as out:
        video: Any = out.add_stream(seed.codec, rate=25, options=dict(seed.options))
        video.width, video.height = seed.size
        video.pix_fmt = seed.pix_fmt
        video.codec_context.thread_count = 1
        if seed.rotation is not None:
            video.set_display_rotation(seed.rotation)
        sound: Any = out.add_stream("aac", rate=44100) if seed.sound else None
        for frame in _frames(seed, number):
            out.mux(video.encode(frame))
        out.mux(video.encode())
        if sound is not None:
            for count in range(34):
                silence = av.AudioFrame.from_ndarray(
                    np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
                )
                silence.sample_rate, silence.pts = 44100, 1024 * count
                out.mux(sound.encode(silence))
            out.mux(sound.encode())


def _frames(seed: Seed, number: int) -> Iterator[av.VideoFrame]:
    rng = np.random.default_rng(number)
    width, height = seed.size
    scene = rng.integers(0, 256, (height // 4 + 2, width // 4 + 16, 3), dtype=np.uint8)
    scene = scene.repeat(4, axis=0).repeat(4, axis=1)
    time = 0
    for i in range(seed.frames):
        image = np.ascontiguousarray(scene[:height, i : i + width])
        frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=seed.pix_fmt)
        frame.pts, frame.time_base = time, Fraction(1, 25)
        time += int(rng.integers(1, 5)) if seed.irregular else 1
        yield frame
