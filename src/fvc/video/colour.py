"""Luma and colour of a frame, whatever its pixel format, range, bit depth and matrix."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from numpy.typing import NDArray

LIMITED, FULL = 1, 2

# With several threads, FFmpeg 8.1 now and then gives other samples for the same input.
_THREADS = 1

# OpenCV takes an array of four values or fewer for a constant, not a picture.
_FEW = 64

_UNSPECIFIED = 2
_BT709, _SMPTE170M = 1, 6

# Kr and Kb of ITU-T H.273, table 4, by FFmpeg's number of the matrix.
_WEIGHTS = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}
_YCGCO = 8

# Planar YUV and gray formats whose first plane is luma, one sample a byte or a little-endian word.
_PLANAR = re.compile(r"(?:yuva?j?4\d\dp|gray)(9|10|12|14|16)?(le)?$")
_SEMI_PLANAR = {"nv12", "nv21", "nv16", "nv24", "nv42"}


@dataclass(frozen=True)
class ColourTags:
    """Numbers of ITU-T H.273 for what the samples of a frame mean.

    ``matrix``, ``primaries`` and ``transfer`` are never "unspecified".
    """

    matrix: int
    primaries: int
    transfer: int
    range: int


def colour_tags(frame: VideoFrame) -> ColourTags:
    """Tell what a frame's colour numbers mean, filling in what the stream leaves open.

    An unstated matrix is that of BT.709 for pictures of 720 lines or more (or 1280 columns), else
    that of BT.601, as players take it. An unstated range is full for gray, RGB and ``yuvj``
    formats, else limited.
    """
    large = min(frame.width, frame.height) >= 720 or max(frame.width, frame.height) >= 1280
    matrix = int(frame.colorspace)
    if matrix not in _WEIGHTS and matrix != _YCGCO:
        matrix = _BT709 if large else _SMPTE170M
    usual = _BT709 if matrix == _BT709 else _SMPTE170M
    primaries, transfer = int(frame.color_primaries), int(frame.color_trc)
    return ColourTags(
        matrix=matrix,
        primaries=usual if primaries in (0, _UNSPECIFIED) else primaries,
        transfer=usual if transfer in (0, _UNSPECIFIED) else transfer,
        range=_range(frame),
    )


def luma_plane(frame: VideoFrame) -> NDArray[np.uint8]:
    """Luma of a frame, brought to full range and eight bits.

    Parameters
    ----------
    frame
        A frame of any pixel format.

    Returns
    -------
    ndarray of uint8, shape (height, width)
        0 is black, 255 is white. It may share memory with the frame: not to be written to.

    References
    ----------
    ITU-T H.273 (2021), 8.3: quantisation of full and limited range.
    """
    name = frame.format.name
    match = _PLANAR.fullmatch(name)
    if match is None and name not in _SEMI_PLANAR:
        # In 16 bits, so that it is we who round. Of RGB, FFmpeg makes luma by the matrix.
        full = _range(frame) == FULL
        wide = frame.reformat(
            format="yuv444p16le",
            dst_color_range=FULL if full else LIMITED,
            dst_colorspace=_sws_matrix(frame),
            threads=_THREADS,
        )
        return _table(16, full).take(_samples(wide.planes[0], wide.width, wide.height, 2))
    bits = int(match[1]) if match is not None and match[1] else 8
    plane = _samples(frame.planes[0], frame.width, frame.height, 2 if bits > 8 else 1)
    full = _range(frame) == FULL
    if bits == 8:
        if full:
            return plane
        if plane.size < _FEW:
            return _table(8, False).take(plane)
        import cv2

        # Both steps saturate and round as the table would, at a quarter of its time.
        luma = cv2.subtract(plane, cast(Any, 16))
        return np.asarray(cv2.convertScaleAbs(luma, luma, 255.0 / 219.0), dtype=np.uint8)
    return _table(bits, full).take(plane)


def rgb_mean(frame: VideoFrame) -> NDArray[np.float64]:
    """Mean red, green and blue of a frame, with its own matrix and range.

    The mean of a linear map is the map of the means, so no pixel is converted; nothing is clipped.

    Parameters
    ----------
    frame
        A frame of any pixel format.

    Returns
    -------
    ndarray of float64, shape (3,)
        R, G and B, 0 (black) to 255 (white).

    References
    ----------
    ITU-T H.273 (2021), 8.3, equations 38 to 60.
    """
    # Stages that only write video need no OpenCV: 70 ms and 30 MiB of a worker's start.
    import cv2

    name = frame.format.name
    if frame.format.is_rgb or name.startswith(("gbr", "pal")):
        rgb = frame.reformat(format="rgb24", threads=_THREADS)
        image = np.frombuffer(memoryview(rgb.planes[0]), np.uint8).reshape(rgb.height, -1)
        pixels = image[:, : 3 * rgb.width].reshape(rgb.height, rgb.width, 3)
        return np.asarray(cv2.mean(pixels)[:3], dtype=np.float64)
    tags = colour_tags(frame)
    match = _PLANAR.fullmatch(name)
    if match is None:
        frame = frame.reformat(format="yuv444p16le", threads=_THREADS)
        bits = 16
    else:
        bits = int(match[1]) if match[1] else 8
    size = 2 if bits > 8 else 1
    means = [
        float(cv2.mean(_samples(p, p.width, p.height, size))[0])
        for p in frame.planes[: 1 if name.startswith("gray") else 3]
    ]
    unit = float(1 << (bits - 8))
    if tags.range == FULL:
        top = (1 << bits) - 1
        y = means[0] / top
        u, v = ((m - 128 * unit) / top for m in (means[1:] or [128 * unit] * 2))
    else:
        y = (means[0] / unit - 16) / 219
        u, v = ((m / unit - 128) / 224 for m in (means[1:] or [128 * unit] * 2))
    if tags.matrix == _YCGCO:
        rgb_values = (y - u + v, y + u, y - u - v)
    else:
        kr, kb = _WEIGHTS[tags.matrix]
        r, b = y + 2 * (1 - kr) * v, y + 2 * (1 - kb) * u
        rgb_values = (r, (y - kr * r - kb * b) / (1 - kr - kb), b)
    return 255.0 * np.array(rgb_values)


def plane_array(plane: VideoPlane, *, bytes_per_sample: int = 1) -> NDArray[Any]:
    """View a plane without its padding, writable; shape ``(height, width)``."""
    return _samples(plane, plane.width, plane.height, bytes_per_sample)


def _samples(plane: VideoPlane, width: int, height: int, size: int) -> NDArray[Any]:
    kind = np.uint8 if size == 1 else np.dtype("<u2")
    flat: NDArray[Any] = np.frombuffer(memoryview(plane), kind)
    return flat[: height * plane.line_size // size].reshape(height, -1)[:, :width]


def _range(frame: VideoFrame) -> int:
    name = frame.format.name
    if name.startswith("yuvj"):
        return FULL
    if frame.color_range in (LIMITED, FULL):
        return int(frame.color_range)
    return FULL if frame.format.is_rgb or name.startswith(("gray", "gbr", "pal")) else LIMITED


def _sws_matrix(frame: VideoFrame) -> str:
    return "itu709" if colour_tags(frame).matrix == _BT709 else "itu601"


@lru_cache(maxsize=8)
def _table(bits: int, full: bool) -> NDArray[np.uint8]:
    """Full-range eight-bit luma of every sample value of a bit depth."""
    values = np.arange(1 << bits, dtype=np.float64)
    if full:
        scaled = values * (255.0 / ((1 << bits) - 1))
    else:
        scaled = (values / (1 << (bits - 8)) - 16) * (255.0 / 219.0)
    return np.clip(np.floor(scaled + 0.5), 0, 255).astype(np.uint8)
