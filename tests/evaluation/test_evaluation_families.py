"""Holm by hand; ranks and critical differences against the worked example of Demšar (2006)."""

import numpy as np
import pytest
from scipy.stats import friedmanchisquare

from fvc.evaluation.families import cliques, friedman_ranks, holm, nemenyi_difference

# Demšar (2006), table 6: AUC of C4.5, with m, with cf, with both, on fourteen data sets.
# On the last but one both print as 0.975; the paper ranks the first of them second.
DEMSAR = np.array([
    [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
    [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
    [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
    [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
    [0.972, 0.981, 0.97501, 0.975], [0.957, 0.978, 0.946, 0.970],
])  # fmt: skip


def test_holm_by_hand() -> None:
    # Ordered 0.01, 0.02, 0.03, 0.5: times 4, 3, 2, 1, never falling.
    assert holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_leaves_out_what_was_not_tested() -> None:
    assert holm([None, 0.02, None, 0.04]) == [None, 0.04, None, 0.04]
    assert holm([None]) == [None]


def test_ranks_and_friedman_of_demsars_example() -> None:
    ranks = friedman_ranks(DEMSAR)
    np.testing.assert_allclose(ranks.mean, [3.143, 2.000, 2.893, 1.964], atol=5e-4)
    # Chi-squared 9.28 with 3 degrees of freedom; F 3.69 with 3 and 39.
    assert ranks.friedman_p == pytest.approx(0.0258, abs=5e-4)
    assert ranks.iman_davenport_p == pytest.approx(0.0198, abs=5e-4)


def test_friedman_without_ties_is_scipys() -> None:
    scores = np.random.default_rng(0).random((8, 3))
    assert friedman_ranks(scores).friedman_p == pytest.approx(friedmanchisquare(*scores.T).pvalue)


@pytest.mark.parametrize(
    ("models", "q"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)]
)
def test_nemenyi_uses_demsars_table_5(models: int, q: float) -> None:
    expected = q * np.sqrt(models * (models + 1) / (6 * 14))
    assert nemenyi_difference(models, 14) == pytest.approx(expected, rel=5e-4)


def test_cliques_are_the_largest_runs_without_a_difference() -> None:
    apart = np.zeros((4, 4), dtype=bool)
    for i, j in ((0, 2), (0, 3), (1, 3)):
        apart[i, j] = apart[j, i] = True
    assert cliques([1.0, 2.0, 3.0, 4.0], apart) == [[0, 1], [1, 2], [2, 3]]
    assert cliques([2.0, 1.0, 3.0], np.zeros((3, 3), dtype=bool)) == [[1, 0, 2]]
    everything = ~np.eye(3, dtype=bool)
    assert cliques([1.0, 2.0, 3.0], everything) == []
