"""From scores to the rows of an audit: means, intervals, the permutation null, memory."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fvc.evaluation.bootstrap import (
    ScoredRows,
    bootstrap_means,
    iterate_cells,
    weighted_auc,
    weighted_means,
    widened_interval,
)
from fvc.evaluation.paired import paired_bootstrap

METRICS = {"auc": "roc_auc", "f1": "f1", "accuracy": "accuracy"}
"""Names in the audit's table, and what evaluation calls them."""

COLUMNS = (
    *("folds", "labels", "unit", "n", "n_real", "n_fake", "n_sources", "n_groups"),
    *(f"{name}{end}" for name in METRICS for end in ("", "_low", "_high")),
    *("auc_sd", "p_value", "n_splits", "repeats", "permutations", "complete", "reason"),
)
"""Columns of the table; columns may be added, none renamed."""

CONFIDENCE = 0.95


def row(**known: Any) -> dict[str, Any]:
    """Make a row in which everything is undefined but what is known."""
    return {**dict.fromkeys(COLUMNS), "complete": True, **known}


def true_scores(
    rows: ScoredRows, *, n_splits: int | None, resamples: int, seed: int
) -> dict[str, Any]:
    """Return means over folds of the scores for true labels, with intervals over groups.

    Parameters
    ----------
    rows
        Scored rows; every cell holds both classes.
    n_splits
        Folds a repeat; None where the scores are not known to be of cross-validation.
    resamples, seed
        Of the bootstrap.
    """
    rng = np.random.default_rng(seed)
    drawn = bootstrap_means(rows, resamples=resamples, threshold=0.5, rng=rng)
    ones = np.ones((1, int(rows.group.max()) + 1), dtype=np.uint16)
    means = weighted_means(rows, ones, threshold=0.5)
    out: dict[str, Any] = {}
    for name, metric in METRICS.items():
        out[name] = float(means[metric][0])
        out[f"{name}_low"], out[f"{name}_high"] = widened_interval(
            out[name],
            drawn[metric],
            n_splits=n_splits,
            groups=_rarer_groups(rows),
            confidence=CONFIDENCE,
        )
    aucs = [weighted_auc(fake, score, np.ones(len(fake))) for fake, score in iterate_cells(rows)]
    out["auc_sd"] = float(np.std(aucs, ddof=1)) if len(aucs) > 1 else None
    return out


def _rarer_groups(rows: ScoredRows) -> int:
    return min(len(np.unique(rows.group[rows.fake])), len(np.unique(rows.group[~rows.fake])))


def permuted_scores(means: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Return mean, middle 95 % and standard deviation of scores under permuted labels."""
    out: dict[str, Any] = {}
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    for name, metric in METRICS.items():
        values = np.array([m[metric] for m in means])
        low, high = np.quantile(values, tails)
        out |= {name: float(values.mean()), f"{name}_low": float(low), f"{name}_high": float(high)}
    aucs = [m["roc_auc"] for m in means]
    out["auc_sd"] = float(np.std(aucs, ddof=1)) if len(aucs) > 1 else None
    return out


def permutation_p(observed: float, permuted: Sequence[float]) -> float:
    """Return the share of permutations that reach the observed score, itself counted among them.

    References
    ----------
    Phipson & Smyth (2010), Statistical Applications in Genetics and Molecular Biology 9:39; Ojala
    & Garriga (2010), JMLR 11:1833-1863.

    Examples
    --------
    >>> permutation_p(0.9, [0.5, 0.95, 0.4])
    0.5
    """
    reached = sum(value >= observed - 1e-12 for value in permuted)
    return (1 + reached) / (1 + len(permuted))


def memory(
    schemes: Mapping[str, ScoredRows], *, n_splits: int, resamples: int, seed: int
) -> dict[str, Any]:
    """Measure what of a row-wise score is memory of clips, and what memory of scenes.

    Parameters
    ----------
    schemes
        Scored rows of ``"grouped"``, ``"source-wise"`` and ``"row-wise"``, groups numbered alike.
    n_splits
        Folds a repeat.
    resamples, seed
        Of the paired bootstrap over groups.

    Returns
    -------
    dict
        ``clips`` (row-wise less source-wise AUC), ``scenes`` (source-wise less grouped) and
        ``together``, each ``{"auc", "low", "high", "p"}``: differences of AUC, with intervals of a
        paired bootstrap over groups.
    """
    steps = {
        "clips": ("row-wise", "source-wise"),
        "scenes": ("source-wise", "grouped"),
        "together": ("row-wise", "grouped"),
    }
    out: dict[str, Any] = {}
    for name, (more, less) in steps.items():
        found = paired_bootstrap(
            schemes[more],
            schemes[less],
            n_splits=n_splits,
            resamples=resamples,
            confidence=CONFIDENCE,
            rng=np.random.default_rng(seed),
        )
        out[name] = {
            "auc": found.difference,
            "low": found.low,
            "high": found.high,
            "p": found.p,
        }
    return out
