"""What is taken away from a clip's frames to see whether a net needs it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from fvc.training.video.frames import FLOW_ZERO

Streams = Mapping[str, NDArray[np.uint8]]

PARTS = 3
"""The picture is cut into so many rows and columns of parts."""

BLUR = 1 / 128
"""Standard deviation of the blur that takes fine detail away, in longer sides of the picture."""

_ROWS = ("top", "middle", "bottom")
_COLUMNS = ("left", "centre", "right")
# ITU-R BT.601, of red, green and blue.
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Alteration:
    """Something that is taken away.

    Attributes
    ----------
    name
        A name for tables.
    kind
        ``time``, ``motion``, ``colour``, ``detail`` or ``place``.
    words
        What is done.
    apply
        Does it to the stored streams of a clip, by a generator of random numbers.
    random
        Whether it differs from draw to draw.
    """

    name: str
    kind: str
    words: str
    apply: Callable[[Streams, np.random.Generator], dict[str, NDArray[np.uint8]]]
    random: bool = False


def alterations(*, flow: bool) -> list[Alteration]:
    """List what is taken away.

    Parameters
    ----------
    flow
        Whether the net also looks at optical flow.
    """
    found = [
        Alteration("shuffled", "time", "frames in a random order", _shuffled, random=True),
        Alteration("still", "time", "one frame, shown again and again", _still),
        Alteration("no colour", "colour", "luma alone", _grey),
        Alteration("no fine detail", "detail", "pictures blurred", _blurred),
        Alteration("fine detail alone", "detail", "pictures without what a blur leaves", _fine),
    ]
    if flow:
        found.append(Alteration("no motion", "motion", "flow of no motion", _no_motion))
    return [*found, *_parts()]


def _parts() -> Iterator[Alteration]:
    for i, row in enumerate(_ROWS):
        for j, column in enumerate(_COLUMNS):
            yield Alteration(
                f"without {row} {column}",
                "place",
                f"the {row} {column} ninth in the clip's mean colour",
                partial(_without_part, i, j),
            )


def _shuffled(streams: Streams, rng: np.random.Generator) -> dict[str, NDArray[np.uint8]]:
    order = rng.permutation(len(streams["frames"]))
    return {name: stream[order] for name, stream in streams.items()}


def _still(streams: Streams, rng: np.random.Generator) -> dict[str, NDArray[np.uint8]]:
    frames = streams["frames"]
    same = np.repeat(frames[len(frames) // 2][None], len(frames), axis=0)
    return {**_no_motion(streams, rng), "frames": same}


def _no_motion(streams: Streams, _: np.random.Generator) -> dict[str, NDArray[np.uint8]]:
    found = dict(streams)
    if "flow" in found:
        found["flow"] = np.full_like(found["flow"], FLOW_ZERO)
    return found


def _grey(streams: Streams, _: np.random.Generator) -> dict[str, NDArray[np.uint8]]:
    luma = np.rint(streams["frames"] @ np.array(_LUMA)).astype(np.uint8)
    return {**streams, "frames": np.repeat(luma[..., None], 3, axis=-1)}


def _blurred(streams: Streams, _: np.random.Generator) -> dict[str, NDArray[np.uint8]]:
    return {**streams, "frames": _blur(streams["frames"])}


def _fine(streams: Streams, _: np.random.Generator) -> dict[str, NDArray[np.uint8]]:
    frames = streams["frames"]
    rest = frames.astype(np.int16) - _blur(frames)
    return {**streams, "frames": np.clip(rest + 128, 0, 255).astype(np.uint8)}


def _blur(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    sigma = BLUR * max(frames.shape[1:3])
    return np.stack([cv2.GaussianBlur(np.ascontiguousarray(f), (0, 0), sigma) for f in frames])


def _without_part(
    row: int, column: int, streams: Streams, _: np.random.Generator
) -> dict[str, NDArray[np.uint8]]:
    found = {name: np.array(stream) for name, stream in streams.items()}
    height, width = found["frames"].shape[1:3]
    tall = slice(row * height // PARTS, (row + 1) * height // PARTS)
    wide = slice(column * width // PARTS, (column + 1) * width // PARTS)
    mean = np.rint(found["frames"].mean(axis=(0, 1, 2))).astype(np.uint8)
    found["frames"][:, tall, wide] = mean
    if "flow" in found:
        found["flow"][:, tall, wide] = FLOW_ZERO
    return found
