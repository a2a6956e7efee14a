"""Simulated clips as files: uploads of many sizes, rates, codecs and qualities."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fvc.dataset.scenes import Shot, shoot

Copying = Literal["none", "cropped", "half", "bordered", "brighter"]
COPYINGS: tuple[Copying, ...] = ("cropped", "half", "bordered", "brighter")


@dataclass(frozen=True)
class Clip:
    """A file to render.

    Attributes
    ----------
    path
        Where to; the ending chooses the container, and VP9 for ``.webm``, H.264 otherwise.
    shot
        What it shows.
    fps
        Frame rate in Hz.
    quality
        Constant rate factor of H.264, 0 to 51; VP9's is 12 higher.
    keyframe_interval
        In frames.
    copying
        What a re-upload did to the picture before it was encoded again.
    """

    path: Path
    shot: Shot
    fps: Fraction
    quality: int
    keyframe_interval: int
    copying: Copying = "none"


def render_clip(clip: Clip) -> Path:
    """Write the file of a clip; the same clip gives the same bytes.

    Parameters
    ----------
    clip
        What to render.

    Returns
    -------
    Path
        The file.
    """
    import av

    from fvc.engines import heartbeat

    webm = clip.path.suffix == ".webm"
    clip.path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(clip.path), "w", options={"fflags": "+bitexact"}) as out:
        stream: Any = None
        for number, picture in enumerate(shoot(clip.shot)):
            heartbeat()
            image = _copied(picture, clip.copying)
            if stream is None:
                stream = out.add_stream("libvpx-vp9" if webm else "libx264", rate=clip.fps)
                stream.height, stream.width = image.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.options = _options(clip, webm=webm)
                stream.codec_context.thread_count = 1
                stream.codec_context.flags |= int(av.codec.context.Flags.bitexact)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            # On one thread: FFmpeg's conversion on several is not the same every time.
            frame = frame.reformat(format="yuv420p", threads=1)
            frame.pts, frame.time_base = number, 1 / clip.fps
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return clip.path


def _options(clip: Clip, *, webm: bool) -> dict[str, str]:
    interval = str(clip.keyframe_interval)
    if webm:
        speed = {"deadline": "realtime", "cpu-used": "8"}
        return {**speed, "crf": str(clip.quality + 12), "b": "0", "g": interval}
    # With its macroblock tree x264 now and then gives other bytes for the same frames.
    tree = {"x264-params": "mbtree=0"}
    return {"preset": "veryfast", "crf": str(clip.quality), "g": interval, **tree}


def _copied(picture: NDArray[np.uint8], copying: Copying) -> NDArray[np.uint8]:
    import cv2

    height, width = picture.shape[:2]
    if copying == "cropped":
        y, x = height // 20, width // 20
        inner = picture[y : height - y, x : width - x]
        return np.asarray(inner[: inner.shape[0] // 2 * 2, : inner.shape[1] // 2 * 2])
    if copying == "half":
        size = (width * 3 // 8 * 2, height * 3 // 8 * 2)
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    if copying == "bordered":
        return np.pad(picture, ((8, 8), (0, 0), (0, 0)))
    if copying == "brighter":
        return np.clip(picture.astype(np.int16) + 18, 0, 255).astype(np.uint8)
    return picture
