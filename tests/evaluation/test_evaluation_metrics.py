"""Metrics against scikit-learn, SciPy and closed forms; None where there is nothing to say."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import interp1d
from scipy.optimize import brentq, minimize
from sklearn import metrics as reference

from fvc.errors import DataError
from fvc.evaluation import compute_classification_metrics
from fvc.evaluation.calibration_metrics import (
    calibration_line,
    debiased_squared_error,
    fit_logistic_line,
)


def scored(seed: int, n: int = 300, decimals: int = 3) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.4).astype(int)
    return y, np.clip(rng.normal(0.4 + 0.2 * y, 0.2), 0, 1).round(decimals)


@pytest.mark.parametrize("decimals", [1, 6])
def test_against_scikit_learn(decimals: int) -> None:
    y, score = scored(1, decimals=decimals)
    called = score >= 0.5
    m = compute_classification_metrics(y, score)
    p, r, f, _ = reference.precision_recall_fscore_support(y, called)
    expected = {
        "accuracy": reference.accuracy_score(y, called),
        "balanced_accuracy": reference.balanced_accuracy_score(y, called),
        "precision": p[1],
        "recall": r[1],
        "f1": f[1],
        "precision_real": p[0],
        "recall_real": r[0],
        "f1_real": f[0],
        "f1_macro": f.mean(),
        "mcc": reference.matthews_corrcoef(y, called),
        "roc_auc": reference.roc_auc_score(y, score),
        "average_precision": reference.average_precision_score(y, score),
        "log_loss": reference.log_loss(y, score),
        "brier": reference.brier_score_loss(y, score),
    }
    for name, value in expected.items():
        assert m[name] == pytest.approx(value, rel=1e-9), name
    tn, fp, fn, tp = reference.confusion_matrix(y, called).ravel()
    assert m["confusion_matrix"] == {"tn": tn, "fp": fp, "fn": fn, "tp": tp}
    assert (m["n"], m["n_real"], m["n_fake"]) == (300, (y == 0).sum(), y.sum())


def test_equal_error_rate_is_the_root_on_the_curve() -> None:
    y, score = scored(2)
    fpr, tpr, _ = reference.roc_curve(y, score, drop_intermediate=False)
    root = brentq(lambda x: 1 - x - interp1d(fpr, tpr)(x), 0, 1)
    got = compute_classification_metrics(y, score)["equal_error_rate"]
    assert got == pytest.approx(root, abs=2e-3)
    assert compute_classification_metrics([0, 1], [0.1, 0.9])["equal_error_rate"] == 0
    assert compute_classification_metrics([0, 1], [0.5, 0.5])["equal_error_rate"] == 0.5
    assert compute_classification_metrics([1, 0], [0.1, 0.9])["equal_error_rate"] == 1


def test_rates_at_a_false_positive_rate_only_where_resolved() -> None:
    real, fake = np.arange(100) / 100, np.array([0.945, 0.955, 0.2, 0.96])
    y = np.r_[np.zeros(100), np.ones(4)]
    m = compute_classification_metrics(y, np.r_[real, fake])
    # Five real sources (0.95 … 0.99) may be called fake: from 0.95 upwards, two of four fakes,
    # and from 0.945 too, since no further real source lies between.
    assert m["tpr_at_fpr_5pct"] == 0.75
    assert m["tpr_at_fpr_1pct"] is None
    assert m["undefined"]["tpr_at_fpr_1pct"] == "needs 500 real sources, there are 100"
    fewer = compute_classification_metrics(y[1:], np.r_[real, fake][1:])
    assert fewer["undefined"]["tpr_at_fpr_5pct"] == "needs 100 real sources, there are 99"


def test_calibration_line_is_the_maximum_likelihood_fit() -> None:
    y, score = scored(3)
    score = np.clip(score, 0.01, 0.99)
    x = np.log(score / (1 - score))
    fit = minimize(
        lambda b: np.sum(np.logaddexp(0, b[0] * x + b[1]) - y * (b[0] * x + b[1])),
        [1.0, 0.0],
        tol=1e-10,
    )
    m = compute_classification_metrics(y, score)
    assert m["calibration_slope"] == pytest.approx(fit.x[0], rel=1e-4)
    assert m["calibration_intercept"] == pytest.approx(fit.x[1], rel=1e-4, abs=1e-5)


def test_calibrated_probabilities_have_slope_one_and_no_error() -> None:
    rng = np.random.default_rng(0)
    p = rng.beta(2, 3, 40_000)
    y = rng.random(len(p)) < p
    m = compute_classification_metrics(y, p)
    assert m["calibration_slope"] == pytest.approx(1, abs=0.05)
    assert m["calibration_intercept"] == pytest.approx(0, abs=0.05)
    assert m["calibration_error"] < 0.012
    extreme = compute_classification_metrics(y, 1 / (1 + ((1 - p) / p) ** 2))
    assert extreme["calibration_slope"] == pytest.approx(0.5, abs=0.03)
    assert extreme["calibration_error"] > 0.08


def test_calibration_error_is_unbiased_where_the_plain_one_is_not() -> None:
    rng = np.random.default_rng(1)
    debiased, plain = [], []
    for _ in range(300):
        p = rng.random(150)
        y = (rng.random(150) < p).astype(float)
        debiased.append(debiased_squared_error(y, p))
        bins = np.array_split(np.argsort(p), 15)
        plain.append(np.mean([(p[b].mean() - y[b].mean()) ** 2 for b in bins]))
    assert np.mean(plain) > 0.01
    assert abs(np.mean(debiased)) < 0.0015


def test_calibration_error_of_two_bins_by_hand() -> None:
    p = np.r_[np.full(10, 0.2), np.full(10, 0.7)]
    y = np.r_[np.repeat([1, 0], [4, 6]), np.repeat([1, 0], [6, 4])]
    scatter = 0.4 * 0.6 / 9
    expected = 0.5 * ((0.2 - 0.4) ** 2 - scatter) + 0.5 * ((0.7 - 0.6) ** 2 - scatter)
    assert debiased_squared_error(y, p) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("y", "score", "reason"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], "separate the classes"),
        ([0, 0, 1, 1], [0.1, 0.3, 0.3, 0.4], "separate the classes"),
        ([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4], "separate the classes"),
        ([0, 1], [0.3, 0.3], "all scores are equal"),
        ([1, 1], [0.3, 0.4], "needs both classes"),
    ],
)
def test_no_calibration_line(y: list[int], score: list[float], reason: str) -> None:
    line = calibration_line(y, score)
    assert isinstance(line, str)
    assert reason in line
    assert compute_classification_metrics(y, score)["calibration_slope"] is None


def test_weights_of_the_logistic_line_count_rows() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=60)
    y = (rng.random(60) < 1 / (1 + np.exp(-x))).astype(float)
    times = rng.integers(0, 4, 60)
    weighted = fit_logistic_line(x, y, times.astype(float))
    repeated = fit_logistic_line(np.repeat(x, times), np.repeat(y, times))
    assert weighted == pytest.approx(repeated, rel=1e-6)


def test_what_one_class_leaves_undefined() -> None:
    m = compute_classification_metrics([1, 1], [0.2, 0.9])
    assert m["roc_auc"] is m["balanced_accuracy"] is m["mcc"] is m["recall_real"] is None
    assert m["undefined"]["roc_auc"] == "needs both classes"
    assert (m["accuracy"], m["recall"], m["precision"]) == (0.5, 0.5, 1.0)
    nothing = compute_classification_metrics([0, 1], [0.1, 0.2])
    assert nothing["precision"] is None
    assert nothing["undefined"]["precision"] == "nothing is called fake"
    assert (nothing["f1"], nothing["mcc"]) == (0.0, 0.0)
    empty = compute_classification_metrics([], [])
    assert empty["n"] == 0
    assert empty["accuracy"] is empty["brier"] is None


def test_scores_that_are_no_probabilities_still_rank() -> None:
    m = compute_classification_metrics([0, 1, 0, 1], [-3.0, 2.0, 1.0, 7.5], threshold=0)
    assert m["roc_auc"] == 1
    assert m["accuracy"] == 0.75
    assert m["brier"] is m["log_loss"] is None
    assert m["undefined"]["brier"] == "needs scores between 0 and 1"


def test_a_certain_mistake_costs_much_but_not_infinitely() -> None:
    m = compute_classification_metrics([1, 0], [0.0, 0.5])
    assert m["log_loss"] == pytest.approx(reference.log_loss([1, 0], [0.0, 0.5]))


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), max_size=60),
    st.sampled_from([0.0, 0.3, 0.5, 1.0]),
)
def test_every_value_is_a_number_or_none_with_a_reason(
    rows: list[tuple[int, float]], threshold: float
) -> None:
    m = compute_classification_metrics(
        [y for y, _ in rows], [s for _, s in rows], threshold=threshold
    )
    json.dumps(m, allow_nan=False)
    missing = {name for name, value in m.items() if value is None}
    assert missing == set(m["undefined"])


def test_scores_that_are_missing_are_refused() -> None:
    with pytest.raises(DataError, match="1 of 2 scores are not finite"):
        compute_classification_metrics([0, 1], [0.2, float("nan")])
    with pytest.raises(DataError, match="labels are 0"):
        compute_classification_metrics([0, 2], [0.2, 0.4])
    with pytest.raises(DataError, match="one of each"):
        compute_classification_metrics([0, 1, 1], [0.2, 0.4])
