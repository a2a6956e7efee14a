"""Auditing scores that are given: a trained model's predictions, or someone else's."""

from typing import Any

import numpy as np
import polars as pl

from fvc.audit.rows import METRICS, permutation_p, permuted_scores, row, true_scores
from fvc.audit.schemes import permute_by_group
from fvc.audit.verdict import CHANCE, SIGNIFICANT
from fvc.errors import DataError
from fvc.evaluation.bootstrap import ScoredRows, weighted_means

NO_REFIT = (
    "Scores are given, not the model: what it would score with other folds, and so how much of "
    "the score is memory, cannot be computed. Audit the model type, or hand in scores with the "
    "fold in which each clip was scored."
)
NO_FOLDS = (
    "There is no column 'fold': whether clips of one source or group were trained on when others "
    "were scored cannot be checked."
)
NULL_NOTE = (
    "Labels are permuted against given scores: that shows whether the scores go with the labels, "
    "and not whether they were learnt from them."
)


def audit_scores(
    table: pl.DataFrame,
    *,
    permutations: int = 200,
    resamples: int = 2000,
    seed: int = 0,
    group_note: str | None = None,
) -> dict[str, Any]:
    """Say of given scores what can be said without the model.

    Parameters
    ----------
    table
        One row a clip (and repeat): ``clip, source, group, label, score`` and, where known,
        ``fold`` and ``repeat``. Scores are finite; higher means fake; a threshold of 0.5 is used
        where they lie in 0 … 1.
    permutations
        Times that labels are dealt anew to groups.
    resamples
        Bootstrap resamples of groups.
    seed
        Of permutations and bootstrap.
    group_note
        Where the groups come from, where the table does not say.

    Returns
    -------
    dict
        As `fvc.audit.table.audit_table`, with ``leakage`` in place of the schemes: what stands on
        both sides of the folds, and scores of the clips that nothing of theirs was trained with.

    Raises
    ------
    DataError
        A source has two labels or two groups, or one class is missing.
    """
    _check(table)
    has_folds = "fold" in table.columns and table["fold"].null_count() == 0
    leakage = _leakage(table) if has_folds else None
    split = None if leakage is None else leakage["folds"]
    k = table["fold"].n_unique() if has_folds else None
    by_source = _one_row_a_source(table)
    rows, nulls = [], {}
    several = table.height > by_source.height
    tables = {"clip": table, "source": by_source} if several else {"source": by_source}
    for unit, scored in tables.items():
        per_fold, why = _by_fold(scored) if has_folds else (False, None)
        line = row(
            folds=split or "unknown",
            labels="true",
            unit=unit,
            **_counts(scored, unit),
            n_splits=k,
            repeats=scored["repeat"].n_unique(),
            permutations=permutations,
            reason=why,
        )
        arrays = _arrays(scored, per_fold=per_fold)
        line |= true_scores(
            arrays, n_splits=k if per_fold else None, resamples=resamples, seed=seed
        )
        null = _null(scored, arrays, permutations, seed)
        if null:
            nulls[unit] = [means["roc_auc"] for means in null]
            line["p_value"] = permutation_p(line["auc"], nulls[unit])
        outside = scored["score"].min() < 0 or scored["score"].max() > 1  # type: ignore[operator]
        if outside:
            line |= {f"{m}{e}": None for m in ("f1", "accuracy") for e in ("", "_low", "_high")}
        rows.append(line)
        if null:
            kept = {key: line[key] for key in ("folds", "unit", "n_splits", "permutations")}
            second = row(
                **kept, labels="permuted", **_counts(scored, unit), repeats=line["repeats"]
            )
            second |= permuted_scores(null)
            if outside:
                second |= {
                    f"{m}{e}": None for m in ("f1", "accuracy") for e in ("", "_low", "_high")
                }
            rows.append(second)
    cannot = [NO_REFIT] + ([] if has_folds else [NO_FOLDS]) + ([group_note] if group_note else [])
    return {
        "rows": rows,
        "memory": None,
        "leakage": leakage,
        "verdict": _verdict(rows, leakage),
        "cannot": [*cannot, NULL_NOTE],
        "permuted_aucs": nulls,
        "complete": True,
    }


def _check(table: pl.DataFrame) -> None:
    if table["label"].n_unique() < 2:
        raise DataError("all clips have one label; a score needs real and fake ones")
    for name in ("label", "group"):
        torn = table.group_by("source").agg(pl.col(name).n_unique()).filter(pl.col(name) > 1)
        if torn.height:
            raise DataError(f"source {torn['source'][0]!r} has more than one {name}")


def _one_row_a_source(table: pl.DataFrame) -> pl.DataFrame:
    """Average the scores of a source's clips; within a fold where there are folds."""
    keys = ["repeat", "source"]
    more = ["fold"] if "fold" in table.columns else []
    # A source torn between folds is scored once all the same, in the fold of its first clip.
    return (
        table.group_by(keys, maintain_order=True)
        .agg(
            pl.col("group").first(),
            pl.col("label").first(),
            pl.col("score").mean(),
            *(pl.col(name).first() for name in more),
        )
        .sort("repeat", "source")
    )


def _by_fold(table: pl.DataFrame) -> tuple[bool, str | None]:
    one_class = (
        table.group_by("repeat", "fold")
        .agg(pl.col("label").n_unique())
        .filter(pl.col("label") < 2)
        .height
    )
    if one_class:
        return False, f"{one_class} fold(s) hold one class: scores of all folds are pooled"
    return True, None


def _arrays(table: pl.DataFrame, *, per_fold: bool) -> ScoredRows:
    keys = ["repeat", "fold"] if per_fold else ["repeat"]
    cell = table.select(pl.struct(keys).rank("dense")).to_series().to_numpy().astype(np.int64) - 1
    return ScoredRows(
        cell,
        table["group"].cast(pl.String).rank("dense").to_numpy().astype(np.int64) - 1,
        table["label"].to_numpy() == 1,
        table["score"].to_numpy().astype(np.float64),
    )


def _counts(table: pl.DataFrame, unit: str) -> dict[str, Any]:
    first = table.filter(pl.col("repeat") == table["repeat"].min())
    fakes = int((first["label"] == 1).sum())
    return {
        "n": first.height,
        "n_real": first.height - fakes,
        "n_fake": fakes,
        "n_sources": first["source"].n_unique(),
        "n_groups": first["group"].n_unique(),
    }


def _null(
    table: pl.DataFrame, arrays: ScoredRows, permutations: int, seed: int
) -> list[dict[str, float]]:
    """Score the same scores against labels dealt anew to groups."""
    sources = table.unique("source", maintain_order=True).select("source", "label", "group")
    place = {name: i for i, name in enumerate(sources["source"])}
    of_row = np.array([place[name] for name in table["source"]])
    labels = sources["label"].to_numpy().astype(np.int8)
    groups = np.array(sources["group"].to_list(), dtype=object)
    ones = np.ones((1, int(arrays.group.max()) + 1), dtype=np.uint16)
    null = []
    for number in range(permutations):
        dealt = permute_by_group(labels, groups, np.random.default_rng([seed, number, 1]))
        fake = dealt[of_row] == 1
        here = ScoredRows(arrays.cell, arrays.group, fake, arrays.score)
        means = weighted_means(here, ones, threshold=0.5)
        if np.isfinite(means["roc_auc"][0]):
            null.append({name: float(means[name][0]) for name in METRICS.values()})
    return null


def _leakage(table: pl.DataFrame) -> dict[str, Any]:
    """Find sources and groups that stand in several folds of a repeat."""
    found: dict[str, Any] = {}
    torn: dict[str, pl.Series] = {}
    for name in ("source", "group"):
        by = table.group_by("repeat", name).agg(pl.col("fold").n_unique().alias("in_folds"))
        several = by.filter(pl.col("in_folds") > 1)
        names = several[name].unique().sort()
        torn[name] = names
        held = table.filter(pl.col(name).is_in(names.implode())) if len(names) else table.clear()
        found[f"{name}s_in_several_folds"] = len(names)
        found[f"{name}s"] = table[name].n_unique()
        found[f"clips_of_such_{name}s"] = held["clip"].n_unique()
        found[f"examples_{name}"] = names.head(5).cast(pl.String).to_list()
    found["clips"] = table["clip"].n_unique()
    found["folds"] = (
        "row-wise" if len(torn["source"]) else "source-wise" if len(torn["group"]) else "grouped"
    )
    clean = table.filter(~pl.col("group").is_in(torn["group"].implode()))
    leaky = table.filter(pl.col("group").is_in(torn["group"].implode()))
    found["auc_of_clips_that_leak"] = _pooled_auc(leaky)
    found["auc_of_clips_that_do_not"] = _pooled_auc(clean)
    return found


def _pooled_auc(table: pl.DataFrame) -> float | None:
    if not table.height or table["label"].n_unique() < 2:
        return None
    arrays = _arrays(table, per_fold=False)
    ones = np.ones((1, int(arrays.group.max()) + 1), dtype=np.uint16)
    return float(weighted_means(arrays, ones, threshold=0.5)["roc_auc"][0])


def _verdict(rows: list[dict[str, Any]], leakage: dict[str, Any] | None) -> str:
    line = next(r for r in rows if r["labels"] == "true" and r["unit"] == "source")
    told = (
        f"AUC {line['auc']:.2f} ({line['auc_low']:.2f} to {line['auc_high']:.2f}) on "
        f"{line['n']} sources in {line['n_groups']} groups."
    )
    sentences = [told, _on_folds(leakage)]
    p = line["p_value"]
    if p is not None:
        which = (
            "go with" if p < SIGNIFICANT and line["auc"] > CHANCE else "cannot be shown to go with"
        )
        sentences.append(
            f"The scores {which} the labels (p = {p:.3f}, {line['permutations']} permutations by "
            "group)."
        )
    return " ".join(sentences)


def _on_folds(leakage: dict[str, Any] | None) -> str:
    if leakage is None:
        return "Nothing is known of the folds: whether this is memory cannot be said."
    if leakage["folds"] == "grouped":
        return "No group stands in several folds: the score is that of grouped folds."
    kind = "source" if leakage["folds"] == "row-wise" else "group"
    torn, clips = leakage[f"{kind}s_in_several_folds"], leakage[f"clips_of_such_{kind}s"]
    return (
        f"{torn} of {leakage[f'{kind}s']} {kind}s stand in several folds: {clips} of "
        f"{leakage['clips']} clips were scored by a model that was trained on others of the same "
        f"{kind}. This is a {leakage['folds']} score and measures memory as well."
    )
