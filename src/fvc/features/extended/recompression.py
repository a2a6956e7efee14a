"""Traces of an earlier compression: combs in coefficients, and a rhythm in the sizes of frames."""

import math

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from fvc.features.dct import Coefficients

LARGEST = 64
"""Coefficients up to this magnitude are counted."""

FREQUENCIES = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0))
FEWEST_COUNTED = 200
FEWEST_FRAMES = 48
LONGEST_RHYTHM = 64
OWN_GROUP = 16
"""Frames in a group of pictures of the project's own clips."""


def double_histogram(coefficients: Coefficients) -> float:
    """Say how periodic the histograms of low-frequency coefficients are.

    Magnitudes up to 64 of the five lowest AC frequencies in bins of one grey level, ln(count + 1)
    less a moving average over 9 bins; of its power spectrum at periods of 2 to 16 bins
    ln(arithmetic mean / geometric mean). Rounding to multiples of a step leaves a comb; rounding to
    another step after it, a comb of combs.

    Parameters
    ----------
    coefficients
        As from `fvc.features.dct.coefficients`.

    Returns
    -------
    float
        No unit, [0, 20]: about 0.6 without a comb; NaN where fewer than 200 coefficients count.

    References
    ----------
    Popescu, A. C. & Farid, H. (2004). Statistical tools for digital forensics. Proc. Information
    Hiding. Bianchi, T. & Piva, A. (2012). Image forgery localization via block-grained analysis of
    JPEG artifacts. IEEE Transactions on Information Forensics and Security 7(3).
    """
    values = []
    for u, v in FREQUENCIES:
        magnitudes = np.abs(coefficients[:, u, :, v]).ravel()
        counted = magnitudes[(magnitudes >= 0.5) & (magnitudes < LARGEST + 0.5)]
        if len(counted) < FEWEST_COUNTED:
            continue
        counts = np.bincount(np.rint(counted).astype(int), minlength=LARGEST + 1)[1 : LARGEST + 1]
        levels = np.log(counts + 1.0)
        slow = cv2.blur(levels.reshape(1, -1), (9, 1), borderType=cv2.BORDER_REFLECT).ravel()
        power = np.square(np.abs(np.fft.rfft((levels - slow) * np.hanning(LARGEST))))[4:]
        mean = float(power.mean())
        if mean > 0:
            values.append(math.log(mean) - float(np.log(power + 1e-9 * mean).mean()))
    return math.fsum(values) / len(values) if values else math.nan


def double_rhythm(sizes: ArrayLike, key: ArrayLike) -> float:
    """Look for a rhythm in the sizes of predicted frames that the clip's own groups do not have.

    Where the earlier file had a key frame, the change from frame to frame is another than around
    it, and the standard copy spends other numbers of bits (Wang & Farid 2006). ln size of the
    frames that are no key frames, key frames filled in from their neighbours, less a running median
    over 9 and less the median of all frames that are as far from a key frame; of its power spectrum
    ln(largest / median) at periods of 2 to 64.

    Parameters
    ----------
    sizes, key
        Shape (n,): bytes of each packet of a standard copy, and whether it is a key frame.

    Returns
    -------
    float
        No unit, [0, 20]; 1.5 to 3 without a rhythm; NaN for fewer than 48 frames, and where all
        frames have the same size.

    References
    ----------
    Wang, W. & Farid, H. (2006). Exposing digital forgeries in video by detecting double MPEG
    compression. Proc. MM&Sec. Stamm, M. C., Lin, W. S. & Liu, K. J. R. (2012). Temporal forensics
    and anti-forensics for motion compensated video. IEEE TIFS 7(4).
    """
    values = np.log(np.asarray(sizes, dtype=np.float64) + 1)
    is_key = np.asarray(key, dtype=bool)
    n = len(values)
    if n < FEWEST_FRAMES or is_key.all():
        return math.nan
    places = np.arange(n)
    values = np.interp(places, places[~is_key], values[~is_key])
    rest = values - _running_median(values, 9)
    phase = (places - int(np.argmax(is_key))) % OWN_GROUP
    own = np.array([np.median(rest[phase == k]) for k in range(OWN_GROUP)])
    power = np.square(np.abs(np.fft.rfft((rest - own[phase]) * np.hanning(n))))
    counted = power[np.fft.rfftfreq(n) >= 1 / LONGEST_RHYTHM]
    if np.median(counted) <= 1e-12:
        return math.nan
    return math.log(float(counted.max() / np.median(counted)))


def _running_median(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    edge = width // 2
    padded = np.pad(values, edge, mode="reflect")
    medians: NDArray[np.float64] = np.median(
        np.lib.stride_tricks.sliding_window_view(padded, width), axis=1
    )
    return medians
