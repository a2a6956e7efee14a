"""How much each clip counts in training."""

import numpy as np
from numpy.typing import NDArray


def training_weights(
    sources: NDArray[np.integer], labels: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Weigh clips so that sources, and then classes, count equally.

    A clip weighs one over the number of clips of its source; each class is then scaled to half of
    the total, which is the number of sources. So neither more variants nor more clips of one class
    change the strength of the regularisation or the prior.

    Parameters
    ----------
    sources : (n,) int
        Which source a clip is of.
    labels : (n,) int
        0 or 1; the same for all clips of a source.

    Returns
    -------
    (n,) float64
        Positive weights that add up to the number of sources.

    Raises
    ------
    ValueError
        One class is missing.
    """
    _, inverse, clips = np.unique(sources, return_inverse=True, return_counts=True)
    weights: NDArray[np.float64] = 1.0 / clips[inverse]
    total = float(len(clips))
    for label in (0, 1):
        of_class = labels == label
        mass = weights[of_class].sum()
        if mass == 0:
            raise ValueError(f"no clip has label {label}")
        weights[of_class] *= total / 2 / mass
    return weights
