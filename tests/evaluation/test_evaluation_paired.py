"""Paired tests against enumeration, closed forms and worked examples."""

from itertools import product
from math import comb, sqrt
from typing import Any

import numpy as np
import pytest
from scipy.stats import rankdata, t
from sklearn.metrics import roc_auc_score

from fvc.evaluation.bootstrap import ScoredRows
from fvc.evaluation.paired import (
    corrected_resampled_t,
    group_permutation,
    mcnemar,
    paired_bootstrap,
)


@pytest.fixture
def small() -> tuple[Any, Any, Any, Any]:
    """Six groups in two folds, two repeats of them; scores of other scales."""
    rng = np.random.default_rng(3)
    group = np.array([0, 0, 1, 2, 3, 3, 4, 5] * 2)
    fake = np.array([1, 0, 1, 0, 1, 1, 0, 0] * 2) == 1
    cell = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3])
    scores = np.stack([rng.random(16), 100 * rng.random(16) + 5 * fake])
    return cell, group, fake, scores


def test_permutation_goes_through_every_exchange_of_few_groups(small: Any) -> None:
    cell, group, fake, scores = small
    ranks = np.empty_like(scores)
    for k in range(4):
        ranks[:, cell == k] = rankdata(scores[:, cell == k], axis=1)

    def difference(first: Any, second: Any) -> float:
        gaps = [
            roc_auc_score(fake[cell == k], first[cell == k])
            - roc_auc_score(fake[cell == k], second[cell == k])
            for k in range(4)
        ]
        return abs(float(np.mean(gaps)))

    observed = difference(*ranks)
    reached = 0
    for exchange in product([False, True], repeat=6):
        swapped = np.array(exchange)[group]
        first = np.where(swapped, ranks[1], ranks[0])
        second = np.where(swapped, ranks[0], ranks[1])
        reached += difference(first, second) >= observed - 1e-12
    p, exact = group_permutation(
        cell, group, fake, scores, permutations=64, rng=np.random.default_rng(0)
    )
    assert exact
    assert p == reached / 64
    drawn, exact = group_permutation(
        cell, group, fake, scores, permutations=63, rng=np.random.default_rng(0)
    )
    assert not exact
    assert drawn == pytest.approx(p, abs=0.2)


def test_permutation_does_not_mind_the_scale_of_a_model(small: Any) -> None:
    cell, group, fake, scores = small
    draw = {"permutations": 64, "rng": np.random.default_rng(0)}
    stretched = np.stack([np.exp(3 * scores[0]), scores[1]])
    assert group_permutation(cell, group, fake, scores, **draw) == group_permutation(
        cell, group, fake, stretched, **draw
    )


def test_corrected_t_is_nadeau_and_bengios() -> None:
    differences = np.array([0.05, 0.02, -0.01, 0.04, 0.03, 0.06, 0.00, 0.03, 0.02, 0.05])
    found = corrected_resampled_t(differences, test_share=0.25)
    statistic = differences.mean() / sqrt((1 / 10 + 0.25) * differences.var(ddof=1))
    assert found.p == pytest.approx(2 * t.sf(statistic, 9))
    reach = t.ppf(0.975, 9) * sqrt(0.35 * differences.var(ddof=1))
    assert found.high - found.low == pytest.approx(2 * reach)
    naive = corrected_resampled_t(differences, test_share=0.0)
    assert naive.p < found.p / 5, "the correction must cost something"


def test_nothing_that_differs_is_no_difference() -> None:
    assert corrected_resampled_t(np.zeros(5), test_share=0.25).p == 1
    assert corrected_resampled_t(np.full(5, 0.1), test_share=0.25).p == 0


def test_mcnemar_counts_what_only_one_has_right() -> None:
    a = np.array([True] * 9 + [False] * 2 + [True] * 30)
    b = np.array([False] * 9 + [True] * 2 + [True] * 30)
    tail = sum(comb(11, k) for k in range(3)) / 2**11
    assert mcnemar(a, b) == pytest.approx(2 * tail)
    assert mcnemar(a, a) == 1


def test_paired_bootstrap_is_narrower_than_its_parts() -> None:
    """What both models share cancels; what does not is widened for shared training data."""
    rng = np.random.default_rng(0)
    n = 200
    group, fake = np.arange(n), np.arange(n) % 2 == 1
    latent = fake + rng.normal(size=n)
    cell = rng.integers(0, 5, n)
    alike = [ScoredRows(cell, group, fake, latent + 0.2 * rng.normal(size=n)) for _ in range(2)]
    apart = ScoredRows(cell, group, fake, fake + rng.normal(size=n))

    def compare(a: ScoredRows, b: ScoredRows, n_splits: int = 5) -> Any:
        rng = np.random.default_rng(1)
        return paired_bootstrap(a, b, n_splits=n_splits, resamples=300, confidence=0.95, rng=rng)

    close, wide = compare(*alike), compare(alike[0], apart)
    assert close.high - close.low < 0.4 * (wide.high - wide.low)
    two = compare(alike[0], apart, n_splits=2)
    ratio = (two.high - two.low) / (wide.high - wide.low)
    assert ratio == pytest.approx(sqrt(3 / 2.25))
    same = compare(alike[0], alike[0])
    assert (same.difference, same.p) == (0, 1)
