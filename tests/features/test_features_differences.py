"""Second differences against NumPy's."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from fvc.features import blur, noise, resampling
from fvc.features.differences import second_differences
from fvc.features.scratch import Scratch


@settings(deadline=None, max_examples=30)
@given(arrays(np.uint8, st.tuples(st.integers(0, 12), st.integers(0, 12))))
def test_second_differences_are_numpys(luma: NDArray[np.uint8]) -> None:
    second = second_differences(luma)
    height, width = luma.shape
    assert second.across.shape == (height, max(width - 2, 0))
    assert second.down.shape == (max(height - 2, 0), width)
    if min(luma.shape) >= 2:
        assert np.array_equal(second.across, np.diff(luma.astype(int), 2, axis=1))
        assert np.array_equal(second.down, np.diff(luma.astype(int), 2, axis=0))


def test_features_are_the_same_whether_differences_are_shared_or_not() -> None:
    scratch = Scratch()
    for seed, shape in enumerate([(80, 96), (97, 131), (66, 70)]):
        luma = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
        second = second_differences(luma, scratch=scratch)
        residual = noise.residual(luma, second=second, scratch=scratch)
        assert np.array_equal(residual, noise.residual(luma))
        sharpness = blur.laplacian_var(luma, second=second, scratch=scratch)
        assert sharpness == blur.laplacian_var(luma)
        peaks = resampling.resampling_peaks(luma, second=second, scratch=scratch)
        assert peaks == resampling.resampling_peaks(luma)
        # Each leaves the differences, and what was made of them, to the next.
        assert np.array_equal(residual, noise.residual(luma))
        assert np.array_equal(second.across, second_differences(luma).across)
