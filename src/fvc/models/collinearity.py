"""A filter against features that say the same thing twice."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

_CHUNK = 65_536


class CollinearityFilter(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Drop constant columns and those that nearly repeat an earlier one.

    Columns are taken in order; one is kept if its absolute correlation with every column kept
    before it is at most `threshold`. Coefficients of the columns that stay can then be read, and
    which of two twins stays does not depend on noise.

    Parameters
    ----------
    threshold
        Largest absolute Pearson correlation between two columns that are kept, in 0…1. The default
        0.95 is a variance inflation factor of about 10 for a pair (1 / (1 − 0.95²)).

    Attributes
    ----------
    kept_ : (n_kept,) int64
        Indices of the columns that stay; the first column alone if all are constant.

    References
    ----------
    Belsley, Kuh & Welsch 1980, Regression Diagnostics.
    """

    def __init__(self, threshold: float = 0.95) -> None:
        self.threshold = threshold

    def fit(self, X: NDArray[Any], y: Any = None, sample_weight: Any = None) -> Self:
        """Find the columns to keep.

        Parameters
        ----------
        X : (n, p) float
            No missing values.
        y
            Not used.
        sample_weight : (n,) float, optional
            Weights of the rows in the correlations.
        """
        X = np.asarray(X)
        weight = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight, float)
        correlation = _correlation(X, weight)
        kept: list[int] = []
        for column in range(X.shape[1]):
            own = correlation[column, column]
            if own > 0 and all(abs(correlation[column, k]) <= self.threshold for k in kept):
                kept.append(column)
        self.kept_ = np.array(kept or [0], dtype=np.int64)
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return the kept columns of an (n, p) array."""
        check_is_fitted(self, "kept_")
        X = np.asarray(X)
        return X if len(self.kept_) == X.shape[1] else np.take(X, self.kept_, axis=1)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Names of the kept columns."""
        check_is_fitted(self, "kept_")
        if input_features is None:
            input_features = [f"x{i}" for i in range(self.n_features_in_)]
        return np.asarray(input_features, dtype=object)[self.kept_]


def _correlation(X: NDArray[Any], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted Pearson correlations in float64, by chunks of rows; zero rows where constant."""
    total = weight.sum()
    mean = np.zeros(X.shape[1])
    for start in range(0, len(X), _CHUNK):
        rows = slice(start, start + _CHUNK)
        mean += weight[rows] @ X[rows].astype(np.float64) / total
    covariance = np.zeros((X.shape[1], X.shape[1]))
    for start in range(0, len(X), _CHUNK):
        rows = slice(start, start + _CHUNK)
        centred = X[rows].astype(np.float64) - mean
        covariance += (centred * weight[rows, None]).T @ centred / total
    deviation = np.sqrt(np.diag(covariance))
    # A constant column keeps a rounding error of its own size.
    varies = deviation > 1e-7 * np.maximum(np.abs(mean), 1e-300)
    scale = np.where(varies, deviation, np.inf)
    correlation: NDArray[np.float64] = covariance / np.outer(scale, scale)
    return correlation
