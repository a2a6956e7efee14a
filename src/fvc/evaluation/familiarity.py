"""How unlike the training sources a clip's features are, and how unusual that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fvc.evaluation.conformal import PValues, fit_p_values

Floats = npt.NDArray[np.float64]

METHOD = (
    "root mean square over the features of asinh((x − median) / spread), spread = interquartile "
    "range / 1.349; p-value against training groups that median and spread had not seen"
)

# What a value counts, in spreads, where training knows one value only, or never a missing one.
_STRANGE = 10.0


@dataclass(frozen=True)
class Familiarity:
    """A robust distance from the training sources, feature by feature.

    Attributes
    ----------
    centre, spread
        Median and robust standard deviation of each feature, shape (p,); NaN where no training
        source has a value, spread 0 where all have the same.
    ever_missing
        Whether a training source lacks the feature, shape (p,).
    reference
        P-values of distances, from distances of training groups in folds.
    """

    centre: Floats
    spread: Floats
    ever_missing: npt.NDArray[np.bool_]
    reference: PValues

    def distance(self, X: Any) -> Floats:
        """Give the distance of each row of X, shape (n, p), as a (n,) array; NaN is missing."""
        return _distance(np.asarray(X, dtype=np.float64), self.centre, self.spread,
                         self.ever_missing)  # fmt: skip

    def to_dict(self, names: Sequence[str]) -> dict[str, Any]:
        """Return a JSON object that `from_dict` reads."""
        centre, spread = ([None if np.isnan(v) else v for v in a.tolist()]
                          for a in (self.centre, self.spread))  # fmt: skip
        return {
            "method": METHOD,
            "features": {
                name: {"centre": c, "spread": s, "ever_missing": bool(m)}
                for name, c, s, m in zip(names, centre, spread, self.ever_missing, strict=True)
            },
            "reference": self.reference.to_dict(),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], names: Sequence[str]) -> "Familiarity":
        """Inverse of `to_dict`."""
        of = [document["features"][name] for name in names]
        return cls(
            np.array([row["centre"] for row in of], dtype=np.float64),
            np.array([row["spread"] for row in of], dtype=np.float64),
            np.array([row["ever_missing"] for row in of], dtype=np.bool_),
            PValues.from_dict(document["reference"]),
        )


def fit_familiarity(X: Any, group: Any, fold: Any) -> Familiarity:
    """Learn what training sources look like.

    Parameters
    ----------
    X
        Features of the unaugmented clips, shape (n, p); NaN is missing. Labels are not used.
    group
        Group of each row, shape (n,).
    fold
        Fold of each row, shape (n,), groups whole: a row's distance, for the reference, is taken
        from medians and spreads of the other folds.

    References
    ----------
    Bates et al. 2023, Testing for outliers with conformal p-values, Annals of Statistics 51:149.
    """
    rows = np.asarray(X, dtype=np.float64)
    folds = np.asarray(fold)
    distance = np.empty(len(rows))
    for k in np.unique(folds):
        distance[folds == k] = _distance(rows[folds == k], *_looks(rows[folds != k]))
    return Familiarity(*_looks(rows), fit_p_values(distance, group))


def _looks(X: Floats) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    centre, spread = np.full(X.shape[1], np.nan), np.full(X.shape[1], np.nan)
    for i in range(X.shape[1]):
        known = X[~np.isnan(X[:, i]), i]
        if len(known):
            low, centre[i], high = np.quantile(known, (0.25, 0.5, 0.75))
            # Where more than half are one value, the range of the rest is all there is.
            spread[i] = (high - low) / 1.349 or (known.max() - known.min()) / 4
    ever_missing = np.asarray(np.isnan(X).any(axis=0), dtype=np.bool_)
    return centre, spread, ever_missing


def _distance(
    X: Floats, centre: Floats, spread: Floats, ever_missing: npt.NDArray[np.bool_]
) -> Floats:
    off = np.abs(X - centre)
    varies = spread > 0
    z = np.where(varies, off / np.where(varies, spread, 1.0), np.where(off > 0, _STRANGE, 0.0))
    z = np.where(np.isnan(X), np.where(ever_missing, 0.0, _STRANGE), z)
    # A feature of which training has no value says nothing.
    known = ~np.isnan(centre)
    squares = np.square(np.arcsinh(z[:, known]))
    return np.sqrt(squares.mean(axis=1)) if known.any() else np.zeros(len(X))


__all__ = ["Familiarity", "fit_familiarity"]
