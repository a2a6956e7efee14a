"""What is left of a frame when its content is taken away: sensor noise, and what edits do to it.

The residual is the second difference along both axes, which predicts a pixel from its eight
neighbours and leaves nothing of planes, straight edges along the axes, and slow shading
(Immerkær 1996; in steganalysis the predictor of Ker & Böhme 2008)::

                   1  −2   1
    R = Y ∗ 1/6 · −2   4  −2
                   1  −2   1

With 1/6, white noise of standard deviation σ gives R the standard deviation σ; taking the
residual as Y minus its prediction, whose weight is 1/4, would only change the unit. Arrays hold
6·R as int16, exactly.

Levels are read from mean magnitudes, not from mean squares: √(π/2) · mean |R| is the standard
deviation if R is Gaussian, and a few edges weigh less in it.

References
----------
Immerkær, J. (1996). Fast noise variance estimation. Computer Vision and Image Understanding 64(2).
Ker, A. D. & Böhme, R. (2008). Revisiting weighted stego-image steganalysis. Proc. SPIE 6819.
"""

import itertools
import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from fvc.features.differences import SecondDifferences, second_differences
from fvc.features.picture import Luma
from fvc.features.scratch import Scratch

Residual = NDArray[np.int16]
"""Six times the noise residual, shape (height − 2, width − 2), in [−2040, 2040]."""

GAIN = 6.0
BLOCK = 16
"""Side, in pixels, of the blocks among which flat ones are looked for."""

FLAT_SHARE = 0.25
"""Share of the unclipped blocks that count as the flattest."""

CLIPPED = (8.0, 247.0)
"""Mean grey levels outside of which noise is cut off by the ends of the scale."""

CELLS = 8
"""Cells along each side for the inconsistency of noise: 64 of equal relative size."""

PARTS = 4
"""Parts along each side of a cell."""

SMALLEST_SIDE = 2 * CELLS * PARTS
CUT = 60
"""Six times the 10 grey levels at which the residual is cut off before it is correlated."""

LEVEL_FLOOR = 0.02
"""Grey levels added to a noise level before its logarithm."""

VARIATION_FLOOR = 0.01
"""Added to a coefficient of variation before its logarithm."""

FLOOR = 1e-3
"""Squared grey levels added before a logarithm: far below what 8 bits can hold."""


def residual(
    luma: Luma, *, second: SecondDifferences | None = None, scratch: Scratch | None = None
) -> Residual:
    """Take the content away from a frame.

    Parameters
    ----------
    luma
        Shape (height, width), at least 3×3, else the result is empty.
    second
        Its second differences, where they are known.
    scratch
        Memory to work in; the result lies in its ``"residual"``.

    Returns
    -------
    ndarray of int16, shape (height − 2, width − 2)
        Six times R, without the border on which neighbours are missing.
    """
    if min(luma.shape) < 3:
        return np.empty((0, 0), np.int16)
    scratch = scratch or Scratch()
    across = (second or second_differences(luma, scratch=scratch)).across
    height, width = across.shape
    first = scratch.array("whole", (height - 1, width), np.int16)
    np.subtract(across[1:], across[:-1], out=first)
    result = scratch.array("residual", (height - 2, width), np.int16)
    np.subtract(first[1:], first[:-1], out=result)
    return result


def noise_energy(residual: Residual) -> float:
    """Compute the log power of the residual: ln(π/2 · mean(|R|)² + 0.001).

    For Gaussian R the log of its mean square, of which edges would make up the most.

    Unit: ln of squared grey levels; range [−6.9, 12.2]; NaN for an empty residual.
    """
    if residual.size == 0:
        return math.nan
    return math.log(math.pi / 2 * _mean_magnitude(residual) ** 2 + FLOOR)


def _mean_magnitude(residual: Residual) -> float:
    # Sums of whole numbers: exact, wherever the array lies.
    return float(cv2.norm(residual, cv2.NORM_L1) / (GAIN * residual.size))


def noise_correlation(residual: Residual, *, scratch: Scratch | None = None) -> float:
    """Correlate the residual with itself one pixel on, mean over both directions.

    For a direction 1 − Σ(a − b)² / (Σa² + Σb²) over neighbours a and b, with R cut off at 10 grey
    levels, so that edges do not decide. White noise gives −2/3, since R is a second difference.
    What interpolates lifts it: demosaicing, upscaling, the upsampling layers of a generator; so do
    blur and lost high frequencies.

    Returns
    -------
    float
        No unit, [−1, 1]; NaN for residuals under 2×2 and for those that are zero everywhere.

    References
    ----------
    Popescu, A. C. & Farid, H. (2005). Exposing digital forgeries in color filter array interpolated
    images. IEEE Transactions on Signal Processing 53(10): correlation that interpolation leaves.
    """
    if min(residual.shape) < 2:
        return math.nan
    cut = (scratch or Scratch()).array("whole", residual.shape, np.int16)
    np.clip(residual, -CUT, CUT, out=cut)
    # Of both neighbours together, every residual counts twice but those at the two ends.
    twice = 2 * _power(cut)
    across = twice - _power(cut[:, :1]) - _power(cut[:, -1:])
    down = twice - _power(cut[:1]) - _power(cut[-1:])
    similarities = (
        _similarity(cut[:, 1:], cut[:, :-1], across),
        _similarity(cut[1:], cut[:-1], down),
    )
    return math.fsum(similarities) / 2


def _power(residual: Residual) -> float:
    return cv2.norm(residual, cv2.NORM_L2SQR)


def _similarity(a: Residual, b: Residual, power: float) -> float:
    return 1 - cv2.norm(a, b, cv2.NORM_L2SQR) / power if power else math.nan


def block_activity(luma: Luma) -> NDArray[np.float32]:
    """Measure how much content each 16×16 block of the residual's area has.

    The variance of the sixteen 4×4 means in a block: slow enough to leave out the noise that is
    measured on R, so that choosing flat blocks does not choose quiet ones.

    Parameters
    ----------
    luma
        Shape (height, width).

    Returns
    -------
    ndarray of float32, shape (⌊(height − 2) / 16⌋, ⌊(width − 2) / 16⌋)
        In squared grey levels; infinity for blocks whose mean lies at an end of the scale.
    """
    rows, columns = max(luma.shape[0] - 2, 0) // BLOCK, max(luma.shape[1] - 2, 0) // BLOCK
    if rows == 0 or columns == 0:
        return np.empty((0, 0), np.float32)
    inner = luma[1 : 1 + rows * BLOCK, 1 : 1 + columns * BLOCK]
    small = cv2.resize(inner, (columns * 4, rows * 4), interpolation=cv2.INTER_AREA)
    parts = small.astype(np.float32)
    size = (columns, rows)
    mean = cv2.resize(parts, size, interpolation=cv2.INTER_AREA)
    square = cv2.resize(np.square(parts), size, interpolation=cv2.INTER_AREA)
    activity = np.asarray(square - np.square(mean), np.float32)
    activity[(mean < CLIPPED[0]) | (mean > CLIPPED[1])] = np.inf
    return activity


def flattest(activity: NDArray[np.float32]) -> NDArray[np.intp]:
    """Choose the flattest quarter of the blocks that are not clipped, at least one.

    Parameters
    ----------
    activity
        As from `block_activity`, or the maximum of several.

    Returns
    -------
    ndarray of int, shape (n,)
        Indices into the flattened grid of blocks, ascending; empty where every block is clipped.
    """
    values = activity.ravel()
    usable = int(np.count_nonzero(np.isfinite(values)))
    if usable == 0:
        return np.empty(0, np.intp)
    number = max(1, math.ceil(FLAT_SHARE * usable))
    limit = np.partition(values, number - 1)[number - 1]
    flatter, just = np.flatnonzero(values < limit), np.flatnonzero(values == limit)
    # The first of those that are equally flat, so that the choice does not hang on the machine.
    return np.sort(np.concatenate([flatter, just[: number - len(flatter)]]))


def gather_blocks(residual: Residual, blocks: NDArray[np.intp]) -> Residual:
    """Copy the pixels of some 16×16 blocks, one row a block: shape (n, 256)."""
    rows, columns = residual.shape[0] // BLOCK, residual.shape[1] // BLOCK
    grid = residual[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    i, j = np.divmod(blocks, max(columns, 1))
    return grid[i, :, j, :].reshape(len(blocks), BLOCK * BLOCK)


def noise_mad(flat: Residual) -> float:
    """Estimate the noise level: ln(√(π/2) · mean |R| + 0.02) over the flattest blocks.

    The mean absolute deviation; the median would be 0 in every clip that was compressed hard.

    Parameters
    ----------
    flat
        As from `gather_blocks`.

    Returns
    -------
    float
        ln of the standard deviation that Gaussian noise would have, in grey levels: [−3.9, 6.1];
        NaN without blocks.
    """
    if flat.size == 0:
        return math.nan
    return math.log(math.sqrt(math.pi / 2) * _mean_magnitude(flat) + LEVEL_FLOOR)


def noise_inconsistency(residual: Residual, luma: Luma, *, scratch: Scratch | None = None) -> float:
    """Compare the noise levels of the parts of a frame: log of their coefficient of variation.

    The frame is cut into 8×8 cells of equal relative size, each cell into 4×4 parts. A part's level
    is sqrt(π/2) × mean |R|, a cell's level is the median of its parts', so that an edge in a cell
    does not make it noisy. Cells at an end of the scale are left out. A region pasted from another
    picture has another level (Mahdian & Saic 2009).

    Parameters
    ----------
    residual
        As from `residual`, of the same frame.
    luma
        Shape (height, width).

    Returns
    -------
    float
        ln(standard deviation over mean of the cells' levels + 0.01); no unit, [−4.6, 2.1]; NaN for
        frames with a side under 66 pixels, with fewer than two usable cells, or without any noise.

    References
    ----------
    Mahdian, B. & Saic, S. (2009). Using noise inconsistencies for blind image forensics. Image and
    Vision Computing 27(10).
    """
    if min(residual.shape) < SMALLEST_SIDE:
        return math.nan
    magnitude = (scratch or Scratch()).array("whole", residual.shape, np.int16)
    parts = _area_means(np.abs(residual, out=magnitude), CELLS * PARTS)
    by_cell = parts.reshape(CELLS, PARTS, CELLS, PARTS).transpose(0, 2, 1, 3)
    ordered = np.sort(by_cell.reshape(CELLS, CELLS, PARTS**2), axis=2)
    # The median of sixteen, at a fifth of what np.median takes for so few.
    levels = ordered[:, :, PARTS**2 // 2 - 1 : PARTS**2 // 2 + 1].mean(axis=2)
    shade = _area_means(luma, CELLS)
    usable = levels[(shade >= CLIPPED[0]) & (shade <= CLIPPED[1])]
    if usable.size < 2 or usable.mean() == 0:
        return math.nan
    return math.log(usable.std() / usable.mean() + VARIATION_FLOOR)


def _area_means(values: NDArray[np.int16] | Luma, number: int) -> NDArray[np.float64]:
    """Average over number × number rectangles whose borders are rounded to whole pixels."""
    height, width = values.shape
    rows = [i * height // number for i in range(number + 1)]
    # Exact in float32 up to 8,000 rows a band, and twice as fast as float64.
    bands = np.empty((number, width), np.float32)
    for i, (top, bottom) in enumerate(itertools.pairwise(rows)):
        band = bands[i : i + 1]
        cv2.reduce(values[top:bottom], 0, cv2.REDUCE_SUM, dst=band, dtype=cv2.CV_32F)
    columns = np.arange(number + 1) * width // number
    sums = np.add.reduceat(bands, columns[:-1], axis=1, dtype=np.float64)
    means: NDArray[np.float64] = sums / np.outer(np.diff(rows), np.diff(columns))
    return means


def noise_persistence(flat: Sequence[Residual]) -> float:
    """Correlate the residuals of frames that lie at least half of the sample apart.

    A sensor's pattern stays where it is. What an encoder copies from frame to frame does so within
    a group of pictures, which in the project's own clips has 16 frames: pairs half a sample apart
    lie in different groups wherever a clip has 32 frames or more. Content is kept out by taking
    blocks that are flat in *all* frames, and by cutting R to three times its root mean square.

    Parameters
    ----------
    flat
        Of each frame, in order of time, the same blocks, as from `gather_blocks`.

    Returns
    -------
    float
        Mean of Pearson's r over the pairs, in [−1, 1]; NaN for fewer than two frames, without
        blocks, or where no pair has noise in both frames.

    References
    ----------
    Lukáš, J., Fridrich, J. & Goljan, M. (2006). Digital camera identification from sensor pattern
    noise. IEEE Transactions on Information Forensics and Security 1(2).
    """
    if len(flat) < 2 or flat[0].size == 0:
        return math.nan
    rows = np.empty((len(flat), flat[0].size), np.float32)
    for row, block in zip(rows, flat, strict=True):
        bound = 3 * math.sqrt(cv2.norm(block, cv2.NORM_L2SQR) / block.size)
        np.copyto(row, block.ravel())
        np.clip(row, -bound, bound, out=row)
        row -= row.mean()
    products = rows @ rows.T
    power = np.sqrt(np.diag(products))
    first, second = np.triu_indices(len(flat), math.ceil(len(flat) / 2))
    there = (power[first] > 0) & (power[second] > 0)
    if not there.any():
        return math.nan
    first, second = first[there], second[there]
    return float(np.mean(products[first, second] / (power[first] * power[second])))
