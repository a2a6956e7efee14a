"""Brightness, contrast and saturation: tables from code to code, exact in limited range.

They do to Y, U and V what the same change does to R, G and B with black at 0 and white at 1, as
long as nothing clips. Results are rounded to the nearest code and clipped to the nominal range, 16
to 235 in luma and 16 to 240 in chroma; that also clips what lies beyond it in the source, in the
planes that change.
"""

import cv2
import numpy as np
import numpy.typing as npt

from fvc.augmentation.parameters import Parameters
from fvc.augmentation.planes import Plane, Planes, copy_plane

BLACK, WHITE, CHROMA_MAX, NEUTRAL = 16, 235, 240, 128
_MID_GREY = (BLACK + WHITE) / 2
_CODES = np.arange(256, dtype=np.float64)


def _table(values: npt.NDArray[np.float64], high: int) -> Plane:
    # Half up, so that a shift moves every code alike; NumPy's own rounding goes to the even one.
    return np.clip(np.floor(values + 0.5), BLACK, high).astype(np.uint8)


class Tone:
    """Replaces luma codes by one table and chroma codes by another; None changes nothing."""

    def __init__(self, luma: Plane | None, chroma: Plane | None) -> None:
        self.tables = (luma, chroma, chroma)

    def __call__(self, source: Planes, target: Planes) -> None:
        """Write the changed picture into `target`."""
        for plane, changed, table in zip(source, target, self.tables, strict=True):
            if table is None:
                copy_plane(plane, changed)
            else:
                cv2.LUT(plane, table, dst=changed)


def brightness(parameters: Parameters) -> Tone:
    """Add ``shift`` × (235 − 16) to luma: the same amount to R, G and B."""
    shift = float(parameters["shift"]) * (WHITE - BLACK)
    return Tone(_table(_CODES + shift, WHITE), None)


def contrast(parameters: Parameters) -> Tone:
    """Multiply the distance from mid-grey (Y 125.5, U = V = 128) by ``gain``: of R, G and B too."""
    gain = float(parameters["gain"])
    return Tone(_table(_MID_GREY + gain * (_CODES - _MID_GREY), WHITE), _chroma_gain(gain))


def saturation(parameters: Parameters) -> Tone:
    """Multiply the distance of U and V from 128 by ``gain`` and leave luma alone."""
    return Tone(None, _chroma_gain(float(parameters["gain"])))


def _chroma_gain(gain: float) -> Plane:
    return _table(NEUTRAL + gain * (_CODES - NEUTRAL), CHROMA_MAX)
