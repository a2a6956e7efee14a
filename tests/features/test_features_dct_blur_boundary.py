"""DCT, blur and boundary features against SciPy, naive loops and planted grids."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import fft, ndimage
from scipy.spatial import distance

from fvc.features import blur, boundary, dct

Luma = NDArray[np.uint8]


def texture(shape: tuple[int, int] = (192, 240), seed: int = 0) -> Luma:
    """A natural-looking field: noise with a spectrum that falls."""
    rng = np.random.default_rng(seed)
    fields = (ndimage.gaussian_filter(rng.normal(size=shape), s) * s for s in (0.6, 1, 2, 4, 8))
    return np.clip(128 + 12 * sum(fields), 0, 255).astype(np.uint8)


def jpeg(luma: Luma, quality: int) -> Luma:
    return cv2.imdecode(cv2.imencode(".jpg", luma, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 0)


def scipy_coefficients(luma: Luma) -> NDArray[np.float64]:
    rows, columns = luma.shape[0] // 8, luma.shape[1] // 8
    blocks = luma[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8).astype(float)
    return fft.dctn(blocks - 128, axes=(1, 3), norm="ortho")


@settings(deadline=None, max_examples=25)
@given(arrays(np.uint8, st.tuples(st.integers(8, 33), st.integers(8, 33))))
def test_coefficients_are_scipys(luma: Luma) -> None:
    assert np.allclose(dct.coefficients(luma), scipy_coefficients(luma), atol=2e-3)


def test_energies_are_those_of_scipys_coefficients() -> None:
    luma = texture()
    luma[:80] = 100
    squares = np.square(scipy_coefficients(luma))
    energies = dct.energies(dct.coefficients(luma))
    assert np.allclose(energies.of_frequencies, squares.mean(axis=(0, 2)), rtol=1e-4, atol=1e-6)
    by_block = squares.sum(axis=(1, 3)) - squares[:, 0, :, 0]
    assert np.allclose(energies.of_blocks, by_block, rtol=1e-4, atol=1e-4)
    assert dct.dct_ac_energy(energies) == pytest.approx(np.log(by_block + 1).mean(), rel=1e-5)
    radius = np.hypot(*np.mgrid[:8, :8])
    mean = squares.mean(axis=(0, 2))
    expected = mean[radius >= 8].mean() / mean[(radius >= 3) & (radius < 6)].mean()
    assert dct.dct_high_ratio(energies) == pytest.approx(math.log(expected), abs=1e-3)


def test_ac_energy_is_64_times_the_variance_inside_a_block() -> None:
    luma = texture()
    variance = luma.reshape(24, 8, 30, 8).astype(float).var(axis=(1, 3))
    energies = dct.energies(dct.coefficients(luma))
    assert dct.dct_ac_energy(energies) == pytest.approx(np.log(64 * variance + 1).mean(), rel=1e-4)


def test_one_frequency_alone() -> None:
    middle, high = np.zeros((8, 8)), np.zeros((8, 8))
    middle[2, 3], high[6, 6] = 100.0, 100.0
    for spectrum, sign in ((middle, -1), (high, 1)):
        block = 128 + fft.idctn(spectrum, norm="ortho")
        luma = np.tile(np.rint(block), (4, 4)).astype(np.uint8)
        assert sign * dct.dct_high_ratio(dct.energies(dct.coefficients(luma))) > 5


def test_white_noise_is_as_strong_at_high_frequencies_as_in_the_middle() -> None:
    luma = np.random.default_rng(0).integers(0, 256, (256, 256), dtype=np.uint8)
    assert dct.dct_high_ratio(dct.energies(dct.coefficients(luma))) == pytest.approx(0, abs=0.03)


def test_contrast_cancels_in_the_high_ratio() -> None:
    rng = np.random.default_rng(0)
    field = ndimage.gaussian_filter(rng.normal(size=(256, 256)), 0.45)
    strong, weak = (
        dct.dct_high_ratio(
            dct.energies(dct.coefficients(np.rint(128 + k * field).astype(np.uint8)))
        )
        for k in (50, 25)
    )
    assert weak == pytest.approx(strong, abs=0.05)


def test_first_digits_are_counted_like_their_decimal_notation() -> None:
    luma = texture((64, 64))
    coefficients = dct.coefficients(luma)
    counts = np.zeros(9)
    ac = coefficients[::2].copy()
    ac[:, 0, :, 0] = 0
    for value in np.abs(ac[np.abs(ac) >= 1]).tolist():
        counts[int(f"{value:.9e}"[0]) - 1] += 1
    benford = np.log10(1 + 1 / np.arange(1, 10))
    expected = distance.jensenshannon(counts / counts.sum(), benford, base=2) ** 2
    assert dct.dct_first_digit(coefficients) == pytest.approx(expected)


def test_benfords_own_digits_diverge_by_nothing() -> None:
    coefficients = np.zeros((100, 8, 100, 8), np.float32)
    values = 10 ** (3 * (np.arange(63 * 10_000) + 0.5) / (63 * 10_000))
    flat = coefficients.transpose(0, 2, 1, 3).reshape(10_000, 64)
    flat[:, 1:] = values.reshape(63, 10_000).T
    shuffled = flat.reshape(100, 100, 8, 8).transpose(0, 2, 1, 3).copy()
    assert dct.dct_first_digit(shuffled) < 1e-6
    shuffled[:, :, :, :] = 500
    # Five alone: JSD = ½ [log₂(1/m) + Σ b log₂(b/m)] with m = (b + [d = 5]) / 2.
    b = np.log10(1 + 1 / np.arange(1, 10))
    expected = distance.jensenshannon(np.eye(9)[4], b, base=2) ** 2
    assert dct.dct_first_digit(shuffled) == pytest.approx(expected)


@settings(deadline=None, max_examples=50)
@given(arrays(np.float64, (2, 9), elements=st.floats(0.01, 1)))
def test_jensen_shannon_is_scipys_distance_squared(weights: NDArray[np.float64]) -> None:
    p, q = weights / weights.sum(axis=1, keepdims=True)
    expected = distance.jensenshannon(p, q, base=2) ** 2
    assert dct.jensen_shannon(p, q) == pytest.approx(expected, abs=1e-12)


def test_dct_of_nothing_is_nan() -> None:
    small = dct.coefficients(np.zeros((7, 80), np.uint8))
    assert math.isnan(dct.dct_ac_energy(dct.energies(small)))
    assert math.isnan(dct.dct_high_ratio(dct.energies(small)))
    assert math.isnan(dct.dct_first_digit(small))
    flat = dct.coefficients(np.full((16, 16), 77, np.uint8))
    assert dct.dct_ac_energy(dct.energies(flat)) == pytest.approx(0, abs=1e-3)
    assert math.isnan(dct.dct_high_ratio(dct.energies(flat)))
    assert math.isnan(dct.dct_first_digit(flat))


def test_laplacian_and_gradient_against_scipy() -> None:
    luma = texture()
    y = luma.astype(float)
    laplacian = np.abs(ndimage.laplace(y)[1:-1, 1:-1]).mean()
    both = np.stack([ndimage.sobel(y, axis)[1:-1, 1:-1] for axis in (0, 1)])
    assert blur.laplacian_var(luma) == pytest.approx(math.log(np.pi / 2 * laplacian**2 + 1e-3))
    assert blur.gradient_mean(luma) == pytest.approx(
        math.log(np.abs(both).mean() / np.sqrt(np.mean(both**2)))
    )


def test_gradient_in_closed_form() -> None:
    diagonal = np.add.outer(np.arange(60), np.arange(90)).astype(np.uint8)
    assert blur.gradient_mean(diagonal) == pytest.approx(0)
    # One derivative is 2, the other 0, everywhere: mean 1, root mean square √2.
    ramp = np.tile(np.arange(0, 200, 2), (50, 1)).astype(np.uint8)
    assert blur.gradient_mean(ramp) == pytest.approx(-math.log(2) / 2)
    rng = np.random.default_rng(0)
    white = np.rint(128 + rng.normal(0, 12, (300, 300))).astype(np.uint8)
    assert blur.gradient_mean(white) == pytest.approx(math.log(2 / math.pi) / 2, abs=0.01)


def test_gradient_in_few_edges_is_less_even() -> None:
    luma = texture()
    smooth = luma.copy()
    smooth[:, 60:] = 128
    assert blur.gradient_mean(smooth) < blur.gradient_mean(luma) - 0.2


def test_laplacian_of_white_noise_is_twenty_times_its_variance() -> None:
    rng = np.random.default_rng(0)
    luma = np.rint(128 + rng.normal(0, 10, (300, 300))).astype(np.uint8)
    assert blur.laplacian_var(luma) == pytest.approx(math.log(20 * 100), abs=0.03)


def test_laplacian_of_a_plane_is_nothing() -> None:
    plane = np.add.outer(np.arange(40), 2 * np.arange(40)).astype(np.uint8)
    assert blur.laplacian_var(plane) == pytest.approx(math.log(1e-3))


def test_more_blur_is_less_sharp() -> None:
    luma = texture()
    blurred = [luma, *(cv2.GaussianBlur(luma, (0, 0), s) for s in (0.7, 1.5, 3.0))]
    values = [blur.laplacian_var(frame) for frame in blurred]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == 4


def test_gradient_does_not_depend_on_contrast() -> None:
    luma = texture()
    half = np.rint(128 + (luma.astype(float) - 128) / 2).astype(np.uint8)
    assert blur.gradient_mean(half) == pytest.approx(blur.gradient_mean(luma), abs=0.01)


def test_blur_of_nothing() -> None:
    flat = np.full((20, 20), 9, np.uint8)
    assert blur.laplacian_var(flat) == pytest.approx(math.log(1e-3))
    assert math.isnan(blur.gradient_mean(flat))
    assert math.isnan(blur.laplacian_var(flat[:2]))
    assert math.isnan(blur.gradient_mean(flat[:2]))


def naive_blockiness(luma: Luma) -> float:
    y = luma.astype(int)
    border, inside = [], []
    for a in (y, y.T):
        for k in range(a.shape[1] - 1):
            (border if k % 8 == 7 else inside).extend(np.abs(a[:, k + 1] - a[:, k]).tolist())
    return float(np.mean(border) / np.mean(inside))


@settings(deadline=None, max_examples=25)
@given(st.integers(9, 40), st.integers(2, 40), st.integers(0, 9))
def test_blockiness_against_loops(height: int, width: int, seed: int) -> None:
    luma = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    assert boundary.blockiness(boundary.difference_profiles(luma)) == pytest.approx(
        naive_blockiness(luma)
    )


def test_blockiness_grows_with_compression() -> None:
    luma = texture()
    values = [
        boundary.blockiness(boundary.difference_profiles(f))
        for f in (luma, jpeg(luma, 80), jpeg(luma, 30), jpeg(luma, 10))
    ]
    assert values[0] == pytest.approx(1, abs=0.03)
    assert values == sorted(values)
    assert values[3] > 1.5


def naive_strengths(luma: Luma) -> NDArray[np.float64]:
    y = luma.astype(float)
    height, width = (y.shape[0] - 1) // 8 * 8, (y.shape[1] - 1) // 8 * 8
    strengths = np.empty((8, 8))
    phases = []
    for a, n in ((y, height), (y.T, width)):
        by_line = [
            np.mean([np.abs(a[k] - a[k - 1]).mean() for k in range(1, n + 1) if k % 8 == p])
            for p in range(8)
        ]
        other = np.mean([by_line[p] for p in (1, 2, 3, 5, 6, 7)])
        phases.append([other if p in (0, 4) else by_line[p] for p in range(8)])
    for i in range(8):
        for j in range(8):
            strengths[i, j] = phases[0][i] + phases[1][j]
    return strengths


def test_grid_strengths_against_64_passes() -> None:
    luma = texture((77, 101))
    found = boundary.grid_strengths(boundary.difference_profiles(luma))
    assert np.allclose(found, naive_strengths(luma))
    others = naive_strengths(luma).ravel()[1:]
    expected = (others.max() - others.mean()) / others.std()
    assert boundary.block_grid_offset(boundary.difference_profiles(luma)) == pytest.approx(expected)


@pytest.mark.parametrize("cut", [(3, 5), (6, 1), (2, 2)])
def test_a_cropped_jpegs_grid_is_found_where_it_is(cut: tuple[int, int]) -> None:
    luma = texture((256, 320))
    profiles = boundary.difference_profiles(jpeg(luma, 40)[cut[0] :, cut[1] :])
    strengths = boundary.grid_strengths(profiles)
    found = np.unravel_index(np.argmax(strengths), (8, 8))
    assert found == ((8 - cut[0]) % 8, (8 - cut[1]) % 8)
    untouched = boundary.block_grid_offset(boundary.difference_profiles(luma))
    assert boundary.block_grid_offset(profiles) > max(3.1, untouched + 0.3)


def test_the_files_own_grid_is_no_evidence() -> None:
    luma = texture((256, 320))
    own = boundary.block_grid_offset(boundary.difference_profiles(jpeg(luma, 40)))
    assert own < 3.0


def test_boundary_of_nothing_is_nan() -> None:
    for luma in (np.zeros((1, 1), np.uint8), np.zeros((3, 3), np.uint8)):
        assert math.isnan(boundary.blockiness(boundary.difference_profiles(luma)))
        assert math.isnan(boundary.block_grid_offset(boundary.difference_profiles(luma)))
    flat = boundary.difference_profiles(np.full((64, 64), 3, np.uint8))
    assert math.isnan(boundary.blockiness(flat))
    assert math.isnan(boundary.block_grid_offset(flat))
    narrow = boundary.difference_profiles(texture((64, 32)))
    assert math.isnan(boundary.block_grid_offset(narrow))
