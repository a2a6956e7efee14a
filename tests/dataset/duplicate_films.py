"""Simulated footage for the tests of near-duplicates, and what copying does to it."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


def scene(seed: int, height: int = 180, width: int = 320) -> Picture:
    """A picture with structure of all sizes, as camera pictures have (spectrum 1/f)."""
    rng = np.random.default_rng(seed)
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None]
    falling = 1 / np.maximum(np.hypot(rows, columns), 1 / width) ** 1.2
    picture = np.fft.ifft2(np.fft.fft2(rng.normal(size=(height, width))) * falling).real
    picture = (picture - picture.mean()) / picture.std() * 45 + 128
    return np.clip(picture, 1, 254).astype(np.uint8)


def film(seed: int, frames: int = 4, *, height: int = 180, width: int = 320) -> list[Picture]:
    """A camera that pans over a scene."""
    step = width // 27
    wide = scene(seed, height, width + step * frames)
    return [np.ascontiguousarray(wide[:, step * i : step * i + width]) for i in range(frames)]


def write_film(path: Path, frames: list[Picture], *, fps: int = 12, crf: int = 23) -> Path:
    """Write frames as H.264; odd sides lose their last line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = (side - side % 2 for side in frames[0].shape)
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=Fraction(fps))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": str(crf), "preset": "ultrafast"}
        stream.codec_context.thread_count = 1
        for i, picture in enumerate(frames):
            even = np.ascontiguousarray(picture[:height, :width])
            frame = av.VideoFrame.from_ndarray(even, format="gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = i, Fraction(1, fps)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def _captioned(frame: Picture) -> Picture:
    height = len(frame)
    shown = frame.copy()
    shown[height * 83 // 100 :] //= 2
    cv2.putText(
        shown, "BREAKING", (8, height * 95 // 100), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255,), 1
    )
    return shown


def _cropped(frame: Picture) -> Picture:
    height, width = frame.shape
    return frame[height // 20 : -(height // 20), width // 20 : -(width // 20)]


def _halved(frame: Picture) -> Picture:
    half = cv2.resize(frame, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return np.asarray(half, dtype=np.uint8)


def each(change: Callable[[Picture], Picture]) -> Callable[[list[Picture]], list[Picture]]:
    return lambda frames: [change(frame) for frame in frames]


COPYINGS: dict[str, Callable[[list[Picture]], list[Picture]]] = {
    "half": each(_halved),
    "border": each(lambda f: np.pad(f, 16)),
    "letterbox": each(lambda f: np.pad(f, ((24, 24), (0, 0)), constant_values=255)),
    "mirror": each(lambda f: f[:, ::-1]),
    "crop": each(_cropped),
    "caption": each(_captioned),
    "slower": lambda frames: frames[::2],
    "trimmed": lambda frames: frames[len(frames) // 5 :],
    "worse": lambda frames: frames,
}
"""What copies go through; ``worse`` is to be written with a high ``crf``."""
