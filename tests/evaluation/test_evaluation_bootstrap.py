"""Weighted metrics, the bootstrap over groups, and what its intervals cover."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student_t
from sklearn.metrics import average_precision_score, roc_auc_score

from fvc.evaluation import GroupedStratifiedKFold
from fvc.evaluation.bootstrap import (
    MIN_RESAMPLES,
    ScoredRows,
    _draw,
    _strata,
    bootstrap_means,
    iterate_cells,
    weighted_auc,
    widened_interval,
)

weighted_rows = st.lists(
    st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 3)), min_size=2, max_size=30
)


@settings(deadline=None, max_examples=100)
@given(weighted_rows)
def test_a_weight_is_so_many_rows(rows: list[tuple[bool, int, int]]) -> None:
    fake, score, weights = (np.array(column) for column in zip(*rows, strict=True))
    repeated = np.repeat(fake, weights)
    value = weighted_auc(fake, score.astype(float), weights.astype(float))
    if repeated.all() or not repeated.any():
        assert np.isnan(value)
    else:
        assert value == pytest.approx(roc_auc_score(repeated, np.repeat(score, weights)))


def test_a_resample_is_the_metric_of_the_drawn_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    group = rng.integers(0, 12, 60)
    cell = group % 2
    fake, score = rng.random(60) < 0.5, rng.random(60).round(1)
    times = rng.integers(0, 3, (4, 12)).astype(float)
    monkeypatch.setattr("fvc.evaluation.bootstrap._draw", lambda *_: times)
    rows = ScoredRows(cell, group, fake, score)
    means = bootstrap_means(rows, resamples=4, threshold=0.5, rng=rng)
    for b in range(4):
        drawn = np.repeat(np.arange(60), times[b, group].astype(int))
        parts = [drawn[cell[drawn] == c] for c in (0, 1)]
        for name, metric in (
            ("roc_auc", roc_auc_score),
            ("average_precision", average_precision_score),
            ("brier", lambda y, s: np.mean((y - s) ** 2)),
            ("accuracy", lambda y, s: np.mean(y == (s >= 0.5))),
            ("f1", lambda y, s: 2 * (y & (s >= 0.5)).sum() / (y.sum() + (s >= 0.5).sum())),
        ):
            expected = np.mean([metric(fake[p], score[p]) for p in parts])
            assert means[name][b] == pytest.approx(expected), name


def test_groups_are_drawn_whole_and_by_their_classes() -> None:
    rng = np.random.default_rng(0)
    # Groups 0–3 real, 4–6 fake, 7 both.
    group = np.array([0, 1, 2, 3, 4, 5, 6, 7, 7])
    fake = np.array([0, 0, 0, 0, 1, 1, 1, 0, 1], dtype=bool)
    rows = ScoredRows(np.zeros(9, int), group, fake, np.arange(9.0))
    times = _draw(_strata(rows, 8), 8, 500, rng)
    assert (times[:, :4].sum(axis=1) == 4).all()
    assert (times[:, 4:7].sum(axis=1) == 3).all()
    assert (times[:, 7] == 1).all()
    np.testing.assert_allclose(times.mean(axis=0), 1, atol=0.15)


def test_group_resampling_sees_that_copies_bring_nothing() -> None:
    rng = np.random.default_rng(0)
    fake = np.arange(60) % 2 == 1
    score = rng.normal(0.5 * fake, 1)

    def spread(copies: int) -> float:
        rows = ScoredRows(
            np.zeros(60 * copies, dtype=int),
            np.tile(np.arange(60), copies),
            np.tile(fake, copies),
            np.tile(score, copies),
        )
        generator = np.random.default_rng(1)
        means = bootstrap_means(rows, resamples=400, threshold=0.5, rng=generator)
        return float(np.std(means["roc_auc"]))

    assert spread(11) == pytest.approx(spread(1), rel=1e-9)


def test_large_tables_get_fewer_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fvc.evaluation.bootstrap._BUDGET", 1000)
    rng = np.random.default_rng(0)
    rows = ScoredRows(np.zeros(50, int), np.arange(50), rng.random(50) < 0.5, rng.random(50))
    means = bootstrap_means(rows, resamples=2000, threshold=0.5, rng=rng)
    assert len(means["roc_auc"]) == MIN_RESAMPLES


def test_arrays_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"got lengths \[1, 2\]"):
        ScoredRows(np.zeros(2, int), np.zeros(2, int), np.zeros(1, bool), np.zeros(2))


def test_interval_by_hand() -> None:
    resampled = np.random.default_rng(0).normal(0.8, 0.03, 100_000)
    low, high = widened_interval(0.8, resampled, n_splits=5, groups=21, confidence=0.95)
    reach = student_t.ppf(0.975, 20) * 0.03 * np.sqrt(1 + 5 / 4) / (0.8 * 0.2)
    logit = np.log(0.8 / 0.2)
    expected = [1 / (1 + np.exp(-(logit - reach))), 1 / (1 + np.exp(-(logit + reach)))]
    assert [low, high] == pytest.approx(expected, rel=5e-3)


def test_a_perfect_score_of_few_groups_is_not_certain() -> None:
    low, high = widened_interval(1.0, np.ones(50), n_splits=5, groups=10, confidence=0.95)
    assert high == 1
    assert 0.6 < low < 0.7
    assert widened_interval(0.0, np.zeros(50), n_splits=5, groups=10, confidence=0.95) == (
        0.0,
        pytest.approx(1 - low),
    )


def corpus(rng: np.random.Generator, groups: int, effect: float) -> tuple[Any, Any, Any]:
    """Eight features of which three carry a trace; the sources of a group resemble each other."""
    group = np.repeat(np.arange(groups), rng.geometric(0.8, groups))
    fake = rng.random(groups) < 0.45
    fake[:10] = [0, 1] * 5
    y = fake[group].astype(int)
    x = 0.7 * (rng.normal(size=(groups, 8))[group] + rng.normal(size=(len(group), 8)))
    x[:, :3] += effect * y[:, None]
    return x, y, group


def ridge(x: Any, y: Any) -> Any:
    centred = x - x.mean(axis=0)
    return np.linalg.solve(centred.T @ centred + np.eye(x.shape[1]), centred.T @ (y - y.mean()))


@pytest.mark.slow
@pytest.mark.parametrize("effect", [0.3, 0.8])
def test_intervals_cover_the_expected_score_of_the_procedure(effect: float) -> None:
    rng = np.random.default_rng(1)
    estimates, intervals, truths = [], [], []
    for seed in range(200):
        x, y, group = corpus(rng, 70, effect)
        new_x, new_y, _ = corpus(rng, 1500, effect)
        parts = []
        for repeat in range(2):
            splitter = GroupedStratifiedKFold(5, random_state=(seed, repeat))
            for k, (train, test) in enumerate(splitter.split(x, y, group)):
                beta = ridge(x[train], y[train])
                parts.append((np.full(len(test), 5 * repeat + k), test, x[test] @ beta))
                if repeat == 0:
                    truths.append(roc_auc_score(new_y, new_x @ beta))
        cell, row, score = (np.concatenate(column) for column in zip(*parts, strict=True))
        rows = ScoredRows(cell, group[row], y[row] == 1, score)
        estimate = float(np.mean([roc_auc_score(f, s) for f, s in iterate_cells(rows)]))
        means = bootstrap_means(rows, resamples=200, threshold=0.5, rng=rng)["roc_auc"]
        fewest = min(len(set(group[y == c])) for c in (0, 1))
        intervals.append(
            widened_interval(estimate, means, n_splits=5, groups=fewest, confidence=0.95)
        )
        estimates.append(estimate)
    truth = float(np.mean(truths))
    covered = np.mean([low <= truth <= high for low, high in intervals])
    assert np.mean(estimates) == pytest.approx(truth, abs=0.02)
    # The correction is cautious for procedures that hardly depend on the corpus.
    assert 0.90 <= covered <= 0.995
