"""What a standard copy's bitstream says: how blocks move, and how much of a frame is new.

All clips have been through the project's one encoder at one quantiser, so that bits and vectors
compare: they are the encoder's own measurements of a clip, not the habits of an unknown one.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from av.codec.context import Flags2
from numpy.typing import ArrayLike, NDArray

from fvc.video.container import demux, open_video
from fvc.video.packets import PacketTable, scan

MOST_FRAMES = 64
BLOCK = 16
STILL = 0.25
"""Length of a vector, in pixels, under which a block stands still."""

VECTOR_FLOOR = 0.05

Vectors = NDArray[np.float64]
"""Displacement (x, y) of 16×16 blocks in pixels, shape (rows, columns, 2); NaN for intra blocks."""


def read_packets(path: Path, *, on_frame: Callable[[], object] | None = None) -> PacketTable:
    """Read the table of a clip's packets; nothing is decoded."""
    with open_video(path) as video:
        return scan(video, on_frame=on_frame)


def motion_fields(path: Path, *, on_frame: Callable[[], object] | None = None) -> list[Vectors]:
    """Read the motion vectors of the predicted frames among the first 64 of a clip.

    Raises
    ------
    VideoError
        The file cannot be read.
    """
    fields: list[Vectors] = []
    with open_video(path) as video:
        context = video.stream.codec_context
        context.flags2 |= Flags2.export_mvs
        rows, columns = -(-context.height // BLOCK), -(-context.width // BLOCK)
        packets = demux(video.container, video.stream)
        frames = (frame for packet in packets for frame in packet.decode())
        for frame in itertools.islice(frames, MOST_FRAMES):
            if on_frame is not None:
                on_frame()
            found = frame.side_data.get("MOTION_VECTORS")
            if found is not None:
                fields.append(vector_field(found.to_ndarray(), rows, columns))
    return fields


def vector_field(vectors: NDArray[np.void], rows: int, columns: int) -> Vectors:
    """Lay motion vectors out on the grid of 16×16 blocks; smaller blocks in one are averaged.

    Parameters
    ----------
    vectors
        FFmpeg's ``AVMotionVector`` records.
    rows, columns
        Blocks of the frame.
    """
    past = vectors[vectors["source"] < 0]
    row = np.clip(past["dst_y"].astype(int) // BLOCK, 0, rows - 1)
    column = np.clip(past["dst_x"].astype(int) // BLOCK, 0, columns - 1)
    place = row * columns + column
    number = np.bincount(place, minlength=rows * columns).astype(np.float64)
    field = np.full((rows * columns, 2), np.nan)
    there = number > 0
    scale = np.maximum(past["motion_scale"].astype(np.float64), 1)
    for axis, name in enumerate(("motion_x", "motion_y")):
        sums = np.bincount(place, weights=past[name] / scale, minlength=rows * columns)
        field[there, axis] = sums[there] / number[there]
    return field.reshape(rows, columns, 2)


def motion_still(fields: Sequence[Vectors]) -> float:
    """Compute the share of blocks with a vector that are moved by less than 0.25 pixels.

    No unit, [0, 1]; NaN without vectors.
    """
    lengths = np.concatenate([_lengths(field).ravel() for field in fields] or [np.empty(0)])
    lengths = lengths[~np.isnan(lengths)]
    return float((lengths < STILL).mean()) if len(lengths) else math.nan


def motion_intra(fields: Sequence[Vectors]) -> float:
    """Compute the share of blocks of predicted frames that could not be predicted: they are intra.

    No unit, [0, 1]; NaN without predicted frames.
    """
    if not fields:
        return math.nan
    return float(np.mean([np.isnan(field[..., 0]).mean() for field in fields]))


def motion_roughness(fields: Sequence[Vectors]) -> float:
    """Compare the steps of vectors from block to block with their length.

    ln((mean |v − neighbour's v| + 0.05) / (mean |v| + 0.05)) over neighbours across and down.

    No unit; range [−7, 5]; NaN without neighbours that both have a vector.

    References
    ----------
    Su, Y., Zhang, J. & Liu, J. (2009). Exposing digital video forgery by detecting
    motion-compensated edge artifact. Proc. CiSE: vectors and residuals as evidence.
    """
    steps = [_lengths(np.diff(field, axis=axis)).ravel() for field in fields for axis in (0, 1)]
    return _log_ratio(steps, [_lengths(field).ravel() for field in fields])


def motion_change(fields: Sequence[Vectors]) -> float:
    """Compare the change of vectors from frame to frame with their length.

    ln((mean |v(t + 1) − v(t)| + 0.05) / (mean |v| + 0.05)), block by block.

    No unit; range [−7, 5]; NaN for fewer than two predicted frames.
    """
    changes = [_lengths(b - a).ravel() for a, b in itertools.pairwise(fields)]
    return _log_ratio(changes, [_lengths(field).ravel() for field in fields])


def residual_bits(size: ArrayLike, key: ArrayLike, pixels: int) -> float:
    """Compute the bits of a predicted frame: ln(mean bits of non-key frames / pixels).

    Unit: ln of bits a pixel, seldom outside [−9, 2]. It grows with the time between frames. NaN
    without predicted frames.
    """
    others = _sizes(size)[~np.asarray(key, bool)]
    if not len(others) or pixels < 1 or others.sum() <= 0:
        return math.nan
    return math.log(8 * float(others.mean()) / pixels)


def residual_share(size: ArrayLike, key: ArrayLike) -> float:
    """Compare predicted with key frames: ln(mean size of non-key / mean size of key frames).

    No unit; 0 where nothing can be predicted, [−10, 1]; NaN without one of the kinds.
    """
    sizes, is_key = _sizes(size), np.asarray(key, bool)
    if not is_key.any() or is_key.all() or sizes[~is_key].sum() <= 0 or sizes[is_key].sum() <= 0:
        return math.nan
    return math.log(float(sizes[~is_key].mean() / sizes[is_key].mean()))


def residual_unrest(size: ArrayLike, key: ArrayLike) -> float:
    """Compute how much the sizes of predicted frames jump: median |Δ ln(size + 16)|.

    Over frames that follow each other, key frames left out. No unit, [0, 10]; NaN for fewer than
    two predicted frames.
    """
    others = np.log(_sizes(size)[~np.asarray(key, bool)] + 16)
    return float(np.median(np.abs(np.diff(others)))) if len(others) > 1 else math.nan


def _sizes(size: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(size, dtype=np.float64)


def _lengths(field: Vectors) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.hypot(field[..., 0], field[..., 1])
    return lengths


def _log_ratio(above: Sequence[NDArray[np.float64]], below: Sequence[NDArray[np.float64]]) -> float:
    first, second = (np.concatenate([*parts, np.empty(0)]) for parts in (above, below))
    first, second = first[~np.isnan(first)], second[~np.isnan(second)]
    if not len(first) or not len(second):
        return math.nan
    return math.log((float(first.mean()) + VECTOR_FLOOR) / (float(second.mean()) + VECTOR_FLOOR))
