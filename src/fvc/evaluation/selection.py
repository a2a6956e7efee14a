"""The best of many: what a winner's score is worth once the choosing is paid for."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fvc.evaluation.bootstrap import ScoredRows, group_draws, weighted_means

METHOD = (
    "bias-corrected bootstrap over groups (Tsamardinos et al. 2018): the winner is chosen on the "
    "groups drawn and scored on those that were not"
)

_LEAST = 20


def corrected_selection(
    models: Mapping[str, ScoredRows],
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Any]:
    """Estimate the AUC of "take the best of these models" without the luck of the draw.

    Parameters
    ----------
    models
        Out-of-fold scores by model; all of them hold the same rows in the same order.
    resamples
        Resamples of groups.
    confidence
        Of the interval.
    seed
        Of the resamples.

    Returns
    -------
    dict
        ``winner``; ``naive``, its mean over folds and repeats; ``corrected``, ``low`` and ``high``,
        the mean and the percentiles over resamples of the score, on the groups left out, of the
        model that was best on the groups drawn; ``optimism``, their difference; ``chosen``, how
        often each model was best; ``candidates``, ``resamples``, ``method`` and ``reason``, why
        there is no corrected value where there is none.

    Notes
    -----
    The interval is that of a score on the third of the groups that a resample leaves out, and so
    too wide rather than too narrow. Groups that are alone in holding both classes, or one class
    only, are never left out.

    References
    ----------
    Tsamardinos, Greasidou & Borboudakis (2018), Bootstrapping the out-of-sample predictions for
    efficient and accurate cross-validation, Machine Learning 107:1895-1922.
    """
    names = list(models)
    first = models[names[0]]
    ones = np.ones((1, int(first.group.max()) + 1), dtype=np.uint16)
    naive = {
        n: float(weighted_means(r, ones, threshold=0.5)["roc_auc"][0]) for n, r in models.items()
    }
    winner = max(names, key=lambda name: naive[name])
    result = nothing_selected(None, winner=winner, naive=naive[winner]) | {
        "candidates": names,
        "confidence": confidence,
    }
    if len(names) == 1:
        return {
            **result,
            "corrected": naive[winner],
            "optimism": 0.0,
            "chosen": {winner: 1.0},
            "reason": "one candidate: nothing was chosen",
        }
    times = group_draws(first, resamples=resamples, rng=np.random.default_rng(seed))
    left_out = (times == 0).astype(np.uint16)
    inside = _scores(models, times)
    outside = _scores(models, left_out)
    usable = np.isfinite(inside).all(axis=0) & np.isfinite(outside).all(axis=0)
    if usable.sum() < _LEAST:
        reason = f"only {usable.sum()} of {len(times)} resamples leave both classes out in a fold"
        return {**result, "reason": reason}
    best = np.argmax(inside[:, usable], axis=0)
    scored = outside[:, usable][best, np.arange(len(best))]
    low, high = np.quantile(scored, [(1 - confidence) / 2, (1 + confidence) / 2])
    shares = np.bincount(best, minlength=len(names)) / len(best)
    corrected = float(scored.mean())
    return {
        **result,
        "corrected": corrected,
        "low": float(low),
        "high": float(high),
        "optimism": naive[winner] - corrected,
        "chosen": {name: float(share) for name, share in zip(names, shares, strict=True)},
        "resamples": int(usable.sum()),
    }


def nothing_selected(
    reason: str | None, *, winner: str | None = None, naive: float | None = None
) -> dict[str, Any]:
    """Make the result of a selection of which nothing is computed yet, or cannot be."""
    return {
        "winner": winner,
        "metric": "roc_auc",
        "naive": naive,
        "corrected": None,
        "low": None,
        "high": None,
        "optimism": None,
        "chosen": {},
        "candidates": [],
        "resamples": 0,
        "confidence": None,
        "method": METHOD,
        "reason": reason,
    }


def _scores(models: Mapping[str, ScoredRows], times: Any) -> Any:
    return np.array(
        [weighted_means(rows, times, threshold=0.5)["roc_auc"] for rows in models.values()]
    )
