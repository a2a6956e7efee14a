"""Means over folds and repeats, spread, interval, coverage, completeness."""

import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from fvc.errors import DataError
from fvc.evaluation import cross_fit_calibration, fold_metrics, make_folds, summarise_folds
from fvc.evaluation.summary import FOLD_METRICS


def predictions(n: int = 120, repeats: int = 3, seed: int = 0, effect: float = 0.2) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    index = pl.DataFrame(
        {
            "source": [f"s{i:04}" for i in range(n)],
            "group": [f"g{i // 2:04}" for i in range(n)],
            "label": rng.integers(0, 2, n),
        }
    )
    folds = make_folds(index, repeats=repeats)
    y = folds["label"].to_numpy()
    score = np.clip(rng.normal(0.4 + effect * y, 0.2), 0, 1)
    return folds.with_columns(score=pl.Series(score))


def unscored(table: pl.DataFrame, which: pl.Expr) -> pl.DataFrame:
    return table.with_columns(score=pl.when(which).then(None).otherwise("score"))


def test_the_mean_is_over_folds_and_repeats() -> None:
    table = predictions()
    summary = summarise_folds(table)
    aucs, f1s = [], []
    for part in table.partition_by("repeat", "fold"):
        aucs.append(roc_auc_score(part["label"], part["score"]))
        f1s.append(f1_score(part["label"], part["score"] >= 0.5))
    assert len(aucs) == 15
    assert summary["roc_auc"] == pytest.approx(np.mean(aucs))
    assert summary["roc_auc_sd"] == pytest.approx(np.std(aucs, ddof=1))
    assert summary["f1"] == pytest.approx(np.mean(f1s))
    assert summary["roc_auc_low"] < summary["roc_auc"] < summary["roc_auc_high"]
    assert (summary["unit"], summary["n_sources"], summary["n_scored"]) == ("source", 120, 120)
    assert (summary["n_splits"], summary["repeats"], summary["n_groups"]) == (5, 3, 60)
    assert summary["complete"]
    assert sum(summary["confusion_matrix"].values()) == 120
    json.dumps(summary, allow_nan=False)


def test_folds_whose_scores_live_on_other_scales_are_not_pooled() -> None:
    table = predictions(effect=0.3)
    shifted = table.with_columns(score=pl.col("score") + 10.0 * pl.col("fold"))
    assert summarise_folds(shifted)["roc_auc"] == pytest.approx(summarise_folds(table)["roc_auc"])
    first = shifted.filter(pl.col("repeat") == 0)
    assert roc_auc_score(first["label"], first["score"]) < 0.7 < summarise_folds(table)["roc_auc"]


def test_the_same_seed_gives_the_same_interval_in_any_order_of_rows() -> None:
    table = predictions()
    shuffled = table.sample(fraction=1, shuffle=True, seed=4)
    assert summarise_folds(table) == summarise_folds(shuffled)
    assert summarise_folds(table, seed=1)["roc_auc_low"] != summarise_folds(table)["roc_auc_low"]


def test_unscored_sources_are_counted() -> None:
    table = unscored(predictions(), (pl.col("source") == "s0005") & (pl.col("repeat") == 1))
    summary = summarise_folds(table)
    assert (summary["n_sources"], summary["n_scored"]) == (120, 119)
    assert summary["coverage"] == pytest.approx(119 / 120)
    assert summary["complete"]
    assert summary["roc_auc"] is not None
    as_nan = table.with_columns(pl.col("score").fill_null(float("nan")))
    assert summarise_folds(as_nan) == summary


def test_sources_that_are_not_in_the_table_count_as_unscored() -> None:
    table = predictions(repeats=2)
    there = table.filter((pl.col("source") != "s0005") & (pl.col("repeat") == 0))
    summary = summarise_folds(there, folds=table)
    assert (summary["n_sources"], summary["n_scored"], summary["repeats"]) == (120, 119, 1)
    assert summarise_folds(there)["n_sources"] == 119


def test_a_failed_fold_makes_the_result_incomplete_and_no_mean_skips_it() -> None:
    table = unscored(predictions(), (pl.col("repeat") == 1) & (pl.col("fold") == 2))
    summary = summarise_folds(table)
    assert not summary["complete"]
    assert summary["incomplete_reason"] == "repeat 1, fold 2: failed, no source scored"
    for name in FOLD_METRICS:
        assert summary[name] is summary[f"{name}_sd"] is None
        assert summary["undefined"][name].startswith("in 1 of 15 folds")
    assert summary["roc_auc_low"] is summary["interval"] is None
    assert summary["coverage"] < 1
    json.dumps(summary, allow_nan=False)


def test_a_fold_left_with_one_class_is_incomplete_too() -> None:
    table = unscored(predictions(), (pl.col("fold") == 0) & (pl.col("label") == 1))
    summary = summarise_folds(table)
    assert "the scored sources are of one class" in summary["incomplete_reason"]
    assert summary["roc_auc"] is None


def test_a_fold_that_is_missing_from_the_table_is_noticed() -> None:
    table = predictions().filter((pl.col("fold") != 3) | (pl.col("repeat") != 1))
    summary = summarise_folds(table)
    assert "repeats do not hold the same" in summary["incomplete_reason"]
    with_folds = summarise_folds(table, folds=predictions())
    assert "repeat 1, fold 3: failed" in with_folds["incomplete_reason"]


def test_calibrated_scores_are_judged_together() -> None:
    table = predictions(300)
    without = summarise_folds(table, resamples=0)
    assert without["calibration"] == {
        "method": None,
        "reason": "there are no calibrated scores",
    }
    assert without["roc_auc_low"] is None
    summary = summarise_folds(table.with_columns(cross_fit_calibration(table)), resamples=0)
    assert summary["calibration"] == {"method": "sigmoid, cross-fitted", "reason": None}
    assert summary["pooled"]["calibration_slope"] == pytest.approx(1, abs=0.3)
    assert 0 < summary["pooled"]["tpr_at_fpr_5pct"] < 1
    assert summary["pooled"]["tpr_at_fpr_1pct"] is None
    assert "needs 500 real sources" in summary["undefined"]["pooled.tpr_at_fpr_1pct"]


def test_metrics_fold_by_fold() -> None:
    rows = fold_metrics(predictions(repeats=2))
    assert [(r["repeat"], r["fold"]) for r in rows] == [(r, k) for r in (0, 1) for k in range(5)]
    assert sum(row["n_scored"] for row in rows) == 240


def test_tables_that_are_no_predictions_are_refused() -> None:
    table = predictions()
    with pytest.raises(DataError, match="more than once"):
        summarise_folds(pl.concat([table, table.head(1)]))
    with pytest.raises(DataError, match="no prediction"):
        summarise_folds(table.clear())


@pytest.mark.slow
def test_a_hundred_thousand_sources_are_bounded() -> None:
    n = 100_000
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, n)
    base: dict[str, Any] = {
        "source": [f"s{i}" for i in range(n)],
        "group": [f"g{i // 3}" for i in range(n)],
        "label": y,
        "fold": np.arange(n) // 3 % 5,
        "score": np.clip(rng.normal(0.4 + 0.2 * y, 0.2), 0, 1),
    }
    table = pl.concat([pl.DataFrame({**base, "repeat": np.full(n, r)}) for r in range(5)])
    summary = summarise_folds(table)
    assert summary["interval"]["resamples"] < 2000
    assert summary["roc_auc_high"] - summary["roc_auc_low"] < 0.02
