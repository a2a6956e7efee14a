"""How sharp a frame is."""

import math

import cv2
import numpy as np

from fvc.features.picture import Luma
from fvc.features.scratch import Scratch

FLOOR = 1e-3


def laplacian_var(luma: Luma, *, scratch: Scratch | None = None) -> float:
    """Compute the log variance of the Laplacian: ln(var(Y ∗ [0 1 0; 1 −4 1; 0 1 0]) + 0.001).

    Parameters
    ----------
    luma
        Shape (height, width).

    Returns
    -------
    float
        ln of squared grey levels, [−6.9, 14]; less the more a frame is blurred; NaN under 3×3.

    References
    ----------
    Pech-Pacheco, J. L., Cristóbal, G., Chamorro-Martínez, J. & Fernández-Valdivia, J. (2000).
    Diatom autofocusing in brightfield microscopy: a comparative study. Proc. ICPR.
    """
    if min(luma.shape) < 3:
        return math.nan
    full = (scratch or Scratch()).array("whole", luma.shape, np.int16)
    laplacian = cv2.Laplacian(luma, cv2.CV_16S, dst=full)[1:-1, 1:-1]
    mean = cv2.sumElems(laplacian)[0] / laplacian.size
    square = cv2.norm(laplacian, cv2.NORM_L2SQR) / laplacian.size
    return math.log(max(square - mean**2, 0.0) + FLOOR)


def gradient_mean(luma: Luma, *, scratch: Scratch | None = None) -> float:
    """Compute the mean Sobel magnitude over the standard deviation of Y.

    The Sobel kernels are divided by 8, so that a ramp of one grey level a pixel has magnitude 1.
    Over the standard deviation, contrast cancels.

    Parameters
    ----------
    luma
        Shape (height, width).

    Returns
    -------
    float
        Per pixel, so it falls when the same picture has more pixels; [0, ∞), seldom above 0.5; NaN
        under 3×3 and for a frame of one shade.
    """
    if min(luma.shape) < 3:
        return math.nan
    _, deviation = cv2.meanStdDev(luma)
    if deviation[0, 0] == 0:
        return math.nan
    scratch = scratch or Scratch()
    across = scratch.array("whole", luma.shape, np.int16)
    down = scratch.array("whole 2", luma.shape, np.int16)
    cv2.spatialGradient(luma, dx=across, dy=down)
    inner = (luma.shape[0] - 2, luma.shape[1] - 2)
    x = scratch.array("real", inner, np.float32)
    y = scratch.array("real 2", inner, np.float32)
    np.copyto(x, across[1:-1, 1:-1])
    np.copyto(y, down[1:-1, 1:-1])
    # NumPy adds pairwise, in one order; OpenCV's order depends on where the array lies.
    return float(cv2.magnitude(x, y, magnitude=x).sum() / x.size / 8 / deviation[0, 0])
