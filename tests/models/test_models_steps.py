"""The steps of the tabular pipelines against independent computations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from fvc.models import (
    CalibratedSVM,
    CollinearityFilter,
    SklearnLogisticRegression,
    WeightedMedianImputer,
    training_weights,
)


@given(
    clips=st.lists(st.integers(1, 6), min_size=2, max_size=12),
    labels=st.lists(st.integers(0, 1), min_size=12, max_size=12),
)
@settings(deadline=None, max_examples=60)
def test_weights_of_sources_are_equal_within_a_class_and_classes_weigh_half(
    clips: list[int], labels: list[int]
) -> None:
    labels = labels[: len(clips)]
    labels[0], labels[1] = 0, 1
    source = np.repeat(np.arange(len(clips)), clips)
    y = np.repeat(labels, clips)
    weight = training_weights(source, y)
    per_source = np.bincount(source, weight)
    for label in (0, 1):
        of = per_source[np.array(labels) == label]
        np.testing.assert_allclose(of, len(clips) / 2 / len(of))


def test_weights_need_both_classes() -> None:
    with pytest.raises(ValueError, match="no clip has label 1"):
        training_weights(np.array([0, 1]), np.array([0, 0]))


@given(
    values=st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=20),
    counts=st.lists(st.integers(1, 4), min_size=20, max_size=20),
)
@settings(deadline=None, max_examples=100)
def test_weighted_median_is_that_of_repeated_rows(values: list[float], counts: list[int]) -> None:
    counts = counts[: len(values)]
    X = np.array(values)[:, None]
    imputer = WeightedMedianImputer().fit(X, sample_weight=np.array(counts) / 3)
    assert imputer.median_[0] == pytest.approx(np.median(np.repeat(values, counts)))


def test_missing_values_are_filled_and_marked() -> None:
    X = np.array([[1, np.nan, 1], [3, np.nan, 2], [np.nan, np.nan, 9]], dtype=np.float32)
    imputer = WeightedMedianImputer().fit(X)
    out = imputer.transform(X)
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out, [[1, 0, 1, 0, 1], [3, 0, 2, 0, 1], [2, 0, 9, 1, 1]])
    names = imputer.get_feature_names_out(["a", "b", "c"]).tolist()
    assert names == ["a", "b", "c", "a_missing", "b_missing"]
    # A gap in a column that had none in fitting is filled and not marked.
    assert imputer.transform(np.array([[1.0, 1.0, np.nan]])).tolist() == [[1, 1, 2, 0, 0]]


def test_the_filter_drops_constants_and_the_later_of_two_twins() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 500))
    X = np.column_stack([np.full(500, 0.1), a, -2 * a + 0.01 * b, b, a + b])
    assert CollinearityFilter().fit(X).kept_.tolist() == [1, 3, 4]
    assert CollinearityFilter(0.5).fit(X).kept_.tolist() == [1, 3]
    assert CollinearityFilter(1.0).fit(X).kept_.tolist() == [1, 2, 3, 4]
    assert CollinearityFilter().fit(np.ones((5, 2))).kept_.tolist() == [0]
    assert CollinearityFilter().fit(X).get_feature_names_out(list("vwxyz")).tolist() == list("wyz")


def test_the_filters_correlation_is_the_weighted_one() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 2))
    X[:, 1] += 2 * X[:, 0]
    weight = rng.integers(1, 5, 300)
    r = np.corrcoef(np.repeat(X, weight, axis=0).T)[0, 1]
    for threshold, kept in ((r + 1e-6, [0, 1]), (r - 1e-6, [0])):
        assert CollinearityFilter(threshold).fit(X, sample_weight=weight).kept_.tolist() == kept


@pytest.mark.parametrize(("penalty", "l1_ratio"), [("l2", 0.0), ("l1", 1.0), ("elasticnet", 0.5)])
def test_coefficients_are_those_of_plain_scikit_learn(penalty: str, l1_ratio: float) -> None:
    rng = np.random.default_rng(3)
    source = np.repeat(np.arange(60), 2)
    y = source % 2
    X = rng.normal(size=(120, 4))
    X[:, 0] += y
    weight = training_weights(source, y)
    ours = SklearnLogisticRegression(penalty=penalty, C=0.3, l1_ratio=0.5)
    ours.fit(X, y, sample_weight=weight)
    mean = np.average(X, axis=0, weights=weight)
    Z = (X - mean) / np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weight))
    exact = {"solver": "lbfgs"} if penalty == "l2" else {"solver": "saga", "l1_ratio": l1_ratio}
    plain = LogisticRegression(C=0.3, tol=1e-10, max_iter=100_000, **exact)
    plain.fit(Z, y, sample_weight=weight)
    np.testing.assert_allclose(ours.pipeline_[-1].coef_, plain.coef_, atol=3e-3)
    np.testing.assert_allclose(ours.pipeline_[-1].intercept_, plain.intercept_, atol=3e-3)
    if penalty == "l1":
        assert (ours.pipeline_[-1].coef_ == 0).any()


def test_the_margin_is_that_of_plain_scikit_learn_and_the_sigmoid_keeps_its_order() -> None:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(200, 3))
    y = (X[:, 0] + rng.normal(size=200) > 0).astype(int)
    half = np.arange(200) % 2 == 0
    cv = [
        (np.flatnonzero(half), np.flatnonzero(~half)),
        (np.flatnonzero(~half), np.flatnonzero(half)),
    ]
    ours = CalibratedSVM(C=0.1).fit(X, y, cv=cv)
    plain = LinearSVC(C=0.1, dual=False).fit(X, y)
    np.testing.assert_allclose(ours.decision_function(X), plain.decision_function(X), rtol=1e-6)
    assert ours.calibration_ == "sigmoid"
    fake = ours.predict_proba(X)[:, 1]
    assert (np.diff(fake[np.argsort(ours.decision_function(X))]) >= 0).all()
    assert abs(fake.mean() - y.mean()) < 0.05


def test_margins_that_run_against_the_labels_do_not_turn_the_ranking_round() -> None:
    X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    y = np.array([0, 0, 1, 1])
    # Each half teaches the opposite of the other.
    odd = np.vstack([X, -X])
    cv = [(np.arange(4), np.arange(4, 8)), (np.arange(4, 8), np.arange(4))]
    weight = np.r_[np.full(4, 3.0), np.full(4, 1.0)]
    svm = CalibratedSVM().fit(odd, np.r_[y, y], sample_weight=weight, cv=cv)
    assert svm.slope_ > 0
    assert np.diff(svm.predict_proba(X)[:, 1]).min() >= 0


def test_without_splits_scores_are_called_uncalibrated() -> None:
    X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    assert CalibratedSVM().fit(X, y).calibration_ == "none"


def test_a_solver_that_does_not_converge_is_noted() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 4)), np.arange(50) % 2
    assert not SklearnLogisticRegression("l1", C=100, max_iter=1).fit(X, y).converged_
    assert SklearnLogisticRegression("l1").fit(X, y).converged_
