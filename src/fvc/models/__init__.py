"""The models: a registry of what can be trained, and the tabular pipelines.

The registry alone is light; estimators are imported when one is built or loaded.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fvc.models.registry import (
    MODEL_CONFIGS,
    ModelSpec,
    WeightsSpec,
    find_model,
    get_model,
    list_models,
    not_available,
)

if TYPE_CHECKING:
    from fvc.models.collinearity import CollinearityFilter
    from fvc.models.grids import candidates_of, expand_grid, load_grid
    from fvc.models.imputation import WeightedMedianImputer
    from fvc.models.loading import load_detector, read_card
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
    "candidates_of": "grids",
    "expand_grid": "grids",
    "load_detector": "loading",
    "load_grid": "grids",
    "read_card": "loading",
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
    "candidates_of",
    "expand_grid",
    "find_model",
    "get_model",
    "list_models",
    "load_detector",
    "load_grid",
    "not_available",
    "read_card",
    "training_weights",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"fvc.models.{_HOME[name]}"), name)
    raise AttributeError(f"module 'fvc.models' has no attribute {name!r}")
