"""Differences of neighbouring pixels, from which several features are made: computed once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvc.features.picture import Luma
from fvc.features.scratch import Scratch


@dataclass(frozen=True)
class SecondDifferences:
    """Second differences of a frame of shape (height, width), exact.

    Attributes
    ----------
    across : ndarray of int16, shape (height, width − 2)
        Y[:, k] − 2 Y[:, k + 1] + Y[:, k + 2], in [−510, 510]; no columns where there are under two.
    down : ndarray of int16, shape (height − 2, width)
        Y[k] − 2 Y[k + 1] + Y[k + 2].
    """

    across: NDArray[np.int16]
    down: NDArray[np.int16]


def second_differences(luma: Luma, *, scratch: Scratch | None = None) -> SecondDifferences:
    """Compute the second differences along both axes.

    In 16 bits NumPy adds as fast as memory allows; filters of 8-bit pixels take three times as
    long.

    Parameters
    ----------
    luma
        Shape (height, width).
    scratch
        Memory to work in; the result lies in its ``"across"`` and ``"down"``.
    """
    memory = scratch or Scratch()
    height, width = luma.shape
    wide = memory.array("whole", luma.shape, np.int16)
    np.copyto(wide, luma)
    first = memory.array("whole 2", (height, max(width - 1, 0)), np.int16)
    np.subtract(wide[:, 1:], wide[:, :-1], out=first)
    across = memory.array("across", (height, max(width - 2, 0)), np.int16)
    np.subtract(first[:, 1:], first[:, :-1], out=across)
    first = memory.array("whole 2", (max(height - 1, 0), width), np.int16)
    np.subtract(wide[1:], wide[:-1], out=first)
    down = memory.array("down", (max(height - 2, 0), width), np.int16)
    np.subtract(first[1:], first[:-1], out=down)
    return SecondDifferences(across, down)
