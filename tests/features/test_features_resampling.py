"""Traces of scaling against SciPy's spectra and planted periods."""

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage, signal

from fvc.features import resampling
from fvc.features.differences import second_differences

Luma = NDArray[np.uint8]


def texture(shape: tuple[int, int] = (256, 320), seed: int = 0) -> Luma:
    rng = np.random.default_rng(seed)
    fields = (ndimage.gaussian_filter(rng.normal(size=shape), s) * s for s in (0.6, 1, 2, 4, 8))
    return np.clip(128 + 12 * sum(fields), 0, 255).astype(np.uint8)


def test_profiles_are_numpys_second_differences() -> None:
    luma = texture((70, 91))
    across, down = resampling.second_difference_profiles(second_differences(luma))
    y = luma.astype(int)
    assert np.allclose(across, np.abs(np.diff(y, 2, axis=1)).mean(axis=0))
    assert np.allclose(down, np.abs(np.diff(y, 2, axis=0)).mean(axis=1))


def test_unflatness_against_scipys_periodogram() -> None:
    profile = np.random.default_rng(0).uniform(1, 9, 203)
    levels = np.log(profile + 0.1)
    slow = ndimage.uniform_filter1d(levels, 9, mode="reflect")
    frequency, power = signal.periodogram(
        (levels - slow)[:200], window=np.hanning(200), detrend=False
    )
    near = np.abs(frequency[:, None] - np.array([1, 2, 3, 4]) / 8).min(axis=1) < 2.5 / 200
    power = power[(frequency > 0.08) & ~near]
    expected = math.log(power.mean()) - np.log(power).mean()
    assert resampling.unflatness(profile) == pytest.approx(expected, rel=1e-6)


def test_without_a_period_it_is_eulers_constant_and_the_filters_own() -> None:
    values = [
        resampling.unflatness(np.random.default_rng(k).uniform(4, 5, 1024)) for k in range(60)
    ]
    # Power of white noise is exponential: ln of its mean less mean of its ln is Euler's constant.
    frequency = np.linspace(0.081, 0.499, 9999)
    response = (1 - np.sin(9 * np.pi * frequency) / (9 * np.sin(np.pi * frequency))) ** 2
    own = np.log(response.mean()) - np.log(response).mean()
    assert np.mean(values) == pytest.approx(np.euler_gamma + own, abs=0.02)
    assert np.mean(values) == pytest.approx(0.6, abs=0.03)


@pytest.mark.parametrize("scale", [1.25, 1.5, 1.9])
@pytest.mark.parametrize("how", [cv2.INTER_LINEAR, cv2.INTER_CUBIC])
def test_upscaling_leaves_peaks(scale: float, how: int) -> None:
    luma = texture()
    larger = cv2.resize(luma, None, fx=scale, fy=scale, interpolation=how)
    assert resampling.resampling_peaks(larger) > resampling.resampling_peaks(luma) + 0.4


def test_a_scaled_block_grid_leaves_peaks() -> None:
    luma = texture((480, 640))
    coded = cv2.imdecode(cv2.imencode(".jpg", luma, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], 0)
    smaller, without = (
        cv2.resize(x, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA) for x in (coded, luma)
    )
    assert resampling.resampling_peaks(smaller) > resampling.resampling_peaks(without) + 0.2


def test_the_files_own_grid_is_left_out() -> None:
    luma = texture((480, 640))
    coded = cv2.imdecode(cv2.imencode(".jpg", luma, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], 0)
    plain = resampling.resampling_peaks(luma)
    assert resampling.resampling_peaks(coded) == pytest.approx(plain, abs=0.25)


def test_nothing_to_measure_is_nan() -> None:
    for shape in ((0, 0), (1, 1), (2, 90), (65, 65)):
        assert math.isnan(resampling.resampling_peaks(np.zeros(shape, np.uint8)))
    assert math.isnan(resampling.resampling_peaks(np.full((90, 90), 7, np.uint8)))
    # One side is long enough.
    assert not math.isnan(resampling.resampling_peaks(texture((40, 120))))
