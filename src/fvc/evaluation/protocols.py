"""Holding out where videos come from: which values together, and how the results are pooled.

A value that holds both classes is held out alone. Where a value holds one class, a value of real
and one of fake sources are held out together, so that a score on them compares two origins that the
model has seen nothing of. Groups that reach beyond what is held out leave the training side too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fvc.errors import TooFewGroupsError
from fvc.evaluation.bootstrap import widened_interval
from fvc.evaluation.splitter import check_no_leakage

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

BOTH, PAIR = "both classes", "pair"

POOLED = ("roc_auc", "average_precision", "balanced_accuracy")
"""Metrics that are averaged over held-out sets."""


@dataclass(frozen=True)
class HeldOut:
    """One set of values that is held out, and the sources on either side.

    Attributes
    ----------
    kind
        `BOTH` or `PAIR`.
    values
        One value, or the one of real and the one of fake sources.
    train, test
        Sources on each side, shape (s,); those on neither share a group with the test side.
    """

    kind: str
    values: tuple[str, ...]
    train: Flags
    test: Flags

    @property
    def n_dropped(self) -> int:
        """Sources that are on neither side."""
        return int((~self.train & ~self.test).sum())


@dataclass(frozen=True)
class Plan:
    """What is held out, and what could have been.

    Attributes
    ----------
    sets
        The held-out sets.
    values
        One row a value: ``value, kind`` (both classes, real, fake, too small), ``n, n_real, n_fake,
        n_groups``.
    possible
        Sets that there are, by kind.
    impossible
        Sets without which the training side would hold one class, and are left out.
    """

    sets: tuple[HeldOut, ...]
    values: list[dict[str, Any]]
    possible: dict[str, int]
    impossible: int


def plan_holdouts(
    values: Sequence[str | None],
    labels: npt.NDArray[Any],
    groups: npt.NDArray[Any],
    *,
    by: str,
    most: int = 60,
    least: int = 1,
    seed: int = 0,
) -> Plan:
    """Decide what is held out together.

    Parameters
    ----------
    values
        Value of each source, None where it has none; such sources are only trained on.
    labels
        0 real, 1 fake, shape (s,).
    groups
        Group of each source, shape (s,).
    by
        Name of the column, for messages.
    most
        Sets of either kind; of more, a sample is drawn in which each value comes about as often.
    least
        Sources of a class that a value needs to be held out for it.
    seed
        Of the sample.

    Raises
    ------
    TooFewGroupsError
        Nothing can be held out so that both sides hold both classes.
    """
    named = np.array(["" if value is None else value for value in values], dtype=object)
    known = np.array([value is not None for value in values])
    rows = []
    for value in sorted(set(named[known])):
        here = known & (named == value)
        n_real, n_fake = int((labels[here] == 0).sum()), int((labels[here] == 1).sum())
        rows.append({
            "value": value,
            "kind": _kind(n_real, n_fake, least),
            "n": n_real + n_fake,
            "n_real": n_real,
            "n_fake": n_fake,
            "n_groups": len(set(groups[here])),
        })  # fmt: skip
    rng = np.random.default_rng(seed)
    of = {kind: [r["value"] for r in rows if r["kind"] == kind] for kind in (BOTH, "real", "fake")}
    pairs = _balanced_pairs(of["real"], of["fake"], rng)
    singles = [(of[BOTH][i],) for i in rng.permutation(len(of[BOTH]))]
    possible, sets, impossible = {BOTH: len(singles), PAIR: len(pairs)}, [], 0
    for kind, wanted in ((BOTH, singles), (PAIR, pairs)):
        taken = 0
        for chosen in wanted:
            if taken == most:
                break
            held = _hold(kind, chosen, named, known, groups)
            if len(np.unique(labels[held.train])) < 2:
                impossible += 1
                continue
            check_no_leakage(groups[held.train], groups[held.test], where=" + ".join(chosen))
            sets.append(held)
            taken += 1
    if not sets:
        found = (
            f"{len(of[BOTH])} value(s) with both classes, {len(of['real'])} with real and "
            f"{len(of['fake'])} with fake sources only"
        )
        raise TooFewGroupsError(
            f"nothing can be held out by {by}: it has {found}. It takes two values with both "
            "classes, or two of each class, so that both classes are left to train on"
        )
    return Plan(tuple(sets), rows, possible, impossible)


def _kind(n_real: int, n_fake: int, least: int) -> str:
    if min(n_real, n_fake) >= max(1, least) or (n_real == n_fake >= least):
        return BOTH
    if max(n_real, n_fake) < least:
        return "too small"
    return "fake" if n_fake > n_real else "real"


def _balanced_pairs(
    real: list[str], fake: list[str], rng: np.random.Generator
) -> list[tuple[str, str]]:
    """All pairs, in an order of which every beginning takes each value about equally often."""
    if not real or not fake:
        return []
    real = [real[i] for i in rng.permutation(len(real))]
    fake = [fake[i] for i in rng.permutation(len(fake))]
    turned = len(fake) > len(real)
    more, fewer = (fake, real) if turned else (real, fake)
    pairs = [
        (more[i], fewer[(i + shift) % len(fewer)])
        for shift in range(len(fewer))
        for i in range(len(more))
    ]
    return [(b, a) for a, b in pairs] if turned else pairs


def _hold(
    kind: str,
    chosen: tuple[str, ...],
    named: npt.NDArray[Any],
    known: Flags,
    groups: npt.NDArray[Any],
) -> HeldOut:
    test = known & np.isin(named.astype(str), chosen)
    touched = set(groups[test])
    train = ~np.array([group in touched for group in groups])
    return HeldOut(kind, chosen, train, test)


def pool_holdouts(
    rows: Sequence[dict[str, Any]],
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Any]:
    """Average over held-out sets, with intervals over the values that were held out.

    Parameters
    ----------
    rows
        One a set: ``kind, values`` and the metrics of `POOLED`.
    resamples
        Draws of values, with replacement: real and fake values of pairs apart from each other.
    confidence
        Of the intervals.
    seed
        Of the draws.

    Returns
    -------
    dict
        By kind and as ``all``: ``n_sets, n_values`` and each metric with ``_low, _high``. A mean is
        None where a set lacks it: means never skip one; an interval where there are fewer than two
        values of a class.

    Notes
    -----
    Pairs that share a value are not independent: a resample draws real and fake values, and a pair
    counts as often as the product of both draws. This bootstrap of crossed factors errs on the wide
    side.

    References
    ----------
    Owen (2007), The pigeonhole bootstrap, Annals of Applied Statistics 1:386-411.
    """
    pooled = {}
    for name in (BOTH, PAIR, "all"):
        chosen = [row for row in rows if name in ("all", row["kind"])]
        if chosen:
            pooled[name] = _pool(chosen, resamples, confidence, np.random.default_rng(seed))
    return pooled


def _pool(
    rows: Sequence[dict[str, Any]], resamples: int, confidence: float, rng: np.random.Generator
) -> dict[str, Any]:
    # A role is a stratum of values: singles, real halves of pairs, fake halves.
    roles: dict[tuple[str, int], dict[str, int]] = {}
    for row in rows:
        for place, value in enumerate(row["values"]):
            names = roles.setdefault((row["kind"], place), {})
            names.setdefault(value, len(names))
    weight = np.ones((resamples, len(rows)))
    for role, names in sorted(roles.items()):
        drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
        for column, row in enumerate(rows):
            if row["kind"] == role[0]:
                weight[:, column] *= drawn[:, names[row["values"][role[1]]]]
    counts: dict[str, list[int]] = {}
    for (kind, _), names in roles.items():
        counts.setdefault(kind, []).append(len(names))
    independent = sum(min(found) for found in counts.values())
    result: dict[str, Any] = {
        "n_sets": len(rows),
        "n_values": sum(len(names) for names in roles.values()),
    }
    for metric in POOLED:
        values = [row[metric] for row in rows]
        result |= {metric: None, f"{metric}_low": None, f"{metric}_high": None}
        if any(value is None for value in values):
            continue
        array = np.array(values, dtype=np.float64)
        result[metric] = float(array.mean())
        total = weight.sum(axis=1)
        means = np.divide(weight @ array, total, out=np.full(resamples, np.nan), where=total > 0)
        if independent >= 2:
            result[f"{metric}_low"], result[f"{metric}_high"] = widened_interval(
                result[metric], means, n_splits=None, groups=independent, confidence=confidence
            )
    return result


def equal_error_threshold(label: npt.NDArray[Any], score: Floats) -> float | None:
    """Return the threshold at which as large a share of real as of fake sources is misjudged.

    Parameters
    ----------
    label
        0 real, 1 fake, shape (n,).
    score
        Scores, shape (n,).

    Returns
    -------
    float or None
        Half-way between two scores; None where one class is lacking.
    """
    fake = label == 1
    if not fake.any() or fake.all():
        return None
    known = np.unique(score)
    candidates = np.concatenate([known[:1], (known[1:] + known[:-1]) / 2, known[-1:] + 1e-9])
    false_alarm = 1 - np.searchsorted(np.sort(score[~fake]), candidates) / (~fake).sum()
    missed = np.searchsorted(np.sort(score[fake]), candidates) / fake.sum()
    order = np.lexsort((false_alarm + missed, np.abs(false_alarm - missed).round(12)))
    return float(candidates[order[0]])


def rates_by_value(scores: pl.DataFrame, values: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give false- and true-positive rates of each held-out value at the inner thresholds.

    Parameters
    ----------
    scores
        One row a source and set: ``set, value, label, score, threshold``.
    values
        As `Plan` has them.

    Returns
    -------
    list of dict
        The rows of `values` with ``n_sets`` in which the value was held out, ``false_positive_rate,
        true_positive_rate`` (means over these sets; None where the value has no source of the
        class) and ``mean_score``.
    """
    by_set = scores.group_by("value", "set", "label").agg(
        rate=(pl.col("score") >= pl.col("threshold")).mean()
    )
    whole = scores.group_by("value").agg(pl.col("set").n_unique(), pl.col("score").mean())
    seen = {row["value"]: row for row in whole.iter_rows(named=True)}
    rates = {
        (row["value"], row["label"]): row["rate"]
        for row in by_set.group_by("value", "label").agg(pl.col("rate").mean()).to_dicts()
    }
    return [
        {
            **value,
            "n_sets": seen.get(value["value"], {}).get("set", 0),
            "false_positive_rate": rates.get((value["value"], 0)),
            "true_positive_rate": rates.get((value["value"], 1)),
            "mean_score": seen.get(value["value"], {}).get("score"),
        }
        for value in values
    ]
