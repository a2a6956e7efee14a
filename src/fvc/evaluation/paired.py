"""Tests of two models on the same sources, folds and repeats.

Two questions are kept apart. *Do these fitted models rank new groups differently?* asks the
permutation test, Obuchowski's, DeLong's and McNemar's: the models are held fixed. *Does one
procedure do better than the other, trained on another corpus like this one?* asks the corrected
resampled t-test and the widened bootstrap: other training data would have given other models.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit
from scipy.stats import binomtest, rankdata

from fvc.evaluation.bootstrap import ScoredRows, group_draws, weighted_means

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_SAME = 1e-12
_BLOCK_CELLS = 500_000


@dataclass(frozen=True)
class Difference:
    """A difference of two means with its interval and two-sided p."""

    difference: float
    low: float
    high: float
    p: float


def paired_bootstrap(
    a: ScoredRows,
    b: ScoredRows,
    *,
    n_splits: int,
    resamples: int,
    confidence: float,
    rng: np.random.Generator,
) -> Difference:
    """Compare two procedures' mean AUC by drawing the same groups for both.

    As in `fvc.evaluation.bootstrap.widened_interval`, the variance of the difference is multiplied
    by 1 + K/(K − 1), since other training data would have given other models; interval and p use
    Student's t with one degree of freedom fewer than there are groups of the rarer class.

    Parameters
    ----------
    a, b
        The same rows, scored by either model.
    n_splits
        Folds a repeat.
    resamples
        Resamples of groups.
    confidence
        Of the interval, such as 0.95.
    rng
        Draws the groups.
    """
    times = group_draws(a, resamples=resamples, rng=rng)
    ones = np.ones((1, times.shape[1]), dtype=np.uint16)
    means = [weighted_means(rows, ones, threshold=0.5)["roc_auc"][0] for rows in (a, b)]
    difference = float(means[0] - means[1])
    drawn = [weighted_means(rows, times, threshold=0.5)["roc_auc"] for rows in (a, b)]
    error = float(np.nanstd(drawn[0] - drawn[1], ddof=1)) * np.sqrt(1 + n_splits / (n_splits - 1))
    rarer = min(len(np.unique(a.group[a.fake])), len(np.unique(a.group[~a.fake])))
    return _by_t(difference, error, max(1, rarer - 1), confidence)


def corrected_resampled_t(
    differences: Floats, *, test_share: float, confidence: float = 0.95
) -> Difference:
    """Compare two procedures by their differences on the folds of repeated cross-validation.

    Parameters
    ----------
    differences
        Difference of the metric in each fold of each repeat, shape (n,), n at least 2.
    test_share
        Test sources over training sources: 1/(K − 1) for K folds.
    confidence
        Of the interval.

    References
    ----------
    Nadeau & Bengio (2003), Inference for the generalization error, Machine Learning 52:239-281;
    for repeated cross-validation Bouckaert & Frank (2004), PAKDD.
    """
    n = len(differences)
    error = float(np.std(differences, ddof=1)) * np.sqrt(1 / n + test_share)
    return _by_t(float(np.mean(differences)), error, n - 1, confidence)


def _by_t(difference: float, error: float, freedom: int, confidence: float) -> Difference:
    if error < _SAME:
        p = 1.0 if abs(difference) < _SAME else 0.0
        return Difference(difference, difference, difference, p)
    reach = float(stdtrit(freedom, (1 + confidence) / 2)) * error
    p = float(2 * stdtr(freedom, -abs(difference) / error))
    return Difference(difference, difference - reach, difference + reach, p)


def group_permutation(
    cell: Ints,
    group: Ints,
    fake: Flags,
    scores: Floats,
    *,
    permutations: int,
    rng: np.random.Generator,
) -> tuple[float, bool]:
    """Test whether two models' ranks could be exchanged, whole groups at a time.

    Scores become ranks within their fold, so that models with other scales can be exchanged; then
    the ranks of whole groups, in all repeats alike, change places. The statistic is the difference
    of mean AUCs.

    Parameters
    ----------
    cell, group, fake
        As in `fvc.evaluation.clustered_auc.clustered_aucs`.
    scores
        Scores of the two models, shape (2, n).
    permutations
        Random exchanges; all of them are gone through where there are no more than this.
    rng
        Draws the exchanges.

    Returns
    -------
    (float, bool)
        Two-sided p, and whether it is exact.

    References
    ----------
    Bandos, Rockette & Gur (2005), Statistics in Medicine 24:2873-2893.
    """
    n_groups = int(group.max()) + 1
    exact = n_groups < 60 and 2**n_groups <= permutations
    cells = _ranked_cells(cell, group, fake, scores)
    observed = abs(_differences(cells, np.zeros((1, n_groups), dtype=bool))[0])
    total = 2**n_groups if exact else permutations
    block = max(1, _BLOCK_CELLS // max(n_groups, max(len(c[0]) for c in cells)))
    reached = 0
    for start in range(0, total, block):
        size = min(block, total - start)
        if exact:
            number = np.arange(start, start + size)
            exchanged = (number[:, None] >> np.arange(n_groups)) & 1 == 1
        else:
            exchanged = rng.random((size, n_groups)) < 0.5
        reached += int((np.abs(_differences(cells, exchanged)) >= observed - _SAME).sum())
    return (reached / total if exact else (1 + reached) / (1 + total)), exact


def _ranked_cells(
    cell: Ints, group: Ints, fake: Flags, scores: Floats
) -> list[tuple[Ints, Flags, Floats]]:
    order = np.argsort(cell, kind="stable")
    return [
        (group[here], fake[here], rankdata(scores[:, here], axis=1))
        for here in np.split(order, np.flatnonzero(np.diff(cell[order])) + 1)
    ]


def _differences(cells: list[tuple[Ints, Flags, Floats]], exchanged: Flags) -> Floats:
    total = np.zeros(len(exchanged))
    for group, fake, ranks in cells:
        swapped = exchanged[:, group]
        first = np.where(swapped, ranks[1], ranks[0])
        second = np.where(swapped, ranks[0], ranks[1])
        n_fake = int(fake.sum())
        pairs = n_fake * (len(fake) - n_fake)
        above = rankdata(first, axis=1)[:, fake] - rankdata(second, axis=1)[:, fake]
        total += above.sum(axis=1) / pairs
    return total / len(cells)


def mcnemar(a_right: Flags, b_right: Flags) -> float:
    """Return McNemar's exact two-sided p: which of two models is right where they differ.

    Parameters
    ----------
    a_right, b_right
        Whether each model calls each source rightly, shape (n,); sources are independent.

    References
    ----------
    McNemar (1947), Psychometrika 12:153-157.
    """
    only_a, only_b = int((a_right & ~b_right).sum()), int((b_right & ~a_right).sum())
    if only_a + only_b == 0:
        return 1.0
    return float(binomtest(only_a, only_a + only_b, 0.5).pvalue)
