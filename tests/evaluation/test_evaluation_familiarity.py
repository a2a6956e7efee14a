import json

import numpy as np
import pytest

from fvc.evaluation.familiarity import Familiarity, fit_familiarity


def _training(n: int = 200, p: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, p)) * np.arange(1, p + 1)
    return X, np.arange(n), np.arange(n) % 5


def test_distance_by_hand() -> None:
    X = np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0], [3.0, 5.0], [4.0, 5.0]])
    looks = fit_familiarity(X, np.arange(5), np.arange(5))
    # Median 2, quartiles 1 and 3; the second feature has one value only, which counts as 10.
    z = np.array([4 / (2 / 1.349), 10.0])
    expected = np.sqrt(np.mean(np.arcsinh(z) ** 2))
    assert looks.distance([[6.0, 5.1]])[0] == pytest.approx(expected)
    assert looks.distance([[2.0, 5.0]])[0] == 0
    assert looks.distance([[np.nan, 5.0]])[0] == pytest.approx(np.arcsinh(10) / np.sqrt(2))


def test_what_training_sometimes_lacks_may_be_missing() -> None:
    X, group, fold = _training()
    X[0, 1] = np.nan
    looks = fit_familiarity(X, group, fold)
    row = np.zeros((1, 5))
    row[0, 1] = np.nan
    assert looks.distance(row)[0] < 1
    row[0, 2] = np.nan
    assert looks.distance(row)[0] > 1


def test_p_values_are_uniform_for_more_of_the_same_and_least_for_others() -> None:
    X, group, fold = _training()
    looks = fit_familiarity(X, group, fold)
    more = np.random.default_rng(2).normal(size=(2000, 5)) * np.arange(1, 6)
    p = looks.reference(looks.distance(more))
    for level in (0.05, 0.2, 0.5):
        assert np.mean(p <= level) == pytest.approx(level, abs=0.05)
    strange = np.zeros((1, 5))
    strange[0, 0] = 1e6
    assert looks.reference(looks.distance(strange))[0] == pytest.approx(1 / 201)


def test_it_survives_json() -> None:
    X, group, fold = _training(20)
    X[:, 4] = np.nan
    names = list("abcde")
    looks = fit_familiarity(X, group, fold)
    again = Familiarity.from_dict(json.loads(json.dumps(looks.to_dict(names))), names)
    row = np.random.default_rng(3).normal(size=(4, 5))
    np.testing.assert_array_equal(again.distance(row), looks.distance(row))
    assert again.distance(row[:, ::1]).shape == (4,)
