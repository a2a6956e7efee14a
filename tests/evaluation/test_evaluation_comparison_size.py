"""Tests hold their size: two equally good procedures are seldom told apart."""

import os

import numpy as np
import pytest
from benchmarks.simulated import two_equal_models

from fvc.evaluation.clustered_auc import clustered_aucs, delong
from fvc.evaluation.comparison import compare_predictions
from fvc.evaluation.paired import group_permutation

CORPORA = int(os.environ.get("FVC_SIMULATIONS", "100"))


def most(level: float, n: int) -> float:
    """The rate that a test of this level stays below, but for one simulation in a thousand."""
    return level + 3.1 * float(np.sqrt(level * (1 - level) / n))


@pytest.mark.slow
@pytest.mark.parametrize("largest", [1, 3])
def test_procedures_of_equal_worth_are_seldom_told_apart(largest: int) -> None:
    p: dict[str, list[float]] = {"bootstrap": [], "corrected_t": []}
    for seed in range(CORPORA):
        models = two_equal_models(np.random.default_rng([7, seed]), largest=largest)
        pair = compare_predictions(models, resamples=200, permutations=100, seed=seed)["pairs"][0]
        for test, found in p.items():
            found.append(pair[f"p_{test}"])
    for test, found in p.items():
        assert np.mean(np.array(found) < 0.05) <= most(0.05, CORPORA), test


def fixed_models(seed: int, largest: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two equally noisy views of the same sources: nothing is trained."""
    rng = np.random.default_rng([10, seed])
    group = np.repeat(np.arange(50), rng.integers(1, largest + 1, 50))
    fake = (np.arange(50) % 2)[group] == 1
    n = len(group)
    latent = fake + 0.7 * rng.normal(size=50)[group] + 0.7 * rng.normal(size=n)
    views = [latent + 0.6 * rng.normal(size=50)[group] + 0.3 * rng.normal(size=n) for _ in "ab"]
    return group, fake, np.stack(views)


@pytest.mark.slow
def test_fixed_models_of_equal_worth_are_seldom_told_apart() -> None:
    n = 3 * CORPORA
    clustered, exchanged, as_if_single = [], [], []
    for seed in range(n):
        group, fake, scores = fixed_models(seed, 4)
        cell = np.zeros(len(group), dtype=int)
        rng = np.random.default_rng(seed)
        clustered.append(clustered_aucs(cell, group, fake, scores).compare(0, 1)[2])
        found = group_permutation(cell, group, fake, scores, permutations=199, rng=rng)
        exchanged.append(found[0])
        as_if_single.append(delong(fake, scores).compare(0, 1)[2])
    rates = [np.mean(np.array(p) < 0.05) for p in (clustered, exchanged)]
    # A z-test on 25 groups a class is a little liberal.
    assert rates[0] <= most(0.07, n)
    assert rates[1] <= most(0.05, n)
    assert np.mean(np.array(as_if_single) < 0.05) > 0.09, "DeLong must fail where groups count"
