"""Folds, metrics, uncertainty, calibration, baselines, plots and the leaderboard.

What a number must satisfy before it is shown stands in ``PROTOCOL.md``; this room holds it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fvc.evaluation.calibration import (
        SigmoidCalibrator,
        cross_fit_calibration,
        fit_final_calibrator,
        why_not_calibrated,
    )
    from fvc.evaluation.folds import (
        FoldsInfo,
        describe_split,
        index_fingerprint,
        load_folds,
        make_folds,
        read_folds_info,
        save_folds,
        split_hash,
    )
    from fvc.evaluation.metrics import compute_classification_metrics
    from fvc.evaluation.splitter import GroupedStratifiedKFold, check_no_leakage
    from fvc.evaluation.summary import fold_metrics, summarise_folds

__all__ = [
    "FoldsInfo",
    "GroupedStratifiedKFold",
    "SigmoidCalibrator",
    "check_no_leakage",
    "compute_classification_metrics",
    "cross_fit_calibration",
    "describe_split",
    "fit_final_calibrator",
    "fold_metrics",
    "index_fingerprint",
    "load_folds",
    "make_folds",
    "read_folds_info",
    "save_folds",
    "split_hash",
    "summarise_folds",
    "why_not_calibrated",
]

_HOME = {
    "FoldsInfo": "folds",
    "GroupedStratifiedKFold": "splitter",
    "SigmoidCalibrator": "calibration",
    "check_no_leakage": "splitter",
    "compute_classification_metrics": "metrics",
    "cross_fit_calibration": "calibration",
    "describe_split": "folds",
    "fit_final_calibrator": "calibration",
    "fold_metrics": "summary",
    "index_fingerprint": "folds",
    "load_folds": "folds",
    "make_folds": "folds",
    "read_folds_info": "folds",
    "save_folds": "folds",
    "split_hash": "folds",
    "summarise_folds": "summary",
    "why_not_calibrated": "calibration",
}


def __getattr__(name: str) -> Any:
    # Polars, matplotlib and scikit-learn are loaded when something of theirs is used.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
