"""A perceptual hash of a frame: 256 bits that re-encoding, scaling and borders hardly change.

The signs of the 256 lowest-but-one frequencies of a 64 × 64 picture, as in PDQ; PDQ compares them
with their median, which for the frequencies of a cosine transform lies near zero anyway. With the
sign, mirroring a picture flips the bits of the odd horizontal frequencies and nothing else, so that
one hash stands for a picture and for its mirror image.

References
----------
Facebook (2019), "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

HASH_BITS = 256
WORDS = HASH_BITS // 64
_SIDE = 64
_FREQUENCIES = 16
_WORK_SIDE = 384

CROPS: dict[str, tuple[float, float, float, float]] = {
    "full": (0.0, 1.0, 0.0, 1.0),
    "centre": (0.05, 0.95, 0.05, 0.95),
    "top_left": (0.0, 0.9, 0.0, 0.9),
    "top_right": (0.0, 0.9, 0.1, 1.0),
    "bottom_left": (0.1, 1.0, 0.0, 0.9),
    "bottom_right": (0.1, 1.0, 0.1, 1.0),
    "top": (0.0, 0.9, 0.0, 1.0),
    "bottom": (0.1, 1.0, 0.0, 1.0),
    "left": (0.0, 1.0, 0.0, 0.9),
    "right": (0.0, 1.0, 0.1, 1.0),
}
"""What of a picture is hashed, as parts of its height and width: top, bottom, left, right."""

# Borders: a line whose samples are nearly all of the border's colour, in all frames.
_BORDER_TOLERANCE = 10
_BORDER_SHARE = 0.95
_CAPTION_SHARE = 0.5
_EDGE_SHARE = 0.88
_EDGE_LINES = 3
_BORDER_MOST = 0.8

# Below so many grey levels of standard deviation a picture is flat: its hash is that of noise.
_LEAST_DETAIL = 4.0


@dataclass(frozen=True)
class FrameHashes:
    """Hashes of some frames of one video.

    Parameters
    ----------
    hashes : (n, crops, 4) uint64
        256 bits of each frame and crop, in the order of `CROPS`.
    votes : (n,) bool
        Whether the frame has enough detail for its hash to mean something.
    borders : tuple of float
        What was kept of the picture: top, bottom, left, right, 0 to 1.
    """

    hashes: NDArray[np.uint64]
    votes: NDArray[np.bool_]
    borders: tuple[float, float, float, float]

    def __post_init__(self) -> None:
        n = len(self.votes)
        if self.hashes.shape != (n, len(CROPS), WORDS):
            raise ValueError(
                f"{n} votes need hashes of shape ({n}, {len(CROPS)}, {WORDS}), "
                f"not {self.hashes.shape}"
            )


def hash_frames(frames: Sequence[NDArray[np.uint8]]) -> FrameHashes:
    """Hash the luma of frames of one video, static borders left out.

    Parameters
    ----------
    frames
        One or more arrays of shape (height, width), upright, 0 black to 255 white.

    Returns
    -------
    FrameHashes
        One row a frame.
    """
    if not frames:
        raise ValueError("there are no frames to hash")
    small = [_shrunk(frame) for frame in frames]
    # A stream may change its size on the way; borders are those of the first frame's size.
    height, width = small[0].shape
    small = [
        frame
        if frame.shape == (height, width)
        else cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
        for frame in small
    ]
    stack = np.stack(small)
    top, bottom, left, right = find_picture(stack)
    pictures = stack[:, top:bottom, left:right]
    hashes = np.empty((len(small), len(CROPS), WORDS), dtype=np.uint64)
    votes = np.empty(len(small), dtype=np.bool_)
    for i, picture in enumerate(pictures):
        for j, crop in enumerate(CROPS.values()):
            thumbnail = _thumbnail(_cropped(picture, crop))
            hashes[i, j] = _hash(thumbnail)
            if j == 0:
                votes[i] = thumbnail.std() >= _LEAST_DETAIL
    return FrameHashes(hashes, votes, (top / height, bottom / height, left / width, right / width))


def find_picture(stack: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Find what lies within the static, one-coloured borders of a video.

    Parameters
    ----------
    stack : (n, height, width) uint8
        Luma of frames of one video.

    Returns
    -------
    top, bottom, left, right : int
        ``stack[:, top:bottom, left:right]`` is the picture; all of it where nearly nothing would
        be left.
    """
    top, left = 0, 0
    bottom, right = stack.shape[1:]
    whole = (top, bottom, left, right)
    # Twice: bars beside a picture show as such only when those above it are gone.
    for _ in range(2):
        part = stack[:, top:bottom, left:right]
        first, last = _borders(part.transpose(1, 0, 2))
        if first + last > _BORDER_MOST * part.shape[1]:
            return whole
        top, bottom = top + first, bottom - last
        part = stack[:, top:bottom, left:right]
        first, last = _borders(part.transpose(2, 0, 1))
        if first + last > _BORDER_MOST * part.shape[2]:
            return whole
        left, right = left + first, right - last
    return top, bottom, left, right


def _borders(lines: NDArray[np.uint8]) -> tuple[int, int]:
    """Count the border lines at both ends; ``lines`` is (lines, frames, samples)."""
    flat = lines.reshape(len(lines), -1).astype(np.int16)
    return _border(flat), _border(flat[::-1])


def _border(lines: NDArray[np.int16]) -> int:
    colour = np.median(lines[0])
    shares = [float(np.mean(np.abs(line - colour) <= _BORDER_TOLERANCE)) for line in lines]
    count = clean = 0
    for number, share in enumerate(shares, start=1):
        if share >= _BORDER_SHARE:
            clean += 1
            # A caption within a bar is part of the bar, if the bar is the larger part.
            if 2 * clean > number:
                count = number
        elif share < _CAPTION_SHARE:
            break
    # A bar ends at once. A plain wall or sky that reaches into the picture does not, and where it
    # seems to end would differ from copy to copy.
    beyond = shares[count : count + _EDGE_LINES]
    return count if count == len(lines) or min(beyond) <= _EDGE_SHARE else 0


def _shrunk(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = frame.shape
    factor = _WORK_SIDE / max(height, width)
    if factor >= 1:
        return frame
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _cropped(
    picture: NDArray[np.uint8], crop: tuple[float, float, float, float]
) -> NDArray[np.uint8]:
    height, width = picture.shape
    top, bottom, left, right = crop
    rows = slice(round(top * height), max(round(bottom * height), round(top * height) + 1))
    columns = slice(round(left * width), max(round(right * width), round(left * width) + 1))
    return np.ascontiguousarray(picture[rows, columns])


def _thumbnail(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    small = cv2.resize(picture, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float64)


def _cosines() -> NDArray[np.float64]:
    frequency = np.arange(1, _FREQUENCIES + 1)[:, None]
    return np.asarray(np.cos(np.pi * frequency * (2 * np.arange(_SIDE) + 1) / (2 * _SIDE)))


_COSINES = _cosines()


def _hash(thumbnail: NDArray[np.float64]) -> NDArray[np.uint64]:
    coefficients = _COSINES @ thumbnail @ _COSINES.T
    return pack_bits((coefficients > 0).reshape(-1))


def pack_bits(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Pack bits, shape (…, 256), into words, shape (…, 4), the first bit highest."""
    packed = np.packbits(bits, axis=-1)
    return np.ascontiguousarray(packed).view(">u8").astype(np.uint64)


def _odd_columns() -> NDArray[np.uint64]:
    columns = np.tile(np.arange(1, _FREQUENCIES + 1), _FREQUENCIES)
    return pack_bits(columns % 2 == 1)


MIRROR = _odd_columns()
"""Bits that mirroring left to right flips: ``hash ^ MIRROR`` is the mirror image's hash."""


def distances(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Count the differing bits of every hash of one array against every one of another.

    Parameters
    ----------
    a : (n, 4) uint64
    b : (m, 4) uint64

    Returns
    -------
    ndarray of int64, shape (n, m)
        0 to 256.
    """
    return np.asarray(np.bitwise_count(a[:, None, :] ^ b[None, :, :]).sum(-1, dtype=np.int64))
