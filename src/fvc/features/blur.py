"""How sharp a frame is, and how its steepness is spread."""

import math

import cv2
import numpy as np

from fvc.features.differences import SecondDifferences, second_differences
from fvc.features.picture import Luma
from fvc.features.scratch import Scratch

FLOOR = 1e-3


def laplacian_var(
    luma: Luma, *, second: SecondDifferences | None = None, scratch: Scratch | None = None
) -> float:
    """Compute the log variance of the Laplacian L = Y ∗ [0 1 0; 1 −4 1; 0 1 0].

    ln(π/2 · mean(|L|)² + 0.001): the variance if L is Gaussian. Read from the mean magnitude, it is
    the sharpness of the picture rather than that of its sharpest edges.

    Parameters
    ----------
    luma
        Shape (height, width).
    second
        Its second differences, where they are known.
    scratch
        Memory to work in.

    Returns
    -------
    float
        ln of squared grey levels, [−6.9, 14.4]; less the more a frame is blurred; NaN under 3×3.

    References
    ----------
    Pech-Pacheco, J. L., Cristóbal, G., Chamorro-Martínez, J. & Fernández-Valdivia, J. (2000).
    Diatom autofocusing in brightfield microscopy: a comparative study. Proc. ICPR.
    """
    if min(luma.shape) < 3:
        return math.nan
    scratch = scratch or Scratch()
    second = second or second_differences(luma, scratch=scratch)
    laplacian = scratch.array("whole", (luma.shape[0] - 2, luma.shape[1] - 2), np.int16)
    np.add(second.across[1:-1], second.down[:, 1:-1], out=laplacian)
    magnitude = cv2.norm(laplacian, cv2.NORM_L1) / laplacian.size
    return math.log(math.pi / 2 * magnitude**2 + FLOOR)


def gradient_mean(luma: Luma, *, scratch: Scratch | None = None) -> float:
    """Compare the mean of the gradient's magnitude with its root mean square.

    ln(mean |g| / √mean g²) over both of Sobel's derivatives of all pixels. The more of the
    steepness is in few edges, between areas that were smoothed or compressed away, the less.
    Contrast cancels.

    Parameters
    ----------
    luma
        Shape (height, width).

    Returns
    -------
    float
        No unit, (−∞, 0], seldom below −2; ln √(2/π) = −0.23 for Gaussian derivatives; NaN under 3×3
        and where no pixel differs from its neighbours.

    References
    ----------
    Geary, R. C. (1935). The ratio of the mean deviation to the standard deviation as a test of
    normality. Biometrika 27. Huang, J. & Mumford, D. (1999). Statistics of natural images and
    models. Proc. CVPR: derivatives of camera pictures have heavy tails.
    """
    if min(luma.shape) < 3:
        return math.nan
    scratch = scratch or Scratch()
    across = scratch.array("whole", luma.shape, np.int16)
    down = scratch.array("whole 2", luma.shape, np.int16)
    cv2.spatialGradient(luma, dx=across, dy=down)
    inner = [derivative[1:-1, 1:-1] for derivative in (across, down)]
    # Sums of whole numbers: exact, wherever the arrays lie.
    power = sum(cv2.norm(derivative, cv2.NORM_L2SQR) for derivative in inner)
    if power == 0:
        return math.nan
    magnitude = sum(cv2.norm(derivative, cv2.NORM_L1) for derivative in inner)
    n = 2 * inner[0].size
    return math.log(magnitude / n) - math.log(power / n) / 2
