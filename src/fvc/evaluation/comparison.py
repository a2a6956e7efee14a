"""Comparing models that were scored on the same folds: every pair, tested, adjusted, in words."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from fvc.errors import DataError
from fvc.evaluation.bootstrap import ScoredRows, bootstrap_means, widened_interval
from fvc.evaluation.clustered_auc import AUCs, clustered_aucs, delong, placements
from fvc.evaluation.common_rows import CommonRows, common_rows
from fvc.evaluation.families import cliques, friedman_ranks, holm, nemenyi_difference
from fvc.evaluation.new_set import new_set_interval
from fvc.evaluation.paired import (
    corrected_resampled_t,
    group_permutation,
    mcnemar,
    paired_bootstrap,
)
from fvc.evaluation.selection import corrected_selection

COMPARISON_VERSION = 1

TESTS = {
    "bootstrap": "paired bootstrap over groups, widened for shared training data",
    "corrected_t": "corrected resampled t-test over folds and repeats (Nadeau & Bengio 2003)",
    "permutation": "exchange of ranks of whole groups, fitted models held fixed",
    "obuchowski": "AUC for clustered data (Obuchowski 1997), fitted models held fixed",
    "delong": "DeLong (1988), first repeat; only where every group is one source",
    "mcnemar": "McNemar, exact, at 0.5, first repeat; only where every group is one source",
}
"""The tests by the name of their p-value; the first one decides what is called significant."""

DECIDING = "bootstrap"

_NOT_SINGLE = "groups hold several sources: the test assumes independent ones"


def compare_predictions(
    predictions: Mapping[str, pl.DataFrame],
    *,
    new_groups: Sequence[int] = (),
    alpha: float = 0.05,
    resamples: int = 2000,
    permutations: int = 2000,
    seed: int = 0,
) -> dict[str, Any]:
    """Compare two or more models on the sources and folds that they share.

    Parameters
    ----------
    predictions
        By model, as `fvc.evaluation.common_rows.common_rows` takes them.
    new_groups
        Sizes of new sets, in groups, for which prediction intervals are wanted.
    alpha
        A pair whose p, adjusted by Holm, is below this differs significantly; intervals have the
        confidence 1 − alpha.
    resamples
        Bootstrap resamples of groups.
    permutations
        Random exchanges of groups; all of them where there are no more.
    seed
        Of bootstrap and exchanges.

    Returns
    -------
    dict
        ``models`` (``model, roc_auc, roc_auc_low, roc_auc_high, rank``, best first), ``pairs``
        (``a, b, difference, low, high``, ``p_<test>`` and ``p_<test>_holm`` for each of `TESTS`,
        ``significant, verdict``), ``selection``, ``new_sets``, ``ranks``, ``verdict``, and what all
        of it rests on: ``unit, n_sources, n_scored, n_groups, n_splits, repeats``.

    Raises
    ------
    DataError
        Fewer than two models, or models without common rows.
    """
    if len(predictions) < 2:
        raise DataError("a comparison needs two models at least")
    common = common_rows(predictions)
    pairs = _pairs(common, alpha, resamples, permutations, seed)
    ranks = _ranks(common, pairs, alpha)
    models = _models(common, ranks, alpha, resamples, seed)
    return {
        "models": models,
        "pairs": pairs,
        "selection": corrected_selection(common.models, resamples=resamples // 2, seed=seed),
        "new_sets": _new_sets(common, new_groups, alpha, resamples, seed),
        "ranks": ranks,
        "verdict": _verdict(models, pairs, alpha),
        "tests": TESTS,
        "deciding_test": DECIDING,
        "alpha": alpha,
        "unit": "source",
        "n_sources": common.n_sources,
        "n_scored": common.n_scored,
        "n_groups": common.n_groups,
        "n_splits": common.n_splits,
        "repeats": common.repeats,
        "version": COMPARISON_VERSION,
    }


def _models(
    common: CommonRows, ranks: dict[str, Any], alpha: float, resamples: int, seed: int
) -> list[dict[str, Any]]:
    out = []
    for name, rows in common.models.items():
        auc = float(_fold_aucs(rows).mean())
        rng = np.random.default_rng(seed)
        drawn = bootstrap_means(rows, resamples=resamples, threshold=0.5, rng=rng)["roc_auc"]
        low, high = widened_interval(
            auc, drawn, n_splits=common.n_splits, groups=_rarer(rows), confidence=1 - alpha
        )
        rank = ranks["mean"][name]
        out.append(
            {"model": name, "roc_auc": auc, "roc_auc_low": low, "roc_auc_high": high, "rank": rank}
        )
    return sorted(out, key=lambda row: (-row["roc_auc"], row["model"]))


def _rarer(rows: ScoredRows) -> int:
    return min(len(np.unique(rows.group[rows.fake])), len(np.unique(rows.group[~rows.fake])))


def _fold_aucs(rows: ScoredRows) -> Any:
    cells = int(rows.cell.max()) + 1
    aucs = []
    for k in range(cells):
        here = rows.cell == k
        aucs.append(placements(rows.fake[here], rows.score[None, here])[0].mean())
    return np.array(aucs)


def _pairs(
    common: CommonRows, alpha: float, resamples: int, permutations: int, seed: int
) -> list[dict[str, Any]]:
    rows = [
        _pair(common, a, b, alpha, resamples, permutations, seed)
        for a, b in combinations(common.models, 2)
    ]
    for test in TESTS:
        adjusted = holm([row[f"p_{test}"] for row in rows])
        for row, value in zip(rows, adjusted, strict=True):
            row[f"p_{test}_holm"] = value
    for row in rows:
        row["significant"] = row[f"p_{DECIDING}_holm"] < alpha
        row["verdict"] = _pair_verdict(row, len(rows))
    return rows


def _pair(
    common: CommonRows,
    a: str,
    b: str,
    alpha: float,
    resamples: int,
    permutations: int,
    seed: int,
) -> dict[str, Any]:
    first, second = common.models[a], common.models[b]
    boot = paired_bootstrap(
        first,
        second,
        n_splits=common.n_splits,
        resamples=resamples,
        confidence=1 - alpha,
        rng=np.random.default_rng(seed),
    )
    scores = np.stack([first.score, second.score])
    p_permutation, exact = group_permutation(
        first.cell,
        first.group,
        first.fake,
        scores,
        permutations=permutations,
        rng=np.random.default_rng(seed),
    )
    clustered = clustered_aucs(first.cell, first.group, first.fake, scores)
    resampled = corrected_resampled_t(
        _fold_aucs(first) - _fold_aucs(second),
        test_share=1 / (common.n_splits - 1),
        confidence=1 - alpha,
    )
    independent = _independent(common, a, b) if common.singletons else (None, None)
    return {
        "a": a,
        "b": b,
        "difference": boot.difference,
        "low": boot.low,
        "high": boot.high,
        "p_bootstrap": boot.p,
        "p_corrected_t": resampled.p,
        "p_permutation": p_permutation,
        "permutation_exact": exact,
        "p_obuchowski": clustered.compare(0, 1)[2],
        "p_delong": independent[0],
        "p_mcnemar": independent[1],
        "not_done": None if common.singletons else _NOT_SINGLE,
    }


def _independent(common: CommonRows, a: str, b: str) -> tuple[float | None, float]:
    """DeLong's and McNemar's p on the first repeat; folds are independent parts of the mean."""
    _, first = common.first_repeat()
    one, two = first[a], first[b]
    parts = []
    for k in np.unique(one.cell):
        here = one.cell == k
        fake = one.fake[here]
        if min(fake.sum(), (~fake).sum()) < 2:
            return None, mcnemar(_right(one), _right(two))
        parts.append(delong(fake, np.stack([one.score[here], two.score[here]])))
    mean = AUCs(
        np.mean([part.auc for part in parts], axis=0),
        np.sum([part.covariance for part in parts], axis=0) / len(parts) ** 2,
    )
    return mean.compare(0, 1)[2], mcnemar(_right(one), _right(two))


def _right(rows: ScoredRows) -> Any:
    return (rows.score >= 0.5) == rows.fake


def _ranks(common: CommonRows, pairs: list[dict[str, Any]], alpha: float) -> dict[str, Any]:
    names = list(common.models)
    scores = np.column_stack([_fold_aucs(rows) for rows in common.models.values()])
    mean = friedman_ranks(scores).mean
    apart = np.zeros((len(names), len(names)), dtype=bool)
    for row in pairs:
        i, j = names.index(row["a"]), names.index(row["b"])
        apart[i, j] = apart[j, i] = row["significant"]
    # Repeats score the same sources again; the folds of one repeat do not.
    one = friedman_ranks(scores[: common.n_splits])
    return {
        "mean": {name: float(rank) for name, rank in zip(names, mean, strict=True)},
        "cliques": [[names[i] for i in run] for run in cliques(list(mean), apart)],
        "friedman_p": one.iman_davenport_p,
        "nemenyi_difference": nemenyi_difference(len(names), common.n_splits, alpha=alpha),
        "sets": common.n_splits,
        "note": "ranks are means over all folds; Friedman's test (Iman and Davenport's F) and "
        "Nemenyi's difference take the folds of one repeat for test sets, though their training "
        "sides overlap: for orientation. Lines join models that the deciding test leaves together",
    }


def _new_sets(
    common: CommonRows, sizes: Sequence[int], alpha: float, resamples: int, seed: int
) -> list[dict[str, Any]]:
    out = []
    for n in sizes:
        for name, rows in common.models.items():
            auc, low, high = new_set_interval(
                rows,
                common.repeat,
                new_groups=n,
                n_splits=common.n_splits,
                confidence=1 - alpha,
                resamples=resamples,
                seed=seed,
            )
            out.append({"model": name, "new_groups": n, "roc_auc": auc, "low": low, "high": high})
    return out


def _pair_verdict(row: dict[str, Any], family: int) -> str:
    p = row[f"p_{DECIDING}_holm"]
    told = f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"
    told += f" after Holm over {family} pairs" if family > 1 else ""
    better, worse = (row["a"], row["b"]) if row["difference"] >= 0 else (row["b"], row["a"])
    gap = abs(row["difference"])
    if row["significant"]:
        return f"{better} ranks better than {worse} by {gap:.3f} AUC ({told})"
    low, high = row["low"], row["high"]
    return (
        f"no significant difference between {row['a']} and {row['b']} ({told}): it may lie "
        f"anywhere from {low:+.3f} to {high:+.3f} AUC"
    )


def _verdict(models: list[dict[str, Any]], pairs: list[dict[str, Any]], alpha: float) -> str:
    best = models[0]["model"]
    against = [row for row in pairs if best in (row["a"], row["b"])]
    beaten = [row["b"] if row["a"] == best else row["a"] for row in against if row["significant"]]
    if not any(row["significant"] for row in pairs):
        return (
            f"No significant difference among {len(models)} models at {alpha:g}: that {best} "
            "stands first may be chance"
        )
    if len(beaten) == len(against):
        return f"{best} ranks significantly better than {_all_of(beaten)}"
    even = [r["model"] for r in models[1:] if r["model"] not in beaten]
    won = f"; it ranks significantly better than {', '.join(beaten)}" if beaten else ""
    return f"{best} stands first, with no significant difference to {', '.join(even)}{won}"


def _all_of(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"all others ({', '.join(names)})"
