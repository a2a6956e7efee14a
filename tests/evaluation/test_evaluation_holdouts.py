"""Which values are held out together, and how held-out sets are pooled."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from fvc.errors import TooFewGroupsError
from fvc.evaluation.protocols import (
    BOTH,
    PAIR,
    equal_error_threshold,
    plan_holdouts,
    pool_holdouts,
    rates_by_value,
)


def _plan(values, labels, groups=None, **more):
    groups = np.array(groups if groups is not None else range(len(values)), dtype=object)
    return plan_holdouts(values, np.array(labels), groups, by="x", **more)


def test_values_of_one_class_are_held_out_in_pairs_and_others_alone() -> None:
    values = [*"aabb", *"cc", *"dd", *"eeff", None]
    labels = [0, 0, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 0]
    plan = _plan(values, labels)
    kinds = {row["value"]: row["kind"] for row in plan.values}
    assert kinds == {
        **dict.fromkeys("ab", "real"),
        **dict.fromkeys("cd", "fake"),
        "e": BOTH,
        "f": BOTH,
    }
    assert {s.values for s in plan.sets if s.kind == PAIR} == {(r, f) for r in "ab" for f in "cd"}
    assert {s.values for s in plan.sets if s.kind == BOTH} == {("e",), ("f",)}
    for held in plan.sets:
        assert not held.test[-1]
        assert held.train[-1]
        assert (held.train ^ held.test).all()
        assert held.n_dropped == 0
        assert {values[i] for i in np.flatnonzero(held.test)} == set(held.values)


def test_a_set_that_would_leave_one_class_is_left_out_and_counted() -> None:
    # Of the real values, a shares a group with b and another with d: without a none is left.
    plan = _plan([*"aabdce"], [0, 0, 0, 0, 1, 1], groups=["g", "h", "g", "h", "c", "e"])
    assert {held.values for held in plan.sets} == {(r, f) for r in "bd" for f in "ce"}
    assert plan.impossible == 2
    assert plan.possible[PAIR] == 6
    assert [held.n_dropped for held in plan.sets] == [1] * 4


def test_nothing_to_hold_out_is_an_error_that_counts() -> None:
    with pytest.raises(TooFewGroupsError, match="2 with real and 1 with fake"):
        _plan([*"aabbcc"], [0, 0, 0, 0, 1, 1])
    with pytest.raises(TooFewGroupsError, match="1 value"):
        _plan([*"aa"], [0, 1])


def test_small_values_are_trained_on_only() -> None:
    plan = _plan([*"aaabbbcccdddef"], [0] * 6 + [1] * 6 + [0, 1], least=2)
    assert {r["value"] for r in plan.values if r["kind"] == "too small"} == {"e", "f"}
    assert all(held.train[-2:].all() for held in plan.sets)


@given(
    real=st.integers(2, 7), fake=st.integers(2, 7), most=st.integers(1, 30), seed=st.integers(0, 5)
)
@settings(deadline=None, max_examples=40)
def test_a_sample_of_pairs_takes_every_value_about_equally_often(
    real: int, fake: int, most: int, seed: int
) -> None:
    values = [f"r{i}" for i in range(real)] + [f"f{i}" for i in range(fake)]
    plan = _plan(values, [0] * real + [1] * fake, most=most, seed=seed)
    pairs = [held.values for held in plan.sets]
    assert len(set(pairs)) == len(pairs) == min(most, real * fake)
    for place, n in ((0, real), (1, fake)):
        counts = np.array(
            [sum(p[place] == v for p in pairs) for v in set(values) if v[0] == "rf"[place]]
        )
        assert len(counts) == n
        assert counts.max() - counts.min() <= 2


def test_the_mean_over_sets_skips_none() -> None:
    rows = [
        {"kind": PAIR, "values": [r, f], "roc_auc": auc, "average_precision": 0.5,
         "balanced_accuracy": 0.5}
        for r, f, auc in (("a", "c", 0.2), ("a", "d", 0.4), ("b", "c", 0.6), ("b", "d", 1.0))
    ]  # fmt: skip
    pooled = pool_holdouts(rows, resamples=300)
    assert pooled["pair"]["roc_auc"] == pytest.approx(0.55)
    assert pooled["pair"]["roc_auc_low"] < 0.55 < pooled["pair"]["roc_auc_high"]
    assert pooled["all"]["n_values"] == 4
    assert BOTH not in pooled
    rows[0]["roc_auc"] = None
    assert pool_holdouts(rows)["pair"]["roc_auc"] is None


def test_one_value_has_no_interval() -> None:
    row = {"kind": BOTH, "values": ["a"], "roc_auc": 0.7}
    row |= {"average_precision": 0.7, "balanced_accuracy": 0.7}
    assert pool_holdouts([row])["all"]["roc_auc_low"] is None


@pytest.mark.slow
def test_the_interval_covers_where_values_differ() -> None:
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(300):
        real, fake = rng.normal(0, 0.08, 8), rng.normal(0, 0.08, 6)
        rows = [
            {"kind": PAIR, "values": [f"r{i}", f"f{j}"],
             "roc_auc": float(np.clip(0.6 + real[i] + fake[j] + rng.normal(0, 0.05), 0, 1)),
             "average_precision": 0.5, "balanced_accuracy": 0.5}
            for i in range(8) for j in range(6)
        ]  # fmt: skip
        pooled = pool_holdouts(rows, resamples=300)["pair"]
        covered.append(pooled["roc_auc_low"] <= 0.6 <= pooled["roc_auc_high"])
    assert 0.92 <= np.mean(covered) <= 1.0


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=40)
def test_the_equal_error_threshold_is_where_the_errors_meet(seed: int) -> None:
    rng = np.random.default_rng(seed)
    label = np.array([0, 1, *rng.integers(0, 2, 30)])
    score = np.round(rng.normal(size=32) + label, 1)
    threshold = equal_error_threshold(label, score)
    assert threshold is not None
    alarm = (score[label == 0] >= threshold).mean()
    missed = (score[label == 1] < threshold).mean()
    fpr, tpr, _ = roc_curve(label, score, drop_intermediate=False)
    assert abs(alarm - missed) == pytest.approx(np.abs(fpr - (1 - tpr)).min(), abs=1e-9)


def test_no_threshold_without_both_classes() -> None:
    assert equal_error_threshold(np.zeros(3), np.arange(3.0)) is None


def test_rates_are_means_over_the_sets_of_a_value() -> None:
    scores = pl.DataFrame({
        "set": [0, 0, 0, 1, 1],
        "value": ["a", "a", "b", "a", "a"],
        "label": [0, 0, 1, 0, 0],
        "score": [0.1, 0.9, 0.9, 0.9, 0.9],
        "threshold": [0.5] * 5,
    })  # fmt: skip
    rows = rates_by_value(scores, [{"value": "a"}, {"value": "b"}, {"value": "c"}])
    assert [r["false_positive_rate"] for r in rows] == [0.75, None, None]
    assert [r["true_positive_rate"] for r in rows] == [None, 1.0, None]
    assert [r["n_sets"] for r in rows] == [2, 1, 0]
