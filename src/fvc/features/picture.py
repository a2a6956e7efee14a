"""Where the picture lies in a frame: inside black bars, if it has any; and frames without one.

::

    ┌──────────────────────┐ 0
    │ black                │
    ├──────────────────────┤ top      the bar, and MARGIN rows in which it blends into the picture
    │ picture              │
    ├──────────────────────┤ bottom
    │ black                │
    └──────────────────────┘ height
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.uint8]
"""Luma plane, shape (height, width), full range, 8-bit scale."""

BLACK = 28
"""Grey level up to which a pixel counts as black; ringing of codecs stays below it."""

STRAY_SHARE = 0.01
"""Share of brighter pixels that a line of a bar may have: dropouts, a pixel of a logo."""

MARGIN = 2
"""Lines beside a bar that are left out, in which it blends into the picture."""

SMALLEST_SHARE = 0.2
"""Share of a side that must be left for bars to be believed; less is a dark scene."""

BLANK_DEVIATION = 1.0
"""Standard deviation, in grey levels, below which a frame shows nothing."""


@dataclass(frozen=True)
class PictureArea:
    """Rows ``top`` to ``bottom`` and columns ``left`` to ``right``, ends excluded.

    Attributes
    ----------
    top, bottom, left, right
        In pixels of the frame, ``0 <= top < bottom <= height``.
    share
        Area of the picture without margins over the area of the frame, in (0, 1].
    """

    top: int
    bottom: int
    left: int
    right: int
    share: float = 1.0

    def crop(self, frame: Luma) -> Luma:
        """View of the picture in a frame of the same size."""
        return frame[self.top : self.bottom, self.left : self.right]

    def crop_to_grid(self, frame: Luma, step: int = 8) -> Luma:
        """View of the picture from the first block corner on, which keeps the frame's block grid.

        Parameters
        ----------
        frame
            Shape (height, width).
        step
            Side of a block in pixels, counted from the corner of the *frame*.
        """
        top, left = -(-self.top // step) * step, -(-self.left // step) * step
        return frame[top : self.bottom, left : self.right]


def picture_area(frames: Sequence[Luma]) -> PictureArea:
    """Find the part of the frames that is not a static black border.

    A line belongs to a bar if 99 % of it are black in *every* frame that shows something, and all
    lines between it and the edge do. Bars that would leave less than a fifth of a side are a dark
    scene and stay.

    Parameters
    ----------
    frames
        Sampled frames of one clip, each of shape (height, width); at least one.

    Returns
    -------
    PictureArea
        The whole frame where there are no bars.
    """
    height, width = frames[0].shape
    shown = [frame for frame in frames if not is_blank(frame)]
    if not shown:
        return PictureArea(0, height, 0, width)
    top = min(_dark_lines(frame) for frame in shown)
    bottom = min(_dark_lines(frame[::-1]) for frame in shown)
    if height - top - bottom < SMALLEST_SHARE * height:
        top = bottom = 0
    # The columns are judged between the horizontal bars, which would make any column half black.
    between = [frame[top : height - bottom] for frame in shown]
    left = min(_dark_lines(frame.T) for frame in between)
    right = min(_dark_lines(frame.T[::-1]) for frame in between)
    if width - left - right < SMALLEST_SHARE * width:
        left = right = 0
    share = (height - top - bottom) * (width - left - right) / (height * width)
    area = PictureArea(
        top + MARGIN * (top > 0),
        height - bottom - MARGIN * (bottom > 0),
        left + MARGIN * (left > 0),
        width - right - MARGIN * (right > 0),
        share,
    )
    if area.bottom - area.top < 1 or area.right - area.left < 1:
        return PictureArea(0, height, 0, width)
    return area


def _dark_lines(frame: Luma) -> int:
    """Count the leading rows that are black."""
    stray = STRAY_SHARE * frame.shape[1]
    for number, line in enumerate(frame):
        if np.count_nonzero(line > BLACK) > stray:
            return number
    return len(frame)


def is_blank(frame: Luma) -> bool:
    """Say whether a frame shows nothing: one shade all over, as in a fade to black.

    A blank frame holds no evidence; it is left out of the averages instead of pulling at them.
    """
    if frame.size == 0:
        return True
    _, deviation = cv2.meanStdDev(np.ascontiguousarray(frame))
    return float(deviation[0, 0]) < BLANK_DEVIATION
