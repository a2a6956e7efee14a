"""More on the noise residual of a frame: its tails, and whether it depends on brightness."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from fvc.features.noise import BLOCK, Residual, gather_blocks
from fvc.features.picture import Luma

FEWEST_BLOCKS = 8
LEVEL_FLOOR = 0.05


def noise_kurtosis(residual: Residual) -> float:
    """Compute the excess kurtosis of the residual: ln(mean(R⁴) / mean(R²)²).

    Moments are about zero, which is the mean of R up to its corners. No unit; ln 3 = 1.10 for
    Gaussian noise, more for content and for cut-and-paste edges; range [0, 20]; NaN where R is zero
    everywhere.
    """
    if residual.size == 0:
        return math.nan
    second = cv2.norm(residual, cv2.NORM_L2SQR) / residual.size
    if second == 0:
        return math.nan
    square = np.square(residual, dtype=np.float64)
    return math.log(float(np.square(square).mean()) / second**2)


def noise_brightness(residual: Residual, luma: Luma, flat: NDArray[np.intp]) -> float:
    """Correlate the noise level with brightness, over the flattest blocks.

    Pearson's r between the mean of a block and ln(mean |R| + 0.05) in it. Photons make a sensor's
    noise depend on brightness, along a curve that the camera's gamma bends (Liu et al. 2006); a
    generator has no reason to.

    Parameters
    ----------
    residual
        As from `fvc.features.noise.residual`.
    luma
        The frame, shape (height, width).
    flat
        As from `fvc.features.noise.flattest`.

    Returns
    -------
    float
        In [−1, 1]; NaN for fewer than eight blocks, or where brightness or noise does not vary.

    References
    ----------
    Liu, C., Freeman, W. T., Szeliski, R. & Kang, S. B. (2006). Noise estimation from a single
    image. Proc. CVPR.
    """
    if len(flat) < FEWEST_BLOCKS:
        return math.nan
    rows, columns = residual.shape[0] // BLOCK, residual.shape[1] // BLOCK
    inner = luma[1 : 1 + rows * BLOCK, 1 : 1 + columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    shade = inner.mean(axis=(1, 3)).ravel()[flat]
    level = np.log(np.abs(gather_blocks(residual, flat)).mean(axis=1) / 6 + LEVEL_FLOOR)
    if shade.std() < 1e-6 or level.std() < 1e-6:
        return math.nan
    return float(np.corrcoef(shade, level)[0, 1])
