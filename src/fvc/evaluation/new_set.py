"""Where the score of a new set of groups will lie: what a hold-out score is compared with."""

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit
from scipy.stats import beta

from fvc.evaluation.bootstrap import ScoredRows, group_draws, weighted_means
from fvc.evaluation.clustered_auc import clustered_aucs

Ints = npt.NDArray[np.int64]


def new_set_interval(
    rows: ScoredRows,
    repeat: Ints,
    *,
    new_groups: int,
    n_splits: int,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Predict the AUC that a new set of groups from the same population will show.

    Two uncertainties add up: how well the expected score is known, which is the variance behind
    `fvc.evaluation.bootstrap.widened_interval`, and how much a set of `new_groups` scatters around
    it, which is the test-side variance (Obuchowski's, of one repeat) times G / `new_groups` for
    the G groups there are. The interval holds the middle of a beta distribution with that mean
    and variance, the variance inflated as Student's t is over the normal for the groups of the
    rarer class less one.

    Parameters
    ----------
    rows
        Out-of-fold scores; every cell is one fold of one repeat.
    repeat
        Repeat of each row, shape (n,).
    new_groups
        Groups in the new set, at least 2, with about the same share of each class as here.
    n_splits
        Folds a repeat.
    confidence
        Of the interval.
    resamples
        Resamples of groups.
    seed
        Of the resamples.

    Returns
    -------
    tuple of float
        Estimate, low and high end.
    """
    n_groups = int(rows.group.max()) + 1
    ones = np.ones((1, n_groups), dtype=np.uint16)
    estimate = float(weighted_means(rows, ones, threshold=0.5)["roc_auc"][0])
    times = group_draws(rows, resamples=resamples, rng=np.random.default_rng(seed))
    drawn = weighted_means(rows, times, threshold=0.5)["roc_auc"]
    known = float(np.nanvar(drawn, ddof=1)) * (1 + n_splits / (n_splits - 1))
    scatter = _test_variance(rows, repeat) * n_groups / new_groups
    rarer = min(len(np.unique(rows.group[rows.fake])), len(np.unique(rows.group[~rows.fake])))
    quantile = float(stdtrit(max(1, rarer - 1), (1 + confidence) / 2))
    if estimate <= 0 or estimate >= 1:
        # Nothing scatters here; Wilson's interval for the smaller of both sets.
        inner = 1 / (1 + quantile**2 / min(rarer, new_groups / 2))
        return (estimate, inner, 1.0) if estimate >= 1 else (estimate, 0.0, 1 - inner)
    normal = float(ndtri((1 + confidence) / 2))
    variance = (known + scatter) * (quantile / normal) ** 2
    size = estimate * (1 - estimate) / variance - 1
    if size <= 0:
        return estimate, 0.0, 1.0
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = beta.ppf(tails, estimate * size, (1 - estimate) * size)
    # A set of so few sources cannot show an AUC between the steps of its pairs.
    step = (n_groups / new_groups) ** 2 / (_first(rows.fake, repeat) * _first(~rows.fake, repeat))
    return estimate, 0.0 if low < step else float(low), 1.0 if high > 1 - step else float(high)


def _first(chosen: npt.NDArray[np.bool_], repeat: Ints) -> int:
    return int(chosen[repeat == repeat.min()].sum())


def _test_variance(rows: ScoredRows, repeat: Ints) -> float:
    variances = []
    for r in np.unique(repeat):
        here = repeat == r
        cell = np.unique(rows.cell[here], return_inverse=True)[1]
        found = clustered_aucs(cell, rows.group[here], rows.fake[here], rows.score[None, here])
        variances.append(found.covariance[0, 0])
    return float(np.mean(variances))
