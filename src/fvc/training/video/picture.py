"""From stored frames to what a net is given: scaled to its size, padded or at their own aspect."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fvc.models.video_spec import VideoInput
from fvc.training.video.frames import FLOW_ZERO

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Layout:
    """Where a clip's picture lies in a net's input.

    Attributes
    ----------
    shape
        Height and width of the input.
    box
        Top, left, height and width of the picture in it.
    """

    shape: tuple[int, int]
    box: Box


def layout(height: int, width: int, form: VideoInput) -> Layout:
    """Place a picture of a size in a net's input.

    Parameters
    ----------
    height, width
        Of the stored frames.
    form
        What the net asks for: a square with the picture centred in it, or the picture's own aspect
        with sides rounded to a multiple.
    """
    factor = form.size / max(height, width)
    if form.padding == "aspect":
        sides = [max(1, round(s * factor / form.multiple)) * form.multiple for s in (height, width)]
        return Layout((sides[0], sides[1]), (0, 0, sides[0], sides[1]))
    tall, wide = (max(1, min(form.size, round(side * factor))) for side in (height, width))
    top, left = (form.size - tall) // 2, (form.size - wide) // 2
    return Layout((form.size, form.size), (top, left, tall, wide))


def fit_pictures(frames: NDArray[np.uint8], place: Layout, *, fill: int = 0) -> NDArray[np.uint8]:
    """Scale stored frames into a net's input; what is left around them is `fill`.

    Parameters
    ----------
    frames
        Shape (t, h, w, channels).
    place
        As `layout` gives it.
    fill
        The value of bars: flow has no motion there, and bars of pictures are made 0 by `as_clips`.

    Returns
    -------
    (t, height, width, channels) uint8
    """
    top, left, tall, wide = place.box
    t, height, width, channels = frames.shape
    out = np.full((t, *place.shape, channels), fill, dtype=np.uint8)
    if (height, width) == (tall, wide):
        out[:, top : top + tall, left : left + wide] = frames
        return out
    method = cv2.INTER_AREA if tall < height else cv2.INTER_LINEAR
    inside = out[:, top : top + tall, left : left + wide]
    for number in range(t):
        # By areas OpenCV scales four channels at most, and it gives a last axis of one away.
        for first in range(0, channels, 4):
            part = np.ascontiguousarray(frames[number, :, :, first : first + 4])
            scaled = cv2.resize(part, (wide, tall), interpolation=method)
            inside[number, :, :, first : first + 4] = scaled.reshape(tall, wide, -1)
    return out


def flow_scale(height: int, width: int, place: Layout) -> tuple[float, float]:
    """Say by what motion to the right and down grows when a picture is scaled into its place."""
    return place.box[3] / width, place.box[2] / height


__all__ = ["FLOW_ZERO", "Layout", "fit_pictures", "flow_scale", "layout"]
