"""Boosted trees on tokens: pooled ones without torch, temporal heads with it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fvc.errors import DataError
from fvc.models import MODEL_CONFIGS, list_models, load_detector, training_weights
from fvc.models.embedding import PooledTokensXGBoost, pool, token_names

POOLED = [n for n in list_models(family="embedding") if MODEL_CONFIGS[n].embedding.head is None]
HEADS = [n for n in list_models(family="embedding") if MODEL_CONFIGS[n].embedding.head]
TOKENS, SIZE = 6, 16


def data(seed: int = 0, sources: int = 40, clips: int = 3) -> tuple[Any, ...]:
    """Tokens whose spread over time tells the classes, and their order in time more so."""
    rng = np.random.default_rng(seed)
    source = np.repeat(np.arange(sources), clips)
    y = source % 2
    X = rng.normal(size=(len(y), TOKENS, SIZE)).astype(np.float32)
    X[:, :, 0] += np.linspace(-2, 2, TOKENS) * (2 * y[:, None] - 1)
    X[:, :, 1] *= 1 + 4 * y[:, None]
    cv = [(np.flatnonzero(source % 3 != k), np.flatnonzero(source % 3 == k)) for k in range(3)]
    return X, y, source, cv


def build(name: str, **settings: Any) -> Any:
    spec = MODEL_CONFIGS[name]
    return spec.estimator_class()(**{**spec.settings, **settings})


def test_pooling_is_the_mean_and_the_deviation_over_time() -> None:
    X = data()[0]
    expected = np.concatenate([X.mean(axis=1), X.std(axis=1)], axis=1)
    np.testing.assert_allclose(pool(X), expected, rtol=1e-5)
    np.testing.assert_array_equal(pool(X[:, :1]), X[:, 0])


@pytest.mark.parametrize("name", POOLED)
def test_pooled_tokens_are_fitted_saved_and_loaded(name: str, tmp_path: Path) -> None:
    contract(name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", HEADS)
def test_heads_are_fitted_saved_and_loaded(name: str, tmp_path: Path) -> None:
    import torch

    torch.set_num_threads(1)
    contract(name, tmp_path)


def contract(name: str, folder: Path) -> None:
    X, y, source, cv = data()
    flat, names = X.reshape(len(X), -1), token_names(TOKENS, SIZE)
    given = {"sample_weight": training_weights(source, y), "cv": cv}
    detector = build(name).fit(flat, y, feature_names=names, **given)
    assert detector.tokens_ == (TOKENS, SIZE)
    assert detector.feature_names_ == names
    fresh, labels = data(seed=1)[:2]
    before = detector.predict_proba(fresh)
    assert before.shape == (len(fresh), 2)
    np.testing.assert_allclose(before.sum(axis=1), 1, atol=1e-6)
    assert np.mean((before[:, 1] >= 0.5) == labels) > 0.6
    # Tokens as they are, flat with names, flat with their size: the same.
    np.testing.assert_array_equal(detector.predict_proba(fresh.reshape(len(fresh), -1)), before)
    again = build(name).fit(X, y, **given)
    np.testing.assert_array_equal(again.predict_proba(fresh), before)
    sized = build(name, token_size=SIZE).fit(flat, y, **given)
    np.testing.assert_array_equal(sized.predict_proba(fresh), before)
    # A prepared fit is a fit.
    other = build(name)
    prepared = other.prepare(flat, sample_weight=given["sample_weight"], feature_names=names)
    other.fit(flat, y, feature_names=names, prepared=prepared, **given)
    np.testing.assert_array_equal(other.predict_proba(fresh), before)
    detector.save(folder)
    for path, trust in ((folder, False), (folder / "model.joblib", True)):
        loaded = load_detector(path, trust=trust)
        assert type(loaded) is type(detector)
        assert loaded.get_params() == detector.get_params()
        assert loaded.feature_names_ == names
        np.testing.assert_array_equal(loaded.predict_proba(fresh), before)
    with pytest.raises(ValueError, match="is expected"):
        detector.predict_proba(fresh[:, :, 1:])
    with pytest.raises(ValueError, match="no whole number of tokens"):
        build(name, token_size=7).fit(flat, y, **given)


@pytest.mark.slow
@pytest.mark.parametrize("name", HEADS)
def test_trees_never_see_what_their_head_was_fitted_to(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fvc.models.tabular import GradientBoosting
    from fvc.models.video.fitted_head import FittedHead

    X, y, source, cv = data()
    X[:, 0, 2] = source  # who a row is of
    seen: list[tuple[set[int], set[int]]] = []
    fit, features = FittedHead.fit.__func__, FittedHead.features

    def watched_fit(cls: Any, kind: Any, tokens: Any, *rest: Any, **more: Any) -> Any:
        seen.append((set(tokens[:, 0, 2].astype(int)), set()))
        return fit(cls, kind, tokens, *rest, **more)

    def watched_features(self: Any, tokens: Any) -> Any:
        seen[-1][1].update(tokens[:, 0, 2].astype(int))
        return features(self, tokens)

    monkeypatch.setattr(FittedHead, "fit", classmethod(watched_fit))
    monkeypatch.setattr(FittedHead, "features", watched_features)
    detector = build(name, head_epochs=1).fit(X, y, cv=cv)
    assert len(seen) == len(detector.heads_) == 3
    assert all(isinstance(trees, GradientBoosting) for trees in detector.trees_)
    for of_head, of_trees in seen:
        assert not of_head & of_trees
        assert of_head | of_trees == set(source)


@pytest.mark.slow
@pytest.mark.parametrize("name", HEADS)
def test_candidates_that_differ_in_their_trees_share_a_head(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fvc.models.video.fitted_head import FittedHead

    X, y, _, cv = data()
    fits = []
    fit = FittedHead.fit.__func__

    def counted(cls: Any, *given: Any, **more: Any) -> Any:
        fits.append(1)
        return fit(cls, *given, **more)

    monkeypatch.setattr(FittedHead, "fit", classmethod(counted))
    one, other = build(name, head_epochs=1, max_depth=2), build(name, head_epochs=1, max_depth=4)
    assert one.preparation == other.preparation != build(name, head_epochs=2).preparation
    prepared = one.prepare(X)
    one.fit(X, y, prepared=prepared)
    shared = other.fit(X, y, prepared=prepared).predict_proba(X)
    assert len(fits) == 1
    alone = build(name, head_epochs=1, max_depth=4).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(shared, alone)
    # Splits ask for heads of their own.
    other.fit(X, y, cv=cv, prepared=prepared)
    assert len(fits) == 5


@pytest.mark.slow
def test_a_temporal_head_hears_the_order_that_pooling_loses() -> None:
    X, y, _, cv = data(sources=60)
    X[:, :, 1] = 0
    fresh, labels = data(seed=1)[:2]
    fresh[:, :, 1] = 0

    def right(name: str) -> float:
        probability = build(name).fit(X, y, cv=cv).predict_proba(fresh)[:, 1]
        return float(np.mean((probability >= 0.5) == labels))

    assert right("xgboost_i3d") < 0.65
    assert right("xgboost_vit_gru") > 0.9
    assert right("xgboost_vit_transformer") > 0.9


def test_pooled_trees_need_no_torch(tmp_path: Path) -> None:
    X, y, _, _ = data()
    PooledTokensXGBoost(n_estimators=5).fit(X, y).save(tmp_path)
    code = (
        "import sys, numpy as np; from fvc.models import get_model, load_detector;"
        f"d = load_detector({str(tmp_path)!r}); d.predict_proba(np.zeros((2, 6, 16)));"
        "get_model('svm').build(); print('torch' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


@pytest.mark.slow
def test_a_damaged_file_of_heads_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"not a model")
    with pytest.raises(DataError, match=r"model\.safetensors"):
        load_detector(tmp_path)
