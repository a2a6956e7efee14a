"""A linear detector as plain numbers: scored and explained without scikit-learn.

One answer to one video waits for every import; scikit-learn's takes longer than the answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LinearForm:
    """Log odds of fake = intercept + Σ weight · (value − mean) / scale, over filled columns.

    Attributes
    ----------
    feature_names_
        Names of the p columns of X.
    median
        What is filled in for a missing value, shape (p,).
    owner
        Which of the p features each column of the model comes from, shape (m,).
    is_indicator
        Whether a column is 1 where its feature is missing and 0 elsewhere, shape (m,).
    mean, scale, weight
        Of the model's columns, shape (m,).
    intercept
        Log odds at the training mean.
    """

    feature_names_: tuple[str, ...]
    median: Floats
    owner: NDArray[np.int64]
    is_indicator: NDArray[np.bool_]
    mean: Floats
    scale: Floats
    weight: Floats
    intercept: float

    @classmethod
    def of(cls, detector: Any) -> "LinearForm | None":
        """Take the numbers out of a fitted tabular detector; None for one that is not linear."""
        if not hasattr(detector, "pipeline_"):
            return None
        steps = detector.pipeline_.named_steps
        line = _line(steps["model"])
        if line is None:
            return None
        impute, kept = steps["impute"], steps["collinear"].kept_
        p = len(detector.feature_names_)
        owner = np.concatenate([np.arange(p), impute.indicated_]).astype(np.int64)
        return cls(
            feature_names_=tuple(detector.feature_names_),
            median=np.asarray(impute.median_, dtype=np.float64),
            owner=owner[kept],
            is_indicator=np.asarray(kept) >= p,
            mean=np.asarray(steps["scale"].mean_, dtype=np.float64),
            scale=np.asarray(steps["scale"].scale_, dtype=np.float64),
            weight=line[0],
            intercept=line[1],
        )

    def contributions(self, X: NDArray[Any]) -> Floats:
        """Give what each feature adds to the log odds, shape (n, p), for X of shape (n, p)."""
        if X.ndim != 2 or X.shape[1] != len(self.median):
            raise ValueError(f"X has shape {X.shape}; (n, {len(self.median)}) is expected")
        rows = X.astype(np.float64)
        missing = np.isnan(rows)
        filled = np.where(missing, self.median, rows)
        columns = np.where(self.is_indicator, missing[:, self.owner], filled[:, self.owner])
        parts = self.weight * ((columns - self.mean) / self.scale)
        out = np.zeros(rows.shape)
        for column, feature in enumerate(self.owner):
            out[:, feature] += parts[:, column]
        return out

    def predict_proba(self, X: NDArray[Any]) -> Floats:
        """Probabilities of real and fake, shape (n, 2), for an (n, p) array; NaN is missing."""
        log_odds = self.intercept + self.contributions(X).sum(axis=1)
        # Of either sign without overflow.
        small = np.exp(-np.abs(log_odds))
        fake = np.where(log_odds >= 0, 1.0, small) / (1 + small)
        return np.column_stack([1 - fake, fake])

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object that `from_dict` reads."""
        return {
            "median": self.median.tolist(),
            "owner": self.owner.tolist(),
            "is_indicator": self.is_indicator.tolist(),
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            "weight": self.weight.tolist(),
            "intercept": self.intercept,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], names: tuple[str, ...]) -> "LinearForm":
        """Inverse of `to_dict`; `names` are those of the features.

        Raises
        ------
        ValueError
            The numbers do not fit each other.
        """
        numbers = {
            key: np.asarray(document[key], dtype=np.float64)
            for key in ("median", "mean", "scale", "weight")
        }
        owner = np.asarray(document["owner"], dtype=np.int64)
        shape = {array.shape for key, array in numbers.items() if key != "median"} | {owner.shape}
        fits = len(shape) == 1 and numbers["median"].shape == (len(names),)
        if not fits or ((owner < 0) | (owner >= len(names))).any():
            raise ValueError("the numbers of a linear detector do not fit each other")
        return cls(
            feature_names_=tuple(names),
            owner=owner,
            is_indicator=np.asarray(document["is_indicator"], dtype=np.bool_).reshape(owner.shape),
            intercept=float(document["intercept"]),
            **numbers,
        )


def _line(model: Any) -> tuple[Floats, float] | None:
    """Weights and intercept of a model whose log odds are linear; None for any other."""
    if hasattr(model, "machine_"):
        inner = _line(model.machine_)
        if inner is None:
            return None
        return model.slope_ * inner[0], float(model.slope_ * inner[1] + model.intercept_)
    if hasattr(model, "dual_coef_") or not hasattr(model, "coef_"):
        return None
    return np.ravel(model.coef_).astype(np.float64), float(np.ravel(model.intercept_)[0])
