"""The score of a finished detector on a set of sources that it has not seen."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fvc.evaluation.bootstrap import (
    METRICS,
    ScoredRows,
    group_draws,
    weighted_means,
    widened_interval,
)
from fvc.evaluation.common_rows import common_rows
from fvc.evaluation.metrics import compute_classification_metrics
from fvc.evaluation.new_set import new_set_interval


def score_set(
    scores: pl.DataFrame,
    *,
    threshold: float = 0.5,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure scores of one set, with intervals over its groups.

    Parameters
    ----------
    scores
        ``source, group, label, score``; a null score is a source that could not be scored.
    threshold
        A score of at least this much is called fake.
    resamples
        Bootstrap resamples of groups.
    confidence
        Of the intervals.
    seed
        Of the bootstrap.

    Returns
    -------
    dict
        ``n_sources, n_scored, coverage, n_groups``, the metrics of
        `compute_classification_metrics`, and ``<metric>_low, <metric>_high`` for those of
        `fvc.evaluation.bootstrap.METRICS`; the detector is held fixed, so the intervals hold the
        sampling of groups and nothing of the training.
    """
    known = scores.filter(pl.col("score").is_not_null())
    label, score = known["label"].to_numpy(), known["score"].to_numpy()
    result: dict[str, Any] = {
        "n_sources": len(scores),
        "n_scored": len(known),
        "coverage": len(known) / len(scores) if len(scores) else None,
        "n_groups": known["group"].n_unique(),
        **compute_classification_metrics(label, score, threshold=threshold),
        **{f"{name}_{end}": None for name in METRICS for end in ("low", "high")},
    }
    fake = label == 1
    if result["roc_auc"] is None:
        return result
    group = known["group"].rank("dense").to_numpy().astype(np.int64) - 1
    rows = ScoredRows(np.zeros(len(fake), dtype=np.int64), group, fake, score)
    times = group_draws(rows, resamples=resamples, rng=np.random.default_rng(seed))
    drawn = weighted_means(rows, times, threshold=threshold)
    rarer = min(_groups(group[fake]), _groups(group[~fake]))
    for name in METRICS:
        if result[name] is not None and np.isfinite(drawn[name]).sum() > 1:
            result[f"{name}_low"], result[f"{name}_high"] = widened_interval(
                result[name], drawn[name], n_splits=None, groups=rarer, confidence=confidence
            )
    return result


def _groups(group: npt.NDArray[np.int64]) -> int:
    return len(np.unique(group))


def expected_range(
    predictions: pl.DataFrame, *, new_groups: int, resamples: int = 2000, seed: int = 0
) -> dict[str, float | None]:
    """Say where the AUC of a set of so many groups of the same population is to be expected.

    Parameters
    ----------
    predictions
        The model's out-of-fold scores.
    new_groups
        Groups in the new set.
    resamples, seed
        Of the bootstrap.

    Returns
    -------
    dict
        ``roc_auc, low, high``; None where the set has fewer than two groups.
    """
    if new_groups < 2:
        return {"roc_auc": None, "low": None, "high": None}
    rows = common_rows({"model": predictions})
    auc, low, high = new_set_interval(
        rows.models["model"],
        rows.repeat,
        new_groups=new_groups,
        n_splits=rows.n_splits,
        resamples=resamples,
        seed=seed,
    )
    return {"roc_auc": float(auc), "low": float(low), "high": float(high)}
