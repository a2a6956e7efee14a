"""What a model is worth: means over folds and repeats, spread, interval, coverage."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from fvc.errors import DataError
from fvc.evaluation.bootstrap import METRICS, ScoredRows, bootstrap_means, widened_interval
from fvc.evaluation.calibration import why_not_calibrated
from fvc.evaluation.metrics import compute_classification_metrics

FOLD_METRICS = (
    *("roc_auc", "average_precision", "equal_error_rate"),
    *("accuracy", "balanced_accuracy", "precision", "recall", "f1"),
    *("precision_real", "recall_real", "f1_real", "f1_macro", "mcc", "log_loss", "brier"),
)
"""Metrics that are averaged over folds and repeats."""

POOLED_METRICS = (
    *("log_loss", "brier", "calibration_slope", "calibration_intercept", "calibration_error"),
    *("tpr_at_fpr_1pct", "tpr_at_fpr_5pct", "tpr_at_fpr_10pct"),
)
"""Metrics of the calibrated scores of all folds of a repeat together: a fold alone is too small."""


def summarise_folds(
    predictions: pl.DataFrame,
    *,
    folds: pl.DataFrame | None = None,
    threshold: float = 0.5,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Any]:
    """Summarise out-of-fold scores as the protocol asks.

    Parameters
    ----------
    predictions
        ``source, group, label, repeat, fold, score`` and, if there, ``calibrated``: one row a
        source and repeat. A null score is a source that was not scored; a fold without any score
        has failed.
    folds
        The split. When given, its sources that `predictions` lacks count as not scored, in the
        repeats that `predictions` has.
    threshold
        A score of at least this much is called fake; default 0.5.
    resamples
        Bootstrap resamples of groups; 0 leaves the intervals out.
    confidence
        Of the intervals; default 0.95.
    seed
        Of the bootstrap.

    Returns
    -------
    dict
        ``unit`` ("source"), ``n_sources, n_scored, coverage, n_real, n_fake, n_groups, n_splits,
        repeats, complete`` and ``incomplete_reason``; each of `FOLD_METRICS` as the mean over
        folds and repeats, ``<metric>_sd`` over the folds of all repeats (ddof=1), and for
        those of `fvc.evaluation.bootstrap.METRICS` ``<metric>_low`` and ``<metric>_high``;
        ``confusion_matrix`` with mean counts a repeat; ``pooled`` with `POOLED_METRICS` of the
        calibrated scores, averaged over repeats; ``calibration``; ``interval``, which says how
        the interval was made; ``undefined``, name to reason. A mean over folds of which one lacks
        the metric is None: means never skip a fold.

    Raises
    ------
    DataError
        There is no row, or a source stands twice in a repeat.

    Notes
    -----
    The estimand is the expected score of the procedure on new groups; AUC is averaged over folds
    since raw scores of different folds are not comparable. ``n_scored`` counts sources scored in
    every repeat.
    """
    table = _with_unscored(predictions, folds)
    if table.is_empty():
        raise DataError("there is no prediction to summarise")
    result = _counts(table)
    per_fold, undefined = _per_fold(table, threshold)
    for name in FOLD_METRICS:
        values = [metrics[name] for metrics in per_fold]
        whole = not any(value is None for value in values)
        result[name] = float(np.mean(values)) if whole else None
        result[f"{name}_sd"] = float(np.std(values, ddof=1)) if whole and len(values) > 1 else None
    result["confusion_matrix"] = {
        key: sum(metrics["confusion_matrix"][key] for metrics in per_fold) / result["repeats"]
        for key in ("tn", "fp", "fn", "tp")
    }
    result |= _completeness(table, per_fold)
    result |= _intervals(table, result, per_fold, threshold, resamples, confidence, seed)
    result["pooled"], result["calibration"] = _pooled(table, undefined)
    result["undefined"] = undefined
    return result


def _with_unscored(predictions: pl.DataFrame, folds: pl.DataFrame | None) -> pl.DataFrame:
    columns = ["source", "group", "label", "repeat", "fold", "score"]
    columns += [name for name in ("calibrated", "calibrator") if name in predictions.columns]
    table = predictions.select(columns).with_columns(
        pl.col("score").cast(pl.Float64).fill_nan(None),
        pl.col("label").cast(pl.Int8),
        pl.col("repeat", "fold").cast(pl.Int32),
    )
    if table.select("source", "repeat").is_duplicated().any():
        raise DataError("a source stands more than once in a repeat; the unit is the source")
    if folds is None:
        return table
    wanted = folds.filter(pl.col("repeat").is_in(table["repeat"].unique().to_list()))
    absent = wanted.join(table, on=["source", "repeat"], how="anti")
    return pl.concat(
        [table, absent.select(columns[:5]).cast(table.select(columns[:5]).schema)], how="diagonal"
    )


def _counts(table: pl.DataFrame) -> dict[str, Any]:
    by_source = table.group_by("source").agg(
        pl.col("score").is_not_null().all().alias("scored"), pl.col("label").first()
    )
    n, n_scored = len(by_source), int(by_source["scored"].sum())
    return {
        "unit": "source",
        "n_sources": n,
        "n_scored": n_scored,
        "coverage": n_scored / n,
        "n_real": int((by_source["label"] == 0).sum()),
        "n_fake": int((by_source["label"] == 1).sum()),
        "n_groups": table["group"].n_unique(),
        "n_splits": table["fold"].n_unique(),
        "repeats": table["repeat"].n_unique(),
    }


def _cells(table: pl.DataFrame) -> list[pl.DataFrame]:
    return table.sort("repeat", "fold", "source").partition_by(
        "repeat", "fold", maintain_order=True
    )


def fold_metrics(predictions: pl.DataFrame, *, threshold: float = 0.5) -> list[dict[str, Any]]:
    """Return the metrics of each fold of each repeat, on its scored sources.

    Returns
    -------
    list of dict
        `compute_classification_metrics` with ``repeat, fold, n_sources, n_scored`` before it,
        ordered by repeat and fold.
    """
    rows = []
    for cell in _cells(predictions):
        scored = cell.filter(pl.col("score").is_not_null())
        metrics = compute_classification_metrics(
            scored["label"].to_numpy(), scored["score"].to_numpy(), threshold=threshold
        )
        place = {"repeat": int(cell["repeat"][0]), "fold": int(cell["fold"][0])}
        rows.append({**place, "n_sources": len(cell), "n_scored": len(scored), **metrics})
    return rows


def _per_fold(table: pl.DataFrame, threshold: float) -> tuple[list[dict[str, Any]], dict[str, str]]:
    per_fold = fold_metrics(table, threshold=threshold)
    undefined = {}
    for name in FOLD_METRICS:
        lacking = [metrics for metrics in per_fold if metrics[name] is None]
        if lacking:
            reason = lacking[0]["undefined"][name]
            undefined[name] = f"in {len(lacking)} of {len(per_fold)} folds: {reason}"
    return per_fold, undefined


def _completeness(table: pl.DataFrame, per_fold: Sequence[dict[str, Any]]) -> dict[str, Any]:
    reasons = []
    for metrics in per_fold:
        place = f"repeat {metrics['repeat']}, fold {metrics['fold']}"
        if metrics["n_scored"] == 0:
            reasons.append(f"{place}: failed, no source scored")
        elif metrics["roc_auc"] is None:
            reasons.append(f"{place}: the scored sources are of one class")
    sizes = table.group_by("repeat").agg(pl.col("fold").n_unique(), pl.len())
    if sizes["fold"].n_unique() > 1 or sizes["len"].n_unique() > 1:
        reasons.append("the repeats do not hold the same sources and number of folds")
    shown = "; ".join(reasons[:3]) + (f"; and {len(reasons) - 3} more" if len(reasons) > 3 else "")
    return {"complete": not reasons, "incomplete_reason": shown or None}


def _intervals(
    table: pl.DataFrame,
    result: dict[str, Any],
    per_fold: Sequence[dict[str, Any]],
    threshold: float,
    resamples: int,
    confidence: float,
    seed: int,
) -> dict[str, Any]:
    ends: dict[str, Any] = {f"{m}_{end}": None for m in METRICS for end in ("low", "high")}
    if not result["complete"] or not resamples:
        return {**ends, "interval": None}
    scored = table.filter(pl.col("score").is_not_null())
    rows = ScoredRows(
        cell=scored.select(pl.struct("repeat", "fold").rank("dense"))
        .to_series()
        .to_numpy()
        .astype(np.int64)
        - 1,
        group=scored["group"].rank("dense").to_numpy().astype(np.int64) - 1,
        fake=scored["label"].to_numpy() == 1,
        score=scored["score"].to_numpy(),
    )
    rng = np.random.default_rng(seed)
    means = bootstrap_means(rows, resamples=resamples, threshold=threshold, rng=rng)
    holding = scored.group_by("label").agg(pl.col("group").n_unique())["group"]
    for name in METRICS:
        if result[name] is not None and np.isfinite(means[name]).sum() > 1:
            ends[f"{name}_low"], ends[f"{name}_high"] = widened_interval(
                result[name],
                means[name],
                n_splits=result["n_splits"],
                groups=int(holding.to_numpy().min()),
                confidence=confidence,
            )
    return {
        **ends,
        "interval": {
            "method": "bootstrap over groups, stratified by the classes of a group, without "
            "refitting; variance corrected for shared training data (Nadeau & Bengio 2003)",
            "confidence": confidence,
            "resamples": len(means["roc_auc"]),
        },
    }


def _method(table: pl.DataFrame) -> str:
    """Name the calibrators that were chosen inside, the most frequent first."""
    if "calibrator" not in table.columns:
        return "sigmoid, cross-fitted"
    counts = table.drop_nulls("calibrator").group_by("calibrator").len()
    names = counts.sort("len", "calibrator", descending=[True, False])["calibrator"]
    return f"{' or '.join(names)}, chosen inside, cross-fitted"


def _pooled(
    table: pl.DataFrame, undefined: dict[str, str]
) -> tuple[dict[str, float | None], dict[str, Any]]:
    pooled: dict[str, float | None] = dict.fromkeys(POOLED_METRICS)
    reason = why_not_calibrated(table)
    if "calibrated" not in table.columns:
        reason = "there are no calibrated scores"
    calibration = {"method": _method(table) if reason is None else None, "reason": reason}
    if reason is not None:
        undefined.update({f"pooled.{name}": reason for name in POOLED_METRICS})
        return pooled, calibration
    repeats = []
    for _, part in (
        table.filter(pl.col("calibrated").is_not_null())
        .sort("source")
        .group_by("repeat", maintain_order=True)
    ):
        repeats.append(
            compute_classification_metrics(part["label"].to_numpy(), part["calibrated"].to_numpy())
        )
    for name in POOLED_METRICS:
        values = [metrics[name] for metrics in repeats]
        if any(value is None for value in values):
            lacking = next(m for m in repeats if m[name] is None)
            undefined[f"pooled.{name}"] = lacking["undefined"][name]
        else:
            pooled[name] = float(np.mean(values))
    return pooled, calibration


__all__ = [
    "FOLD_METRICS",
    "POOLED_METRICS",
    "fold_metrics",
    "summarise_folds",
]
