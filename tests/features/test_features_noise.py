"""The noise features against SciPy, closed forms and planted noise."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage, stats

from fvc.features import noise

KERNEL = np.outer([1, -2, 1], [1, -2, 1]) / 6


def noisy(sigma: float, shape: tuple[int, int] = (256, 320), seed: int = 0) -> NDArray[np.uint8]:
    """A slow ramp with white noise."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(90, 160, shape[1])[None, :] + np.linspace(0, 20, shape[0])[:, None]
    return np.clip(np.rint(ramp + rng.normal(0, sigma, shape)), 0, 255).astype(np.uint8)


def naive_residual(luma: NDArray[np.uint8]) -> NDArray[np.float64]:
    return ndimage.correlate(luma.astype(float), KERNEL)[1:-1, 1:-1]


def flat_of(luma: NDArray[np.uint8]) -> noise.Residual:
    return noise.gather_blocks(noise.residual(luma), noise.flattest(noise.block_activity(luma)))


@settings(deadline=None, max_examples=30)
@given(arrays(np.uint8, st.tuples(st.integers(3, 20), st.integers(3, 20))))
def test_residual_is_the_second_difference(luma: NDArray[np.uint8]) -> None:
    assert np.allclose(noise.residual(luma) / 6, naive_residual(luma))


def test_residual_of_a_plane_is_zero() -> None:
    plane = (np.arange(50)[:, None] + 2 * np.arange(60)[None, :]).astype(np.uint8)
    assert not noise.residual(plane[:, :50]).any()


def test_residual_of_next_to_nothing_is_empty() -> None:
    assert noise.residual(np.zeros((2, 9), np.uint8)).size == 0


def test_energy_against_scipy() -> None:
    luma = noisy(6)
    luma[100:150, 100:150] = 30
    magnitude = np.abs(naive_residual(luma)).mean()
    assert noise.noise_energy(noise.residual(luma)) == pytest.approx(
        math.log(np.pi / 2 * magnitude**2 + 1e-3)
    )


def test_energy_of_white_noise_is_its_variance() -> None:
    energy = noise.noise_energy(noise.residual(noisy(8)))
    assert energy == pytest.approx(math.log(64 + 1 / 12), abs=0.03)


def test_correlation_equals_pearsons_r_of_neighbours() -> None:
    luma = noisy(9, (200, 240))
    luma[40:60] = 200
    r = np.clip(naive_residual(luma), -10, 10)
    # Means are next to zero: the products' share of the power is Pearson's r.
    across = stats.pearsonr(r[:, 1:].ravel(), r[:, :-1].ravel())[0]
    down = stats.pearsonr(r[1:].ravel(), r[:-1].ravel())[0]
    assert noise.noise_correlation(noise.residual(luma)) == pytest.approx(
        (across + down) / 2, abs=2e-3
    )


def test_correlation_of_white_noise_is_that_of_the_second_difference() -> None:
    # [1 −2 1] correlated with itself is 1 −4 6 −4 1.
    assert noise.noise_correlation(noise.residual(noisy(2.5))) == pytest.approx(-4 / 6, abs=0.01)


def test_interpolation_lifts_the_correlation() -> None:
    luma = noisy(4, (160, 200))
    larger = ndimage.zoom(luma.astype(float), 2, order=1, mode="nearest", grid_mode=True)
    found = noise.noise_correlation(noise.residual(np.rint(larger).astype(np.uint8)))
    assert found > noise.noise_correlation(noise.residual(luma)) + 0.2


@pytest.mark.parametrize("sigma", [2.0, 5.0, 10.0])
def test_mad_is_the_noise_level_in_spite_of_content(sigma: float) -> None:
    luma = noisy(sigma)
    rng = np.random.default_rng(1)
    luma[:, 160:] = rng.integers(0, 256, (64, 40)).repeat(4, 0).repeat(4, 1)
    assert math.exp(noise.noise_mad(flat_of(luma))) == pytest.approx(sigma, rel=0.08)


@settings(deadline=None, max_examples=50)
@given(arrays(np.int16, st.integers(1, 60), elements=st.integers(-2040, 2040)))
def test_mad_is_the_mean_magnitude(values: NDArray[np.int16]) -> None:
    level = np.sqrt(np.pi / 2) * np.abs(values / 6).mean()
    assert noise.noise_mad(values) == pytest.approx(math.log(level + 0.02))


def test_block_activity_is_the_variance_of_4x4_means() -> None:
    luma = np.random.default_rng(3).integers(60, 200, (36, 53), dtype=np.uint8)
    expected = np.empty((2, 3))
    for i in range(2):
        for j in range(3):
            block = luma[1 + 16 * i : 17 + 16 * i, 1 + 16 * j : 17 + 16 * j].astype(float)
            expected[i, j] = block.reshape(4, 4, 4, 4).mean(axis=(1, 3)).var()
    # The means are rounded to grey levels.
    assert np.allclose(noise.block_activity(luma), expected, atol=5)


def test_clipped_blocks_are_never_flat() -> None:
    luma = noisy(5)
    luma[:128] = 255
    luma[128:160] = 0
    chosen = noise.flattest(noise.block_activity(luma))
    assert len(chosen)
    assert (chosen // (318 // 16)).min() >= 8
    assert math.exp(noise.noise_mad(flat_of(luma))) == pytest.approx(5, rel=0.1)


def test_flattest_takes_the_first_of_equally_flat_blocks() -> None:
    activity = np.array([[3, 1, 2, 1], [1, np.inf, 1, 0]], np.float32)
    ordered = np.argsort(activity.ravel(), kind="stable")
    assert noise.flattest(activity).tolist() == sorted(ordered[:2])
    many = np.random.default_rng(0).integers(0, 9, (37, 41)).astype(np.float32)
    assert noise.flattest(many).tolist() == sorted(np.argsort(many.ravel(), kind="stable")[:380])


def test_gather_blocks_takes_the_blocks_that_it_is_told() -> None:
    residual = np.arange(40 * 50, dtype=np.int16).reshape(40, 50)
    taken = noise.gather_blocks(residual, np.array([4, 1]))
    assert taken.shape == (2, 256)
    assert np.array_equal(taken[0].reshape(16, 16), residual[16:32, 16:32])
    assert np.array_equal(taken[1].reshape(16, 16), residual[:16, 16:32])


def test_inconsistency_against_loops() -> None:
    luma = noisy(4, (203, 171))
    luma[:90, :80] = noisy(9, (90, 80), seed=5)
    residual = naive_residual(luma)
    cuts = [[round_down(k * n, 32) for k in range(33)] for n in residual.shape]
    levels = np.empty((32, 32))
    for i in range(32):
        for j in range(32):
            part = residual[cuts[0][i] : cuts[0][i + 1], cuts[1][j] : cuts[1][j + 1]]
            levels[i, j] = np.abs(part).mean()
    cells = [
        np.median(levels[4 * i : 4 * i + 4, 4 * j : 4 * j + 4]) for i in range(8) for j in range(8)
    ]
    expected = math.log(np.std(cells) / np.mean(cells) + 0.01)
    assert noise.noise_inconsistency(noise.residual(luma), luma) == pytest.approx(expected)


def round_down(numerator: int, denominator: int) -> int:
    return numerator // denominator


def test_inconsistency_sees_a_splice_and_not_an_edge() -> None:
    even = noisy(3)
    edged = even.copy()
    edged[:, 100:102] = 20
    spliced = even.copy()
    spliced[64:192, 80:240] = noisy(12, (128, 160), seed=2)

    def measure(luma: NDArray[np.uint8]) -> float:
        return math.exp(noise.noise_inconsistency(noise.residual(luma), luma))

    assert measure(even) < 0.08
    assert measure(edged) < 0.15
    assert measure(spliced) > 0.4


def test_inconsistency_leaves_clipped_cells_out() -> None:
    luma = noisy(3)
    luma[:128] = 255
    assert math.exp(noise.noise_inconsistency(noise.residual(luma), luma)) < 0.3
    white = np.full((128, 128), 255, np.uint8)
    assert math.isnan(noise.noise_inconsistency(noise.residual(white), white))


def test_persistence_of_a_fixed_pattern() -> None:
    rng = np.random.default_rng(0)
    pattern = rng.normal(0, 3, (160, 160))
    frames = [
        np.clip(np.rint(120 + pattern + rng.normal(0, 3, pattern.shape)), 0, 255).astype(np.uint8)
        for _ in range(4)
    ]
    flat = [noise.gather_blocks(noise.residual(f), np.arange(81)) for f in frames]
    # Pattern and noise are equally strong: the correlation is σ² / (σ² + σ²).
    assert noise.noise_persistence(flat) == pytest.approx(0.5, abs=0.03)


def test_persistence_equals_the_mean_of_pearsons_r_over_pairs_far_apart() -> None:
    rng = np.random.default_rng(1)
    common = rng.integers(-40, 41, (9, 256))
    flat = [(common + rng.integers(-60, 61, common.shape)).astype(np.int16) for _ in range(4)]

    def cut(x: NDArray[np.int16]) -> NDArray[np.float64]:
        bound = 3 * math.sqrt(np.mean(x.astype(float) ** 2))
        return np.clip(x.astype(float), -bound, bound).ravel()

    pairs = [(0, 2), (0, 3), (1, 3)]
    expected = np.mean([stats.pearsonr(cut(flat[a]), cut(flat[b]))[0] for a, b in pairs])
    assert noise.noise_persistence(flat) == pytest.approx(expected, rel=1e-4)


def test_persistence_of_independent_noise_is_none() -> None:
    flat = [flat_of(noisy(5, seed=k)) for k in range(4)]
    assert noise.noise_persistence(flat) == pytest.approx(0, abs=0.02)


def test_persistence_needs_two_frames_with_noise() -> None:
    flat = [flat_of(noisy(5))] * 3
    assert noise.noise_persistence(flat) == pytest.approx(1, abs=1e-5)
    assert math.isnan(noise.noise_persistence(flat[:1]))
    assert math.isnan(noise.noise_persistence([np.zeros_like(flat[0])] * 2))
    assert math.isnan(noise.noise_persistence([np.empty((0, 256), np.int16)] * 2))


def test_nothing_to_measure_is_nan() -> None:
    empty = noise.residual(np.zeros((2, 2), np.uint8))
    assert math.isnan(noise.noise_energy(empty))
    assert math.isnan(noise.noise_correlation(empty))
    small = noisy(3, (20, 20))
    assert math.isnan(noise.noise_inconsistency(noise.residual(small), small))
    assert noise.flattest(noise.block_activity(noisy(3, (10, 10)))).size == 0
    assert math.isnan(noise.noise_mad(flat_of(noisy(3, (10, 10)))))
    flat = noise.residual(np.full((30, 30), 128, np.uint8))
    assert math.isnan(noise.noise_correlation(flat))
    assert noise.noise_energy(flat) == pytest.approx(math.log(1e-3))
