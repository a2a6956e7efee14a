"""Scores on variants beside those of the same sources unaugmented, with intervals over groups."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fvc.evaluation.bootstrap import ScoredRows, group_draws, weighted_means, widened_interval

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.uint16]

_SAME = 1e-12


@dataclass(frozen=True)
class VariantScores:
    """One row a source: its mean score over some of its variants, and its score without any.

    Attributes
    ----------
    fold, group
        Numbers of the fold and of the group, shape (n,).
    fake
        Whether the source is fake, shape (n,).
    plain, varied
        Score of the unaugmented copy, and mean over the variants, shape (n,).
    changed
        Mean absolute change of the score over the variants, shape (n,).
    flipped
        Share of the variants on the other side of the threshold, shape (n,).
    """

    fold: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]
    fake: npt.NDArray[np.bool_]
    plain: Floats
    varied: Floats
    changed: Floats
    flipped: Floats


def pair_up(variants: pl.DataFrame, *, threshold: float = 0.5) -> VariantScores:
    """Bring variants to one row a source.

    Parameters
    ----------
    variants
        ``source, group, label, fold, score, plain``: one row a variant.
    threshold
        A score of at least this much is called fake.
    """
    table = (
        variants.with_columns(
            changed=(pl.col("score") - pl.col("plain")).abs(),
            flipped=(pl.col("score") >= threshold) != (pl.col("plain") >= threshold),
        )
        .group_by("source")
        .agg(
            pl.col("group", "label", "fold", "plain").first(),
            pl.col("score", "changed", "flipped").mean(),
        )
        .sort("source")
    )
    return VariantScores(
        fold=table["fold"].rank("dense").to_numpy().astype(np.int64) - 1,
        group=table["group"].rank("dense").to_numpy().astype(np.int64) - 1,
        fake=table["label"].to_numpy() == 1,
        plain=table["plain"].to_numpy(),
        varied=table["score"].to_numpy(),
        changed=table["changed"].to_numpy(),
        flipped=table["flipped"].to_numpy(),
    )


def robustness_row(
    rows: VariantScores, *, n_splits: int, resamples: int, confidence: float, seed: int
) -> dict[str, Any]:
    """Measure what variants do to the ranking and to the scores.

    Parameters
    ----------
    rows
        As `pair_up` returns them.
    n_splits
        Folds of the split.
    resamples
        Bootstrap resamples of groups.
    confidence
        Of the intervals.
    seed
        Of the bootstrap.

    Returns
    -------
    dict
        ``n_sources, n_real, n_fake, n_groups``, ``n_pairs`` of a real and a fake source of one
        fold; ``roc_auc, roc_auc_low, roc_auc_high`` on variants,
        ``roc_auc_unaugmented`` of the same sources, ``change_of_auc`` with ``_low, _high``;
        ``change_real, change_fake`` (mean signed change of the score), ``absolute_change`` and
        ``decisions_changed``, each with ``_low, _high``. AUCs are None where no fold holds both
        classes, ends of an interval where no resample differs from another.

    Notes
    -----
    The AUC is over pairs of a real and a fake source of the same fold, all folds' pairs together:
    scores of different folds are not comparable, and a fold of few sources counts for little.
    """
    n_fake = int(rows.fake.sum())
    result: dict[str, Any] = {
        "n_sources": len(rows.fake),
        "n_real": len(rows.fake) - n_fake,
        "n_fake": n_fake,
        "n_groups": int(rows.group.max()) + 1,
        "n_pairs": sum(
            int((rows.fake & here).sum()) * int((~rows.fake & here).sum())
            for here in (rows.fold == fold for fold in np.unique(rows.fold))
        ),
    }
    drawn_rows = ScoredRows(rows.fold, rows.group, rows.fake, rows.varied)
    times = group_draws(drawn_rows, resamples=resamples, rng=np.random.default_rng(seed))
    ones = np.ones((1, times.shape[1]), dtype=np.uint16)
    auc, plain = (float(_within(rows, score, ones)[0]) for score in (rows.varied, rows.plain))
    drawn = [_within(rows, score, times) for score in (rows.varied, rows.plain)]
    names = ("roc_auc", "roc_auc_low", "roc_auc_high", "roc_auc_unaugmented")
    result |= dict.fromkeys((*names, *_ends("change_of_auc")))
    if np.isfinite(auc):
        holding = min(len(np.unique(rows.group[rows.fake])), len(np.unique(rows.group[~rows.fake])))
        low, high = widened_interval(
            auc, drawn[0], n_splits=n_splits, groups=holding, confidence=confidence
        )
        result |= dict(zip(names, (auc, low, high, plain), strict=True))
        result |= _percentiles("change_of_auc", auc - plain, drawn[0] - drawn[1], confidence)
    weights = times[:, rows.group].astype(np.float64)
    change = rows.varied - rows.plain
    for name, values, chosen in (
        ("change_real", change, ~rows.fake),
        ("change_fake", change, rows.fake),
        ("absolute_change", rows.changed, np.ones(len(rows.fake), dtype=bool)),
        ("decisions_changed", rows.flipped, np.ones(len(rows.fake), dtype=bool)),
    ):
        if not chosen.any():
            result |= dict.fromkeys(_ends(name))
            continue
        total = weights[:, chosen].sum(axis=1)
        means = np.divide(
            weights[:, chosen] @ values[chosen],
            total,
            out=np.full(len(total), np.nan),
            where=total > 0,
        )
        result |= _percentiles(name, float(values[chosen].mean()), means, confidence)
    return result


def _ends(name: str) -> tuple[str, str, str]:
    return name, f"{name}_low", f"{name}_high"


def _percentiles(
    name: str, value: float, drawn: Floats, confidence: float
) -> dict[str, float | None]:
    known = drawn[np.isfinite(drawn)]
    tail = (1 - confidence) / 2
    # Where nothing scatters, resampling cannot tell how much it could have.
    scatters = len(known) > 1 and float(np.ptp(known)) > _SAME
    ends = np.quantile(known, [tail, 1 - tail]) if scatters else (None, None)
    low, high = (None if end is None else float(end) for end in ends)
    return dict(zip(_ends(name), (value, low, high), strict=True))


def _within(rows: VariantScores, score: Floats, times: Counts) -> Floats:
    """AUC over pairs within folds, each group counting as often as drawn; NaN without pairs."""
    total, pairs = np.zeros(len(times)), np.zeros(len(times))
    for fold in np.unique(rows.fold):
        here = rows.fold == fold
        group, fake = rows.group[here], rows.fake[here]
        if not fake.any() or fake.all():
            continue
        zeros = np.zeros(len(group), dtype=np.int64)
        auc = weighted_means(ScoredRows(zeros, group, fake, score[here]), times, threshold=0.5)[
            "roc_auc"
        ]
        weight = times[:, group].astype(np.float64)
        number = weight[:, fake].sum(axis=1) * weight[:, ~fake].sum(axis=1)
        total += np.where(number > 0, np.nan_to_num(auc) * number, 0)
        pairs += number
    found: Floats = np.divide(total, pairs, out=np.full(len(times), np.nan), where=pairs > 0)
    return found
