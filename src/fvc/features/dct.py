"""Statistics of 8×8 cosine transforms, on the grid that JPEG and the usual video codecs share."""

import functools
import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fvc.features.picture import Luma
from fvc.features.scratch import Scratch

SIDE = 8
FLOOR = 1e-3

_U = np.arange(SIDE)
BASIS: NDArray[np.float32] = (
    np.where(_U == 0, math.sqrt(1 / SIDE), math.sqrt(2 / SIDE))[:, None]
    * np.cos((2 * _U[None, :] + 1) * _U[:, None] * math.pi / (2 * SIDE))
).astype(np.float32)
"""Orthonormal DCT-II matrix: row u is the basis function of frequency u."""

_ONES = np.ones(SIDE, np.float32)
_RADIUS = np.hypot(_U[:, None], _U[None, :])
_HIGH = _RADIUS >= SIDE
_MIDDLE = (_RADIUS >= 3) & (_RADIUS < 6)
# By Parseval no AC coefficient of 8-bit pixels exceeds 8 · 127.5.
_MAGNITUDES = 1024
_FIRST_DIGIT = np.array([int(str(m)[0]) for m in range(_MAGNITUDES)])
BENFORD: NDArray[np.float64] = np.log10(1 + 1 / np.arange(1, 10))
"""Benford's law: the probability of the first digits 1 to 9."""

Coefficients = NDArray[np.float32]
"""Shape (blocks down, 8, blocks across, 8): [i, u, j, v] is frequency (u, v) of block (i, j)."""


@dataclass(frozen=True)
class Energies:
    """Energies of the coefficients of a frame, in squared grey levels.

    Attributes
    ----------
    of_frequencies : ndarray of float64, shape (8, 8)
        Mean c² over the blocks, at [u, v].
    of_blocks : ndarray of float32, shape (blocks down, blocks across)
        Sum of c² over the frequencies of a block, (0, 0) left out.
    """

    of_frequencies: NDArray[np.float64]
    of_blocks: NDArray[np.float32]


def coefficients(luma: Luma, *, scratch: Scratch | None = None) -> Coefficients:
    """Transform all whole 8×8 blocks of a frame: D·B·Dᵀ with the orthonormal DCT-II.

    All blocks at once, in two matrix products, one along each axis: thirty times as fast as one
    call a block.

    Parameters
    ----------
    luma
        Shape (height, width); its corner is a block's corner.
    scratch
        Memory to work in; the result lies in its ``"coefficients"``.

    Returns
    -------
    ndarray of float32, shape (⌊height / 8⌋, 8, ⌊width / 8⌋, 8)
        Of the frame minus 128, the DC coefficients included.
    """
    rows, columns = luma.shape[0] // SIDE, luma.shape[1] // SIDE
    if rows == 0 or columns == 0:
        return np.empty((0, SIDE, 0, SIDE), np.float32)
    scratch = scratch or Scratch()
    shape = (rows, SIDE, columns * SIDE)
    result = scratch.array("coefficients", shape, np.float32)
    down = scratch.array("real", shape, np.float32)
    whole = luma[: rows * SIDE, : columns * SIDE]
    np.subtract(whole, np.float32(128), out=result.reshape(whole.shape), dtype=np.float32)
    np.matmul(BASIS, result, out=down)
    np.matmul(down.reshape(-1, SIDE), BASIS.T, out=result.reshape(-1, SIDE))
    return result.reshape(rows, SIDE, columns, SIDE)


def energies(coefficients: Coefficients, *, scratch: Scratch | None = None) -> Energies:
    """Average the squares of each frequency over all blocks, and add up those of each block.

    Returns
    -------
    Energies
        Of no blocks, NaN and empty.
    """
    rows, _, columns, _ = coefficients.shape
    if rows * columns == 0:
        return Energies(np.full((SIDE, SIDE), np.nan), np.empty((rows, columns), np.float32))
    lines = coefficients.reshape(rows, SIDE * columns * SIDE)
    squares = (scratch or Scratch()).array("real", lines.shape, np.float32)
    np.square(lines, out=squares)
    total = cv2.reduce(squares, 0, cv2.REDUCE_SUM, dtype=cv2.CV_64F)
    means: NDArray[np.float64] = total.reshape(SIDE, columns, SIDE).sum(axis=1) / (rows * columns)
    # Taking the large DC terms away afterwards would leave their rounding in flat blocks.
    squares.reshape(rows, SIDE, columns, SIDE)[:, 0, :, 0] = 0
    columnwise = squares.reshape(rows, SIDE, columns * SIDE).sum(axis=1).reshape(-1, SIDE)
    return Energies(means, (columnwise @ _ONES).reshape(rows, columns))


def dct_ac_energy(energies: Energies) -> float:
    """Compute the log AC energy of a typical block: mean over blocks of ln(1 + Σ c²(u, v)).

    The sum is over (u, v) ≠ (0, 0). The mean of logs asks how many blocks have texture at all,
    where the log of the mean would ask how strong the strongest have it.

    Unit: ln of squared grey levels; range [0, 13.9]; NaN without blocks.
    """
    if energies.of_blocks.size == 0:
        return math.nan
    return float(np.log1p(energies.of_blocks).mean(dtype=np.float64))


def dct_high_ratio(energies: Energies) -> float:
    """Compare the energy of the highest frequencies with that of the middle ones.

    ln of the mean energy at √(u² + v²) ≥ 8 over the mean at 3 ≤ √(u² + v²) < 6, 0.001 added to
    both. Contrast cancels, and the lowest frequencies, which are the scene's, are left out.
    Generators miss the spectrum of camera pictures at its upper end.

    No unit, [−16, 16]; 0 for white noise; NaN without blocks or without AC energy.

    References
    ----------
    Durall, R., Keuper, M. & Keuper, J. (2020). Watch your up-convolution: CNN based generative deep
    neural networks are failing to reproduce spectral distributions. Proc. CVPR.
    Dzanic, T., Shah, K. & Witherden, F. (2020). Fourier spectrum discrepancies in deep network
    generated images. Proc. NeurIPS.
    """
    means = energies.of_frequencies
    # Rounding leaves traces of some 1e-9 in a block of one shade.
    if not float(means.ravel()[1:].sum()) > 1e-6:
        return math.nan
    return math.log((means[_HIGH].mean() + FLOOR) / (means[_MIDDLE].mean() + FLOOR))


def dct_first_digit(coefficients: Coefficients, *, scratch: Scratch | None = None) -> float:
    """Compare the first digits of the AC coefficients with Benford's law.

    Jensen–Shannon divergence between the distribution of the first digit of |c|, over AC
    coefficients with |c| ≥ 1, and log₁₀(1 + 1/d). Compressing twice disturbs the law. Every second
    row of blocks is counted, which is half of the work for the same number to a hundredth.

    Returns
    -------
    float
        In bits, [0, 1]; NaN where no AC coefficient reaches 1.

    References
    ----------
    Fu, D., Shi, Y. Q. & Su, W. (2007). A generalized Benford's law for JPEG coefficients and its
    applications in image forensics. Proc. SPIE 6505.
    """
    if coefficients.size == 0:
        return math.nan
    scratch = scratch or Scratch()
    counted = coefficients[::2]
    magnitude = scratch.array("real", counted.shape, np.float32)
    np.abs(counted, out=magnitude)
    magnitude[:, 0, :, 0] = 0
    # The first digit of a number from 1 on is that of its whole part, which can be counted.
    whole = scratch.array("whole", (len(magnitude), magnitude[0].size), np.uint16)
    np.copyto(whole, magnitude.reshape(whole.shape), casting="unsafe")
    # Most are 0, and a processor waits when it counts up one place again and again: eight
    # histograms side by side, one for each frequency v, take half the time.
    whole += _lanes(whole.shape[1])
    bins = SIDE * _MAGNITUDES
    counts = cv2.calcHist([whole], [0], None, [bins], [0, bins]).reshape(SIDE, -1).sum(axis=0)
    digits = np.bincount(_FIRST_DIGIT, weights=counts, minlength=10)[1:]
    total = digits.sum()
    if total == 0:
        return math.nan
    return jensen_shannon(digits / total, BENFORD)


@functools.lru_cache(maxsize=8)
def _lanes(n: int) -> NDArray[np.uint16]:
    return np.resize(np.arange(SIDE, dtype=np.uint16) * _MAGNITUDES, n)


def jensen_shannon(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Compute the Jensen–Shannon divergence of two distributions, in bits, [0, 1].

    Examples
    --------
    >>> jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    1.0
    """
    middle = (p + q) / 2
    return (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2


def _relative_entropy(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    there = p > 0
    return float(np.sum(p[there] * np.log2(p[there] / q[there])))
