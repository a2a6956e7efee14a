"""A support vector machine that gives probabilities."""

from collections.abc import Iterable
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.svm import SVC, LinearSVC
from sklearn.utils.validation import check_is_fitted

RBF_MAX_ROWS = 20_000
"""An RBF kernel is refused above this many training rows: its cost grows with their square."""

_LEAST_SLOPE = 1e-3

Splits = Iterable[tuple[NDArray[np.integer], NDArray[np.integer]]]


class CalibratedSVM(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A support vector machine and a sigmoid on its out-of-fold margins.

    The sigmoid never sees a margin of a row that the machine giving it was trained on: the
    splits handed to `fit` (whole groups) give one margin a row, then the machine is fitted to all
    rows. Its slope is kept positive, so that calibration cannot turn the ranking round, as it
    would in small samples without signal, where out-of-fold margins run against the labels.

    Parameters
    ----------
    C
        Inverse strength of the regularisation, > 0.
    kernel
        ``"linear"`` (any number of rows) or ``"rbf"`` (up to `RBF_MAX_ROWS`).
    gamma
        Width of the RBF kernel: ``"scale"`` or a positive number.
    max_iter
        Largest number of iterations of the linear solver.

    Attributes
    ----------
    calibration_ : str
        ``"sigmoid"``, or ``"none"`` where no splits were given: the margin's plain logistic.

    References
    ----------
    Platt 1999, Probabilistic outputs for support vector machines; Lin, Lin & Weng 2007.
    """

    def __init__(
        self,
        C: float = 1.0,
        kernel: Literal["linear", "rbf"] = "linear",
        gamma: float | str = "scale",
        max_iter: int = 20_000,
    ) -> None:
        self.C = C
        self.kernel = kernel
        self.gamma = gamma
        self.max_iter = max_iter

    def fit(
        self, X: NDArray[Any], y: NDArray[Any], sample_weight: Any = None, cv: Splits | None = None
    ) -> Self:
        """Fit machine and sigmoid.

        Parameters
        ----------
        X : (n, p) float
            Features without missing values.
        y : (n,) int
            0 or 1, both present.
        sample_weight : (n,) float, optional
            Weights of the rows.
        cv
            Pairs of row numbers (train, test), groups whole, for the sigmoid; None leaves the
            margins uncalibrated.
        """
        y = np.asarray(y)
        weight = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight, float)
        self.classes_ = np.array([0, 1])
        self.slope_, self.intercept_, self.calibration_ = 1.0, 0.0, "none"
        margins = np.full(len(X), np.nan)
        for train, test in cv or ():
            part = self._machine().fit(X[train], y[train], sample_weight=weight[train])
            margins[test] = part.decision_function(X[test])
        seen = ~np.isnan(margins)
        if len(np.unique(y[seen])) == 2:
            self.slope_, self.intercept_ = _sigmoid(margins[seen], y[seen], weight[seen])
            self.calibration_ = "sigmoid"
        self.machine_ = self._machine().fit(X, y, sample_weight=weight)
        return self

    def _machine(self) -> Any:
        if self.kernel == "linear":
            return LinearSVC(C=self.C, dual=False, max_iter=self.max_iter)
        return SVC(C=self.C, kernel=self.kernel, gamma=self.gamma)

    def decision_function(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Margins of the machine, shape (n,)."""
        check_is_fitted(self, "machine_")
        margins: NDArray[np.float64] = self.machine_.decision_function(X)
        return margins

    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Probabilities of real and fake, shape (n, 2)."""
        fake = expit(self.slope_ * self.decision_function(X) + self.intercept_)
        return np.column_stack([1 - fake, fake])

    def predict(self, X: NDArray[Any]) -> NDArray[np.int64]:
        """1 where the probability of fake is at least 0.5, else 0."""
        return (self.predict_proba(X)[:, 1] >= 0.5).astype(np.int64)


def _sigmoid(
    margins: NDArray[np.float64], y: NDArray[Any], weight: NDArray[np.float64]
) -> tuple[float, float]:
    """Slope and intercept by weighted likelihood with Platt's smoothed targets."""
    spread = float(np.sqrt(np.average((margins - margins.mean()) ** 2, weights=weight))) or 1.0
    z = margins / spread
    fake = y == 1
    n_fake, n_real = weight[fake].sum(), weight[~fake].sum()
    target = np.where(fake, (n_fake + 1) / (n_fake + 2), 1 / (n_real + 2))
    total = weight.sum()

    def loss(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logit = at[0] * z + at[1]
        value = float(weight @ (np.logaddexp(0, logit) - target * logit)) / total
        error = weight * (expit(logit) - target) / total
        return value, np.array([error @ z, error.sum()])

    bounds = [(_LEAST_SLOPE, None), (None, None)]
    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=bounds)
    return float(found.x[0]) / spread, float(found.x[1])
