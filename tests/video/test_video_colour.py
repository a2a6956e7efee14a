"""Luma and mean colour against FFmpeg's own conversion, and against the standard's formulas."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from special_videos import planes, scene

from fvc.video import colour_tags, decode, luma_plane, rgb_mean
from fvc.video.colour import FULL, LIMITED

FORMATS = (
    "yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj444p", "nv12", "nv21", "yuva420p", "gray",
    "yuv420p10le", "yuv444p12le", "yuv422p16le", "gray10le", "p010le", "yuv420p10be",
    "yuyv422", "uyvy422",
)  # fmt: skip
PACKED_RGB = ("rgb24", "bgr24", "rgba", "gbrp", "gbrp10le")


def frame_of(
    pixel_format: str,
    colour_range: int,
    *,
    matrix: str = "itu709",
    size: tuple[int, int] = (66, 50),
) -> av.VideoFrame:
    """A picture in a pixel format, made by FFmpeg and tagged with what it is."""
    source = av.VideoFrame.from_ndarray(scene(0, *size), format="rgb24")
    frame = source.reformat(
        format=pixel_format, dst_colorspace=matrix, dst_color_range=colour_range, threads=1
    )
    frame.color_range = colour_range
    frame.colorspace = 1 if matrix == "itu709" else 5
    return frame


# FFmpeg takes gray for full range whatever its tag says, and yuvj is full by definition.
RANGES = [
    (name, colour_range)
    for name in FORMATS
    for colour_range in (LIMITED, FULL)
    if colour_range == FULL or not name.startswith(("gray", "yuvj"))
]


@pytest.mark.parametrize(("pixel_format", "colour_range"), RANGES)
def test_luma_is_that_of_ffmpeg(pixel_format: str, colour_range: int) -> None:
    frame = frame_of(pixel_format, colour_range)
    # 16 bits and full range, by swscale; our own rounding to 8 is checked against it.
    reference = frame.reformat(format="yuv444p16le", dst_color_range=FULL, threads=1)
    expected = planes(reference)[0].view("<u2")
    luma = luma_plane(frame)
    assert luma.dtype == np.uint8
    assert luma.shape == (50, 66)
    assert np.abs(luma - expected / 257.0).max() < 1.05


@pytest.mark.parametrize(("bits", "name"), [(8, "gray"), (10, "gray10le"), (16, "gray16le")])
@pytest.mark.parametrize("colour_range", [LIMITED, FULL])
def test_every_luma_value(bits: int, name: str, colour_range: int) -> None:
    """H.273, 8.3: Y' = (Y − 16·2^(n−8)) / (219·2^(n−8)), or Y / (2^n − 1)."""
    values = np.arange(1 << bits)
    side = 1 << (bits // 2)
    samples = values.reshape(side, side).astype(np.uint8 if bits == 8 else np.uint16)
    frame = av.VideoFrame.from_ndarray(samples, format=name)
    frame.color_range = colour_range
    unit = 2 ** (bits - 8)
    if colour_range == LIMITED:
        exact = np.clip((values - 16 * unit) / (219 * unit), 0, 1) * 255
    else:
        exact = values / (2**bits - 1) * 255
    error = luma_plane(frame).reshape(-1) - exact
    assert np.abs(error).max() <= 0.5 + 1e-9


def test_one_picture_has_one_luma_in_every_kind_of_video() -> None:
    lumas = [
        luma_plane(frame_of(name, colour_range)).astype(float)
        for name, colour_range in (
            ("yuv444p", LIMITED), ("yuv444p", FULL), ("yuvj444p", FULL), ("yuv444p12le", LIMITED),
            ("yuv444p16le", FULL), ("gbrp", FULL),
        )
    ]  # fmt: skip
    for luma in lumas[1:]:
        assert np.abs(luma - lumas[0]).max() <= 2.1


def test_unstated_range_and_matrix() -> None:
    def tags(width: int, height: int, name: str) -> tuple[int, int]:
        found = colour_tags(av.VideoFrame(width, height, name))
        return found.matrix, found.range

    assert tags(640, 480, "yuv420p") == (6, LIMITED)
    assert tags(1280, 720, "yuv420p") == (1, LIMITED)
    assert tags(720, 1280, "yuv420p") == (1, LIMITED)
    assert tags(640, 480, "yuvj420p") == (6, FULL)
    assert tags(64, 48, "gray")[1] == FULL
    assert tags(64, 48, "rgb24")[1] == FULL


def test_stated_tags_are_kept() -> None:
    frame = av.VideoFrame(64, 48, "yuv420p")
    frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc = 9, FULL, 9, 16
    tags = colour_tags(frame)
    assert (tags.matrix, tags.range, tags.primaries, tags.transfer) == (9, FULL, 9, 16)


@pytest.mark.parametrize("matrix", ["itu601", "itu709"])
@pytest.mark.parametrize("colour_range", [LIMITED, FULL])
@pytest.mark.parametrize("name", ["yuv444p", "yuv420p", "nv12", "yuv444p10le", "yuv420p10be"])
def test_mean_colour_is_that_of_the_picture(name: str, colour_range: int, matrix: str) -> None:
    truth = scene(0, 66, 50).reshape(-1, 3).mean(axis=0)
    frame = frame_of(name, colour_range, matrix=matrix)
    # FFmpeg's own rounding on the way to subsampled chroma takes a part of the tolerance.
    assert np.abs(rgb_mean(frame) - truth).max() < (1.0 if "444" in name else 1.6)


@pytest.mark.parametrize("name", PACKED_RGB)
def test_mean_colour_of_rgb(name: str) -> None:
    frame = av.VideoFrame.from_ndarray(scene(0, 66, 50), format="rgb24").reformat(
        format=name, threads=1
    )
    truth = scene(0, 66, 50).reshape(-1, 3).mean(axis=0)
    assert np.abs(rgb_mean(frame) - truth).max() < 0.6


def test_mean_colour_of_gray_is_gray() -> None:
    samples = np.full((20, 30), 77, np.uint8)
    frame = av.VideoFrame.from_ndarray(samples, format="gray")
    assert np.allclose(rgb_mean(frame), 77)


def test_other_matrices() -> None:
    """A colour written by hand with H.273's equations comes back."""
    red, green, blue = 0.8, 0.3, 0.1
    for number, (kr, kb) in {7: (0.212, 0.087), 9: (0.2627, 0.0593), 4: (0.30, 0.11)}.items():
        y = kr * red + (1 - kr - kb) * green + kb * blue
        u, v = (blue - y) / (2 * (1 - kb)), (red - y) / (2 * (1 - kr))
        mean = rgb_mean(flat(number, 16 + 219 * y, 128 + 224 * u, 128 + 224 * v))
        assert np.abs(mean / 255 - [red, green, blue]).max() < 0.006
    y, u = red / 4 + green / 2 + blue / 4, -red / 4 + green / 2 - blue / 4
    v = red / 2 - blue / 2
    mean = rgb_mean(flat(8, 16 + 219 * y, 128 + 224 * u, 128 + 224 * v))
    assert np.abs(mean / 255 - [red, green, blue]).max() < 0.006


def flat(matrix: int, *values: float) -> av.VideoFrame:
    frame = av.VideoFrame(16, 16, "yuv444p")
    for plane, value in zip(frame.planes, values, strict=True):
        np.frombuffer(memoryview(plane), np.uint8)[:] = round(value)
    frame.colorspace, frame.color_range = matrix, LIMITED
    return frame


@pytest.mark.parametrize("name", ["ten_bit", "yuv444p", "vp9_webm", "three_by_three"])
def test_decoded_frames(special: Callable[[str], Path], name: str) -> None:
    frame = next(decode(special(name)))
    full = frame.reformat(
        format="yuv444p16le", src_color_range=LIMITED, dst_color_range=FULL, threads=1
    )
    expected = planes(full)[0].view("<u2") / 257.0
    luma = luma_plane(frame)
    assert luma.shape == (frame.height, frame.width)
    assert np.abs(luma - expected).max() < 1.05


def test_pictures_of_a_few_pixels() -> None:
    for width in range(1, 10):
        for height in range(1, 10):
            frame = av.VideoFrame(width, height, "yuv444p")
            plane = frame.planes[0]
            room = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
            samples = np.arange(width * height).reshape(height, width) * 3 % 256
            room[:height, :width] = samples
            exact = np.clip((samples - 16) / 219, 0, 1) * 255
            assert np.abs(luma_plane(frame) - exact).max() <= 0.5
