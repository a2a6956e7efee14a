"""What detectors that read a table of features share: one contract, everything fitted inside.

The detectors themselves stand in `fvc.models.tabular`, whose path saved models name.
"""

import warnings
from pathlib import Path
from typing import Any, ClassVar, Self

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from fvc.models.collinearity import CollinearityFilter
from fvc.models.imputation import WeightedMedianImputer
from fvc.models.svm import CalibratedSVM, Splits
from fvc.tables import atomic_write

FLOAT32_ABOVE_ROWS = 200_000
"""Up to this many rows a linear model is fitted in float64; above it in float32, for memory."""

_CHUNK = 100_000


class TabularDetector(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """What tabular detectors share: fit, predict_proba, save, and the steps before the model.

    Imputer, scaler and collinearity filter are fitted by `fit` on the rows it is given, and so
    inside the fold. A subclass makes the last step (`_model`).

    Attributes
    ----------
    pipeline_ : sklearn.pipeline.Pipeline
        ``impute``, ``collinear``, ``scale`` and ``model``, fitted.
    feature_names_ : list of str
        Names of the columns of X, in order.
    converged_ : bool
        Whether the solver said that it had converged.
    """

    native: ClassVar[str] = "model.skops"
    collinearity: float

    def _model(self) -> Any:
        raise NotImplementedError

    @classmethod
    def refusal(cls, settings: dict[str, Any], n_rows: int) -> str | None:
        """Say why these settings cannot be fitted to so many rows; None where they can."""
        return None

    @property
    def preparation(self) -> tuple[Any, ...]:
        """What `prepare` depends on: detectors for which it is the same can share its result."""
        return (self.collinearity,)

    def prepare(
        self,
        X: NDArray[Any],
        *,
        sample_weight: NDArray[np.float64] | None = None,
        feature_names: list[str] | None = None,
    ) -> Any:
        """Fit the steps before the model, once for several settings of the model.

        Returns
        -------
        (Pipeline, array)
            The fitted steps, and the rows that they make of X.
        """
        X = X.astype(np.float64 if len(X) <= FLOAT32_ABOVE_ROWS else np.float32)
        weight = np.ones(len(X)) if sample_weight is None else sample_weight
        steps = [
            ("impute", WeightedMedianImputer()),
            ("collinear", CollinearityFilter(self.collinearity)),
            ("scale", StandardScaler(copy=False)),
        ]
        head = Pipeline(steps)
        return head, head.fit_transform(
            X, **{f"{name}__sample_weight": weight for name, _ in steps}
        )

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
        """Fit all steps.

        Parameters
        ----------
        X : (n, p) float
            Features; NaN is missing.
        y : (n,) int
            0 real, 1 fake; both present.
        sample_weight : (n,) float, optional
            Weights of the rows, as `training_weights` gives them; they count in every step.
        feature_names
            Names of the p columns; ``x0, x1, …`` by default.
        cv
            Pairs of row numbers (train, test), groups whole, for models that calibrate inside.
        prepared
            What `prepare` made of the same rows and weights, so that it is not made again.
        """
        self._begin(X, feature_names)
        weight = np.ones(len(X)) if sample_weight is None else sample_weight
        head, Z = prepared or self.prepare(X, sample_weight=weight)
        model = self._model()
        more = {"cv": cv} if isinstance(model, CalibratedSVM) else {}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(Z, y, sample_weight=weight, **more)
        for warning in caught:
            if issubclass(warning.category, ConvergenceWarning):
                self.converged_ = False
            else:
                warnings.warn_explicit(
                    warning.message, warning.category, warning.filename, warning.lineno
                )
        self.pipeline_ = Pipeline([*head.steps, ("model", model)])
        return self

    def _begin(self, X: NDArray[Any], feature_names: list[str] | None) -> None:
        self.classes_ = np.array([0, 1])
        self.n_features_in_ = X.shape[1]
        self.feature_names_ = feature_names or [f"x{i}" for i in range(X.shape[1])]
        if len(self.feature_names_) != X.shape[1]:
            raise ValueError(f"{len(self.feature_names_)} names for {X.shape[1]} columns")
        self.converged_ = True

    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Probabilities of real and fake, shape (n, 2), for an (n, p) array; NaN is missing."""
        check_is_fitted(self, "feature_names_")
        if X.ndim != 2 or X.shape[1] != self.n_features_in_:
            raise ValueError(f"X has shape {X.shape}; (n, {self.n_features_in_}) is expected")
        out = np.empty((len(X), 2))
        for start in range(0, len(X), _CHUNK):
            rows = slice(start, start + _CHUNK)
            out[rows] = self._probabilities(X[rows])
        return out

    def _probabilities(self, X: NDArray[Any]) -> Any:
        return self.pipeline_.predict_proba(X.astype(np.float64))

    def predict(self, X: NDArray[Any]) -> NDArray[np.int64]:
        """1 where the probability of fake is at least 0.5, else 0."""
        return (self.predict_proba(X)[:, 1] >= 0.5).astype(np.int64)

    def save(self, folder: Path | str, *, native: bool = True) -> list[Path]:
        """Write ``model.joblib`` and, beside it, the form that loads without a pickle.

        Parameters
        ----------
        folder
            Where to write.
        native
            False leaves the second file out.

        Raises
        ------
        OutputError
            The disk is full, read-only or forbidden.
        """
        folder = Path(folder)
        with atomic_write(folder / "model.joblib") as temporary:
            joblib.dump(self, temporary)
        written = [folder / "model.joblib"]
        if native:
            written.append(folder / self.native)
            with atomic_write(written[-1]) as temporary:
                self.save_native(temporary)
        return written

    def save_native(self, path: Path) -> None:
        """Write the skops form."""
        from fvc.models.skops_files import skops_io

        skops_io().dump(self, path)
