"""From the results of folds to the tables and documents that others read."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from fvc.evaluation import (
    compute_classification_metrics,
    cross_fit,
    fold_metrics,
)
from fvc.training.clips import Clips, Sources
from fvc.training.fold import FoldResult


def predictions_table(
    results: Sequence[FoldResult], clips: Clips, sources: Sources
) -> pl.DataFrame:
    """Make ``predictions.parquet``: every source in every repeat, scored or null.

    Parameters
    ----------
    results
        All folds of all repeats.
    clips, sources
        The data that they were fitted on.
    """
    repeats, n = sources.fold.shape
    score = np.full((repeats, n), np.nan)
    for result in results:
        original = clips.original[result.rows]
        score[result.repeat, clips.source[result.rows[original]]] = result.scores[original]
    parts = [
        pl.DataFrame({
            "source": sources.names,
            "group": sources.groups.tolist(),
            "label": sources.labels,
            "repeat": np.full(n, repeat, dtype=np.int32),
            "fold": sources.fold[repeat],
            "score": pl.Series(score[repeat]).fill_nan(None),
        })
        for repeat in range(repeats)
    ]  # fmt: skip
    table = pl.concat(parts)
    return pl.concat([table, cross_fit(table)], how="horizontal")


def variants_table(results: Sequence[FoldResult], clips: Clips, sources: Sources) -> pl.DataFrame:
    """Make ``robustness.parquet``: the out-of-fold score of every clip, in repeat 0.

    Columns ``clip, source, group, label, augmentation, is_original, repeat, fold, score``.
    """
    parts = []
    for result in sorted((r for r in results if r.repeat == 0), key=lambda r: r.fold):
        source = clips.source[result.rows]
        parts.append(
            pl.DataFrame({
                "clip": clips.clip[result.rows],
                "source": pl.Series(sources.names)[source],
                "group": pl.Series(sources.groups.tolist(), dtype=pl.String)[source],
                "label": sources.labels[source],
                "augmentation": clips.kind[result.rows],
                "is_original": clips.original[result.rows],
                "repeat": np.zeros(len(source), dtype=np.int32),
                "fold": np.full(len(source), result.fold, dtype=np.int32),
                "score": result.scores,
            })
        )  # fmt: skip
    return pl.concat(parts)


def robustness(variants: pl.DataFrame) -> list[dict[str, Any]]:
    """Summarise scores on variants by kind, beside those of the same sources unaugmented.

    The score of a source under a kind is the mean over its variants of that kind; ROC AUC and
    accuracy are means over the folds of repeat 0, None where a fold lacks a class.

    Returns
    -------
    list of dict
        ``augmentation, n_clips, n_sources, roc_auc, roc_auc_unaugmented, accuracy,
        accuracy_unaugmented, mean_absolute_change`` (of the score).
    """
    plain = variants.filter("is_original").select("source", plain="score")
    paired = variants.filter(~pl.col("is_original")).join(plain, on="source", how="inner")
    rows: list[dict[str, Any]] = []
    for (kind,), of_kind in sorted(paired.group_by("augmentation"), key=lambda item: str(item[0])):
        by_source = of_kind.group_by("source", "fold", "label").agg(
            pl.col("score").mean(),
            pl.col("plain").first(),
            change=(pl.col("score") - pl.col("plain")).abs().mean(),
        )
        found: dict[str, list[float | None]] = {}
        for (_,), cell in sorted(by_source.group_by("fold"), key=lambda item: str(item[0])):
            label = cell["label"].to_numpy()
            for column, suffix in (("score", ""), ("plain", "_unaugmented")):
                metrics = compute_classification_metrics(label, cell[column].to_numpy())
                for name in ("roc_auc", "accuracy"):
                    found.setdefault(name + suffix, []).append(metrics[name])
        rows.append({
            "augmentation": kind,
            "unit": "source, mean over its variants of the kind",
            "n_clips": of_kind.height,
            "n_sources": by_source.height,
            **{name: _mean(values) for name, values in sorted(found.items())},
            "mean_absolute_change": float(by_source["change"].mean()),  # type: ignore[arg-type]
        })  # fmt: skip
    return rows


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


def fold_rows(results: Sequence[FoldResult], predictions: pl.DataFrame) -> list[dict[str, Any]]:
    """Make the rows of ``fold_results``: ``val_…`` is inner, ``test_…`` is outer.

    Parameters
    ----------
    results
        All folds of all repeats.
    predictions
        As `predictions_table` returns them.
    """
    by_place = {(result.repeat, result.fold): result for result in results}
    rows = []
    for metrics in fold_metrics(predictions):
        result = by_place[metrics["repeat"], metrics["fold"]]
        test = {f"test_{k}": v for k, v in metrics.items() if _is_plain(v)}
        for place in ("test_repeat", "test_fold", "test_n"):
            test.pop(place, None)
        rows.append({
            "fold": result.fold,
            "repeat": result.repeat,
            "status": "failed" if result.failure else "ok",
            "reason": result.failure,
            "settings": result.settings,
            "note": result.note or None,
            "converged": result.converged,
            "n_train_sources": result.n_train_sources,
            "n_train_clips": result.n_train_clips,
            **result.extra,
            **result.val,
            **test,
            "seconds": round(result.seconds, 3),
        })  # fmt: skip
    return rows


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, int | float | str)


def search_rows(results: Sequence[FoldResult]) -> list[dict[str, Any]]:
    """List every candidate of every fold with its inner score, and whether it was chosen."""
    return [
        {
            "repeat": result.repeat,
            "fold": result.fold,
            "settings": row["settings"],
            "score": row["val_roc_auc"],
            "chosen": row["settings"] == result.settings and "refused" not in row,
            "refused": row.get("refused"),
        }
        for result in results
        for row in result.search
    ]
