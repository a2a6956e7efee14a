"""What each feature adds to a detector's log odds: exact, and adding up."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvc.models.linear import LinearForm

Floats = NDArray[np.float64]


def explain(detector: Any, X: NDArray[Any]) -> tuple[Floats, Floats] | None:
    """Split a detector's log odds into what each feature adds.

    A linear detector's coefficient times the distance from the training mean in training
    deviations; a missing value counts with its indicator. XGBoost's own TreeSHAP for trees.

    Parameters
    ----------
    detector
        A fitted tabular detector, or its `LinearForm`.
    X
        Features, shape (n, p); NaN is missing.

    Returns
    -------
    (contributions, baseline) or None
        Shapes (n, p) and (n,): the log odds of a row are its baseline plus the sum of its
        contributions. None for a detector that does not add up, such as one with an RBF kernel.

    References
    ----------
    Lundberg et al. 2020, From local explanations to global understanding with explainable AI for
    trees, Nature Machine Intelligence 2:56.
    """
    if hasattr(detector, "booster_"):
        import xgboost

        data = xgboost.DMatrix(
            X.astype(np.float32, copy=False), feature_names=detector.feature_names_, nthread=1
        )
        parts = detector.booster_.predict(data, pred_contribs=True).astype(np.float64)
        return parts[:, :-1], parts[:, -1]
    line = detector if isinstance(detector, LinearForm) else LinearForm.of(detector)
    if line is None:
        return None
    return line.contributions(X), np.full(len(X), line.intercept)
