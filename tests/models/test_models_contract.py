"""One contract for every available model."""

from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io

from fvc.errors import DataError, MissingInputError, OptionError
from fvc.models import (
    MODEL_CONFIGS,
    ModelSpec,
    candidates_of,
    get_model,
    list_models,
    load_detector,
    training_weights,
)

AVAILABLE = list_models(available=True, family="tabular")
NAMES = [f"f{i}" for i in range(5)]


def data(n_sources: int = 40, clips: int = 3, seed: int = 0):
    rng = np.random.default_rng(seed)
    source = np.repeat(np.arange(n_sources), clips)
    y = source % 2
    X = rng.normal(size=(len(y), 5)).astype(np.float32)
    X[:, 0] += 3 * y
    X[rng.random(X.shape) < 0.05] = np.nan
    splits = [(np.flatnonzero(source % 4 >= 2), np.flatnonzero(source % 4 < 2))]
    splits.append(splits[0][::-1])
    return X, y, source, splits


def fitted(name: str, **settings: object):
    X, y, source, splits = data()
    return get_model(name).build(**settings).fit(
        X, y, sample_weight=training_weights(source, y), feature_names=NAMES, cv=splits
    )  # fmt: skip


@pytest.mark.parametrize("name", AVAILABLE)
def test_fits_predicts_saves_and_loads(name: str, tmp_path: Path) -> None:
    X, y, _, _ = data(seed=1)
    detector = fitted(name)
    before = detector.predict_proba(X)
    assert before.shape == (len(X), 2)
    assert np.isfinite(before).all()
    np.testing.assert_allclose(before.sum(axis=1), 1, atol=1e-6)
    # The first feature tells the classes three standard deviations apart.
    assert np.mean((before[:, 1] >= 0.5) == y) > 0.7
    np.testing.assert_array_equal(detector.predict(X), before[:, 1] >= 0.5)
    detector.save(tmp_path)
    for path, trust in ((tmp_path, False), (tmp_path / "model.joblib", True)):
        loaded = load_detector(path, trust=trust)
        np.testing.assert_array_equal(loaded.predict_proba(X), before)
        assert loaded.feature_names_ == NAMES
        assert type(loaded) is type(detector)
        assert loaded.get_params() == detector.get_params()


@pytest.mark.parametrize("name", AVAILABLE)
def test_same_input_same_detector(name: str) -> None:
    X = data(seed=2)[0]
    np.testing.assert_array_equal(fitted(name).predict_proba(X), fitted(name).predict_proba(X))


@pytest.mark.parametrize("name", AVAILABLE)
def test_shared_preparation_changes_nothing(name: str) -> None:
    X, y, source, splits = data()
    weight = training_weights(source, y)
    detector = get_model(name).build()
    prepared = detector.prepare(X, sample_weight=weight, feature_names=NAMES)
    given = {"sample_weight": weight, "feature_names": NAMES, "cv": splits, "prepared": prepared}
    get_model(name).build().fit(X, y, **given)
    shared = detector.fit(X, y, **given)
    np.testing.assert_array_equal(shared.predict_proba(X), fitted(name).predict_proba(X))


@pytest.mark.parametrize("name", AVAILABLE)
def test_a_source_weighs_the_same_however_many_clips_it_has(name: str) -> None:
    X, y, source, splits = data(clips=1)
    copies = 1 + 4 * (source % 3 == 0)
    rows = np.repeat(np.arange(len(y)), copies)
    spec = get_model(name)
    # Trees draw rows at random, and a longer table draws others.
    settings = {"subsample": 1.0, "colsample": 1.0} if name == "gradient_boosting" else {}

    def score(rows: np.ndarray) -> np.ndarray:
        position = [np.flatnonzero(np.isin(rows, part)) for pair in splits for part in pair]
        cv = [(position[0], position[1]), (position[2], position[3])]
        detector = spec.build(**settings).fit(
            X[rows], y[rows], sample_weight=training_weights(source[rows], y[rows]), cv=cv
        )  # fmt: skip
        return detector.predict_proba(X)[:, 1]

    np.testing.assert_allclose(score(rows), score(np.arange(len(y))), atol=2e-3)


@pytest.mark.parametrize("name", AVAILABLE)
def test_every_candidate_of_the_grid_can_be_built(name: str) -> None:
    spec = get_model(name)
    candidates = candidates_of(spec, "default")
    assert len(candidates) > 1
    known = spec.build().get_params()
    for candidate in candidates:
        assert candidate.keys() <= known.keys()
        assert spec.build(**candidate).get_params().items() >= candidate.items()
    assert candidates_of(spec, "none") == [{}]


@pytest.mark.parametrize("name", AVAILABLE)
def test_refuses_rows_of_another_width(name: str) -> None:
    with pytest.raises(ValueError, match=r"\(n, 5\) is expected"):
        fitted(name).predict_proba(np.zeros((2, 4)))


@pytest.mark.parametrize("name", AVAILABLE)
def test_null_and_constant_columns_are_handled(name: str) -> None:
    X, y, source, splits = data()
    X[:, 1], X[:, 2] = np.nan, 7.0
    detector = get_model(name).build()
    detector.fit(X, y, sample_weight=training_weights(source, y), cv=splits)
    X[:, 1], X[0, 0] = 3.0, np.nan
    assert np.isfinite(detector.predict_proba(X)).all()


def test_a_pickle_is_read_only_when_trusted(tmp_path: Path) -> None:
    fitted("svm").save(tmp_path, native=False)
    with pytest.raises(OptionError, match=r"pickle.*--trust"):
        load_detector(tmp_path)
    assert load_detector(tmp_path, trust=True).n_features_in_ == 5


def test_a_foreign_type_in_a_skops_file_is_refused(tmp_path: Path) -> None:
    skops.io.dump({"a": ModelSpec("x", "video", "", ())}, tmp_path / "model.skops")
    with pytest.raises(DataError, match="ModelSpec"):
        load_detector(tmp_path)


@pytest.mark.parametrize("name", ["model.skops", "model.json"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not a model")
    with pytest.raises(DataError, match=name):
        load_detector(tmp_path)


def test_a_missing_model_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="fvc train"):
        load_detector(tmp_path)


def test_joblib_holds_the_detector(tmp_path: Path) -> None:
    fitted("logistic_regression").save(tmp_path)
    detector = joblib.load(tmp_path / "model.joblib")
    assert list(detector.pipeline_.named_steps) == ["impute", "collinear", "scale", "model"]


def test_an_rbf_kernel_is_refused_above_its_limit() -> None:
    refusal = MODEL_CONFIGS["svm"].estimator_class().refusal
    assert refusal({"kernel": "rbf"}, 20_000) is None
    assert "20,000 rows, not 20,001" in refusal({"kernel": "rbf"}, 20_001)
    assert refusal({"kernel": "linear"}, 10**6) is None
    assert fitted("svm", kernel="rbf").pipeline_[-1].machine_.kernel == "rbf"
