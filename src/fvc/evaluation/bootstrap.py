"""Bootstrap over groups of the mean over folds and repeats, without refitting.

A resample draws groups with replacement; a source then counts as often as its group was drawn, in
every repeat alike. Nothing is copied: metrics are computed with these counts as weights, for many
resamples at once, fold by fold. The draw is stratified: groups with only real sources, with only
fake ones and with both are each drawn in their number, since the class balance of a corpus is its
makers' choice and not a matter of chance.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Counts = npt.NDArray[np.uint16]

METRICS = ("roc_auc", "average_precision", "accuracy", "balanced_accuracy", "f1", "brier")
"""Metrics that get an interval."""

# Row visits of one bootstrap (rows × resamples). Larger tables get fewer resamples, at least
# MIN_RESAMPLES; with that many sources the interval is narrow and its ends are known well enough.
_BUDGET = 150_000_000
MIN_RESAMPLES = 200
_BLOCK_CELLS = 500_000


@dataclass(frozen=True)
class ScoredRows:
    """Scored rows of all repeats as parallel arrays.

    Attributes
    ----------
    cell
        Number of the (repeat, fold), 0 … cells − 1, shape (n,).
    group
        Number of the group, 0 … groups − 1, shape (n,).
    fake
        Whether the source is fake, shape (n,).
    score
        Score, shape (n,), finite.
    """

    cell: Ints
    group: Ints
    fake: Flags
    score: Floats

    def __post_init__(self) -> None:
        lengths = {len(a) for a in (self.cell, self.group, self.fake, self.score)}
        if len(lengths) != 1:
            raise ValueError(f"arrays of one length expected, got lengths {sorted(lengths)}")


@dataclass(frozen=True)
class _Cell:
    group: Ints
    fake: Flags
    score: Floats
    below: Ints  # rows with a lower score, by position
    upto: Ints  # rows with a score at most this high


def bootstrap_means(
    rows: ScoredRows, *, resamples: int, threshold: float, rng: np.random.Generator
) -> dict[str, Floats]:
    """Return resampled means over folds of each metric.

    Parameters
    ----------
    rows
        Scored rows; every cell holds both classes.
    resamples
        Wanted number of resamples; fewer for very large tables, see `MIN_RESAMPLES`.
    threshold
        A score of at least this much is called fake.
    rng
        Draws the groups.

    Returns
    -------
    dict
        For each of `METRICS` an array of shape (resamples done,). Where a fold has lost a class in
        a resample, the mean is over the other folds; a resample without any usable fold is NaN.
    """
    times = group_draws(rows, resamples=resamples, rng=rng)
    return weighted_means(rows, times, threshold=threshold)


def group_draws(rows: ScoredRows, *, resamples: int, rng: np.random.Generator) -> Counts:
    """Draw groups with replacement, stratified by the classes that they hold.

    Parameters
    ----------
    rows
        Scored rows; groups are numbered without gaps.
    resamples
        Wanted number of resamples; fewer for very large tables, see `MIN_RESAMPLES`.
    rng
        Draws the groups.

    Returns
    -------
    numpy.ndarray
        How often each group was drawn, shape (resamples done, groups).
    """
    done = min(resamples, max(MIN_RESAMPLES, _BUDGET // max(1, len(rows.cell))))
    n_groups = int(rows.group.max()) + 1
    strata = _strata(rows, n_groups)
    times: Counts = np.empty((done, n_groups), dtype=np.uint16)
    block = max(1, _BLOCK_CELLS // n_groups)
    for start in range(0, done, block):
        times[start : start + block] = _draw(strata, n_groups, min(block, done - start), rng)
    return times


def weighted_means(rows: ScoredRows, times: Counts, *, threshold: float) -> dict[str, Floats]:
    """Return means over folds of each metric, every group counting as often as it was drawn.

    Parameters
    ----------
    rows
        Scored rows.
    times
        How often each group counts, shape (resamples, groups), as `group_draws` returns it; ones
        give the plain means.
    threshold
        A score of at least this much is called fake.

    Returns
    -------
    dict
        For each of `METRICS` an array of shape (resamples,). Where a fold lacks a class in a
        resample, the mean is over the other folds; a resample without any usable fold is NaN.
    """
    cells = _cells(rows)
    largest = max(len(cell.group) for cell in cells)
    block = max(1, _BLOCK_CELLS // max(largest, times.shape[1]))
    parts = [
        _weighted_means(cells, times[start : start + block].astype(np.float64), threshold)
        for start in range(0, len(times), block)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in METRICS}


def weighted_auc(fake: Flags, score: Floats, weights: Floats) -> float:
    """Return the ROC AUC of weighted rows; a weight of 2 is a row that stands there twice.

    Parameters
    ----------
    fake, score
        Labels and scores, shape (n,).
    weights
        Weights, shape (n,), at least 0.

    Returns
    -------
    float
        NaN where the weights leave only one class.
    """
    zeros = np.zeros(len(fake), dtype=np.int64)
    rows = ScoredRows(zeros, np.arange(len(fake)), np.asarray(fake, dtype=bool), np.asarray(score))
    cell = _cells(rows)[0]
    times = np.asarray(weights, dtype=np.float64)[None, cell.group]
    return float(_cell_metrics(cell, times, 0.5)["roc_auc"][0])


def _cells(rows: ScoredRows) -> list[_Cell]:
    order = np.lexsort((rows.score, rows.cell))
    borders = np.flatnonzero(np.diff(rows.cell[order])) + 1
    cells = []
    for part in np.split(order, borders):
        score = rows.score[part]
        below = np.searchsorted(score, score, side="left")
        upto = np.searchsorted(score, score, side="right")
        cells.append(_Cell(rows.group[part], rows.fake[part], score, below, upto))
    return cells


def _strata(rows: ScoredRows, n_groups: int) -> list[Ints]:
    has_fake = np.bincount(rows.group, rows.fake, minlength=n_groups) > 0
    has_real = np.bincount(rows.group, ~rows.fake, minlength=n_groups) > 0
    kinds = has_fake * 2 + has_real
    return [np.flatnonzero(kinds == kind) for kind in (1, 2, 3) if (kinds == kind).any()]


def _draw(strata: list[Ints], n_groups: int, resamples: int, rng: np.random.Generator) -> Floats:
    times = np.zeros((resamples, n_groups))
    for groups in strata:
        drawn = rng.integers(0, len(groups), (resamples, len(groups)))
        drawn += np.arange(resamples)[:, None] * len(groups)
        counted = np.bincount(drawn.reshape(-1), minlength=resamples * len(groups))
        times[:, groups] = counted.reshape(resamples, len(groups))
    return times


def _weighted_means(cells: list[_Cell], times: Floats, threshold: float) -> dict[str, Floats]:
    total = {name: np.zeros(len(times)) for name in METRICS}
    defined = {name: np.zeros(len(times)) for name in METRICS}
    for cell in cells:
        for name, value in _cell_metrics(cell, times[:, cell.group], threshold).items():
            there = np.isfinite(value)
            total[name] += np.where(there, value, 0)
            defined[name] += there
    return {
        name: np.divide(
            total[name], defined[name], out=np.full(len(times), np.nan), where=defined[name] > 0
        )
        for name in METRICS
    }


def _cell_metrics(cell: _Cell, weights: Floats, threshold: float) -> dict[str, Floats]:
    """Weighted metrics of one fold; `weights` has shape (resamples, rows), NaN where undefined."""
    fake = cell.fake.astype(np.float64)
    called = (cell.score >= threshold).astype(np.float64)
    columns = np.column_stack(
        [fake, 1 - fake, fake * called, (1 - fake) * called, (cell.score - fake) ** 2]
    )
    n_fake, n_real, tp, fp, squares = (weights @ columns).T
    zero = np.zeros((len(weights), 1))
    fakes = weights[:, cell.fake]
    positions = np.flatnonzero(cell.fake)
    real_up = np.hstack([zero, np.cumsum(weights * (1 - fake), axis=1)])
    fake_up = np.hstack([zero, np.cumsum(weights * fake, axis=1)])
    below, upto = cell.below[positions], cell.upto[positions]
    pairs = np.einsum("bi,bi->b", fakes, real_up[:, below] + real_up[:, upto]) / 2
    # Called fake at the threshold of row i is everything from its tie block upwards.
    hits = n_fake[:, None] - fake_up[:, below]
    calls = hits + n_real[:, None] - real_up[:, below]
    precision = np.divide(hits, calls, out=np.zeros_like(hits), where=calls > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        recall, specificity = tp / n_fake, (n_real - fp) / n_real
        return {
            "roc_auc": pairs / (n_fake * n_real),
            "average_precision": np.einsum("bi,bi->b", fakes, precision) / n_fake,
            "accuracy": (tp + n_real - fp) / (n_fake + n_real),
            "balanced_accuracy": (recall + specificity) / 2,
            "f1": 2 * tp / (tp + fp + n_fake),
            "brier": squares / (n_fake + n_real),
        }


def widened_interval(
    estimate: float, resampled: Floats, *, n_splits: int | None, groups: int, confidence: float
) -> tuple[float, float]:
    """Return an interval for the score of the procedure from resamples of the test sides.

    The resamples hold the fitted models fixed, so their spread leaves out that another corpus would
    have trained others; simulated, a plain percentile interval of nominally 95 % covers 75–96 %.
    Nadeau and Bengio's correction brings that in: with `n_splits` folds the variance is multiplied
    by 1 + K · n_test/n_train = 1 + K/(K − 1). Repeats do not shrink it, as they bring no new
    sources. The interval is symmetric on the logit scale, with a quantile of Student's t for
    `groups` − 1 degrees of freedom. At an estimate of 0 or 1, where nothing scatters, it is
    Wilson's for that many groups.

    Parameters
    ----------
    estimate
        The mean over folds and repeats, 0 … 1.
    resampled
        The same mean in each resample, shape (b,); NaN ones are left out.
    n_splits
        Folds a repeat; None for the scores of fixed models, whose training is not in question.
    groups
        Groups that hold the rarer class.
    confidence
        Such as 0.95.

    Returns
    -------
    tuple of float
        Low and high end, 0 … 1.

    References
    ----------
    Nadeau & Bengio (2003), Machine Learning 52:239–281; Wilson (1927), JASA 22:209–212.
    """
    quantile = float(stdtrit(max(1, groups - 1), (1 + confidence) / 2))
    if estimate <= 0 or estimate >= 1:
        inner = 1 / (1 + quantile**2 / groups)
        return (inner, 1.0) if estimate >= 1 else (0.0, 1 - inner)
    widening = 1.0 if n_splits is None else 1 + n_splits / (n_splits - 1)
    error = float(np.nanstd(resampled, ddof=1)) * np.sqrt(widening)
    reach = quantile * error / (estimate * (1 - estimate))
    centre = np.log(estimate / (1 - estimate))
    low, high = 1 / (1 + np.exp(-np.array([centre - reach, centre + reach])))
    return float(low), float(high)


def iterate_cells(rows: ScoredRows) -> Iterator[tuple[Flags, Floats]]:
    """Yield labels and scores of each fold, ordered by score."""
    for cell in _cells(rows):
        yield cell.fake, cell.score
