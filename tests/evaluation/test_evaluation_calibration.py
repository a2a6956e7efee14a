"""Cross-fitted sigmoid calibration."""

import numpy as np
import polars as pl
import pytest
from drawn_scores import sample
from hypothesis import given, settings
from hypothesis import strategies as st

from fvc.errors import TooFewGroupsError
from fvc.evaluation import (
    SigmoidCalibrator,
    compute_classification_metrics,
    cross_fit_calibration,
    fit_final_calibrator,
    make_folds,
    why_not_calibrated,
)
from fvc.evaluation.calibration import choose_calibrator, cross_fit, fit_sigmoid
from fvc.evaluation.calibrator_fits import MIN_ISOTONIC
from fvc.evaluation.calibrators import (
    IsotonicCalibrator,
    TemperatureCalibrator,
    calibrator_from_dict,
    move_prevalence,
)
from fvc.evaluation.costs import Costs


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
    once, doubled = (fit_final_calibrator(t, methods=("sigmoid",)) for t in (table, twice))
    assert isinstance(once, SigmoidCalibrator)
    assert isinstance(doubled, SigmoidCalibrator)
    assert (once.slope, once.intercept) == pytest.approx((doubled.slope, doubled.intercept))
    assert calibrator_from_dict(once.to_dict()) == once


@pytest.mark.parametrize(
    "broken",
    [
        {"method": "magic"},
        {"method": "temperature", "temperature": 0},
        {"method": "isotonic", "at": [0.2, 0.1], "p": [0.1, 0.2]},
        {"method": "isotonic", "at": [0.1, 0.2], "p": [0.3, 0.2]},
        {"method": "isotonic", "at": [], "p": []},
    ],
)
def test_a_calibrator_from_elsewhere_is_checked(broken: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"calibrator|temperature"):
        calibrator_from_dict(broken)


def test_the_method_that_fits_is_chosen() -> None:
    fold = np.arange(2000) % 5
    ones = np.ones(2000)
    half, of_half = sample(1000, distort=0.3)
    # Mirrored, so that no intercept can do better than none.
    score, fake = np.r_[half, 1 - half], np.r_[of_half, ~of_half]
    assert choose_calibrator(score, fake, fold, ones, on_logit=True).method == "temperature"
    shifted = 1 / (1 + np.exp(-(np.log(score / (1 - score)) + 2)))
    assert choose_calibrator(shifted, fake, fold, ones, on_logit=True).method == "sigmoid"
    # A step is neither.
    rng = np.random.default_rng(0)
    even = rng.random(2000)
    stepped = rng.random(2000) < np.where(even < 0.8, 0.1, 0.9)
    choice = choose_calibrator(even, stepped, fold, ones, on_logit=True)
    assert choice.method == "isotonic"
    assert set(choice.log_loss) == {"temperature", "sigmoid", "isotonic"}
    few = choose_calibrator(even[:500], stepped[:500], fold[:500], ones[:500], on_logit=True)
    assert f"needs {MIN_ISOTONIC}" in few.left_out["isotonic"]
    margins = choose_calibrator(3 * even - 1, stepped, fold, ones, on_logit=False)
    assert "0 … 1" in margins.left_out["temperature"]


def test_the_choice_has_not_seen_the_group_either() -> None:
    table = predictions(100)
    group = table["group"][0]
    fold = table.filter(pl.col("group") == group).select("repeat", "fold").unique()
    whole = table.with_columns(mine=pl.struct("repeat", "fold").is_in(fold.to_struct().implode()))
    # Everything about the folds that test the group turned round: the choice there stays.
    changed = whole.with_columns(
        label=pl.when("mine").then(1 - pl.col("label")).otherwise("label"),
    )
    before, after = cross_fit(whole), cross_fit(changed)
    assert before.filter(whole["mine"]).equals(after.filter(whole["mine"]))
    assert set(before["calibrator"]) <= {"temperature", "sigmoid"}


def test_prevalence_moves_the_odds_and_two_moves_are_one() -> None:
    p = np.linspace(0.01, 0.99, 9)
    moved = move_prevalence(p, learnt=0.4, stated=0.05)
    logit = np.log(p / (1 - p)) - np.log(0.4 / 0.6) + np.log(0.05 / 0.95)
    np.testing.assert_allclose(moved, 1 / (1 + np.exp(-logit)))
    np.testing.assert_allclose(move_prevalence(moved, learnt=0.05, stated=0.4), p)


@settings(deadline=None, max_examples=100)
@given(
    st.floats(0.1, 20), st.floats(0.1, 20), st.one_of(st.none(), st.floats(0.01, 30)),
    st.floats(0, 1),
)  # fmt: skip
def test_the_decision_costs_least(c0: float, c1: float, u: float | None, p: float) -> None:
    costs = Costs(c0, c1, u)
    expected = {1: (1 - p) * c0, 0: p * c1} | ({} if u is None else {-1: u})
    assert expected[int(costs.decide(p))] == pytest.approx(min(expected.values()), abs=1e-12)


def test_what_decisions_cost() -> None:
    costs = Costs(false_alarm=10, miss=2, undecided=0.5)
    paid = costs.paid([1, 1, 0, 0, -1, -1], [0, 1, 0, 1, 0, 1])
    np.testing.assert_allclose(paid, [10, 0, 0, 2, 0.5, 0.5])
    assert np.isnan(Costs().paid([-1], [1])).all()


def test_types_of_calibrators_are_told() -> None:
    assert TemperatureCalibrator(2.0).to_dict() == {"method": "temperature", "temperature": 2.0}
    assert IsotonicCalibrator((0.1,), (0.5,)).constant
