"""Small videos made on the spot."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest


def _make_video(
    path: Path,
    *,
    frames: int = 12,
    width: int = 64,
    height: int = 48,
    fps: int = 25,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    seed: int = 0,
) -> Path:
    """Write a clip of a textured scene, made from `seed`, that drifts one pixel a frame."""
    rng = np.random.default_rng(seed)
    scene = rng.integers(0, 256, (height // 4 + 2, width // 4 + frames, 3), dtype=np.uint8)
    scene = scene.repeat(4, axis=0).repeat(4, axis=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=Fraction(fps))
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        stream.options = options or {}
        stream.codec_context.thread_count = 1
        for i in range(frames):
            image = np.ascontiguousarray(scene[:height, i : i + width])
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            # On one thread: FFmpeg's conversion on several is not the same every time.
            frame = frame.reformat(format=pix_fmt, threads=1)
            frame.pts, frame.time_base = i, Fraction(1, fps)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def make_video() -> Callable[..., Path]:
    return _make_video
