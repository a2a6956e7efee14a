"""AUC variances against direct formulas: DeLong over all pairs, Obuchowski group by group."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from fvc.evaluation.clustered_auc import clustered_aucs, delong, placements


def kernel(scores: Any, fake: Any) -> Any:
    """1 where a fake lies above a real, 1/2 for a tie, shape (models, fakes, reals)."""
    gap = scores[:, fake, None] - scores[:, None, ~fake]
    return (gap > 0) + 0.5 * (gap == 0)


def direct_delong(fake: Any, scores: Any) -> tuple[Any, Any]:
    psi = kernel(scores, fake)
    _, m, n = psi.shape
    auc = psi.mean(axis=(1, 2))
    v10, v01 = psi.mean(axis=2), psi.mean(axis=1)
    s10 = (v10 - auc[:, None]) @ (v10 - auc[:, None]).T / (m - 1)
    s01 = (v01 - auc[:, None]) @ (v01 - auc[:, None]).T / (n - 1)
    return auc, s10 / m + s01 / n


def direct_obuchowski(group: Any, fake: Any, scores: Any) -> tuple[Any, Any]:
    """Formulas of the paper, cluster by cluster, for two or more models."""
    psi = kernel(scores, fake)
    k, m, n = psi.shape
    auc = psi.mean(axis=(1, 2))
    clusters = np.unique(group)
    fakes, reals = group[fake], group[~fake]
    with_fake = [c for c in clusters if (fakes == c).any()]
    with_real = [c for c in clusters if (reals == c).any()]
    s10, s01, s11 = (np.zeros((k, k)) for _ in range(3))
    for a in range(k):
        for b in range(k):

            def ten(c: Any, r: int) -> float:
                mine = fakes == c
                return float(psi[r][mine].mean(axis=1).sum() - mine.sum() * auc[r])

            def one(c: Any, r: int) -> float:
                mine = reals == c
                return float(psi[r][:, mine].mean(axis=0).sum() - mine.sum() * auc[r])

            i10, i01, i = len(with_fake), len(with_real), len(clusters)
            s10[a, b] = i10 / ((i10 - 1) * m) * sum(ten(c, a) * ten(c, b) for c in with_fake)
            s01[a, b] = i01 / ((i01 - 1) * n) * sum(one(c, a) * one(c, b) for c in with_real)
            s11[a, b] = i / (i - 1) * sum(ten(c, a) * one(c, b) for c in clusters)
    return auc, s10 / m + s01 / n + (s11 + s11.T) / (m * n)


@pytest.fixture
def rows() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(15), rng.integers(1, 5, 15))
    fake = rng.random(len(group)) < 0.45
    latent = fake + rng.normal(size=15)[group] + rng.normal(size=len(group))
    # Rounded, so that there are ties.
    scores = np.round(np.stack([latent, latent + rng.normal(size=len(group))]), 1)
    return group, fake, scores


def test_placements_give_the_auc(rows: Any) -> None:
    _, fake, scores = rows
    of_fakes, of_reals = placements(fake, scores)
    wanted = [roc_auc_score(fake, s) for s in scores]
    np.testing.assert_allclose(of_fakes.mean(axis=1), wanted)
    np.testing.assert_allclose(of_reals.mean(axis=1), wanted)
    np.testing.assert_allclose(of_fakes, kernel(scores, fake).mean(axis=2))


def test_delong_is_the_sum_over_all_pairs(rows: Any) -> None:
    _, fake, scores = rows
    found = delong(fake, scores)
    auc, covariance = direct_delong(fake, scores)
    np.testing.assert_allclose(found.auc, auc)
    np.testing.assert_allclose(found.covariance, covariance)
    difference, error, p = found.compare(0, 1)
    assert error == pytest.approx(np.sqrt([1, -1] @ covariance @ [1, -1]))
    assert p == pytest.approx(2 * norm.sf(abs(difference) / error))


def test_clustered_aucs_are_obuchowskis(rows: Any) -> None:
    group, fake, scores = rows
    mixed = [len(set(fake[group == g])) for g in np.unique(group)]
    assert 2 in mixed, "the term that joins both classes must be exercised"
    found = clustered_aucs(np.zeros(len(fake), dtype=int), group, fake, scores)
    auc, covariance = direct_obuchowski(group, fake, scores)
    np.testing.assert_allclose(found.auc, auc)
    np.testing.assert_allclose(found.covariance, covariance)
    independent = delong(fake, scores).covariance
    assert not np.allclose(found.covariance, independent, rtol=0.05)


def test_groups_of_one_source_give_delong(rows: Any) -> None:
    _, fake, scores = rows
    n = len(fake)
    found = clustered_aucs(np.zeros(n, dtype=int), np.arange(n), fake, scores)
    np.testing.assert_allclose(found.covariance, delong(fake, scores).covariance)


def test_folds_are_independent_parts_and_repeats_are_not(rows: Any) -> None:
    """Two folds with other groups halve the error; the same rows as a repeat change nothing."""
    group, fake, scores = rows
    n = len(fake)
    one = clustered_aucs(np.zeros(n, dtype=int), group, fake, scores)
    cell = np.repeat([0, 1], n)
    both = np.tile(fake, 2)
    twice = np.tile(scores, (1, 2))
    folds = clustered_aucs(cell, np.concatenate([group, group + 15]), both, twice)
    repeats = clustered_aucs(cell, np.tile(group, 2), both, twice)
    np.testing.assert_allclose(folds.covariance, one.covariance / 2)
    np.testing.assert_allclose(repeats.covariance, one.covariance)


def test_models_that_are_the_same_do_not_differ(rows: Any) -> None:
    group, fake, scores = rows
    same = np.stack([scores[0], scores[0]])
    found = clustered_aucs(np.zeros(len(fake), dtype=int), group, fake, same)
    assert found.compare(0, 1) == (0.0, 0.0, 1.0)
