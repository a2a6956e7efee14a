"""Calibrators are fitted as their papers say, compared with independent fits."""

import numpy as np
import pytest
from drawn_scores import sample
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar
from sklearn.isotonic import IsotonicRegression

from fvc.errors import TooFewGroupsError
from fvc.evaluation.calibrator_fits import (
    MIN_ISOTONIC,
    _isotonic_fit,
    fit_isotonic,
    fit_sigmoid,
    fit_temperature,
    softened,
)
from fvc.evaluation.calibrators import calibrator_from_dict


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


def test_temperature_is_the_minimum_of_the_loss() -> None:
    score, fake = sample(300, distort=0.4)
    weights = np.random.default_rng(1).uniform(0.2, 1, 300)
    own = fit_temperature(score, fake, weights=weights)
    assert own is not None
    z = np.log(score / (1 - score))
    n_fake, n_real = weights[fake].sum(), weights[~fake].sum()
    target = np.where(fake, (n_fake + 1) / (n_fake + 2), 1 / (n_real + 2))
    found = minimize_scalar(
        lambda t: np.sum(weights * (np.logaddexp(0, z / t) - target * z / t)),
        bounds=(0.05, 50), method="bounded", options={"xatol": 1e-9},
    )  # fmt: skip
    assert own.temperature == pytest.approx(found.x, rel=1e-5)
    assert own.temperature == pytest.approx(1 / 0.4, rel=0.4)
    np.testing.assert_allclose(own.predict(score), 1 / (1 + np.exp(-z / own.temperature)))
    assert fit_temperature(score, ~fake) is None, "scores the wrong way round have no temperature"


def test_isotonic_is_scikit_learns() -> None:
    score, fake = sample(MIN_ISOTONIC, distort=2)
    score = score.round(3)
    weights = np.random.default_rng(1).uniform(0.5, 3, len(score))
    own = fit_isotonic(score, fake, weights=weights)
    n_fake, n_real = weights[fake].sum(), weights[~fake].sum()
    target = np.where(fake, (n_fake + 1) / (n_fake + 2), 1 / (n_real + 2))
    theirs = IsotonicRegression(out_of_bounds="clip").fit(score, target, sample_weight=weights)
    at = np.linspace(-0.1, 1.1, 500)
    np.testing.assert_allclose(own.predict(at), theirs.predict(at), atol=1e-10)
    assert 0 < own.predict(0.0) < own.predict(1.0) < 1
    assert calibrator_from_dict(own.to_dict()) == own


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=30))
def test_isotonic_of_any_rows_rises_and_keeps_the_mean(rows: list[tuple[int, bool]]) -> None:
    score, y = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    ones = np.ones(len(y))
    own = _isotonic_fit(score, y, ones)
    assert (np.diff(own.at) > 0).all()
    assert (np.diff(own.p) >= 0).all()
    assert own.predict(score).mean() == pytest.approx(softened(y, ones).mean())


def test_isotonic_needs_so_many_sources() -> None:
    score, fake = sample(MIN_ISOTONIC - 1)
    with pytest.raises(TooFewGroupsError, match=f"needs {MIN_ISOTONIC} scored sources"):
        fit_isotonic(score, fake)
