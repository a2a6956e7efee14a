"""The models: a registry of what can be trained, tabular pipelines, and torch modules.

The registry alone is light; estimators and torch are imported when something is built or loaded.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fvc.models.registry import (
    MODEL_CONFIGS,
    TRAINED_FAMILIES,
    ModelSpec,
    WeightsSpec,
    find_model,
    get_model,
    list_models,
    not_available,
)
from fvc.models.video_spec import (
    EmbeddingSpec,
    LoadedWeights,
    VideoInput,
    VideoModelSettings,
)

if TYPE_CHECKING:
    from fvc.models.building import Weights, build_backbone, build_video_model
    from fvc.models.collinearity import CollinearityFilter
    from fvc.models.ensemble import Ensemble
    from fvc.models.grids import candidates_of, expand_grid, load_grid
    from fvc.models.imputation import WeightedMedianImputer
    from fvc.models.loading import load_detector, read_card
    from fvc.models.svm import CalibratedSVM
    from fvc.models.tabular import (
        GradientBoosting,
        LinearSVMBaseline,
        LogisticRegressionBaseline,
        SklearnLogisticRegression,
    )
    from fvc.models.tabular_detector import TabularDetector
    from fvc.models.weighting import training_weights

_HOME = {
    "CalibratedSVM": "svm",
    "CollinearityFilter": "collinearity",
    "Ensemble": "ensemble",
    "GradientBoosting": "tabular",
    "LinearSVMBaseline": "tabular",
    "LogisticRegressionBaseline": "tabular",
    "SklearnLogisticRegression": "tabular",
    "TabularDetector": "tabular_detector",
    "Weights": "building",
    "WeightedMedianImputer": "imputation",
    "build_backbone": "building",
    "build_video_model": "building",
    "candidates_of": "grids",
    "expand_grid": "grids",
    "load_detector": "loading",
    "load_grid": "grids",
    "read_card": "loading",
    "training_weights": "weighting",
}

__all__ = [
    "MODEL_CONFIGS",
    "TRAINED_FAMILIES",
    "CalibratedSVM",
    "CollinearityFilter",
    "EmbeddingSpec",
    "Ensemble",
    "GradientBoosting",
    "LinearSVMBaseline",
    "LoadedWeights",
    "LogisticRegressionBaseline",
    "ModelSpec",
    "SklearnLogisticRegression",
    "TabularDetector",
    "VideoInput",
    "VideoModelSettings",
    "WeightedMedianImputer",
    "Weights",
    "WeightsSpec",
    "build_backbone",
    "build_video_model",
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
