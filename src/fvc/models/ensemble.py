"""Ensembles: one score out of the scores of several models."""

import json
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from fvc.errors import DataError
from fvc.tables import write_json_atomic

_CLIP = 1e-4


class Ensemble(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Join the scores of several models, by stacking or by weights that are fixed beforehand.

    Rows are sources (or clips), columns are the members' probabilities of being fake. Stacking
    learns, and so is to be fitted on *inner out-of-fold* scores: each of a model that has not seen
    the row's group. A row in which a member's score is missing (NaN) gets NaN: an ensemble that
    quietly left members out would be another ensemble.

    Parameters
    ----------
    method
        ``"stacking"``: a logistic regression on the members' log odds, whose weights are not
        negative and are drawn towards equal ones; ``"average"``: the weighted mean of the
        probabilities.
    C
        Inverse strength of the pull towards equal weights, > 0; of stacking alone.
    weights
        Of the members, 0 or more, for ``"average"``; equal by default. They are scaled to sum 1.

    Attributes
    ----------
    coef_ : (m,) float64
        The members' weights.
    intercept_ : float
        Of stacking; 0 for averages.

    References
    ----------
    Wolpert 1992, Stacked generalization. Breiman 1996, Stacked regressions (weights that are not
    negative). Ting & Witten 1999, Issues in stacked generalization (class probabilities as input).

    Examples
    --------
    >>> scores = np.array([[0.1, 0.4], [0.2, 0.3], [0.9, 0.6], [0.7, 0.8]])
    >>> ensemble = Ensemble("average", weights=(3, 1)).fit(scores, np.array([0, 0, 1, 1]))
    >>> ensemble.predict_proba(scores)[:, 1].round(3).tolist()
    [0.175, 0.225, 0.825, 0.725]
    """

    def __init__(
        self,
        method: Literal["stacking", "average"] = "stacking",
        C: float = 1.0,
        weights: tuple[float, ...] | None = None,
    ) -> None:
        self.method = method
        self.C = C
        self.weights = weights

    def fit(
        self,
        X: NDArray[Any],
        y: NDArray[Any],
        *,
        sample_weight: NDArray[np.float64] | None = None,
        feature_names: list[str] | None = None,
    ) -> Self:
        """Fit the weights, or take those that were given.

        Parameters
        ----------
        X : (n, m) float
            Scores of m members in 0…1; rows with a missing one do not count.
        y : (n,) int
            0 real, 1 fake; stacking needs both.
        sample_weight : (n,) float, optional
            Weights of the rows.
        feature_names
            Names of the members.

        Raises
        ------
        ValueError
            `X`, the weights or the method are wrong, or there is one class.
        """
        X = np.asarray(X, dtype=np.float64)
        members = X.shape[1]
        self.classes_ = np.array([0, 1])
        self.n_features_in_ = members
        self.feature_names_ = feature_names or [f"x{i}" for i in range(members)]
        self.converged_ = True
        self.intercept_ = 0.0
        if self.method == "average":
            self.coef_ = self._fixed(members)
            return self
        if self.method != "stacking":
            raise ValueError(f"method must be stacking or average, not {self.method!r}")
        weight = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight, float)
        whole = ~np.isnan(X).any(axis=1)
        if len(np.unique(y[whole])) != 2:
            raise ValueError("stacking needs scores of both classes")
        self._stack(_log_odds(X[whole]), y[whole], weight[whole])
        return self

    def _fixed(self, members: int) -> NDArray[np.float64]:
        weights = np.ones(members) if self.weights is None else np.asarray(self.weights, float)
        if weights.shape != (members,) or (weights < 0).any() or not weights.sum() > 0:
            raise ValueError(f"{members} weights of 0 or more are needed, not {self.weights}")
        shares: NDArray[np.float64] = weights / weights.sum()
        return shares

    def _stack(self, Z: NDArray[np.float64], y: NDArray[Any], weight: NDArray[np.float64]) -> None:
        members = Z.shape[1]
        equal = np.full(members, 1 / members)

        def loss(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            score = Z @ at[:-1] + at[-1]
            pull = at[:-1] - equal
            value = float(weight @ (np.logaddexp(0, score) - y * score)) + pull @ pull / self.C / 2
            error = weight * (expit(score) - y)
            return value, np.append(Z.T @ error + pull / self.C, error.sum())

        bounds = [(0.0, None)] * members + [(None, None)]
        found = minimize(loss, np.append(equal, 0.0), jac=True, method="L-BFGS-B", bounds=bounds)
        self.converged_ = bool(found.success)
        self.coef_, self.intercept_ = found.x[:-1], float(found.x[-1])

    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Probabilities of real and fake, shape (n, 2); NaN where a member's score is missing."""
        check_is_fitted(self, "coef_")
        X = np.asarray(X, dtype=np.float64)
        if X.ndim != 2 or X.shape[1] != self.n_features_in_:
            raise ValueError(f"X has shape {X.shape}; (n, {self.n_features_in_}) is expected")
        if self.method == "average":
            fake = X @ self.coef_
        else:
            fake = expit(_log_odds(X) @ self.coef_ + self.intercept_)
        return np.column_stack([1 - fake, fake])

    def save(self, folder: Path | str) -> list[Path]:
        """Write ``ensemble.json``."""
        path = Path(folder) / "ensemble.json"
        settings = {
            **self.get_params(),
            "weights": None if self.weights is None else [*self.weights],
        }
        write_json_atomic(
            path,
            {
                "settings": settings,
                "members": self.feature_names_,
                "coef": self.coef_.tolist(),
                "intercept": self.intercept_,
            },
        )
        return [path]

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read ``ensemble.json``.

        Raises
        ------
        DataError
            The file is damaged.
        """
        path = Path(path)
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            weights = document["settings"]["weights"]
            settings = {**document["settings"], "weights": None if weights is None else (*weights,)}
            ensemble = cls(**settings)
            ensemble.feature_names_ = list(document["members"])
            ensemble.coef_ = np.array(document["coef"], dtype=np.float64)
            ensemble.intercept_ = float(document["intercept"])
        except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path} is not an ensemble: {error}") from error
        ensemble.classes_ = np.array([0, 1])
        ensemble.n_features_in_ = len(ensemble.feature_names_)
        ensemble.converged_ = True
        return ensemble


def _log_odds(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    # A member that is sure beyond all measure would outshout the others.
    odds: NDArray[np.float64] = logit(np.clip(scores, _CLIP, 1 - _CLIP))
    return odds
