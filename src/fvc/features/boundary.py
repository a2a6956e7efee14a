"""Traces of 8×8 blocks: on the grid where a codec puts them, and where an earlier one did."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from fvc.features.picture import Luma
from fvc.features.scratch import Scratch

SIDE = 8
SMALLEST_SIDE = 4 * SIDE + 1
"""Pixels that a side must have for every offset to be seen four times along it."""


def blockiness(luma: Luma, *, scratch: Scratch | None = None) -> float:
    """Compute the mean absolute difference across 8×8 block borders over that inside blocks.

    Horizontal and vertical neighbours count alike. 1 is a picture without blocks, a decoder
    without deblocking gives 1.1 and more.

    Parameters
    ----------
    luma
        Shape (height, width); its corner is a block's corner.

    Returns
    -------
    float
        No unit, [0, ∞); NaN where there is no border, or no difference inside blocks.

    References
    ----------
    Wang, Z., Sheikh, H. R. & Bovik, A. C. (2002). No-reference perceptual quality assessment of
    JPEG compressed images. Proc. ICIP.
    """
    if min(luma.shape) < 2 or max(luma.shape) <= SIDE:
        return math.nan
    across, down = difference_profiles(luma, scratch=scratch)
    height, width = luma.shape
    at_border = [profile[SIDE - 1 :: SIDE].sum() for profile in (across, down)]
    inside = across.sum() + down.sum() - sum(at_border)
    number_at_border = (width - 1) // SIDE * height + (height - 1) // SIDE * width
    number_inside = (width - 1) * height + (height - 1) * width - number_at_border
    if inside == 0:
        return math.nan
    return float((sum(at_border) / number_at_border) / (inside / number_inside))


def difference_profiles(
    luma: Luma, *, scratch: Scratch | None = None
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Sum the absolute differences of neighbours along each line between columns and rows.

    Returns
    -------
    tuple of ndarray of int32, shapes (width − 1,) and (height − 1,)
        Entry k is the sum of |Y[:, k+1] − Y[:, k]|, and of |Y[k+1] − Y[k]|.
    """
    height, width = luma.shape
    memory = scratch or Scratch()
    step = memory.array("bytes", (height, width - 1), np.uint8)
    cv2.absdiff(luma[:, 1:], luma[:, :-1], dst=step)
    across = np.asarray(cv2.reduce(step, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S), np.int32).ravel()
    step = memory.array("bytes", (height - 1, width), np.uint8)
    cv2.absdiff(luma[1:], luma[:-1], dst=step)
    down = np.asarray(cv2.reduce(step, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S), np.int32).ravel()
    return across, down


def corner_strengths(luma: Luma, *, scratch: Scratch | None = None) -> NDArray[np.float64]:
    """Measure the strength of a block grid at each of its 64 offsets.

    Where four blocks meet, the difference of differences |Y(y,x) − Y(y,x+1) − Y(y+1,x) +
    Y(y+1,x+1)| is large, while straight edges and slopes cancel. Unlike the sum of a row's and a
    column's strength it tells offset (0, 3) from the lines of the grid at (0, 0) that pass through
    it. One pass over the frame serves all offsets: the differences are folded modulo 8.

    Parameters
    ----------
    luma
        Shape (height, width); its corner is a block's corner.

    Returns
    -------
    ndarray of float64, shape (8, 8)
        Mean over the corners of the grid that is shifted by (row, column) pixels, in grey levels.
    """
    height, width = luma.shape
    rows, columns = (height - 1) // SIDE, (width - 1) // SIDE
    shape = (rows * SIDE, columns * SIDE)
    scratch = scratch or Scratch()
    steps = scratch.array("whole", (shape[0] + 1, shape[1]), np.int16)
    corners = scratch.array("whole 2", shape, np.int16)
    # At most 510, and an int16 for the sums of a column would be too small.
    np.subtract(
        luma[: shape[0] + 1, 1 : shape[1] + 1],
        luma[: shape[0] + 1, : shape[1]],
        out=steps,
        dtype=np.int16,
    )
    cv2.absdiff(steps[1:], steps[:-1], dst=corners)
    folded = cv2.reduce(corners.reshape(rows, SIDE * shape[1]), 0, cv2.REDUCE_SUM, dtype=cv2.CV_64F)
    strengths = folded.reshape(SIDE, columns, SIDE).sum(axis=1) / (rows * columns)
    # The first difference lies before row 1 and column 1 of the frame.
    return np.roll(strengths, (1, 1), axis=(0, 1))


def block_grid_offset(luma: Luma, *, scratch: Scratch | None = None) -> float:
    """Look for a block grid at an offset other than (0, 0): an earlier compression, then cropped.

    The z-score of the strongest of the 63 other offsets among these 63, with `corner_strengths`
    as the strength.

    Parameters
    ----------
    luma
        Shape (height, width); its corner is a block's corner.

    Returns
    -------
    float
        Standard deviations, [0, 7.9]: about 2.4 without such a grid; NaN for frames with a side
        under 33 pixels, and where all offsets are equally strong.

    References
    ----------
    Fan, Z. & de Queiroz, R. L. (2003). Identification of bitmap compression history: JPEG detection
    and quantizer estimation. IEEE Transactions on Image Processing 12(2): the corner measure.
    """
    if min(luma.shape) < SMALLEST_SIDE:
        return math.nan
    others = corner_strengths(luma, scratch=scratch).ravel()[1:]
    deviation = others.std()
    if deviation == 0:
        return math.nan
    return float((others.max() - others.mean()) / deviation)
