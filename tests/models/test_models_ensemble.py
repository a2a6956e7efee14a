import numpy as np
import pytest
from scipy.special import expit, logit

from fvc.errors import DataError
from fvc.models import Ensemble, load_detector


def scores(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A good member, a weak one and one that is noise."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    clear = np.array([2.0, 0.7, 0.0])
    return expit((2 * y[:, None] - 1) * clear + rng.normal(size=(n, 3))), y


def test_stacking_weighs_members_by_what_they_know() -> None:
    X, y = scores()
    ensemble = Ensemble(C=100.0).fit(X, y, feature_names=["good", "weak", "noise"])
    assert ensemble.coef_[0] > ensemble.coef_[1] > ensemble.coef_[2] >= 0
    # Log odds of normal scores: the best weights are twice the distances (a closed form).
    np.testing.assert_allclose(ensemble.coef_, [4.0, 1.4, 0.0], atol=0.9)
    fresh, labels = scores(seed=1)
    right = (ensemble.predict_proba(fresh)[:, 1] >= 0.5) == labels
    assert right.mean() > ((fresh[:, 0] >= 0.5) == labels).mean() - 0.01


def test_weights_are_never_negative_and_fall_back_on_equal_ones() -> None:
    X, y = scores()
    X[:, 2] = 1 - X[:, 0]
    assert (Ensemble(C=1e3).fit(X, y).coef_ >= 0).all()
    np.testing.assert_allclose(Ensemble(C=1e-6).fit(X, y).coef_, 1 / 3, atol=1e-3)


def test_rows_that_weigh_more_count_as_more_rows() -> None:
    X, y = scores(100)
    copies = 1 + np.arange(100) % 3
    twice = Ensemble().fit(np.repeat(X, copies, axis=0), np.repeat(y, copies))
    weighted = Ensemble().fit(X, y, sample_weight=copies.astype(float))
    np.testing.assert_allclose(weighted.coef_, twice.coef_, atol=1e-4)


def test_an_average_is_the_weighted_mean() -> None:
    X, y = scores()
    fake = Ensemble("average").fit(X, y).predict_proba(X)[:, 1]
    np.testing.assert_allclose(fake, X.mean(axis=1))
    fake = Ensemble("average", weights=(2, 1, 1)).fit(X, y).predict_proba(X)[:, 1]
    np.testing.assert_allclose(fake, X @ [0.5, 0.25, 0.25])
    with pytest.raises(ValueError, match="3 weights of 0 or more"):
        Ensemble("average", weights=(1, 1)).fit(X, y)
    with pytest.raises(ValueError, match="3 weights of 0 or more"):
        Ensemble("average", weights=(1, -1, 1)).fit(X, y)


@pytest.mark.parametrize("method", ["stacking", "average"])
def test_a_missing_member_is_a_missing_score(method: str) -> None:
    X, y = scores()
    X[3, 1] = np.nan
    fake = Ensemble(method).fit(X, y).predict_proba(X)[:, 1]
    assert np.isnan(fake[3])
    assert np.isfinite(np.delete(fake, 3)).all()


def test_stacking_agrees_with_scikit_learn_where_the_pull_is_weak() -> None:
    from sklearn.linear_model import LogisticRegression

    X, y = scores(seed=3)
    X = X[:, :2]
    ours = Ensemble(C=1e6).fit(X, y)
    theirs = LogisticRegression(C=1e6, tol=1e-8).fit(logit(X), y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_[0], rtol=1e-3)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_[0], atol=1e-3)


@pytest.mark.parametrize("ensemble", [Ensemble(), Ensemble("average", weights=(3, 1, 2))])
def test_saved_and_loaded_it_says_the_same(ensemble: Ensemble, tmp_path) -> None:
    X, y = scores()
    ensemble.fit(X, y, feature_names=["a", "b", "c"]).save(tmp_path)
    loaded = load_detector(tmp_path)
    assert loaded.get_params() == ensemble.get_params()
    assert loaded.feature_names_ == ["a", "b", "c"]
    np.testing.assert_array_equal(loaded.predict_proba(X), ensemble.predict_proba(X))


def test_what_cannot_be_is_refused(tmp_path) -> None:
    X, y = scores()
    with pytest.raises(ValueError, match="both classes"):
        Ensemble().fit(X, np.zeros(len(y), dtype=int))
    with pytest.raises(ValueError, match="stacking or average"):
        Ensemble("vote").fit(X, y)
    with pytest.raises(ValueError, match=r"\(n, 3\) is expected"):
        Ensemble().fit(X, y).predict_proba(X[:, :2])
    (tmp_path / "ensemble.json").write_text("{}")
    with pytest.raises(DataError, match="is not an ensemble"):
        load_detector(tmp_path)
