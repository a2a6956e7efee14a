"""Rotation, flip and affine: where a pixel comes from.

Luma and chroma are moved by the same map of the picture, each on its own grid. Samples between
pixels are bilinear; what lies outside the picture is its mirror image (the edge pixel itself not
repeated), so that no black wedge tells a turned clip from others.
"""

import math

import cv2
import numpy as np
import numpy.typing as npt

from fvc.augmentation.parameters import Parameters
from fvc.augmentation.planes import Plane, Planes

# Position of chroma sample (0, 0) in luma pixels, x and y.
_CHROMA_SITE = np.array([0.0, 0.5])


class Warp:
    """Moves every pixel by an affine map.

    Parameters
    ----------
    matrix
        Float64 (2, 3): the position in the source, in luma pixels (x to the right, y down, (0, 0)
        the centre of the first pixel), of the target position (x, y, 1).
    """

    def __init__(self, matrix: npt.NDArray[np.float64]) -> None:
        linear, shift = matrix[:, :2], matrix[:, 2]
        moved = (linear @ _CHROMA_SITE + shift - _CHROMA_SITE) / 2
        self.luma = matrix
        self.chroma = np.column_stack([linear, moved])
        self._move_luma, self._move_chroma = _PlaneWarp(self.luma), _PlaneWarp(self.chroma)

    def __call__(self, source: Planes, target: Planes) -> None:
        """Write the moved picture into `target`."""
        self._move_luma(source.y, target.y)
        self._move_chroma(source.u, target.u)
        self._move_chroma(source.v, target.v)


class _PlaneWarp:
    """Moves planes of one size; the mirror image around them is laid out first.

    The layout reads the plane line by line, which is what processors fetch ahead of time, and the
    warp, which crosses lines, then finds it in their caches: a third quicker than a warp that
    mirrors on its own.
    """

    def __init__(self, matrix: npt.NDArray[np.float64]) -> None:
        self._matrix = matrix
        self._room: Plane | None = None

    def __call__(self, source: Plane, target: Plane) -> None:
        height, width = target.shape
        if self._room is None:
            self._prepare(width, height)
            assert self._room is not None
        cv2.copyMakeBorder(source, *self._borders, cv2.BORDER_REFLECT_101, dst=self._room)
        cv2.warpAffine(
            self._room,
            self._shifted,
            (width, height),
            dst=target,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        )

    def _prepare(self, width: int, height: int) -> None:
        xs, ys = (0, width - 1, 0, width - 1), (0, 0, height - 1, height - 1)
        across, down = self._matrix @ np.array([xs, ys, (1, 1, 1, 1)], np.float64)
        # The corners bound all positions; one pixel more is for what lies between two.
        left, top = (max(0, math.ceil(1 - side.min())) for side in (across, down))
        right = max(0, math.ceil(across.max()) + 2 - width)
        bottom = max(0, math.ceil(down.max()) + 2 - height)
        self._borders = (top, bottom, left, right)
        self._room = np.empty((top + height + bottom, left + width + right), np.uint8)
        self._shifted = self._matrix + np.array([[0.0, 0.0, left], [0.0, 0.0, top]])


def _about_centre(
    linear: npt.NDArray[np.float64], shift: npt.NDArray[np.float64], width: int, height: int
) -> npt.NDArray[np.float64]:
    """Invert target = linear (source − centre) + centre + shift."""
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    inverse = np.linalg.inv(linear)
    return np.column_stack([inverse, centre - inverse @ (centre + shift)])


def rotation(parameters: Parameters, width: int, height: int) -> Warp:
    """Turn the picture about its centre; ``degrees`` counts counter-clockwise as seen."""
    angle = math.radians(float(parameters["degrees"]))
    cos, sin = math.cos(angle), math.sin(angle)
    # y points down: counter-clockwise as seen takes (1, 0) to (cos, −sin).
    linear = np.array([[cos, sin], [-sin, cos]])
    return Warp(_about_centre(linear, np.zeros(2), width, height))


def affine(parameters: Parameters, width: int, height: int) -> Warp:
    """Scale and shear the picture about its centre, then shift it right and down.

    ``shear_x`` moves a pixel right by so many times its height below the centre, ``shear_y`` down
    by so many times its distance right of it; both act before ``scale``.
    """
    scale = float(parameters["scale"])
    shear_x, shear_y = float(parameters["shear_x"]), float(parameters["shear_y"])
    linear = scale * np.array([[1.0, shear_x], [shear_y, 1.0]])
    shift = np.array([float(parameters["shift_x"]) * width, float(parameters["shift_y"]) * height])
    return Warp(_about_centre(linear, shift, width, height))


class Flip:
    """Mirrors the picture, left to right ("horizontal") or top to bottom ("vertical").

    Each plane is mirrored on its own, as FFmpeg's hflip and vflip do: no sample is interpolated,
    and chroma moves by half a luma pixel against luma where its site is not the middle.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.code = {"horizontal": 1, "vertical": 0}[str(parameters["axis"])]

    def __call__(self, source: Planes, target: Planes) -> None:
        """Write the mirrored picture into `target`."""
        for plane, mirrored in zip(source, target, strict=True):
            cv2.flip(plane, self.code, dst=mirrored)
