"""Detectors that read a table of features: linear ones and gradient-boosted trees.

Saved models name these classes by this module: a class that moves away cannot be loaded any more.
"""

import json
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from fvc.models.svm import RBF_MAX_ROWS, CalibratedSVM, Splits
from fvc.models.tabular_detector import TabularDetector


def _logistic(C: float, l1_ratio: float, max_iter: int, tol: float) -> LogisticRegression:
    settings: dict[str, Any] = {"C": C, "max_iter": max_iter, "tol": tol}
    if l1_ratio == 0:
        return LogisticRegression(**settings)
    settings |= {"solver": "saga", "random_state": 0, "l1_ratio": l1_ratio}
    # scikit-learn 1.8 takes the penalty from l1_ratio alone and deprecates its name.
    if tuple(int(part) for part in sklearn.__version__.split(".")[:2]) < (1, 8):
        settings["penalty"] = "elasticnet"
    return LogisticRegression(**settings)


class LogisticRegressionBaseline(TabularDetector):
    """The pipeline's logistic regression: L2, on imputed, scaled and filtered features.

    Parameters
    ----------
    C
        Inverse strength of the L2 regularisation, > 0.
    collinearity
        Largest absolute correlation of two features that both stay, in 0…1.
    max_iter
        Largest number of iterations.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(40, 3)); y = (X[:, 0] > 0).astype(int)
    >>> LogisticRegressionBaseline().fit(X, y).predict_proba(X).shape
    (40, 2)
    """

    def __init__(self, C: float = 1.0, collinearity: float = 0.95, max_iter: int = 1000) -> None:
        self.C = C
        self.collinearity = collinearity
        self.max_iter = max_iter

    def _model(self) -> Any:
        return _logistic(self.C, 0.0, self.max_iter, 1e-4)


class SklearnLogisticRegression(TabularDetector):
    """scikit-learn's logistic regression with the choice of its penalty.

    Parameters
    ----------
    penalty
        ``"l2"``, ``"l1"`` or ``"elasticnet"``.
    C
        Inverse strength of the regularisation, > 0.
    l1_ratio
        Share of L1 in the elastic net, in 0…1; not used by the others.
    collinearity
        Largest absolute correlation of two features that both stay, in 0…1.
    max_iter
        Largest number of iterations.
    """

    def __init__(
        self,
        penalty: Literal["l2", "l1", "elasticnet"] = "l2",
        C: float = 1.0,
        l1_ratio: float = 0.5,
        collinearity: float = 0.95,
        max_iter: int = 2000,
    ) -> None:
        self.penalty = penalty
        self.C = C
        self.l1_ratio = l1_ratio
        self.collinearity = collinearity
        self.max_iter = max_iter

    def _model(self) -> Any:
        share = {"l2": 0.0, "l1": 1.0, "elasticnet": self.l1_ratio}[self.penalty]
        return _logistic(self.C, share, self.max_iter, 1e-4 if share == 0 else 1e-3)


class LinearSVMBaseline(TabularDetector):
    """The pipeline's support vector machine: linear by default, calibrated inside.

    Parameters
    ----------
    C
        Inverse strength of the regularisation, > 0.
    kernel
        ``"linear"``, or ``"rbf"`` up to 20,000 training rows.
    gamma
        Width of the RBF kernel: ``"scale"`` or a positive number.
    collinearity
        Largest absolute correlation of two features that both stay, in 0…1.
    """

    def __init__(
        self,
        C: float = 0.1,
        kernel: Literal["linear", "rbf"] = "linear",
        gamma: float | str = "scale",
        collinearity: float = 0.95,
    ) -> None:
        self.C = C
        self.kernel = kernel
        self.gamma = gamma
        self.collinearity = collinearity

    def _model(self) -> Any:
        return CalibratedSVM(C=self.C, kernel=self.kernel, gamma=self.gamma)

    @classmethod
    def refusal(cls, settings: dict[str, Any], n_rows: int) -> str | None:
        """Refuse an RBF kernel above `RBF_MAX_ROWS` rows."""
        if settings.get("kernel") == "rbf" and n_rows > RBF_MAX_ROWS:
            return f"an RBF kernel is fitted to at most {RBF_MAX_ROWS:,} rows, not {n_rows:,}"
        return None


class GradientBoosting(TabularDetector):
    """Gradient-boosted trees (XGBoost); trees need no imputer, scaler or filter.

    A missing value goes the way that the training rows taught each split. One thread, histogram
    splits and a fixed seed make the result the same on every run.

    Parameters
    ----------
    n_estimators
        Number of trees.
    max_depth
        Largest depth of a tree.
    learning_rate
        Shrinkage of each tree, in 0…1.
    subsample, colsample
        Shares of rows and columns that a tree sees, in 0…1.
    min_child_weight
        Least sum of hessians in a leaf.
    reg_lambda
        L2 regularisation of leaf values.
    seed
        Seed of the subsampling.

    References
    ----------
    Chen & Guestrin 2016, XGBoost: a scalable tree boosting system.
    """

    native: ClassVar[str] = "model.json"

    def __init__(
        self,
        n_estimators: int = 100,
        max_depth: int = 3,
        learning_rate: float = 0.1,
        subsample: float = 0.8,
        colsample: float = 0.8,
        min_child_weight: float = 1.0,
        reg_lambda: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.n_estimators = n_estimators
        self.max_depth = max_depth
        self.learning_rate = learning_rate
        self.subsample = subsample
        self.colsample = colsample
        self.min_child_weight = min_child_weight
        self.reg_lambda = reg_lambda
        self.seed = seed

    @property
    def preparation(self) -> tuple[Any, ...]:
        """Nothing: the binned rows serve all settings."""
        return ()

    def prepare(
        self,
        X: NDArray[Any],
        *,
        sample_weight: NDArray[np.float64] | None = None,
        feature_names: list[str] | None = None,
    ) -> Any:
        """Bin the rows, once for several settings."""
        import xgboost

        return xgboost.QuantileDMatrix(
            X.astype(np.float32, copy=False),
            weight=sample_weight,
            feature_names=feature_names,
            nthread=1,
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
        """Fit the trees; parameters as in `TabularDetector.fit`."""
        import xgboost

        self._begin(X, feature_names)
        data = prepared or self.prepare(
            X, sample_weight=sample_weight, feature_names=self.feature_names_
        )
        data.set_label(y)
        parameters = {
            "objective": "binary:logistic",
            "tree_method": "hist",
            "max_depth": self.max_depth,
            "eta": self.learning_rate,
            "subsample": self.subsample,
            "colsample_bytree": self.colsample,
            "min_child_weight": self.min_child_weight,
            "lambda": self.reg_lambda,
            "seed": self.seed,
            "nthread": 1,
        }
        self.booster_ = xgboost.train(parameters, data, num_boost_round=self.n_estimators)
        return self

    def _probabilities(self, X: NDArray[Any]) -> Any:
        import xgboost

        data = xgboost.DMatrix(
            X.astype(np.float32, copy=False), feature_names=self.feature_names_, nthread=1
        )
        fake = self.booster_.predict(data).astype(np.float64)
        return np.column_stack([1 - fake, fake])

    def save_native(self, path: Path) -> None:
        """Write XGBoost's JSON; the settings stand in it as an attribute."""
        self.booster_.set_attr(fvc_settings=json.dumps(self.get_params()))
        self.booster_.save_model(path)

    @classmethod
    def load_native(cls, path: Path) -> Self:
        """Read XGBoost's JSON."""
        import xgboost

        booster = xgboost.Booster()
        booster.load_model(path)
        return cls.of_booster(booster, **json.loads(booster.attr("fvc_settings") or "{}"))

    @classmethod
    def of_booster(cls, booster: Any, **settings: Any) -> Self:
        """Make a fitted detector of a booster and the settings it was fitted with."""
        booster.set_param({"nthread": 1})
        detector = cls(**settings)
        detector.classes_ = np.array([0, 1])
        detector.n_features_in_ = booster.num_features()
        detector.feature_names_ = list(
            booster.feature_names or (f"x{i}" for i in range(booster.num_features()))
        )
        detector.converged_ = True
        detector.booster_ = booster
        return detector
