"""Bars, blank frames, and the pixel features as a whole."""

import math
import warnings

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage

from fvc.features import FEATURE_NAMES, SCALED_FEATURE_NAMES
from fvc.features.names import PIXEL_FEATURE_NAMES
from fvc.features.picture import MARGIN, PictureArea, is_blank, picture_area
from fvc.features.pixels import pixel_features
from fvc.features.scratch import Scratch

Luma = NDArray[np.uint8]


def scene(shape: tuple[int, int] = (160, 208), seed: int = 0, mean: float = 120) -> Luma:
    rng = np.random.default_rng(seed)
    fields = (ndimage.gaussian_filter(rng.normal(size=shape), s) * s for s in (0.6, 2, 6, 12))
    return np.clip(mean + 20 * sum(fields), 0, 255).astype(np.uint8)


def clip(n: int = 4, shape: tuple[int, int] = (160, 208)) -> list[Luma]:
    return [scene(shape, seed=k) for k in range(n)]


def framed(frame: Luma, top: int, bottom: int, left: int, right: int, seed: int = 0) -> Luma:
    """Put bars around a frame, as black as a codec leaves them."""
    rng = np.random.default_rng(seed)
    height, width = frame.shape
    out = rng.integers(0, 6, (top + height + bottom, left + width + right), dtype=np.uint8)
    out[top : top + height, left : left + width] = frame
    return out


def test_the_documented_counts() -> None:
    assert len(FEATURE_NAMES) == len(set(FEATURE_NAMES)) == 15
    assert len(SCALED_FEATURE_NAMES) == len(set(SCALED_FEATURE_NAMES)) == 23
    assert SCALED_FEATURE_NAMES[:15] == FEATURE_NAMES


def test_the_documented_order() -> None:
    assert (
        *("noise_energy", "noise_mad", "noise_correlation", "noise_inconsistency"),
        *("noise_persistence", "dct_ac_energy", "dct_high_ratio", "dct_first_digit"),
        *("laplacian_var", "gradient_mean", "blockiness", "resampling_peaks"),
        *("codec_bits_per_pixel", "codec_keyframe_interval", "codec_packet_variation"),
        *("edge_preservation", "texture_uniformity", "compression_artifacts"),
        *("color_consistency_r", "color_consistency_g", "color_consistency_b"),
        *("is_upscaled", "is_downscaled"),
    ) == SCALED_FEATURE_NAMES


def test_a_frame_without_bars_is_all_picture() -> None:
    assert picture_area(clip()) == PictureArea(0, 160, 0, 208, 1.0)


@pytest.mark.parametrize("bars", [(16, 24, 0, 0), (0, 0, 40, 32), (8, 8, 8, 8), (16, 0, 0, 0)])
def test_bars_are_found(bars: tuple[int, int, int, int]) -> None:
    top, bottom, left, right = bars
    area = picture_area([framed(f, *bars, seed=k) for k, f in enumerate(clip())])
    assert area.top == top + MARGIN * (top > 0)
    assert area.bottom == top + 160 - MARGIN * (bottom > 0)
    assert area.left == left + MARGIN * (left > 0)
    assert area.right == left + 208 - MARGIN * (right > 0)
    total = (top + 160 + bottom) * (left + 208 + right)
    assert area.share == pytest.approx(160 * 208 / total)


def test_a_portrait_clip_in_a_landscape_frame() -> None:
    frames = [framed(f, 0, 0, 218, 218) for f in clip(3, (360, 204))]
    area = picture_area(frames)
    assert (area.left, area.right) == (220, 420)


def test_stray_pixels_do_not_end_a_bar() -> None:
    frame = framed(scene(), 20, 20, 0, 0)
    frame[5, 100] = 200
    assert picture_area([frame]).top == 20 + MARGIN


def test_what_is_dark_in_one_frame_only_is_no_bar() -> None:
    frames = clip()
    frames[0][:40] = 0
    assert picture_area(frames).top == 0


def test_blank_frames_have_no_say_in_the_bars() -> None:
    frames = [framed(f, 16, 16, 0, 0) for f in clip()]
    frames[0][:] = 2
    frames[1][:] = 255
    assert picture_area(frames).top == 16 + MARGIN


def test_a_night_scene_is_not_cropped_away() -> None:
    frame = np.random.default_rng(0).integers(0, 20, (120, 160), dtype=np.uint8)
    frame[60:64, 80:84] = 255
    assert picture_area([frame]) == PictureArea(0, 120, 0, 160, 1.0)


def test_a_lit_window_at_night_is_not_all_there_is() -> None:
    frame = np.random.default_rng(0).integers(0, 20, (120, 160), dtype=np.uint8)
    frame[50:64, 60:80] = 255
    assert picture_area([frame]) == PictureArea(0, 120, 0, 160, 1.0)


def test_bars_leave_the_features_as_they_are() -> None:
    frames = clip()
    barred = [framed(f, 16, 24, 32, 8, seed=k) for k, f in enumerate(frames)]
    found = pixel_features(barred)
    # What the margin leaves of the picture, with the block grid where it is in the barred frame.
    inner = PictureArea(MARGIN, 160 - MARGIN, MARGIN, 208 - MARGIN)
    expected = pixel_features(frames, area=inner)
    assert found == expected
    whole = pixel_features(frames)
    for name in set(PIXEL_FEATURE_NAMES) - {"noise_persistence", "resampling_peaks"}:
        assert found[name] == pytest.approx(whole[name], rel=0.1, abs=0.02), name


def test_the_block_grid_is_that_of_the_frame() -> None:
    frame = scene()
    frame = cv2.imdecode(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 15])[1], 0)
    plain = pixel_features([frame])["blockiness"]
    shifted = framed(frame, 24, 0, 16, 0)
    assert pixel_features([shifted])["blockiness"] == pytest.approx(plain, rel=0.05)
    off_grid = framed(frame, 20, 0, 20, 0)
    assert pixel_features([off_grid])["blockiness"] < plain - 0.2


def test_values_are_averaged_over_frames_that_show_something() -> None:
    frames = clip(2)
    alone = [pixel_features([f]) for f in frames]
    black, white = np.zeros_like(frames[0]), np.full_like(frames[0], 255)
    together = pixel_features([frames[0], black, frames[1], white])
    for name in set(PIXEL_FEATURE_NAMES) - {"noise_persistence"}:
        mean = (alone[0][name] + alone[1][name]) / 2
        assert together[name] == pytest.approx(mean), name
    assert math.isnan(alone[0]["noise_persistence"])
    assert not math.isnan(together["noise_persistence"])


@pytest.mark.parametrize("shade", [0, 16, 128, 235, 255])
def test_a_clip_that_shows_nothing_has_no_pixel_features(shade: int) -> None:
    frames = [np.full((96, 128), shade, np.uint8)] * 3
    found = pixel_features(frames)
    assert tuple(found) == PIXEL_FEATURE_NAMES
    assert all(math.isnan(value) for value in found.values())
    assert is_blank(frames[0])


@settings(deadline=None, max_examples=60)
@given(
    arrays(
        np.uint8,
        st.tuples(st.integers(1, 3), st.integers(1, 90), st.integers(1, 90)),
        elements=st.sampled_from([0, 1, 30, 128, 129, 255]),
        fill=st.sampled_from([0, 16, 128, 255]),
    )
)
def test_any_frames_give_numbers_or_nan_and_no_warning(stack: NDArray[np.uint8]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = pixel_features(list(stack))
    assert tuple(found) == PIXEL_FEATURE_NAMES
    assert not any(math.isinf(value) for value in found.values())
    again = pixel_features([np.asfortranarray(f).copy() for f in stack])
    assert np.array_equal(list(found.values()), list(again.values()), equal_nan=True)


def test_a_tiny_frame_has_what_its_size_allows() -> None:
    found = pixel_features([scene((12, 12))])
    there = {name for name, value in found.items() if not math.isnan(value)}
    assert there == {
        *(
            "noise_energy",
            "noise_correlation",
            "dct_ac_energy",
            "dct_high_ratio",
            "dct_first_digit",
        ),
        *("laplacian_var", "gradient_mean", "blockiness"),
    }
    assert set(pixel_features([scene((3, 3), mean=90)])) == set(found)


def test_values_do_not_depend_on_where_in_memory_a_frame_lies() -> None:
    frame = scene((170, 231))
    expected = pixel_features([frame])
    for shift in (1, 3, 7, 16):
        room = np.zeros((170, 300), np.uint8)
        view = room[:, shift : shift + 231]
        view[:] = frame
        found = pixel_features([view])
        assert np.array_equal(list(found.values()), list(expected.values()), equal_nan=True)


# What the same scene with half and a quarter of the pixels a side does to a feature by its meaning.
GROWS_WHEN_SMALLER = ("noise_energy", "dct_ac_energy", "laplacian_var")
KEEPS = {"blockiness": 0.1, "gradient_mean": 0.1, "noise_inconsistency": 0.8}


def test_one_clip_at_three_sizes() -> None:
    big = [cv2.GaussianBlur(scene((640, 832), seed=k), (0, 0), 1.5) for k in range(2)]
    sizes = [
        [cv2.resize(f, (832 // d, 640 // d), interpolation=cv2.INTER_AREA) for f in big]
        for d in (1, 2, 4)
    ]
    large, middle, small = (pixel_features(frames) for frames in sizes)
    for name, tolerance in KEEPS.items():
        assert middle[name] == pytest.approx(large[name], abs=tolerance), name
        assert small[name] == pytest.approx(large[name], abs=tolerance), name
    for name in GROWS_WHEN_SMALLER:
        assert large[name] < middle[name] < small[name], name
    # In the largest, blurred one the highest frequencies are rounding alone.
    assert middle["dct_high_ratio"] < small["dct_high_ratio"]
    # Sums are divided by area: cut in half, a scene of one kind keeps its numbers.
    half = pixel_features([f[:, :416] for f in big])
    spread = {"noise_inconsistency": 0.2, "resampling_peaks": 0.2}
    for name in set(PIXEL_FEATURE_NAMES) - {"noise_persistence"}:
        assert half[name] == pytest.approx(large[name], rel=0.1, abs=spread.get(name, 0.05)), name


def test_there_must_be_frames() -> None:
    with pytest.raises(ValueError, match="no frames"):
        pixel_features([])


def test_scratch_hands_out_one_memory_under_one_name() -> None:
    scratch = Scratch()
    first = scratch.array("a", (10, 20), np.float32)
    assert first.ctypes.data % 64 == 0
    assert np.shares_memory(first, scratch.array("a", (5,), np.uint8))
    assert not np.shares_memory(first, scratch.array("b", (10, 20), np.float32))
    larger = scratch.array("a", (100, 20), np.int16)
    assert larger.shape == (100, 20)
    # What was handed out before the memory grew is not handed out again.
    assert np.shares_memory(larger, scratch.array("a", (10, 20), np.float32))
