"""Traces of 8×8 blocks: on the grid where a codec puts them, and where an earlier one did.

Both features look at two profiles, the mean absolute differences of neighbours as functions of the
column and of the row. A grid is a comb of period 8 in each, so one pass over the frame, folded
modulo 8, serves all 64 offsets.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from fvc.features.picture import Luma
from fvc.features.scratch import Scratch

SIDE = 8
SMALLEST_SIDE = 4 * SIDE + 1
"""Pixels that a side must have for every offset to be seen four times along it."""

OWN_LINES = [0, 4]
"""Offsets of lines that the file's own codec draws: 8×8 blocks, and transforms of 4×4 in them."""

_OTHER_LINES = [line for line in range(SIDE) if line not in OWN_LINES]

Profiles = tuple[NDArray[np.int32], NDArray[np.int32]]
"""Sums of |Y[:, k+1] − Y[:, k]| over rows, shape (width − 1,); of |Y[k+1] − Y[k]| over columns,
shape (height − 1,)."""


def difference_profiles(luma: Luma, *, scratch: Scratch | None = None) -> Profiles:
    """Sum the absolute differences of neighbours along the lines between columns and rows.

    Parameters
    ----------
    luma
        Shape (height, width), at least 2×2, else both profiles are empty.
    scratch
        Memory to work in.
    """
    height, width = luma.shape
    if min(height, width) < 2:
        return np.empty(0, np.int32), np.empty(0, np.int32)
    memory = scratch or Scratch()
    step = memory.array("bytes", (height, width - 1), np.uint8)
    cv2.absdiff(luma[:, 1:], luma[:, :-1], dst=step)
    across = np.asarray(cv2.reduce(step, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S), np.int32).ravel()
    step = memory.array("bytes", (height - 1, width), np.uint8)
    cv2.absdiff(luma[1:], luma[:-1], dst=step)
    down = np.asarray(cv2.reduce(step, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S), np.int32).ravel()
    return across, down


def blockiness(profiles: Profiles) -> float:
    """Compute the mean absolute difference across 8×8 block borders over that inside blocks.

    Horizontal and vertical neighbours count alike. About 1 is a picture without blocks.

    Parameters
    ----------
    profiles
        As from `difference_profiles`, of a frame whose corner is a block's corner.

    Returns
    -------
    float
        No unit, [0, ∞), seldom above 2; NaN where there is no border, or no difference inside
        blocks.

    References
    ----------
    Wang, Z., Sheikh, H. R. & Bovik, A. C. (2002). No-reference perceptual quality assessment of
    JPEG compressed images. Proc. ICIP.
    """
    across, down = profiles
    width, height = len(across) + 1, len(down) + 1
    number_at_border = (width - 1) // SIDE * height + (height - 1) // SIDE * width
    number_inside = (width - 1) * height + (height - 1) * width - number_at_border
    at_border = int(across[SIDE - 1 :: SIDE].sum() + down[SIDE - 1 :: SIDE].sum())
    inside = int(across.sum() + down.sum()) - at_border
    if number_at_border == 0 or inside == 0:
        return math.nan
    return (at_border / number_at_border) / (inside / number_inside)


def grid_strengths(profiles: Profiles) -> NDArray[np.float64]:
    """Measure the strength of a block grid at each of its 64 offsets.

    A grid at offset (i, j) has the rows i, i+8, … and the columns j, j+8, … as its lines: its
    strength is the mean difference across these rows plus that across these columns. Lines at 0 and
    4 are drawn by the file's own codec; they say nothing about an earlier one, and get the mean of
    the other six.

    Parameters
    ----------
    profiles
        As from `difference_profiles`, of a frame whose corner is a block's corner, at least 9×9.

    Returns
    -------
    ndarray of float64, shape (8, 8)
        In grey levels, at [i, j].
    """
    across, down = profiles
    columns = _by_offset(across) / (len(down) + 1)
    rows = _by_offset(down) / (len(across) + 1)
    return rows[:, None] + columns[None, :]


def _by_offset(profile: NDArray[np.int32]) -> NDArray[np.float64]:
    whole = len(profile) // SIDE * SIDE
    # Entry k lies before line k + 1.
    means: NDArray[np.float64] = np.roll(profile[:whole].reshape(-1, SIDE).mean(axis=0), 1)
    means[OWN_LINES] = means[_OTHER_LINES].mean()
    return means


def block_grid_offset(profiles: Profiles) -> float:
    """Look for a block grid at another offset than (0, 0): compressed before, and then cropped.

    The z-score of the strongest of the 63 other offsets among these 63, with `grid_strengths` as
    the strength.

    Parameters
    ----------
    profiles
        As from `difference_profiles`, of a frame whose corner is a block's corner.

    Returns
    -------
    float
        Standard deviations, [0, 7.9]: 2.3 ± 0.3 without such a grid, 3.3 with a plain one; NaN for
        frames with a side under 33 pixels, and where all offsets are equally strong.

    References
    ----------
    Li, W., Yuan, Y. & Yu, N. (2009). Passive detection of doctored JPEG image via block artifact
    grid extraction. Signal Processing 89(9).
    """
    if min(len(profile) for profile in profiles) + 1 < SMALLEST_SIDE:
        return math.nan
    others = grid_strengths(profiles).ravel()[1:]
    deviation = others.std()
    # What rounding leaves of equal sums.
    if deviation <= 1e-12 * max(1.0, others.mean()):
        return math.nan
    return float((others.max() - others.mean()) / deviation)
