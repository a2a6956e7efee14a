"""Judge videos with a trained detector: probability, decision, and what spoke for and against.

A file goes through what training sources went through (standard copy, features, scaling), in a
process of its own, and what cannot be judged says why.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fvc.inference.finding import load
    from fvc.inference.prediction import Prediction
    from fvc.inference.predictor import Predictor
    from fvc.inference.report import PredictReport, predict_videos

__all__ = ["PredictReport", "Prediction", "Predictor", "load", "predict_videos"]

_HOME = {
    "PredictReport": "report",
    "Prediction": "prediction",
    "Predictor": "predictor",
    "load": "finding",
    "predict_videos": "report",
}


def __getattr__(name: str) -> Any:
    # Workers import this package for `MeasureVideo` alone.
    if name in _HOME:
        return getattr(import_module(f"fvc.inference.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
