"""What stage 1's copy loses against its source: PSNR, SSIM and the movement of each feature."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

SSIM_EVERY = 10
"""SSIM is computed on each tenth frame; PSNR on all."""


def compare_copy(source: Path, folder: Path) -> dict[str, Any]:
    """Make the copy of a source and compare it.

    Parameters
    ----------
    source
        A raw video.
    folder
        For the copy.

    Returns
    -------
    dict
        ``psnr`` (dB, from the mean squared error of luma over all frames), ``ssim`` (mean over
        frames), ``bits`` (of the copy over those of the source), ``before`` and ``after`` (the
        features of the source's own frames, and of the copy's).
    """
    from fvc.augmentation.render import COPY, render
    from fvc.features.extraction import extract_features
    from fvc.video import packet_statistics

    copy = folder / "copy.mp4"
    render(source, [(COPY, copy)])
    errors, similarities = [], []
    for number, (one, other) in enumerate(_luma_pairs(source, copy)):
        difference = one.astype(np.int16) - other
        errors.append(float(np.square(difference, dtype=np.int32).mean()))
        if number % SSIM_EVERY == 0:
            similarities.append(ssim(one, other))
    return {
        "psnr": 10 * math.log10(255**2 / max(float(np.mean(errors)), 1e-9)),
        "ssim": float(np.mean(similarities)),
        "bits": packet_statistics(copy).stream_bits / packet_statistics(source).stream_bits,
        "before": extract_features(source, source),
        "after": extract_features(copy, source),
    }


def _luma_pairs(source: Path, copy: Path) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    from fvc.video import Standardiser, decode
    from fvc.video.colour import plane_array

    upright = Standardiser()
    for one, other in zip(map(upright, decode(source)), decode(copy), strict=True):
        yield plane_array(one.planes[0]), plane_array(other.planes[0])


def ssim(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Structural similarity, with a Gaussian window of σ = 1.5, of whole windows.

    References
    ----------
    Wang, Z., Bovik, A. C., Sheikh, H. R. & Simoncelli, E. P. (2004). Image quality assessment:
    from error visibility to structural similarity. IEEE Transactions on Image Processing 13(4).
    """
    x, y = one.astype(np.float64), other.astype(np.float64)
    inside = slice(5, -5)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return cv2.GaussianBlur(values, (11, 11), 1.5)[inside, inside]

    mx, my = mean(x), mean(y)
    vx, vy, cxy = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = ((2 * mx * my + c1) * (2 * cxy + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return float(values.mean())
