"""Noise of the colour-difference planes, and what it has in common with that of luma."""

import math

import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from fvc.features.noise import Residual, residual
from fvc.features.picture import Luma
from fvc.video.colour import plane_array

LEVEL_FLOOR = 0.02
CUT = 60

Plane = NDArray[np.uint8]


def chroma_planes(frame: VideoFrame) -> tuple[Plane, Plane]:
    """Give Cb and Cr of a frame with 8 bits and half the luma's size each way, as coded.

    Returns
    -------
    tuple of ndarray of uint8, shapes (⌈height / 2⌉, ⌈width / 2⌉)
    """
    if frame.format.name not in ("yuv420p", "yuvj420p"):
        frame = frame.reformat(format="yuv420p")
    return plane_array(frame.planes[1]), plane_array(frame.planes[2])


def chroma_noise(first: Residual, second: Residual) -> float:
    """Compute the noise level of Cb and Cr: ln(√(π/2) · mean |R| + 0.02) over both residuals.

    Unit: ln grey levels; range [−3.9, 6.1]; NaN for empty residuals.
    """
    if first.size == 0:
        return math.nan
    return math.log(math.sqrt(math.pi / 2) * (_level(first) + _level(second)) / 2 + LEVEL_FLOOR)


def chroma_luma_ratio(first: Residual, second: Residual, luma: Luma) -> float:
    """Compare the noise of Cb and Cr with that of Y at the same, halved size.

    ln((mean |R| of Cb and Cr + 0.02) / (mean |R| of halved Y + 0.02)). A camera's matrix mixes the
    noise of R, G and B into all three planes; generators make colour smoother or rougher than that
    (Li et al. 2020).

    No unit; range [−10, 10]; NaN for empty residuals.

    References
    ----------
    Li, H., Li, B., Tan, S. & Huang, J. (2020). Identification of deep network generated images
    using disparities in color components. Signal Processing 174.
    """
    small = cv2.resize(luma, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    own = residual(np.asarray(small, np.uint8))
    if first.size == 0 or own.size == 0:
        return math.nan
    both = (_level(first) + _level(second)) / 2
    return math.log((both + LEVEL_FLOOR) / (_level(own) + LEVEL_FLOOR))


def chroma_correlation(first: Residual, second: Residual) -> float:
    """Correlate the residuals of Cb and Cr, cut off at 10 grey levels.

    Returns
    -------
    float
        Pearson's r in [−1, 1]; NaN where one of them does not vary.
    """
    if first.size == 0:
        return math.nan
    a, b = (np.clip(x, -CUT, CUT).ravel().astype(np.float64) for x in (first, second))
    if a.std() == 0 or b.std() == 0:
        return math.nan
    return float(np.corrcoef(a, b)[0, 1])


def _level(values: Residual) -> float:
    return float(cv2.norm(values, cv2.NORM_L1) / (6 * values.size))
