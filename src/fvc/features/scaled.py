"""The six features that only a scaled clip has: what scaling kept, smoothed and left behind."""

import functools
import math

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from fvc.features.boundary import SIDE, difference_profiles
from fvc.features.picture import Luma

CANNY = (100.0, 200.0)
"""Lower and upper threshold of Canny's hysteresis, on the sum of |Sobel| in both directions."""

WINDOW = 5
NEIGHBOURS = (3, 6)
"""Distance of neighbouring frequencies, in 1/length: beyond the main lobe of a Hann window."""


def bring_to_size(luma: Luma, shape: tuple[int, int]) -> Luma:
    """Resize a frame: by area averaging if that makes it smaller, else bilinearly.

    Parameters
    ----------
    luma
        Shape (height, width).
    shape
        Height and width wanted.
    """
    smaller = shape[0] * shape[1] < luma.size
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return cv2.resize(luma, (shape[1], shape[0]), interpolation=how)  # type: ignore[return-value]


def edge_preservation(scaled: Luma, reference: Luma) -> float:
    """Compare the edges of a scaled frame with those of the unscaled frame at the same moment.

    Canny edges of both are matched with a tolerance of one pixel. F-score of precision (edges of
    the scaled frame that the reference has) and recall (the converse).

    Parameters
    ----------
    scaled
        Shape (height, width).
    reference
        The unscaled frame, brought to the same shape by `bring_to_size`.

    Returns
    -------
    float
        No unit, [0, 1], 1 where all edges were kept; NaN where neither frame has an edge.

    References
    ----------
    Canny, J. (1986). A computational approach to edge detection. IEEE PAMI 8(6). The tolerance as
    in Martin, D. R., Fowlkes, C. C. & Malik, J. (2004). IEEE PAMI 26(5).
    """
    if scaled.shape != reference.shape:
        raise ValueError(f"the frames differ in shape: {scaled.shape} and {reference.shape}")
    if scaled.size == 0:
        return math.nan
    found, wanted = cv2.Canny(scaled, *CANNY), cv2.Canny(reference, *CANNY)
    n_found, n_wanted = cv2.countNonZero(found), cv2.countNonZero(wanted)
    if n_found + n_wanted == 0:
        return math.nan
    if n_found == 0 or n_wanted == 0:
        return 0.0
    near = np.ones((3, 3), np.uint8)
    precision = cv2.countNonZero(cv2.bitwise_and(found, cv2.dilate(wanted, near))) / n_found
    recall = cv2.countNonZero(cv2.bitwise_and(wanted, cv2.dilate(found, near))) / n_wanted
    if precision + recall == 0:
        return 0.0
    return 2 * precision * recall / (precision + recall)


def texture_uniformity(luma: Luma) -> float:
    """Compute 1 / (1 + mean local variance), the variance in 5×5 windows inside the frame.

    Parameters
    ----------
    luma
        Shape (height, width).

    Returns
    -------
    float
        With the variance in squared grey levels: (0, 1], 1 for a frame of one shade; NaN under 5×5.
    """
    if min(luma.shape) < WINDOW:
        return math.nan
    edge = WINDOW // 2
    inside = (slice(edge, -edge), slice(edge, -edge))
    size = (WINDOW, WINDOW)
    # Sums of whole numbers: exact, so that a flat frame has no variance left from rounding.
    sums = cv2.boxFilter(luma, cv2.CV_32S, size, normalize=False)[inside].astype(np.int64)
    squares = cv2.sqrBoxFilter(luma, cv2.CV_64F, size, normalize=False)[inside]
    n = WINDOW**2
    variance = (float(squares.sum()) - float(np.square(sums).sum()) / n) / n / sums.size
    return 1.0 / (1.0 + max(variance, 0.0))


def compression_artifacts(luma: Luma, scale_across: float, scale_down: float) -> float:
    """Look for the original's 8×8 grid in the scaled frame, where it has the period 8 × scale.

    The mean absolute difference of neighbours, as a function of the column, is an impulse at every
    border of a block. Its power at the frequency of the grid and at the harmonics up to a half is
    compared with the power at neighbouring frequencies, 3 to 6 steps of the resolution away. Rows
    likewise.

    Parameters
    ----------
    luma
        Scaled frame, shape (height, width).
    scale_across, scale_down
        Scaled over original width, and height.

    Returns
    -------
    float
        ln of the ratio, mean over both directions, [−30, 30]: −0.6 to 0 without a trace of the
        grid; NaN where the period is under two pixels or the frame shows too few periods, in both
        directions, and for frames without texture.
    """
    if min(luma.shape) < 2:
        return math.nan
    across, down = difference_profiles(luma)
    ratios = [
        periodicity(across / luma.shape[0], SIDE * scale_across),
        periodicity(down / luma.shape[1], SIDE * scale_down),
    ]
    there = [ratio for ratio in ratios if not math.isnan(ratio)]
    return math.fsum(there) / len(there) if there else math.nan


def periodicity(profile: NDArray[np.float64], period: float) -> float:
    """Compare the power of a period in a profile with that of neighbouring frequencies.

    Parameters
    ----------
    profile
        Shape (n,).
    period
        In samples, not necessarily whole.

    Returns
    -------
    float
        ln(power at the period's frequency and harmonics / mean power beside them); NaN for a period
        under 2, for fewer than seven periods, and for a constant profile.
    """
    n = len(profile)
    if period < 2:
        return math.nan
    periods = n / period
    # Halfway to the next harmonic, the neighbours of both would meet.
    furthest = min(NEIGHBOURS[1], math.floor(periods / 2))
    if furthest < NEIGHBOURS[0]:
        return math.nan
    # The slow course of the content, which would leak into every frequency.
    slow = cv2.blur(
        profile.reshape(1, -1), (2 * round(period) + 1, 1), borderType=cv2.BORDER_REFLECT
    ).ravel()
    signal = (profile - slow) * np.hanning(n)
    power_of_signal = float(np.square(signal).sum())
    if power_of_signal < 1e-12:
        return math.nan
    power = np.square(np.abs(_waves(n, period, furthest) @ signal)).sum(axis=0)
    # A billionth of the signal's power, so that an exact zero has a logarithm.
    floor = 1e-9 * power_of_signal
    return math.log((power[0] + floor) / (power[1:].mean() + floor))


@functools.lru_cache(maxsize=8)
def _waves(n: int, period: float, furthest: int) -> NDArray[np.complex128]:
    """Waves of the harmonics (rows) at the period itself (column 0) and beside it, shape (…, n)."""
    steps = np.arange(NEIGHBOURS[0], furthest + 1)
    offsets = np.concatenate([[0], -steps, steps])
    harmonics = np.arange(1, max(1, math.floor(period / 2)) + 1)
    frequencies = (harmonics[:, None] / period) + offsets[None, :] / n
    waves: NDArray[np.complex128] = np.exp(-2j * math.pi * frequencies[..., None] * np.arange(n))
    return waves


def color_consistency(means: ArrayLike, share: float = 1.0) -> NDArray[np.float64]:
    """Compute the standard deviation over frames of each channel's mean.

    Parameters
    ----------
    means
        Shape (frames, 3): mean R, G and B of each frame, in grey levels of 0 to 255.
    share
        Share of the frame's area that is not black bars, (0, 1]. Bars add nothing to a mean but
        area; dividing by the share gives the picture's own.

    Returns
    -------
    ndarray of float64, shape (3,)
        In grey levels, [0, 127.5]; population standard deviation; NaN for fewer than two frames.
    """
    values = np.asarray(means, dtype=np.float64).reshape(-1, 3)
    if len(values) < 2:
        return np.full(3, np.nan)
    deviation: NDArray[np.float64] = values.std(axis=0) / share
    return deviation
