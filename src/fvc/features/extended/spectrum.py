"""The two-dimensional spectrum of a frame: its slope, its upper end, and a generator's lattice."""

import functools

import numpy as np
from numpy.typing import NDArray

from fvc.features.picture import Luma

TILE = 64
MOST_TILES = 48
FIT = (0.06, 0.3)
"""Frequencies, in 1/pixel, of the line that the spectrum is compared with."""

TAIL = (0.4, 0.5)
STRIDE = 8
"""The largest factor by which the usual generators upsample."""

Spectrum = NDArray[np.float64]
"""Mean power of tiles, shape (64, 33), frequencies as of ``rfft2``."""


def spectrum(luma: Luma) -> Spectrum | None:
    """Average the power of 64×64 tiles under a Hann window (Welch's method).

    At most 48 tiles, spread evenly, without their mean.

    Returns
    -------
    ndarray or None
        None for frames with a side under 64 pixels, and for a frame of one shade.
    """
    rows, columns = luma.shape[0] // TILE, luma.shape[1] // TILE
    if rows * columns == 0:
        return None
    grid = luma[: rows * TILE, : columns * TILE].reshape(rows, TILE, columns, TILE)
    tiles = grid.transpose(0, 2, 1, 3).reshape(-1, TILE, TILE)
    if len(tiles) > MOST_TILES:
        tiles = tiles[np.linspace(0, len(tiles) - 1, MOST_TILES).round().astype(int)]
    values = tiles.astype(np.float64)
    values -= values.mean(axis=(1, 2), keepdims=True)
    window = np.hanning(TILE)
    power = np.square(np.abs(np.fft.rfft2(values * np.outer(window, window)))).mean(axis=0)
    power /= np.square(np.outer(window, window)).sum()
    return power if power.max() > 1e-6 else None


def spectrum_slope(power: Spectrum) -> float:
    """Fit the exponent of the spectrum: slope of ln power over ln frequency, 0.06 to 0.3 per pixel.

    No unit; about −2 to −3 for pictures of scenes, 0 for white noise; range [−10, 5].

    References
    ----------
    Field, D. J. (1987). Relations between the statistics of natural images and the response
    properties of cortical cells. JOSA A 4(12).
    """
    return _line(power)[0]


def spectrum_tail(power: Spectrum) -> float:
    """Compare the upper end of the spectrum with its course below.

    Mean of ln power at 0.4 to 0.5 per pixel less what the line of `spectrum_slope` gives there.
    0 where the power law goes on, negative where high frequencies were lost, positive where an
    upsampling layer or sharpening added some.

    No unit; range [−20, 20].

    References
    ----------
    Durall, R., Keuper, M. & Keuper, J. (2020). Watch your up-convolution: CNN based generative deep
    neural networks are failing to reproduce spectral distributions. Proc. CVPR.
    """
    slope, offset = _line(power)
    radius, tail = _radius(), _band(*TAIL)
    levels = np.log(power[tail] + 1e-6)
    return float(np.mean(levels - (slope * np.log(radius[tail]) + offset)))


def spectrum_lattice(power: Spectrum) -> float:
    """Look for peaks at multiples of 1/8 per pixel in both directions at once.

    Mean of ln power at (k/8, l/8), neither of them 0, less the mean at the frequencies around each,
    two or three steps away. An upsampling layer of stride 2, 4 or 8 repeats the spectrum there
    (Zhang, Karaman & Chang 2019).

    No unit; 0 without peaks; range [−10, 10].

    References
    ----------
    Zhang, X., Karaman, S. & Chang, S.-F. (2019). Detecting and simulating artifacts in GAN fake
    images. Proc. WIFS.
    """
    levels = np.log(power + 1e-6)
    at, around = _lattice()
    return float(np.mean(levels[at]) - np.mean(levels[around]))


def _line(power: Spectrum) -> tuple[float, float]:
    band = _band(*FIT)
    slope, offset = np.polyfit(np.log(_radius()[band]), np.log(power[band] + 1e-6), 1)
    return float(slope), float(offset)


@functools.cache
def _radius() -> NDArray[np.float64]:
    radius: NDArray[np.float64] = np.hypot(
        np.fft.fftfreq(TILE)[:, None], np.fft.rfftfreq(TILE)[None, :]
    )
    return radius


@functools.cache
def _band(lowest: float, highest: float) -> NDArray[np.bool_]:
    radius = _radius()
    return (radius >= lowest) & (radius <= highest)


@functools.cache
def _lattice() -> tuple[tuple[NDArray[np.intp], ...], tuple[NDArray[np.intp], ...]]:
    step = TILE // STRIDE
    at, around = [], []
    for i in range(step, TILE, step):
        for j in range(step, TILE // 2, step):
            at.append((i, j))
            around += [
                (i + di, j + dj)
                for di in range(-3, 4)
                for dj in range(-3, 4)
                if max(abs(di), abs(dj)) >= 2
            ]
    points, others = np.array(at), np.array(around)
    return (points[:, 0], points[:, 1]), (others[:, 0] % TILE, others[:, 1])
