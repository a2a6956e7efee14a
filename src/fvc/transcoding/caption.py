"""A bar of text over the lower edge of a picture, as captioned clips have."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

BAR_SHARE = 0.14
"""Height of the bar as a share of the picture's."""

TEXT = "WATCH THIS BEFORE IT IS GONE"
_BLACK, _WHITE, _NEUTRAL = 16, 235, 128
# Of the bar's width and height, what the letters take up at most.
_WIDE, _HIGH = 0.92, 0.5


def bar_height(height: int) -> int:
    """Give the height of the bar in a picture of a height, in pixels; even, at least 2."""
    return max(2, round(height * BAR_SHARE / 2) * 2)


def bar_of(width: int, height: int) -> NDArray[np.uint8]:
    """Draw the bar's luma: black with white letters, which OpenCV brings along.

    Parameters
    ----------
    width, height
        Of the picture, in pixels.

    Returns
    -------
    ndarray of uint8, shape (bar_height(height), width)
        Limited range.
    """
    import cv2

    rows = bar_height(height)
    bar = np.full((rows, width), _BLACK, dtype=np.uint8)
    face = cv2.FONT_HERSHEY_SIMPLEX
    (w, h), _ = cv2.getTextSize(TEXT, face, 1.0, 1)
    scale = min(_WIDE * width / w, _HIGH * rows / h)
    thick = max(1, round(2 * scale))
    (w, h), _ = cv2.getTextSize(TEXT, face, scale, thick)
    place = (max(0, (width - w) // 2), (rows + h) // 2)
    cv2.putText(bar, TEXT, place, face, scale, _WHITE, thick, cv2.LINE_AA)
    return bar


class Caption:
    """Puts the bar over the lower edge of every frame of a clip."""

    def __init__(self) -> None:
        from fvc.video import FilterGraph

        self._copy = FilterGraph("copy")
        self._bar: NDArray[np.uint8] | None = None

    def __call__(self, frame: "VideoFrame") -> "VideoFrame":
        """Give a captioned copy of a yuv420p frame; the frame itself may still be referred to."""
        from fvc.video.colour import plane_array

        captioned = self._copy.process(frame)
        if self._bar is None or self._bar.shape[1] != frame.width:
            self._bar = bar_of(frame.width, frame.height)
        luma, u, v = (plane_array(plane) for plane in captioned.planes)
        rows = len(self._bar)
        luma[frame.height - rows :, : frame.width] = self._bar
        for chroma in (u, v):
            chroma[(frame.height - rows) // 2 :] = _NEUTRAL
        return captioned
