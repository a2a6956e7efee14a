import json

import numpy as np
import pytest

from fvc.models import (
    GradientBoosting,
    LinearSVMBaseline,
    LogisticRegressionBaseline,
    SklearnLogisticRegression,
)
from fvc.models.linear import LinearForm

NAMES = ("a", "b", "c", "d", "e")


def _data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 5)).astype(np.float32)
    y = (X[:, 0] + 0.5 * rng.normal(size=80) > 0).astype(int)
    X[:, 3] = 2 * X[:, 2]
    X[rng.random(80) < 0.2, 1] = np.nan
    return X, y


@pytest.mark.parametrize(
    "detector",
    [
        LogisticRegressionBaseline(C=0.5),
        SklearnLogisticRegression(penalty="l1", C=0.5),
        LinearSVMBaseline(C=0.1),
    ],
    ids=lambda d: type(d).__name__,
)
def test_numbers_give_the_detectors_probabilities(detector: LogisticRegressionBaseline) -> None:
    X, y = _data()
    half = np.arange(80) < 40
    cv = [
        (np.flatnonzero(half), np.flatnonzero(~half)),
        (np.flatnonzero(~half), np.flatnonzero(half)),
    ]
    detector.fit(X, y, feature_names=list(NAMES), cv=cv)
    form = LinearForm.of(detector)
    assert form is not None
    again = LinearForm.from_dict(json.loads(json.dumps(form.to_dict())), NAMES)
    new = np.vstack([X, np.full((1, 5), np.nan), 50 * X[:3]]).astype(np.float32)
    wanted = detector.predict_proba(new)
    np.testing.assert_allclose(again.predict_proba(new), wanted, rtol=1e-9, atol=1e-12)
    log_odds = np.log(wanted[:80, 1] / wanted[:80, 0])
    total = again.intercept + again.contributions(X).sum(axis=1)
    np.testing.assert_allclose(total, log_odds, atol=1e-6)
    # The filter dropped the twin, which therefore adds nothing.
    assert (again.contributions(X)[:, 3] == 0).all()


def test_a_missing_value_counts_with_its_indicator() -> None:
    X, y = _data()
    detector = LogisticRegressionBaseline().fit(X, y, feature_names=list(NAMES))
    form = LinearForm.of(detector)
    assert form is not None
    row = np.zeros((2, 5), dtype=np.float32)
    row[1, 1] = np.nan
    row[0, 1] = form.median[1]
    a, b = form.contributions(row)
    # The same value is filled in; what differs is the indicator.
    assert a[1] != b[1]
    np.testing.assert_array_equal(np.delete(a, 1), np.delete(b, 1))


def test_what_is_not_linear_has_no_such_form() -> None:
    X, y = _data()
    kernel = LinearSVMBaseline(kernel="rbf").fit(X, y)
    trees = GradientBoosting(n_estimators=2).fit(X, y)
    assert LinearForm.of(kernel) is None
    assert LinearForm.of(trees) is None


def test_numbers_that_do_not_fit_are_refused() -> None:
    X, y = _data()
    form = LinearForm.of(LogisticRegressionBaseline().fit(X, y, feature_names=list(NAMES)))
    assert form is not None
    document = form.to_dict()
    with pytest.raises(ValueError, match="do not fit"):
        LinearForm.from_dict({**document, "weight": document["weight"][:-1]}, NAMES)
    with pytest.raises(ValueError, match="do not fit"):
        LinearForm.from_dict({**document, "owner": [99] * len(document["owner"])}, NAMES)
    with pytest.raises(ValueError, match="is expected"):
        form.contributions(np.zeros((1, 3)))
