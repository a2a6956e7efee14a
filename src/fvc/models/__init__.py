"""The models: a registry of what can be trained, and the tabular pipelines.

The registry alone is light; estimators are imported when one is built or loaded.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fvc.models.registry import MODEL_CONFIGS, ModelSpec, WeightsSpec, get_model, list_models

if TYPE_CHECKING:
    from fvc.models.collinearity import CollinearityFilter
    from fvc.models.grids import expand_grid, load_grid
    from fvc.models.imputation import WeightedMedianImputer
    from fvc.models.loading import load_detector
    from fvc.models.svm import CalibratedSVM
    from fvc.models.tabular import (
        GradientBoosting,
        LinearSVMBaseline,
        LogisticRegressionBaseline,
        SklearnLogisticRegression,
        TabularDetector,
    )
    from fvc.models.weighting import training_weights

_HOME = {
    "CalibratedSVM": "svm",
    "CollinearityFilter": "collinearity",
    "GradientBoosting": "tabular",
    "LinearSVMBaseline": "tabular",
    "LogisticRegressionBaseline": "tabular",
    "SklearnLogisticRegression": "tabular",
    "TabularDetector": "tabular",
    "WeightedMedianImputer": "imputation",
    "expand_grid": "grids",
    "load_detector": "loading",
    "load_grid": "grids",
    "training_weights": "weighting",
}

__all__ = [
    "MODEL_CONFIGS",
    "CalibratedSVM",
    "CollinearityFilter",
    "GradientBoosting",
    "LinearSVMBaseline",
    "LogisticRegressionBaseline",
    "ModelSpec",
    "SklearnLogisticRegression",
    "TabularDetector",
    "WeightedMedianImputer",
    "WeightsSpec",
    "expand_grid",
    "get_model",
    "list_models",
    "load_detector",
    "load_grid",
    "training_weights",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"fvc.models.{_HOME[name]}"), name)
    raise AttributeError(f"module 'fvc.models' has no attribute {name!r}")
