"""From a name and its parameters to what is done to each picture, and to its time."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import av

from fvc.augmentation.geometry import Flip, affine, rotation
from fvc.augmentation.occlusion import Cutout
from fvc.augmentation.parameters import Parameters
from fvc.augmentation.planes import Planes
from fvc.augmentation.texture import Blur, Noise
from fvc.augmentation.timing import FrameDrop, FrameDuplicate, TemporalReverse, Unchanged
from fvc.augmentation.tone import brightness, contrast, saturation

Transform: TypeAlias = Callable[[Planes, Planes], None]
"""Writes what it makes of the first picture into the second; called once a frame, in order."""

Timing: TypeAlias = Callable[[av.VideoFrame, int], Iterator[tuple[av.VideoFrame, int]]]
"""Says which frames come out, and when, as one goes in."""

REVERSE = "temporal_reverse"


def spatial_transform(
    augmentation: str, parameters: Parameters, *, seed: int, width: int, height: int
) -> Transform | None:
    """Build what an augmentation does to a picture.

    Parameters
    ----------
    augmentation
        One of `AUGMENTATIONS`, or "original".
    parameters
        As drawn by `draw_parameters`.
    seed
        The variant's seed.
    width, height
        Of the picture, in pixels, even.

    Returns
    -------
    callable or None
        Takes source and target planes; None where pictures stay as they are.
    """
    match augmentation:
        case "rotation":
            return rotation(parameters, width, height)
        case "flip":
            return Flip(parameters)
        case "brightness":
            return brightness(parameters)
        case "contrast":
            return contrast(parameters)
        case "saturation":
            return saturation(parameters)
        case "noise":
            return Noise(parameters, seed, width, height)
        case "blur":
            return Blur(parameters)
        case "affine":
            return affine(parameters, width, height)
        case "cutout":
            return Cutout(parameters, width, height)
    return None


def timing(augmentation: str, parameters: Parameters, *, seed: int) -> Timing:
    """Build what an augmentation does to time; reverse expects the frames from the last on."""
    match augmentation:
        case "frame_drop":
            return FrameDrop[av.VideoFrame](parameters, seed)
        case "frame_duplicate":
            return FrameDuplicate[av.VideoFrame](parameters, seed)
        case "temporal_reverse":
            return TemporalReverse[av.VideoFrame]()
    return Unchanged[av.VideoFrame]()
