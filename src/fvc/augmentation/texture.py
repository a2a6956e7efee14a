"""Noise and blur: what is done to a picture's finest detail."""

import cv2
import numpy as np
import numpy.typing as npt

from fvc.augmentation.parameters import Parameters, frame_generator
from fvc.augmentation.planes import Plane, Planes, copy_plane
from fvc.augmentation.tone import BLACK, WHITE

# A field larger than the picture by this many pixels each way: 64 × 64 places for a frame's window.
_MARGIN = 63


class Noise:
    """Adds white Gaussian noise to luma, other grain in each frame.

    One field is drawn from the variant's seed, somewhat larger than the picture, rounded to whole
    codes; each frame gets a window of it at a place drawn for that frame, turned over or not, so
    that grain does not stand still as a sensor's pattern does. Sums are clipped to 16 … 235. Calls
    are one a frame, in order.

    Parameters
    ----------
    parameters
        ``sigma``, the standard deviation in luma codes.
    seed
        The variant's seed.
    width, height
        Of the picture, in pixels.
    """

    def __init__(self, parameters: Parameters, seed: int, width: int, height: int) -> None:
        self._generator = frame_generator(seed)
        field = self._generator.standard_normal((height + _MARGIN, width + _MARGIN), np.float32)
        codes = np.rint(field * np.float32(parameters["sigma"])).astype(np.int16)
        # Two saturating 8-bit operations are many times quicker than one in 16 bits.
        self._plus = np.clip(codes, 0, 255).astype(np.uint8)
        self._minus = np.clip(-codes, 0, 255).astype(np.uint8)

    def __call__(self, source: Planes, target: Planes) -> None:
        """Write the picture with this frame's grain into `target`."""
        plus, minus = self._window(*source.y.shape)
        cv2.add(source.y, plus, dst=target.y)
        cv2.subtract(target.y, minus, dst=target.y)
        np.clip(target.y, BLACK, WHITE, out=target.y)
        copy_plane(source.u, target.u)
        copy_plane(source.v, target.v)

    def _window(self, height: int, width: int) -> tuple[Plane, Plane]:
        top, left, swap = (int(n) for n in self._generator.integers([64, 64, 2]))
        rows, columns = slice(top, top + height), slice(left, left + width)
        pair = self._plus[rows, columns], self._minus[rows, columns]
        return (pair[1], pair[0]) if swap else pair


class Blur:
    """Blurs all planes with a Gaussian; beyond the edge lies the mirror image.

    The kernel reaches to four standard deviations, at least one pixel. Chroma, at half the
    resolution, gets half the ``sigma``.
    """

    def __init__(self, parameters: Parameters) -> None:
        sigma = float(parameters["sigma"])
        self.kernels = (_gaussian(sigma), _gaussian(sigma / 2), _gaussian(sigma / 2))

    def __call__(self, source: Planes, target: Planes) -> None:
        """Write the blurred picture into `target`."""
        for plane, blurred, kernel in zip(source, target, self.kernels, strict=True):
            cv2.sepFilter2D(plane, -1, kernel, kernel, dst=blurred)


def _gaussian(sigma: float) -> npt.NDArray[np.float64]:
    radius = max(1, int(4 * sigma + 0.5))
    return np.asarray(cv2.getGaussianKernel(2 * radius + 1, sigma), np.float64)
