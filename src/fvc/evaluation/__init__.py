"""Folds, metrics, uncertainty, calibration, baselines, plots and the leaderboard.

What a number must satisfy before it is shown stands in ``PROTOCOL.md``; this room holds it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fvc.evaluation.baselines import metadata_baselines, rival_warning
    from fvc.evaluation.calibration import (
        SigmoidCalibrator,
        cross_fit,
        cross_fit_calibration,
        final_calibrator,
        fit_final_calibrator,
        why_not_calibrated,
    )
    from fvc.evaluation.calibration_report import model_calibration
    from fvc.evaluation.comparison import compare_predictions
    from fvc.evaluation.comparison_report import ComparisonReport, compare_models
    from fvc.evaluation.decisions_report import model_decisions
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
    from fvc.evaluation.leaderboard import build_leaderboard, corpus_notes, is_simulated
    from fvc.evaluation.metrics import compute_classification_metrics
    from fvc.evaluation.plots import (
        confusion_matrix,
        fold_comparison,
        roc_pr_curves,
    )
    from fvc.evaluation.search_plot import search_results
    from fvc.evaluation.selection import corrected_selection
    from fvc.evaluation.splitter import GroupedStratifiedKFold, check_no_leakage
    from fvc.evaluation.summary import fold_metrics, summarise_folds

__all__ = [
    "ComparisonReport",
    "FoldsInfo",
    "GroupedStratifiedKFold",
    "SigmoidCalibrator",
    "build_leaderboard",
    "check_no_leakage",
    "compare_models",
    "compare_predictions",
    "compute_classification_metrics",
    "confusion_matrix",
    "corpus_notes",
    "corrected_selection",
    "cross_fit",
    "cross_fit_calibration",
    "describe_split",
    "final_calibrator",
    "fit_final_calibrator",
    "fold_comparison",
    "fold_metrics",
    "index_fingerprint",
    "is_simulated",
    "load_folds",
    "make_folds",
    "metadata_baselines",
    "model_calibration",
    "model_decisions",
    "read_folds_info",
    "rival_warning",
    "roc_pr_curves",
    "save_folds",
    "search_results",
    "split_hash",
    "summarise_folds",
    "why_not_calibrated",
]

_HOME = {
    "ComparisonReport": "comparison_report",
    "FoldsInfo": "folds",
    "GroupedStratifiedKFold": "splitter",
    "SigmoidCalibrator": "calibration",
    "build_leaderboard": "leaderboard",
    "check_no_leakage": "splitter",
    "compare_models": "comparison_report",
    "compare_predictions": "comparison",
    "compute_classification_metrics": "metrics",
    "confusion_matrix": "plots",
    "corpus_notes": "leaderboard",
    "corrected_selection": "selection",
    "cross_fit": "calibration",
    "cross_fit_calibration": "calibration",
    "describe_split": "folds",
    "final_calibrator": "calibration",
    "fit_final_calibrator": "calibration",
    "fold_comparison": "plots",
    "fold_metrics": "summary",
    "index_fingerprint": "folds",
    "is_simulated": "leaderboard",
    "load_folds": "folds",
    "make_folds": "folds",
    "metadata_baselines": "baselines",
    "model_calibration": "calibration_report",
    "model_decisions": "decisions_report",
    "read_folds_info": "folds",
    "rival_warning": "baselines",
    "roc_pr_curves": "plots",
    "save_folds": "folds",
    "search_results": "search_plot",
    "split_hash": "folds",
    "summarise_folds": "summary",
    "why_not_calibrated": "calibration",
}


def __getattr__(name: str) -> Any:
    # Polars, matplotlib and scikit-learn are loaded when something of theirs is used.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
