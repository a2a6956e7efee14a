"""Traces of scaling: periods in the rows and columns of a frame that no codec's grid has.

A pixel that was interpolated is predicted by its neighbours better than one that was not, and which
pixels were, repeats with the scale. The mean magnitude of the second difference, as a function of
the column or row, shows the period (Gallagher 2005); so does an earlier codec's block grid that was
scaled with the picture. In its spectrum these are peaks; without any it is flat.
"""

import functools
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from fvc.features.differences import SecondDifferences, second_differences
from fvc.features.picture import Luma
from fvc.features.scratch import Scratch

SMALLEST_SIDE = 64
LOWEST_FREQUENCY = 0.08
"""In 1/pixel: below is the course of the content."""

WINDOW = 9
"""Lines over which a profile is averaged to take its slow course away."""

GRID = 8
LOBE = 2.5
"""Half width of a peak, in steps of the resolution: the main lobe of a Hann window, and some."""

LEVEL_FLOOR = 0.1


def resampling_peaks(
    luma: Luma, *, second: SecondDifferences | None = None, scratch: Scratch | None = None
) -> float:
    """Say how far the spectrum of the second difference's profile is from flat.

    The mean magnitude of the second difference along the rows, by column, as ln(… + 0.1), less its
    moving average over 9 columns, under a Hann window. Of its power at frequencies above 0.08 per
    pixel, those of an 8×8 grid left out (they are the file's own codec's): ln(arithmetic mean /
    geometric mean). Columns likewise, and the mean of both.

    Parameters
    ----------
    luma
        Shape (height, width).
    second
        Its second differences, where they are known.
    scratch
        Memory to work in.

    Returns
    -------
    float
        No unit, [0, 20]; about 0.6 without any period (Euler's constant, 0.58, and the moving
        average's share), more with peaks; NaN where both sides are under 66 pixels, or for a frame
        without texture.

    References
    ----------
    Gallagher, A. C. (2005). Detection of linear and cubic interpolation in JPEG compressed images.
    Proc. CRV. Mahdian, B. & Saic, S. (2008). Blind authentication using periodic properties of
    interpolation. IEEE Transactions on Information Forensics and Security 3(3). The measure is the
    spectral flatness of Gray, A. & Markel, J. (1974). IEEE Transactions on Acoustics, Speech, and
    Signal Processing 22(3).
    """
    scratch = scratch or Scratch()
    second = second or second_differences(luma, scratch=scratch)
    profiles = second_difference_profiles(second, scratch=scratch)
    values = [unflatness(profile) for profile in profiles]
    there = [value for value in values if not math.isnan(value)]
    return math.fsum(there) / len(there) if there else math.nan


def second_difference_profiles(
    second: SecondDifferences, *, scratch: Scratch | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average |Y[:, k−1] − 2 Y[:, k] + Y[:, k+1]| over rows, and the same of rows over columns.

    Returns
    -------
    tuple of ndarray of float64, shapes (width − 2,) and (height − 2,)
        In grey levels; empty for a side under three pixels.
    """
    memory = scratch or Scratch()
    return _means(second.across, 0, memory), _means(second.down, 1, memory)


def _means(second: NDArray[np.int16], axis: int, scratch: Scratch) -> NDArray[np.float64]:
    """Average magnitudes over the rows (0) or the columns (1)."""
    if not second.size:
        return np.empty(0)
    magnitude = scratch.array("whole", second.shape, np.int16)
    # Whole numbers, exact in float32 up to 32,000 pixels a line.
    sums = cv2.reduce(np.abs(second, out=magnitude), axis, cv2.REDUCE_SUM, dtype=cv2.CV_32F)
    means: NDArray[np.float64] = sums.ravel().astype(np.float64) / second.shape[axis]
    return means


def unflatness(profile: NDArray[np.float64]) -> float:
    """Compute ln(arithmetic / geometric mean) of a profile's power beside a codec's grid.

    Parameters
    ----------
    profile
        Shape (n,), in grey levels.

    Returns
    -------
    float
        [0, 20]; NaN for fewer than 64 lines and for a profile that does not vary.
    """
    n = len(profile) // GRID * GRID
    if n < SMALLEST_SIDE:
        return math.nan
    levels = np.log(profile + LEVEL_FLOOR)
    slow = cv2.blur(levels.reshape(1, -1), (WINDOW, 1), borderType=cv2.BORDER_REFLECT).ravel()
    window, counted = _window(n)
    power = np.square(np.abs(np.fft.rfft((levels - slow)[:n] * window)))[counted]
    mean = float(power.mean())
    if mean < 1e-12:
        return math.nan
    # A billionth, so that an exact zero has a logarithm.
    return math.log(mean) - float(np.log(power + 1e-9 * mean).mean())


@functools.lru_cache(maxsize=8)
def _window(n: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Give a Hann window of n samples, and which of its frequencies count."""
    frequency = np.fft.rfftfreq(n)
    own = np.abs(frequency[:, None] - np.arange(1, GRID // 2 + 1) / GRID).min(axis=1) < LOBE / n
    return np.hanning(n), (frequency > LOWEST_FREQUENCY) & ~own
