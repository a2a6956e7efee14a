"""What is in a video: facts, and small pictures of frames as a player shows them."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fvc.engines import heartbeat

if TYPE_CHECKING:
    from fvc.video import VideoInfo

SIDE = 320
"""Longer side of a frame on a contact sheet, in pixels."""

_GAP, _CAPTION = 8, 22
_PAPER, _INK = 24, 225


@dataclass(frozen=True)
class Frames:
    """Small pictures of a video.

    Attributes
    ----------
    pictures
        RGB, uint8, each ``(height, width, 3)``.
    seconds
        When each is shown.
    """

    pictures: tuple[NDArray[np.uint8], ...]
    seconds: tuple[float, ...]


def describe_video(path: str, *, num_frames: int) -> tuple[dict[str, Any], Frames]:
    """Probe a video and take frames at the centres of equal parts of it.

    Raises
    ------
    VideoError
        It is no video, or a broken one.
    """
    from fvc.video import probe, sample_frames

    info = probe(path, on_frame=heartbeat)
    sample = sample_frames(path, num_frames=num_frames, on_frame=heartbeat)
    width, height = _shown_size(info)
    turned = info.rotation % 180 == 90
    across, down = (height, width) if turned else (width, height)
    pictures = []
    for frame in sample.frames:
        heartbeat()
        small = frame.reformat(width=across, height=down, format="rgb24", interpolation="AREA")
        # Clockwise in `rotation`, counter-clockwise in NumPy.
        picture = np.rot90(small.to_ndarray(), k=-(info.rotation // 90))
        pictures.append(np.ascontiguousarray(picture, dtype=np.uint8))
    facts: dict[str, Any] = {
        "width": info.width,
        "height": info.height,
        "rotation": info.rotation,
        "fps": info.fps,
        "frame_count": info.frame_count,
        "duration_seconds": info.duration_seconds,
        "codec": info.codec_name,
        "pixel_format": info.pixel_format,
        "bitrate": info.bitrate,
        "container": info.container,
        "has_audio": info.has_audio,
        "file_size_bytes": info.file_size_bytes,
    }
    seconds = tuple(float(s) for s in sample.pts_seconds)
    return {**facts, "frames_at": list(seconds)}, Frames(tuple(pictures), seconds)


def _shown_size(info: "VideoInfo") -> tuple[int, int]:
    """Size of a small picture, with pixels made square."""
    width, height = info.width * float(info.sample_aspect_ratio), float(info.height)
    scale = SIDE / max(width, height)
    return max(2, round(width * scale)), max(2, round(height * scale))


def contact_sheet(frames: Frames) -> NDArray[np.uint8]:
    """Lay frames out in rows, the time of each below it: RGB, ``(height, width, 3)``."""
    import cv2

    height, width = frames.pictures[0].shape[:2]
    # About as wide as four to three, whatever the shape of a frame.
    n = len(frames.pictures)
    columns = min(n, max(1, round(math.sqrt(n * 4 / 3 * height / width))))
    lines = math.ceil(n / columns)
    cell_x, cell_y = width + _GAP, height + _CAPTION + _GAP
    sheet = np.full((lines * cell_y + _GAP, columns * cell_x + _GAP, 3), _PAPER, np.uint8)
    for i, (picture, second) in enumerate(zip(frames.pictures, frames.seconds, strict=True)):
        top, left = _GAP + i // columns * cell_y, _GAP + i % columns * cell_x
        sheet[top : top + height, left : left + width] = cv2.resize(picture, (width, height))
        place = (left, top + height + _CAPTION - 7)
        ink = (_INK, _INK, _INK)
        cv2.putText(
            sheet, f"{second:.2f} s", place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, ink, 1, cv2.LINE_AA
        )
    return sheet
