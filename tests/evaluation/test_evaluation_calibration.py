"""Cross-fitted sigmoid calibration."""

import numpy as np
import polars as pl
import pytest
from scipy.optimize import minimize

from fvc.errors import TooFewGroupsError
from fvc.evaluation import (
    SigmoidCalibrator,
    compute_classification_metrics,
    cross_fit_calibration,
    fit_final_calibrator,
    make_folds,
    why_not_calibrated,
)
from fvc.evaluation.calibration import fit_sigmoid


def predictions(n: int = 200, repeats: int = 2, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    index = pl.DataFrame(
        {
            "source": [f"s{i:04}" for i in range(n)],
            "group": [f"g{i // 2:04}" for i in range(n)],
            "label": rng.integers(0, 2, n),
        }
    )
    folds = make_folds(index, repeats=repeats)
    logit = 4 * (folds["label"].to_numpy() - 0.5) + rng.normal(0, 3, len(folds)) + 2
    return folds.with_columns(score=pl.Series(1 / (1 + np.exp(-2 * logit))))


def test_sigmoid_is_platts() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=80), rng.integers(0, 2, 80)
    x = x + y
    target = np.where(y == 1, (y.sum() + 1) / (y.sum() + 2), 1 / ((1 - y).sum() + 2))
    fit = minimize(
        lambda b: np.sum(np.logaddexp(0, b[0] * x + b[1]) - target * (b[0] * x + b[1])),
        [0.0, 0.0],
        tol=1e-10,
    )
    own = fit_sigmoid(x, y, on_logit=False)
    assert (own.slope, own.intercept) == pytest.approx(fit.x, rel=1e-4)
    np.testing.assert_allclose(own.predict(x), 1 / (1 + np.exp(-(fit.x[0] * x + fit.x[1]))), 1e-4)


def test_separated_scores_stay_finite() -> None:
    own = fit_sigmoid(np.r_[np.zeros(10), np.ones(10)], np.repeat([0, 1], 10), on_logit=True)
    assert np.isfinite([own.slope, own.intercept]).all()
    np.testing.assert_allclose(own.predict([0, 1]), [1 / 12, 11 / 12], atol=1e-3)


def test_calibration_never_turns_the_order_round() -> None:
    own = fit_sigmoid(np.linspace(0, 1, 40), np.repeat([1, 0], 20), on_logit=True)
    assert own.slope == 0
    np.testing.assert_allclose(own.predict([0.1, 0.9]), 0.5)
    constant = fit_sigmoid(np.full(30, 0.4), np.repeat([1, 0, 0], 10), on_logit=True)
    np.testing.assert_allclose(constant.predict([0.4]), [(10 * 11 / 12 + 20 * 1 / 22) / 30])


def test_calibrated_scores_are_calibrated() -> None:
    table = predictions(400)
    calibrated = cross_fit_calibration(table)
    assert calibrated.name == "calibrated"
    assert calibrated.null_count() == 0
    before, after = (
        compute_classification_metrics(table["label"], s) for s in (table["score"], calibrated)
    )
    assert before["calibration_slope"] < 0.4
    assert after["calibration_slope"] == pytest.approx(1, abs=0.15)
    assert after["brier"] < before["brier"]
    assert why_not_calibrated(table) is None


def test_a_calibrator_has_not_seen_the_group() -> None:
    table = predictions(100)
    group = table["group"][0]
    changed = table.with_columns(
        label=pl.when(pl.col("group") == group).then(1 - pl.col("label")).otherwise("label")
    )
    before, after = cross_fit_calibration(table), cross_fit_calibration(changed)
    own = table["group"] == group
    assert before.filter(own).equals(after.filter(own))
    others = table.select((pl.col("group") != group) & (pl.col("repeat") == 0)).to_series()
    assert (before.filter(others) != after.filter(others)).sum() > 0.5 * others.sum()


def test_repeats_do_not_touch_each_other_and_rows_may_be_in_any_order() -> None:
    table = predictions(100)
    whole = table.with_columns(cross_fit_calibration(table))
    first = table.filter(pl.col("repeat") == 0)
    assert cross_fit_calibration(first).equals(whole.filter(pl.col("repeat") == 0)["calibrated"])
    shuffled = table.sample(fraction=1, shuffle=True, seed=3)
    again = shuffled.with_columns(cross_fit_calibration(shuffled)).sort("repeat", "source")
    np.testing.assert_allclose(again["calibrated"], whole.sort("repeat", "source")["calibrated"])


def test_unscored_sources_stay_so() -> None:
    table = predictions(100).with_columns(
        score=pl.when(pl.col("source") == "s0003").then(None).otherwise("score")
    )
    calibrated = cross_fit_calibration(table)
    assert (calibrated.is_null() == table["score"].is_null()).all()


def test_too_few_sources_are_not_calibrated_and_it_is_said() -> None:
    table = predictions(24)
    assert cross_fit_calibration(table).null_count() == len(table)
    assert "needs 10 scored sources of each class" in str(why_not_calibrated(table))
    nothing = table.with_columns(score=pl.lit(None, dtype=pl.Float64))
    assert why_not_calibrated(nothing) == "no source was scored"
    with pytest.raises(TooFewGroupsError, match="needs 10 scored sources of each class"):
        fit_final_calibrator(table.filter(pl.col("repeat") == 0).head(12))


def test_the_calibrator_that_ships_weighs_a_source_once() -> None:
    table = predictions(100, repeats=1)
    twice = pl.concat([table, table.with_columns(repeat=pl.lit(1, dtype=pl.Int32))])
    once, doubled = fit_final_calibrator(table), fit_final_calibrator(twice)
    assert (once.slope, once.intercept) == pytest.approx((doubled.slope, doubled.intercept))
    assert SigmoidCalibrator.from_dict(once.to_dict()) == once
