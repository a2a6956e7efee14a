"""The planes of a yuv420p frame as arrays that share its memory."""

from typing import Any, NamedTuple, TypeAlias

import av
import numpy as np
import numpy.typing as npt

Plane: TypeAlias = npt.NDArray[np.uint8]


class Planes(NamedTuple):
    """Luma (H, W) and the two chroma planes (H/2, W/2), uint8, limited range.

    Black is 16 and white 235 in ``y``; neutral is 128 in ``u`` and ``v``, whose range is 16 to 240.
    A chroma sample lies on the luma columns' even positions and between two luma rows, which is
    where MPEG-2, H.264 and H.265 put it unless a stream says otherwise.
    """

    y: Plane
    u: Plane
    v: Plane


def planes_of(frame: av.VideoFrame) -> Planes:
    """Look at a yuv420p frame as three arrays; writing into them writes into the frame.

    Raises
    ------
    ValueError
        The frame has another pixel format, or its rows lie in memory from the last to the first.
    """
    if frame.format.name != "yuv420p":
        raise ValueError(f"expected a yuv420p frame, got {frame.format.name}")
    if any(plane.line_size < 0 for plane in frame.planes):
        raise ValueError(
            "expected a frame whose rows lie from the first to the last, got a turned one"
        )
    return Planes(*(_plane(plane) for plane in frame.planes))


def _plane(plane: Any) -> Plane:
    rows = np.frombuffer(plane, np.uint8)
    return rows[: plane.height * plane.line_size].reshape(plane.height, plane.line_size)[
        :, : plane.width
    ]


def blank_planes(width: int, height: int) -> tuple[av.VideoFrame, Planes]:
    """Make a yuv420p frame to write into again and again, and its planes."""
    frame = av.VideoFrame(width, height, "yuv420p")
    return frame, planes_of(frame)


def copy_plane(source: Plane, target: Plane) -> None:
    """Copy one plane into another of the same size."""
    np.copyto(target, source)
