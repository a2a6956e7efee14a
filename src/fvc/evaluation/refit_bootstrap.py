"""A bootstrap over groups that fits the procedure again on every resample."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fvc.errors import TooFewGroupsError
from fvc.evaluation.bootstrap import METRICS, ScoredRows, weighted_means, widened_interval
from fvc.evaluation.splitter import GroupedStratifiedKFold

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Resample:
    """A corpus of groups drawn with replacement, split anew.

    Attributes
    ----------
    source
        Position of each source of the resample in the corpus, shape (m,); a group that was drawn
        twice stands there twice.
    group
        Group of each, shape (m,); copies share theirs, so that they stay on one side of every
        split.
    fold
        The fold that tests each, shape (m,).
    """

    source: Ints
    group: npt.NDArray[Any]
    fold: npt.NDArray[np.int32]


def resample_corpus(
    group: Any, fake: Any, *, n_splits: int, seed: tuple[int, ...]
) -> Resample | None:
    """Draw as many groups as there are, stratified by the classes that they hold, and split them.

    Parameters
    ----------
    group, fake
        Groups and labels of the sources, shape (n,).
    n_splits
        Folds.
    seed
        Seed of the draw and of the folds.

    Returns
    -------
    Resample or None
        None where the groups drawn are too few for so many folds.
    """
    groups, label = np.asarray(group), np.asarray(fake, dtype=bool)
    names, member = np.unique(groups.astype(str), return_inverse=True)
    rng = np.random.default_rng(seed)
    kind = 2 * (np.bincount(member, label) > 0) + (np.bincount(member, ~label) > 0)
    order = np.argsort(member, kind="stable")
    ends = np.cumsum(np.bincount(member, minlength=len(names)))
    drawn: list[Ints] = []
    for k in np.unique(kind):
        own = np.flatnonzero(kind == k)
        for g in rng.choice(own, len(own)):
            drawn.append(order[ends[g - 1] if g else 0 : ends[g]])
    source = np.concatenate(drawn).astype(np.int64)
    splitter = GroupedStratifiedKFold(n_splits, random_state=[*seed, 1])
    try:
        fold = splitter.assign(label[source].astype(np.int8), groups[source])
    except TooFewGroupsError:
        return None
    return Resample(source, groups[source], np.asarray(fold, dtype=np.int32))


def refitted_means(
    resample: Resample,
    fake: Any,
    score: Callable[[npt.NDArray[np.bool_]], Floats],
) -> dict[str, float] | None:
    """Score every fold of a resample by what is fitted on the others, and average over folds.

    Parameters
    ----------
    resample
        As `resample_corpus` draws it.
    fake
        Labels of the corpus, by which a fold is scored.
    score
        Takes which rows of the resample are tested, shape (m,), fits on the others and returns
        the scores of the tested ones.

    Returns
    -------
    dict or None
        By name of `fvc.evaluation.bootstrap.METRICS`; None where a score is not finite.
    """
    y = np.asarray(fake, dtype=bool)[resample.source]
    scores = np.empty(len(y))
    for k in np.unique(resample.fold):
        test = resample.fold == k
        scores[test] = score(test)
    if not np.isfinite(scores).all():
        return None
    number = np.unique(resample.group.astype(str), return_inverse=True)[1]
    rows = ScoredRows(resample.fold.astype(np.int64), number.astype(np.int64), y, scores)
    ones = np.ones((1, int(number.max()) + 1), dtype=np.uint16)
    means = weighted_means(rows, ones, threshold=0.5)
    return {name: float(means[name][0]) for name in METRICS}


def refit_interval(
    estimate: float, refitted: Floats, *, groups: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Return an interval for the score of the procedure from resamples on which it was refitted.

    The spread of the refitted scores holds the chance in the training corpora as well as that in
    the test groups; nothing is added to it. It is laid around the estimate, on the logit scale and
    with Student's t, and not around its own mean: a resample has fewer different groups than the
    corpus, which makes the procedure a little worse.

    Parameters
    ----------
    estimate
        The mean over folds and repeats, 0 … 1.
    refitted
        Its value in each resample, shape (b,).
    groups
        Groups that hold the rarer class.
    confidence
        Of the interval.

    References
    ----------
    Jiang, Varma & Simon (2008), Statistical Applications in Genetics and Molecular Biology 7:8;
    Cai, Pellegrini, Pang et al. (2023), Bootstrapping the cross-validation estimate,
    arXiv:2307.00260.
    """
    return widened_interval(estimate, refitted, n_splits=None, groups=groups, confidence=confidence)


__all__ = ["Resample", "refit_interval", "refitted_means", "resample_corpus"]
