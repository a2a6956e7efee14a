"""Many comparisons at once: Holm's adjustment, average ranks, and which models hang together."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2, f, rankdata, studentized_range

Floats = npt.NDArray[np.float64]


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Adjust p-values so that the chance of any false difference in the family stays controlled.

    Parameters
    ----------
    p
        p-values; None stands for a test that could not be done and is no member of the family.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6:65-70.

    Examples
    --------
    >>> [round(x, 3) for x in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    done = [i for i, value in enumerate(p) if value is not None]
    done.sort(key=lambda i: p[i] or 0.0)
    adjusted: list[float | None] = [None] * len(p)
    highest = 0.0
    for place, i in enumerate(done):
        highest = max(highest, min(1.0, (len(done) - place) * (p[i] or 0.0)))
        adjusted[i] = highest
    return adjusted


@dataclass(frozen=True)
class Ranks:
    """Average ranks of models over test sets, 1 for the best, and Friedman's test of them.

    Attributes
    ----------
    mean
        Average rank of each model, shape (m,).
    friedman_p
        p of Friedman's chi-squared statistic.
    iman_davenport_p
        p of Iman and Davenport's F, which is less conservative.
    """

    mean: Floats
    friedman_p: float
    iman_davenport_p: float


def friedman_ranks(scores: Floats) -> Ranks:
    """Rank models on each test set and test whether they all do alike.

    Parameters
    ----------
    scores
        Score of each model (column) on each test set (row), shape (n, m), higher is better;
        m at least 2, n at least 2.

    References
    ----------
    Demšar (2006), Statistical comparisons of classifiers over multiple data sets, JMLR 7:1-30.
    """
    n, m = scores.shape
    mean = rankdata(-scores, axis=1).mean(axis=0)
    statistic = 12 * n / (m * (m + 1)) * (float(np.sum(mean**2)) - m * (m + 1) ** 2 / 4)
    below = n * (m - 1) - statistic
    ratio = np.inf if below <= 0 else (n - 1) * statistic / below
    return Ranks(
        mean=mean,
        friedman_p=float(chi2.sf(statistic, m - 1)),
        iman_davenport_p=float(f.sf(ratio, m - 1, (m - 1) * (n - 1))),
    )


def nemenyi_difference(models: int, sets: int, *, alpha: float = 0.05) -> float:
    """Return the critical difference of average ranks (Nemenyi's, as in Demšar 2006).

    Examples
    --------
    >>> round(nemenyi_difference(4, 14, alpha=0.05), 2)
    1.25
    """
    q = float(studentized_range.ppf(1 - alpha, models, np.inf)) / np.sqrt(2)
    return float(q * np.sqrt(models * (models + 1) / (6 * sets)))


def cliques(ranks: Sequence[float], apart: npt.NDArray[np.bool_]) -> list[list[int]]:
    """Return the largest runs of models, in the order of ranks, with no two that differ.

    Parameters
    ----------
    ranks
        Average rank of each model, shape (m,).
    apart
        Whether two models differ significantly, shape (m, m), symmetric.

    Returns
    -------
    list of list of int
        Runs of two models or more, best first.
    """
    order = sorted(range(len(ranks)), key=lambda i: ranks[i])
    runs: list[list[int]] = []
    for start in range(len(order)):
        end = start + 1
        while end < len(order) and not any(
            apart[i, j] for i, j in combinations(order[start : end + 1], 2)
        ):
            end += 1
        run = order[start:end]
        if len(run) > 1 and not any(set(run) <= set(earlier) for earlier in runs):
            runs.append(run)
    return runs
