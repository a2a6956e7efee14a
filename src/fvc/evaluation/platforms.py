"""Scores after what platforms do, beside those of the same sources untouched."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from fvc.evaluation.variant_scores import pair_up, robustness_row

ANY = "any of them"


def platform_rows(
    scores: pl.DataFrame, names: Sequence[dict[str, Any]], *, threshold: float, **settings: Any
) -> list[dict[str, Any]]:
    """Measure what each transformation does to the ranking and to the scores.

    Parameters
    ----------
    scores
        ``source, group, label, fold, transformation, score, plain``: one row a source and
        transformation; ``score`` or ``plain`` is null where it could not be had.
    names
        ``name, family, words, quality`` of each transformation, in order.
    threshold
        A score of at least this much is called fake.
    **settings
        ``n_splits, resamples, confidence, seed``, as `robustness_row` takes them.

    Returns
    -------
    list of dict
        A row for all together and one a transformation, with what `robustness_row` returns,
        ``n_asked`` (sources), ``n_clips`` scored and ``n_failed``. Of a transformation that no
        source came through, all measures are None.
    """
    every = {"name": ANY, "family": ANY, "words": "mean over all of these", "quality": None}
    rows = []
    for what in (every, *names):
        here = scores if what is every else scores.filter(transformation=what["name"])
        known = here.filter(pl.col("score").is_not_null() & pl.col("plain").is_not_null())
        row = {key: what[key] for key in ("family", "words", "quality")}
        row |= {
            "transformation": what["name"],
            "n_asked": here["source"].n_unique(),
            "n_clips": known.height,
            "n_failed": here.height - known.height,
        }
        if known.is_empty():
            row |= dict.fromkeys(_MEASURES) | dict.fromkeys(_COUNTS, 0)
        else:
            row |= robustness_row(pair_up(known, threshold=threshold), **settings)
        rows.append(row)
    return rows


_COUNTS = ("n_sources", "n_real", "n_fake", "n_groups", "n_pairs")
_MEASURES = (
    *("roc_auc", "roc_auc_low", "roc_auc_high", "roc_auc_unaugmented"),
    *(
        f"{name}{end}"
        for name in (
            *("change_of_auc", "change_real", "change_fake"),
            *("absolute_change", "decisions_changed"),
        )
        for end in ("", "_low", "_high")
    ),
)


def platform_verdict(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Say in words what platforms cost.

    Parameters
    ----------
    rows
        As `platform_rows` returns them.
    """
    ranked = [row for row in rows if row["change_of_auc"] is not None]
    if not ranked:
        return ["No fold holds scored clips of both classes: nothing can be said of the ranking."]
    said = []
    every = ranked[0]
    said.append(
        f"Over all that platforms do the AUC is {every['roc_auc']:.2f}, against "
        f"{every['roc_auc_unaugmented']:.2f} of the same sources untouched ({_change(every)}); "
        f"{every['decisions_changed']:.0%} of the decisions change."
    )
    hurt = [r for r in ranked if r is not every and (r["change_of_auc_high"] or 0) < 0]
    hurt.sort(key=lambda row: row["change_of_auc"])
    if hurt:
        named = ", ".join(f"{r['words']} ({_change(r)})" for r in hurt)
        said.append(f"Shown to cost AUC: {named}.")
    else:
        said.append("Nothing alone is shown to cost AUC.")
    single = [row for row in ranked if row is not every]
    if single:
        moved = max(single, key=lambda row: float(row["absolute_change"]))
        said.append(
            f"Scores move most after {moved['words']}, by {moved['absolute_change']:.2f} on "
            f"average: real videos by {_signed(moved['change_real'])}, fake ones by "
            f"{_signed(moved['change_fake'])}."
        )
    failed = sum(row["n_failed"] for row in rows if row["transformation"] != ANY)
    if failed:
        said.append(f"{failed} clip(s) could not be made or measured; they are counted as such.")
    return said


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}"


def _change(row: dict[str, Any]) -> str:
    low = row["change_of_auc_low"]
    between = "" if low is None else f", {low:+.2f} to {row['change_of_auc_high']:+.2f}"
    return f"{row['change_of_auc']:+.2f}{between}"
