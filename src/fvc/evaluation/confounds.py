"""``fvc confounds``: how well the label can be told without looking at a single pixel."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from fvc.errors import MissingInputError, OptionError, StaleError
from fvc.evaluation.association import cramers_v, fifths, number_auc
from fvc.evaluation.baselines import (
    MAJORITY,
    PROPERTIES,
    baseline_predictions,
    metadata_baselines,
)
from fvc.evaluation.common_rows import common_rows
from fvc.evaluation.confounds_plot import draw_confounds
from fvc.evaluation.folds import (
    index_fingerprint,
    load_folds,
    make_folds,
    read_folds_info,
    split_hash,
)
from fvc.evaluation.leaderboard import is_simulated
from fvc.evaluation.locked import split_locked
from fvc.evaluation.matched_boards import matching_of
from fvc.evaluation.paired import paired_bootstrap
from fvc.evaluation.verdict_report import VerdictReport, rows_table, write_results
from fvc.tables import IndexSchema, check, read_table
from fvc.workspace import Workspace

CONFOUNDS_VERSION = 1

_ORIGINS = ("collection", "platform")
_CONFIDENCE = 0.95
# Baselines that are compared with the best model: each comparison costs a bootstrap of both.
_RIVALS_COMPARED = 12


class ConfoundReport(VerdictReport):
    """What metadata give away.

    Attributes
    ----------
    document
        As it is written to ``confounds.json``.
    """


def confound_report(
    project: Path = Path("."),
    *,
    model: str | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> ConfoundReport:
    """Say how well platform, size, rate, codec and the like predict the label, and whom they rival.

    Parameters
    ----------
    project
        Folder of the project.
    model
        The trained model that metadata are held against; by default the leaderboard's best. Before
        anything is trained there is none, and metadata are reported alone.
    resamples
        Bootstrap resamples of groups, at least 100.
    seed
        Seed of the bootstrap.

    Returns
    -------
    ConfoundReport
        Baselines, associations, values that hold one class, rivals and a verdict.

    Raises
    ------
    OptionError
        Too few resamples.
    MissingInputError
        There is no index, or `model` was not trained.
    StaleError
        The index has changed since the folds were made, or `model` was trained on others.
    """
    if resamples < 100:
        raise OptionError(f"resamples is {resamples}; it is 100 or more")
    workspace = Workspace(project)
    folds, split, index = _folds(workspace, _read_index(workspace))
    models, best = _models(workspace, split["hash"], model)
    import_module("sklearn.linear_model")
    # Small matrices: threads only wait for each other, at many times the cost on a busy machine.
    with threadpool_limits(1):
        baselines = metadata_baselines(index, folds, resamples=resamples, seed=seed)
        if best is not None:
            predictions = read_table(workspace.model(best["model"]) / "predictions.parquet")
            for row in _candidates(baselines):
                rival = baseline_predictions(index, folds, row["baseline"])
                row |= _against(predictions, rival, resamples=resamples, seed=seed)
    document: dict[str, Any] = {
        "models": models,
        "best": best,
        "baselines": baselines,
        "associations": associations(index, resamples=resamples, seed=seed),
        "one_class": [one_class(index, column) for column in _ORIGINS],
        "values": [row for column in _ORIGINS for row in _values(index, column)],
        "split": split,
        "unit": "source",
        "matching": matching_of(workspace),
        "simulated": is_simulated(index),
        "resamples": resamples,
        "seed": seed,
        "version": CONFOUNDS_VERSION,
    }
    document["verdict"] = verdict(document)
    document["notes"] = _notes(document)
    return ConfoundReport(_write(document, workspace))


def _read_index(workspace: Workspace) -> pl.DataFrame:
    if not workspace.index_csv.is_file():
        raise MissingInputError(
            "there is no index", path=workspace.index_csv, remedy="Run `fvc setup` first"
        )
    return check(read_table(workspace.index_csv), IndexSchema, workspace.index_csv)


def _folds(
    workspace: Workspace, index: pl.DataFrame
) -> tuple[pl.DataFrame, dict[str, Any], pl.DataFrame]:
    """Give the folds, what they are, and the sources that are not locked."""
    open_sources, _ = split_locked(index, workspace)
    if workspace.folds.is_file():
        info = read_folds_info(workspace.folds)
        folds = load_folds(workspace.folds, fingerprint=index_fingerprint(index))
        seed, saved = info.seed, True
    else:
        folds, seed, saved = make_folds(open_sources), 0, False
    said = {
        "hash": split_hash(folds),
        "n_splits": folds["fold"].n_unique(),
        "repeats": folds["repeat"].n_unique(),
        "seed": seed,
        "saved": saved,
        "n_sources": folds["source"].n_unique(),
        "n_groups": folds["group"].n_unique(),
    }
    return folds, said, open_sources


def _models(
    workspace: Workspace, split: str, wanted: str | None
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Read the complete models on these folds, best first, and the one that is held against."""
    rows = []
    for path in sorted(workspace.stage5.glob("*/metrics.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        aggregate = document["aggregate"]
        asked = path.parent.name == wanted
        if document["split"]["hash"] != split:
            if asked:
                raise StaleError(
                    f"{wanted} was trained on other folds", path=path, remedy="Train it again"
                )
            continue
        if aggregate["complete"] and aggregate["roc_auc"] is not None:
            keys = ("roc_auc", "roc_auc_low", "roc_auc_high", "n_sources", "n_scored")
            rows.append({"model": path.parent.name, **{key: aggregate[key] for key in keys}})
    rows.sort(key=lambda row: -row["roc_auc"])
    if wanted is None:
        return rows, rows[0] if rows else None
    for row in rows:
        if row["model"] == wanted:
            return rows, row
    raise MissingInputError(
        f"{wanted} was not trained, or a fold of it failed",
        path=workspace.model(wanted),
        remedy=f"Run `fvc train --model-types {wanted}` first",
    )


def _candidates(baselines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    scored = [r for r in baselines if r["roc_auc"] is not None and r["baseline"] != MAJORITY]
    return sorted(scored, key=lambda row: -row["roc_auc"])[:_RIVALS_COMPARED]


def _against(
    model: pl.DataFrame, rival: pl.DataFrame, *, resamples: int, seed: int
) -> dict[str, Any]:
    """Compare a model with a baseline on the sources, folds and repeats that both have."""
    rows = common_rows({"model": model, "rival": rival})
    found = paired_bootstrap(
        rows.models["model"],
        rows.models["rival"],
        n_splits=rows.n_splits,
        resamples=resamples,
        confidence=_CONFIDENCE,
        rng=np.random.default_rng(seed),
    )
    return {
        "model_ahead": found.difference,
        "model_ahead_low": float(found.low),
        "model_ahead_high": float(found.high),
        "p": float(found.p),
        "rival": bool(found.low <= 0),
    }


def associations(
    index: pl.DataFrame, *, resamples: int = 2000, seed: int = 0
) -> list[dict[str, Any]]:
    """Measure how strongly each column goes with the label over the whole corpus, without a model.

    Parameters
    ----------
    index
        The project's index.
    resamples, seed
        Of the bootstrap over groups behind the intervals of numbers.

    Returns
    -------
    list of dict
        ``column, kind`` (number, text), ``n`` known, ``n_values``, ``cramers_v`` (of the value, or
        of a number's fifth) and, for numbers, ``auc, auc_low, auc_high``; ``reason`` where there
        is nothing to measure.
    """
    label, group = index["label"].to_numpy(), index["group"].to_numpy()
    rows = []
    for prop in PROPERTIES:
        row: dict[str, Any] = {
            "column": prop.name,
            "kind": "number" if prop.is_number else "text",
            **dict.fromkeys(("n", "n_values", "cramers_v", "auc", "auc_low", "auc_high")),
            "reason": None,
        }
        rows.append(row)
        if any(column not in index.columns for column in prop.columns):
            row["reason"] = "the index has no such column"
            continue
        series = index.select(prop.expression().alias("value"))["value"]
        row["n"], row["n_values"] = len(series) - series.null_count(), series.n_unique()
        if row["n"] == 0:
            row["reason"] = "no source has a value"
        elif row["n_values"] == 1:
            row["reason"] = f"all sources have the value {series[0]}"
        elif prop.is_number:
            values = series.to_numpy().astype(np.float64)
            row["cramers_v"] = cramers_v(label, fifths(values))
            row |= number_auc(label, group, values, resamples=resamples, seed=seed)
        else:
            row["cramers_v"] = cramers_v(label, series.fill_null("(missing)").to_numpy())
    return rows


def one_class(index: pl.DataFrame, column: str) -> dict[str, Any]:
    """Count the values of a column that hold one class only, and the sources in them.

    Returns
    -------
    dict
        ``column, n_values, n_one_class, share_of_values, share_of_sources, n_sources, n_missing``;
        shares are None where no source has a value.
    """
    rows = _values(index, column)
    n = sum(row["n"] for row in rows)
    one = [row for row in rows if not row["n_real"] or not row["n_fake"]]
    return {
        "column": column,
        "n_values": len(rows),
        "n_one_class": len(one),
        "share_of_values": len(one) / len(rows) if rows else None,
        "share_of_sources": sum(row["n"] for row in one) / n if n else None,
        "n_sources": n,
        "n_missing": len(index) - n,
    }


def _values(index: pl.DataFrame, column: str) -> list[dict[str, Any]]:
    if column not in index.columns:
        return []
    return (
        index.filter(pl.col(column).is_not_null())
        .group_by(pl.col(column).cast(pl.String).alias("value"))
        .agg(
            n=pl.len(),
            n_real=(pl.col("label") == 0).sum(),
            n_fake=(pl.col("label") == 1).sum(),
            n_groups=pl.col("group").n_unique(),
        )
        .sort(["n", "value"], descending=[True, False])
        .select(pl.lit(column).alias("column"), pl.all())
        .to_dicts()
    )


def verdict(document: dict[str, Any]) -> list[str]:
    """Say in words what metadata give away and whether the best model is ahead of them.

    Parameters
    ----------
    document
        The report so far: ``baselines, best, one_class``.
    """
    said = []
    ranked = _candidates(document["baselines"])
    if not ranked:
        return ["No metadata column of this corpus can tell anything: all are constant or missing."]
    top = ranked[0]
    said.append(
        f"Without a look at a pixel, {top['baseline']} reach an AUC of {_with_interval(top)}."
    )
    for row in document["one_class"]:
        if row["n_values"] > 1 and row["n_one_class"]:
            said.append(
                f"{row['n_one_class']} of {row['n_values']} values of {row['column']} hold one "
                f"class only, with {row['share_of_sources']:.0%} of the sources."
            )
    best = document["best"]
    if best is None:
        return [*said, "No model is trained yet on these folds, so there is nothing to rival."]
    name = f"{best['model']}, with an AUC of {_with_interval(best)},"
    rivals = [row for row in ranked if row.get("rival")]
    if not rivals:
        return [*said, f"{name} is ahead of every one of them (paired bootstrap over groups)."]
    ahead = [row for row in rivals if row["model_ahead_high"] < 0]
    level = [row for row in rivals if row["model_ahead_high"] >= 0]
    parts = []
    for words, rows in (("is worse than", ahead), ("is not shown to be better than", level)):
        if rows:
            named = ", ".join(f"{row['baseline']} {row['roc_auc']:.2f}" for row in rows)
            parts.append(f"{words} {named}")
    return [
        *said,
        f"{name} {' and '.join(parts)} (paired bootstrap over groups). What it scores may be "
        "theirs: hold collections out (`fvc holdout`) before it is believed.",
    ]


def _with_interval(row: dict[str, Any]) -> str:
    return f"{row['roc_auc']:.2f} ({row['roc_auc_low']:.2f}–{row['roc_auc_high']:.2f})"


def _notes(document: dict[str, Any]) -> list[str]:
    notes = []
    if document["simulated"]:
        notes.append("The corpus is simulated: these numbers say nothing about real videos.")
    if not document["split"]["saved"]:
        notes.append(
            "There is no split file yet; the folds are those that `fvc train` makes by default."
        )
    if document["matching"] is not None:
        notes.append(
            f"The clips are matched ({document['matching']['words']}): these are properties of the "
            "matched files. Shape, length and the bits that a picture takes are left as they are."
        )
        notes += document["matching"]["notes"]
    silent = [row for row in document["baselines"] if row["reason"]]
    if silent:
        named = "; ".join(f"{row['baseline']} ({row['reason']})" for row in silent)
        notes.append(f"Not tried: {named}.")
    return notes


def _write(document: dict[str, Any], workspace: Workspace) -> dict[str, Any]:
    by_auc = sorted(document["baselines"], key=lambda row: -(row["roc_auc"] or 0))
    tables = {
        "baselines": rows_table([{**row, "columns": ", ".join(row["columns"])} for row in by_auc]),
        "associations": rows_table(document["associations"]),
        "values": rows_table(document["values"]),
    }
    stem = workspace.confounds / "confounds"
    return write_results(document, stem, tables, draw_confounds, workspace)
