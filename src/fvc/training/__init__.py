"""Stage 5: detectors fitted fold by fold, scored on groups they have not seen."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fvc.training.report import ModelOutcome, TrainReport
    from fvc.training.sklearn_logreg import train_sklearn_logreg
    from fvc.training.stage import DEFAULT_MODELS, stage5_train_models

_HOME = {
    "DEFAULT_MODELS": "stage",
    "ModelOutcome": "report",
    "TrainReport": "report",
    "stage5_train_models": "stage",
    "train_sklearn_logreg": "sklearn_logreg",
}

__all__ = [
    "DEFAULT_MODELS",
    "ModelOutcome",
    "TrainReport",
    "stage5_train_models",
    "train_sklearn_logreg",
]


def __getattr__(name: str) -> Any:
    # scikit-learn and Polars are loaded when something is trained.
    if name in _HOME:
        return getattr(import_module(f"fvc.training.{_HOME[name]}"), name)
    raise AttributeError(f"module 'fvc.training' has no attribute {name!r}")
