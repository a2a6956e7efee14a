"""Missing values: filled with weighted medians, and marked."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted


class WeightedMedianImputer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Fill missing values with weighted medians and append indicators of what was missing.

    scikit-learn's own imputer takes no weights, so that a source with many clips would move the
    median. With equal weights the filling is the ordinary median. An indicator column (1 where
    the value was missing) is appended for each column that had a missing value in fitting.

    Attributes
    ----------
    median_ : (p,) float64
        What is filled in; 0 for a column with no value at all.
    indicated_ : (k,) int64
        Columns that get an indicator.
    """

    def fit(self, X: NDArray[Any], y: Any = None, sample_weight: Any = None) -> Self:
        """Find medians and the columns with missing values.

        Parameters
        ----------
        X : (n, p) float
            NaN is missing.
        y
            Not used.
        sample_weight : (n,) float, optional
            Weights of the rows.
        """
        X = np.asarray(X)
        weight = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight, float)
        self.median_ = np.array([_median(X[:, i], weight) for i in range(X.shape[1])])
        missing = np.array([bool(np.isnan(X[:, i]).any()) for i in range(X.shape[1])])
        self.indicated_ = np.flatnonzero(missing)
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return an (n, p + k) array of the same type without missing values."""
        check_is_fitted(self, "median_")
        X = np.asarray(X)
        width = X.shape[1]
        out = np.empty((len(X), width + len(self.indicated_)), dtype=X.dtype)
        out[:, :width] = X
        for i in range(width):
            gaps = np.isnan(X[:, i])
            out[gaps, i] = self.median_[i]
        for k, indicated in enumerate(self.indicated_):
            out[:, width + k] = np.isnan(X[:, indicated])
        return out

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Names of the columns, then ``<name>_missing`` of the indicated ones."""
        check_is_fitted(self, "median_")
        if input_features is None:
            input_features = [f"x{i}" for i in range(self.n_features_in_)]
        names = list(input_features)
        return np.array([*names, *(f"{names[i]}_missing" for i in self.indicated_)], dtype=object)


def _median(column: NDArray[Any], weight: NDArray[np.float64]) -> float:
    """Midpoint of the lower and the upper weighted median; 0 without any value."""
    known = ~np.isnan(column)
    values, weights = column[known], weight[known]
    if not len(values):
        return 0.0
    order = np.argsort(values)
    values, mass = values[order], np.cumsum(weights[order])
    half = mass[-1] / 2
    # Sums of 1/n are not exact; without slack a duplicated row could shift the midpoint.
    slack = 1e-9 * mass[-1]
    last = len(values) - 1
    lower = min(int(np.searchsorted(mass, half - slack)), last)
    upper = min(int(np.searchsorted(mass, half + slack, side="right")), last)
    return (float(values[lower]) + float(values[upper])) / 2
