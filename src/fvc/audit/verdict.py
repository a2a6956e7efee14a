"""The audit in words."""

from collections.abc import Mapping, Sequence
from typing import Any

CHANCE = 0.5

_TENTHS = {
    1: "a tenth", 2: "a fifth", 3: "three tenths", 4: "four tenths", 5: "half", 6: "six tenths",
    7: "seven tenths", 8: "eight tenths", 9: "nine tenths",
}  # fmt: skip

SIGNIFICANT = 0.05

FEWEST = 19
"""Permutations with which p can be as low as `SIGNIFICANT`: it is never below 1 / (n + 1)."""


def memory_share(row_wise: Mapping[str, Any], grouped: Mapping[str, Any]) -> float | None:
    """Return the part of the row-wise gain over chance that grouped folds do not confirm.

    Returns
    -------
    float or None
        0 … 1; None where the row-wise score is not clear of chance, so that there is no gain to
        divide.
    """
    if row_wise["auc"] is None or grouped["auc"] is None or row_wise["auc_low"] <= CHANCE:
        return None
    share = 1 - (grouped["auc"] - CHANCE) / (row_wise["auc"] - CHANCE)
    return float(min(1.0, max(0.0, share)))


def in_words(share: float) -> str:
    """Say a share in tenths.

    Examples
    --------
    >>> in_words(0.88), in_words(0.97), in_words(0.02)
    ('nine tenths', 'nearly all', 'next to nothing')
    """
    if share >= 0.995:
        return "all"
    if share >= 0.95:
        return "nearly all"
    if share < 0.05:
        return "next to nothing"
    return _TENTHS[max(1, round(share * 10))]


def verdict_on_schemes(
    rows: Sequence[Mapping[str, Any]],
    memory: Mapping[str, Any] | None,
    *,
    one_source_groups: bool,
) -> str:
    """Say what a refitted model's scores are worth.

    Parameters
    ----------
    rows
        The audit's rows.
    memory
        As `fvc.audit.rows.memory` returns it; None where a scheme is incomplete.
    one_source_groups
        Whether every group is one source, so that scenes cannot be told apart from sources.
    """
    true = {r["folds"]: r for r in rows if r["labels"] == "true"}
    grouped, row_wise = true["grouped"], true["row-wise"]
    if grouped["auc"] is None or row_wise["auc"] is None or memory is None:
        lacking = next(r for r in true.values() if r["auc"] is None)
        return f"No verdict: the {lacking['folds']} score is incomplete ({lacking['reason']})."
    sentences = [_headline(row_wise, grouped)]
    sentences += _memories(memory, one_source_groups=one_source_groups)
    sentences.append(_against_null(grouped))
    permuted = {r["folds"]: r for r in rows if r["labels"] == "permuted"}
    sentences += _permuted(permuted)
    return " ".join(sentences)


def _headline(row_wise: Mapping[str, Any], grouped: Mapping[str, Any]) -> str:
    told = f"{row_wise['auc']:.2f} row-wise, {grouped['auc']:.2f} grouped"
    share = memory_share(row_wise, grouped)
    if share is None:
        return f"{told}: even row-wise there is no gain over chance to explain."
    return f"{told}: {in_words(share)} of the gain over chance is memory."


def _memories(memory: Mapping[str, Any], *, one_source_groups: bool) -> list[str]:
    out = [_one_memory("clips", "other clips of a source were seen", memory["clips"])]
    if one_source_groups:
        return [
            *out,
            "Every group is one source, so memory of scenes cannot be told: declare groups, or "
            "look for near-duplicates.",
        ]
    return [*out, _one_memory("scenes", "other sources of a group were seen", memory["scenes"])]


def _one_memory(what: str, why: str, found: Mapping[str, Any]) -> str:
    # Rounded first and 0 added, so that −0.001 does not read as −0.00.
    auc, low, high = (round(found[key], 2) + 0.0 for key in ("auc", "low", "high"))
    size = f"{auc:+.2f} AUC, {low:+.2f} to {high:+.2f}"
    if found["low"] > 0:
        return f"Memory of {what} ({why}): {size}."
    return f"No significant memory of {what} ({size})."


def _against_null(grouped: Mapping[str, Any]) -> str:
    p = grouped["p_value"]
    if p is None:
        return "Without permutations nothing is said of chance."
    n = grouped["permutations"]
    told = f"p = {p:.3f}, {n} permutations by group"
    if n < FEWEST:
        return (
            f"{n} permutations by group are too few to say whether the grouped score stands above "
            f"them: p cannot be below {1 / (n + 1):.2f}."
        )
    if p < SIGNIFICANT:
        return f"The grouped score stands above what permuted labels give ({told})."
    return f"The grouped score cannot be told from that of permuted labels ({told})."


def _permuted(permuted: Mapping[str, Mapping[str, Any]]) -> list[str]:
    row_wise = permuted.get("row-wise")
    if row_wise is None or row_wise["auc"] is None or row_wise["auc_low"] <= CHANCE:
        return []
    return [
        f"With labels dealt at random to whole groups, row-wise folds still give "
        f"{row_wise['auc']:.2f}: such a score can be had without knowing anything."
    ]
