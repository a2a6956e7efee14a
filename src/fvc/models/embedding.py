"""Boosted trees on the pooled tokens of a frozen backbone; nothing here needs torch."""

import json
import re
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fvc.models.svm import Splits
from fvc.models.tabular import GradientBoosting

_TOKEN = re.compile(r"token(\d+)_(\d+)")


def token_names(tokens: int, size: int) -> list[str]:
    """Name the columns of flattened tokens, as ``token<t>_<d>``."""
    return [f"token{t}_{d}" for t in range(tokens) for d in range(size)]


def pool(tokens: NDArray[Any]) -> NDArray[np.float32]:
    """Pool tokens over time.

    Parameters
    ----------
    tokens : (n, T', D) float
        One clip a row.

    Returns
    -------
    (n, 2 D) float32
        Means, then standard deviations over T'; (n, D), the tokens alone, where T' is 1.
    """
    mean = tokens.mean(axis=1, dtype=np.float32)
    if tokens.shape[1] == 1:
        return np.asarray(mean, dtype=np.float32)
    return np.concatenate([mean, tokens.std(axis=1, dtype=np.float32)], axis=1)


class PooledTokensXGBoost(GradientBoosting):
    """Boosted trees on the mean and the standard deviation of a clip's tokens over time.

    X is ``(n, T', D)``, or its rows flattened; then `token_size` or the columns' names
    (``token<t>_<d>``) tell the shape.

    Parameters
    ----------
    n_estimators, max_depth, learning_rate, subsample, min_child_weight, reg_lambda, seed
        As in `GradientBoosting`.
    colsample
        Share of the columns that a tree sees, in 0…1: a tenth, of which there are thousands.
    token_size
        D, where X is flat and its columns are not named.

    Attributes
    ----------
    tokens_ : (int, int)
        T' and D.
    """

    def __init__(
        self,
        n_estimators: int = 100,
        max_depth: int = 3,
        learning_rate: float = 0.1,
        subsample: float = 0.8,
        colsample: float = 0.1,
        min_child_weight: float = 1.0,
        reg_lambda: float = 1.0,
        seed: int = 0,
        token_size: int | None = None,
    ) -> None:
        super().__init__(
            n_estimators=n_estimators,
            max_depth=max_depth,
            learning_rate=learning_rate,
            subsample=subsample,
            colsample=colsample,
            min_child_weight=min_child_weight,
            reg_lambda=reg_lambda,
            seed=seed,
        )
        self.token_size = token_size

    def prepare(
        self,
        X: NDArray[Any],
        *,
        sample_weight: NDArray[np.float64] | None = None,
        feature_names: list[str] | None = None,
    ) -> Any:
        """Pool and bin the rows, once for several settings."""
        shape = self._shape(X, feature_names)
        return super().prepare(pool(X.reshape(len(X), *shape)), sample_weight=sample_weight)

    def fit(
        self,
        X: NDArray[Any],
        y: NDArray[Any],
        *,
        sample_weight: NDArray[np.float64] | None = None,
        feature_names: list[str] | None = None,
        cv: Splits | None = None,
        prepared: Any = None,
    ) -> Self:
        """Fit the trees; parameters as in `TabularDetector.fit`."""
        shape = self._shape(X, feature_names)
        data = prepared or self.prepare(X, sample_weight=sample_weight, feature_names=feature_names)
        pooled = pool(X.reshape(len(X), *shape))
        super().fit(pooled, y, sample_weight=sample_weight, prepared=data)
        self._remember(shape, feature_names)
        return self

    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Probabilities of real and fake, shape (n, 2), for tokens (n, T', D) or flat rows."""
        return super().predict_proba(X.reshape(len(X), -1) if X.ndim == 3 else X)

    def _probabilities(self, X: NDArray[Any]) -> Any:
        import xgboost

        data = xgboost.DMatrix(pool(X.reshape(len(X), *self.tokens_)), nthread=1)
        fake = self.booster_.predict(data, validate_features=False).astype(np.float64)
        return np.column_stack([1 - fake, fake])

    def _shape(self, X: NDArray[Any], names: list[str] | None) -> tuple[int, int]:
        if X.ndim == 3:
            return X.shape[1], X.shape[2]
        width = X.shape[1]
        last = _TOKEN.fullmatch(names[-1]) if names else None
        size = int(last[2]) + 1 if last else self.token_size
        if size is None or width % size:
            raise ValueError(
                f"X has {width} columns, which are no whole number of tokens of {size} numbers: "
                "give tokens as (n, T', D), name the columns token<t>_<d>, or set token_size"
            )
        return width // size, size

    def _remember(self, shape: tuple[int, int], names: list[str] | None) -> None:
        self.tokens_ = shape
        self._begin(np.empty((0, shape[0] * shape[1])), names or token_names(*shape))

    def save_native(self, path: Path) -> None:
        """Write XGBoost's JSON; settings and the tokens' shape stand in it as attributes."""
        self.booster_.set_attr(
            fvc_class=type(self).__name__, fvc_tokens=json.dumps(list(self.tokens_))
        )
        super().save_native(path)

    @classmethod
    def load_native(cls, path: Path) -> Self:
        """Read XGBoost's JSON."""
        detector = super().load_native(path)
        tokens, size = json.loads(detector.booster_.attr("fvc_tokens") or "[]")
        detector._remember((tokens, size), None)
        return detector
