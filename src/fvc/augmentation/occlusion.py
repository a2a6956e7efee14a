"""Cutout: a part of the picture is hidden."""

from fvc.augmentation.parameters import Parameters
from fvc.augmentation.planes import Planes, copy_plane
from fvc.augmentation.tone import NEUTRAL

GREY = 126
"""Luma of the hidden part: mid-grey, halfway between 16 and 235."""


class Cutout:
    """Paints one rectangle mid-grey, at the same place in all frames.

    Edges are moved to even pixels, so that chroma and luma end together; the rectangle is at least
    two pixels wide and high.

    Parameters
    ----------
    parameters
        ``left``, ``top``, ``width``, ``height`` as parts of the frame's width and height.
    width, height
        Of the picture, in pixels, even.

    References
    ----------
    .. [1] DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with
       Cutout", 2017, arXiv:1708.04552. Its fill is the data set's mean; here it is mid-grey.
    """

    def __init__(self, parameters: Parameters, width: int, height: int) -> None:
        left, right = _edges(float(parameters["left"]), float(parameters["width"]), width // 2)
        top, bottom = _edges(float(parameters["top"]), float(parameters["height"]), height // 2)
        self.chroma = (slice(top, bottom), slice(left, right))
        self.luma = (slice(2 * top, 2 * bottom), slice(2 * left, 2 * right))

    def __call__(self, source: Planes, target: Planes) -> None:
        """Write the picture with its hidden part into `target`."""
        for plane, painted in zip(source, target, strict=True):
            copy_plane(plane, painted)
        target.y[self.luma] = GREY
        target.u[self.chroma] = NEUTRAL
        target.v[self.chroma] = NEUTRAL


def _edges(start: float, length: float, size: int) -> tuple[int, int]:
    first = min(int(start * size + 0.5), size - 1)
    return first, min(max(first + 1, int((start + length) * size + 0.5)), size)
