"""The codec features and those of scaled clips, against closed forms and planted traces."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage, stats

from fvc.features import codec, scaled

Luma = NDArray[np.uint8]


def scene(shape: tuple[int, int], seed: int = 0) -> Luma:
    rng = np.random.default_rng(seed)
    fields = (ndimage.gaussian_filter(rng.normal(size=shape), s) * s for s in (0.6, 2, 6, 12))
    return np.clip(128 + 20 * sum(fields), 0, 255).astype(np.uint8)


def patches(shape: tuple[int, int], seed: int = 0) -> Luma:
    """Bright and dark regions of any form and contrast."""
    rng = np.random.default_rng(seed)
    form, contrast = (ndimage.gaussian_filter(rng.normal(size=shape), s) * s for s in (5, 10))
    return np.clip(128 + 300 * np.sign(form) * np.abs(contrast), 0, 255).astype(np.uint8)


def test_bits_per_pixel() -> None:
    assert codec.codec_bits_per_pixel(8e6, 100, 640, 360) == pytest.approx(
        math.log(8e6 / (100 * 640 * 360))
    )
    assert math.isnan(codec.codec_bits_per_pixel(0, 100, 640, 360))
    assert math.isnan(codec.codec_bits_per_pixel(8e6, 0, 640, 360))


def test_keyframe_interval() -> None:
    assert codec.codec_keyframe_interval([4.0, 0.0, 1.0], 9.0) == pytest.approx(2.0)
    assert codec.codec_keyframe_interval([0.5], 9.0) == 9.0
    assert math.isnan(codec.codec_keyframe_interval([], 9.0))
    assert math.isnan(codec.codec_keyframe_interval([0.0], None))


def test_packet_variation() -> None:
    sizes = [100, 300, 50, 1000]
    assert codec.codec_packet_variation(sizes) == pytest.approx(stats.variation(sizes))
    assert math.isnan(codec.codec_packet_variation([5]))
    assert math.isnan(codec.codec_packet_variation([0, 0]))


def test_edges_of_a_frame_with_itself_are_kept() -> None:
    frame = patches((120, 160))
    assert scaled.edge_preservation(frame, frame) == 1.0


def test_edge_preservation_against_distances() -> None:
    one, two = patches((120, 160), 1), cv2.GaussianBlur(patches((120, 160), 1), (0, 0), 1.0)
    found, wanted = (cv2.Canny(f, 100, 200) > 0 for f in (one, two))
    # Within one pixel in either direction is a chessboard distance of at most 1.
    near_wanted = ndimage.distance_transform_cdt(~wanted, "chessboard") <= 1
    near_found = ndimage.distance_transform_cdt(~found, "chessboard") <= 1
    precision = (found & near_wanted).sum() / found.sum()
    recall = (wanted & near_found).sum() / wanted.sum()
    expected = 2 * precision * recall / (precision + recall)
    assert 0 < expected < 1
    assert scaled.edge_preservation(one, two) == pytest.approx(expected)


def test_more_blur_keeps_fewer_edges() -> None:
    frame = patches((240, 320))
    values = [
        scaled.edge_preservation(cv2.GaussianBlur(frame, (0, 0), s), frame) for s in (0.5, 1.5, 4)
    ]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.8
    assert values[2] < values[0] - 0.1


def test_edges_in_one_frame_only_and_in_none() -> None:
    flat = np.full((50, 50), 100, np.uint8)
    edged = flat.copy()
    edged[:, 25:] = 250
    assert scaled.edge_preservation(flat, edged) == 0.0
    assert math.isnan(scaled.edge_preservation(flat, flat))
    moved = flat.copy()
    moved[:, 35:] = 250
    assert scaled.edge_preservation(moved, edged) == 0.0
    with pytest.raises(ValueError, match="differ in shape"):
        scaled.edge_preservation(flat, flat[:-1])


def test_bring_to_size_averages_areas_downwards() -> None:
    frame = scene((80, 120))
    expected = frame.reshape(20, 4, 30, 4).astype(float).mean(axis=(1, 3))
    assert np.abs(scaled.bring_to_size(frame, (20, 30)) - expected).max() <= 0.51
    assert scaled.bring_to_size(frame, (160, 240)).shape == (160, 240)


@settings(deadline=None, max_examples=25)
@given(arrays(np.uint8, st.tuples(st.integers(5, 24), st.integers(5, 24))))
def test_texture_uniformity_against_windows(luma: Luma) -> None:
    windows = np.lib.stride_tricks.sliding_window_view(luma.astype(float), (5, 5))
    expected = 1 / (1 + windows.var(axis=(2, 3)).mean())
    assert scaled.texture_uniformity(luma) == pytest.approx(expected)


def test_texture_uniformity_of_noise_and_of_nothing() -> None:
    rng = np.random.default_rng(0)
    luma = np.rint(128 + rng.normal(0, 10, (200, 200))).astype(np.uint8)
    # The variance in a window of 25 is 24/25 of the population's.
    assert scaled.texture_uniformity(luma) == pytest.approx(1 / (1 + 96), rel=0.03)
    assert scaled.texture_uniformity(np.full((9, 9), 200, np.uint8)) == 1.0
    assert math.isnan(scaled.texture_uniformity(luma[:4]))


@pytest.mark.parametrize("factor", [0.4, 0.5, 0.75, 1.0, 1.6])
def test_the_originals_grid_is_seen_after_scaling(factor: float) -> None:
    original = scene((320, 448))
    blocky = cv2.imdecode(cv2.imencode(".jpg", original, [cv2.IMWRITE_JPEG_QUALITY, 10])[1], 0)

    def measure(frame: Luma, claimed: float) -> float:
        size = (round(448 * factor), round(320 * factor))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR)
        return scaled.compression_artifacts(small, claimed, claimed)

    assert measure(blocky, factor) > measure(original, factor) + 1.5
    # At a period that has nothing to do with the grid there is nothing to see.
    assert measure(blocky, factor) > measure(blocky, factor * 1.19) + 1.5


def test_periodicity_of_a_comb_of_known_strength() -> None:
    rng = np.random.default_rng(0)
    floor = [scaled.periodicity(rng.normal(10, 1, 300), 6.4) for _ in range(200)]
    # ln of a mean of three exponentials over the mean of many is slightly below 0.
    assert np.mean(floor) == pytest.approx(-0.1, abs=0.15)
    comb = rng.normal(10, 1, 300)
    comb[(np.arange(47) * 6.4).astype(int)] += 5
    assert scaled.periodicity(comb, 6.4) > 2


def test_periods_that_cannot_be_seen_are_nan() -> None:
    frame = scene((144, 256))
    assert math.isnan(scaled.compression_artifacts(frame, 0.2, 0.2))
    assert math.isnan(scaled.compression_artifacts(frame, 6.0, 6.0))
    assert not math.isnan(scaled.compression_artifacts(frame, 4.0, 6.0))
    assert math.isnan(scaled.compression_artifacts(np.full((64, 64), 9, np.uint8), 1.0, 1.0))
    assert math.isnan(scaled.compression_artifacts(frame[:1], 1.0, 1.0))


def test_color_consistency() -> None:
    means = np.array([[10.0, 100, 200], [20, 100, 100], [60, 100, 0]])
    assert np.allclose(scaled.color_consistency(means), np.std(means, axis=0))
    assert np.allclose(scaled.color_consistency(means / 2, 0.5), np.std(means, axis=0))
    assert np.isnan(scaled.color_consistency(means[:1])).all()
