"""Bring any frames to the one kind that is stored: upright, even, yuv420p, limited range."""

import math
import struct
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame

from fvc.video.colour import FULL, LIMITED, ColourTags, colour_tags, plane_array
from fvc.video.filtering import FilterGraph

# Rounding without ordered dither, and the same on every processor.
_SCALE_FLAGS = "flags=bicubic+accurate_rnd+full_chroma_int+bitexact:sws_dither=none"
_MATRIX_NAMES = {1: "bt709", 4: "fcc", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}


class Standardiser:
    """Turn decoded frames into upright ones of even size, in yuv420p and limited range.

    A frame that is so already passes untouched, and costs nothing. Sides are made even by repeating
    the last column or row. If later frames change size, they are scaled to that of the first.

    Examples
    --------
    >>> upright = Standardiser()
    >>> frames = (upright(frame) for frame in decode(path))  # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._size: tuple[int, int] | None = None
        self._tags: ColourTags | None = None
        self._kind: tuple[object, ...] | None = None
        self._graph: FilterGraph | None = None

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        """Standardise one frame; its time stays."""
        # Reading a frame's side data ties it into a reference cycle, in which it stays in memory
        # until the next garbage collection: done for the first frame only.
        shape = (frame.width, frame.height, frame.format.name)
        kind = (*shape, frame.color_range, frame.rotation)
        if kind != self._kind:
            self._prepare(frame, *orientation(frame))
            self._kind = kind
        assert self._tags is not None
        assert self._size is not None
        result = self._graph.process(frame) if self._graph is not None else frame
        if (result.width, result.height) != self._size:
            result = _pad(result, *self._size)
        result.color_range = LIMITED
        result.colorspace = self._tags.matrix
        result.color_primaries = self._tags.primaries
        result.color_trc = self._tags.transfer
        return result

    def _prepare(self, frame: VideoFrame, turns: int, mirrored: bool) -> None:
        width, height = frame.width, frame.height
        if turns % 2:
            width, height = height, width
        if self._size is None or self._tags is None:
            self._size = (width + width % 2, height + height % 2)
            self._tags = colour_tags(frame)
        chain = []
        same_size = (width + width % 2, height + height % 2) == self._size
        if not same_size:
            width, height = self._size
        is_standard = frame.format.name == "yuv420p" and colour_tags(frame).range != FULL
        if turns == 2:
            chain += [("hflip", ""), ("vflip", "")]
        elif turns:
            chain.append(("transpose", "clock" if turns == 1 else "cclock"))
        if mirrored:
            chain.append(("hflip", ""))
        if not (is_standard and same_size):
            matrix = _MATRIX_NAMES.get(self._tags.matrix, "smpte170m")
            chain.append(
                (
                    "scale",
                    f"{width}:{height}:out_range=tv:out_color_matrix={matrix}:{_SCALE_FLAGS}",
                )
            )
            chain.append(("format", "yuv420p"))
        self._graph = FilterGraph(chain) if chain else None


def orientation(frame: VideoFrame) -> tuple[int, bool]:
    """Quarter turns, clockwise, and a mirroring after them, with which a player shows a frame."""
    side_data = cast(Mapping[Any, Any], frame.side_data)
    if Type.DISPLAYMATRIX not in side_data:
        return 0, False
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(side_data[Type.DISPLAYMATRIX])[:36])
    mirrored = a * d - b * c < 0
    if mirrored:
        a, c = -a, -c
    degrees = math.degrees(math.atan2(b, a))
    return round(degrees / 90) % 4, mirrored


def quarter_turns(frame: VideoFrame) -> int:
    """Quarter turns, clockwise, with which a player shows a frame."""
    return orientation(frame)[0]


def _pad(frame: VideoFrame, width: int, height: int) -> VideoFrame:
    """Make the sides even by repeating the last column and row of luma.

    In 4:2:0 the chroma planes of an odd size already reach over its edge.
    """
    padded = VideoFrame(width, height, "yuv420p")
    padded.pts, padded.time_base, padded.duration = frame.pts, frame.time_base, frame.duration
    for source, target in zip(frame.planes, padded.planes, strict=True):
        samples, room = plane_array(source), plane_array(target)
        rows, columns = samples.shape
        room[:] = np.pad(
            samples, ((0, room.shape[0] - rows), (0, room.shape[1] - columns)), mode="edge"
        )
    return padded
