"""The leaderboard: every trained model beside what metadata alone give away."""

import json
from importlib import import_module
from typing import Any

import polars as pl
from threadpoolctl import threadpool_limits

from fvc.errors import MissingInputError
from fvc.evaluation.baselines import metadata_baselines, rival_warning
from fvc.evaluation.folds import describe_split, index_fingerprint, load_folds, read_folds_info
from fvc.evaluation.matched_boards import matching_of
from fvc.evaluation.winner import leaderboard_selection
from fvc.tables import IndexSchema, check, read_table, write_json_atomic, write_table
from fvc.workspace import Workspace

LEADERBOARD_VERSION = 1

SIMULATED = "simulated"
"""A collection whose name begins so is made up, and its numbers are called simulated."""

# Below this many sources of a class, intervals are wide and the note says so.
_FEW_SOURCES = 100
# From this share of sources on, knowing the collection is nearly knowing the label.
_CONFOUNDED_SHARE = 0.5

_FIRST = ("model", "complete", "unit", "n_sources", "n_scored", "coverage", "n_real", "n_fake")
_SCORES = (
    *("roc_auc", "roc_auc_low", "roc_auc_high", "roc_auc_sd"),
    *("f1", "f1_low", "f1_high", "f1_sd", "f1_macro"),
    *("accuracy", "balanced_accuracy", "precision", "recall", "average_precision"),
    *("equal_error_rate", "mcc", "log_loss", "brier"),
)
_LAST = (
    "n_groups",
    "n_splits",
    "repeats",
    "incomplete_reason",
    "stale",
    "warning",
    "matched",
    "random_weights",
)


def build_leaderboard(
    workspace: Workspace, *, baselines: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Collect the results of all trained models, write the leaderboard's files and return it.

    The files are JSON, Parquet, CSV, PNG and SVG.

    Parameters
    ----------
    workspace
        The project: its index, its split file, and ``data/stage5/<model>/metrics.json``, whose
        ``aggregate`` is what `summarise_folds` returns and whose ``split`` is what
        `describe_split` returns.
    baselines
        As `metadata_baselines` returns them; computed here by default.

    Returns
    -------
    dict
        ``models``: rows sorted by AUC, models that are incomplete or were trained on other folds
        last and marked; ``baselines``; ``selection``, the winner's naive score and the one
        corrected for the choice; ``split``; ``unit``; ``simulated``; ``matching``, what the clips
        were brought to, or None; ``notes``, what a reader has to know; ``version``.

    Raises
    ------
    MissingInputError
        There is no index, no split file, or no trained model.
    StaleError
        The index has changed since the split was made.
    """
    if not workspace.index_csv.is_file():
        raise MissingInputError(
            "no index", path=workspace.index_csv, remedy="Run `fvc setup` first"
        )
    index = check(read_table(workspace.index_csv), IndexSchema, workspace.index_csv)
    info = read_folds_info(workspace.folds)
    folds = load_folds(workspace.folds, fingerprint=index_fingerprint(index))
    split = describe_split(folds, info)
    models, notes = _models(workspace, split["hash"])
    if not models:
        raise MissingInputError(
            "no trained model", path=workspace.stage5, remedy="Run `fvc train` first"
        )
    if baselines is None:
        # Its matrices are small, and threads would only wait for each other. Only libraries that
        # are loaded have threads to limit.
        import_module("sklearn.linear_model")
        with threadpool_limits(1):
            baselines = metadata_baselines(index, folds)
    for row in models:
        row["warning"] = rival_warning(row, baselines)
    models.sort(key=_rank)
    matching = matching_of(workspace)
    for row in models:
        row["matched"] = None if matching is None else matching["words"]
    board = {
        "models": models,
        "baselines": baselines,
        "selection": leaderboard_selection(workspace, models),
        "split": split,
        "unit": "source",
        "simulated": is_simulated(index),
        "matching": matching,
        "notes": corpus_notes(index) + ([] if matching is None else matching["notes"]) + notes,
        "version": LEADERBOARD_VERSION,
    }
    path = workspace.leaderboard_json
    write_json_atomic(path, board)
    table = _frame(models)
    write_table(table, workspace.leaderboard_parquet)
    write_table(table, path.with_suffix(".csv"))
    # Who only reads a leaderboard, or trains nothing, does not wait for matplotlib.
    from fvc.evaluation.leaderboard_plot import draw_leaderboard

    draw_leaderboard(board, path.with_suffix(".png"), path.with_suffix(".svg"))
    return board


def _models(workspace: Workspace, split: str) -> tuple[list[dict[str, Any]], list[str]]:
    rows, notes = [], []
    for path in sorted(workspace.stage5.glob("*/metrics.json")):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            rows.append(_row(path.parent.name, document, split))
        except (ValueError, KeyError, TypeError) as error:
            where = workspace.relative(path)
            notes.append(f"{path.parent.name} is left out: {where} cannot be read ({error!r})")
    return rows, notes


def _row(model: str, document: dict[str, Any], split: str) -> dict[str, Any]:
    aggregate = document["aggregate"]
    row = {key: aggregate.get(key) for key in (*_FIRST, *_SCORES, *_LAST)}
    row["model"] = model
    row["unit"] = "source"
    row["random_weights"] = bool(document.get("random_weights"))
    row["complete"] = bool(aggregate["complete"])
    row["stale"] = document["split"]["hash"] != split
    return row


def _rank(row: dict[str, Any]) -> tuple[bool, bool, float, str]:
    auc = row["roc_auc"]
    return (row["stale"], not row["complete"] or auc is None, -(auc or 0.0), row["model"])


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    whole = {"n_sources", "n_scored", "n_real", "n_fake", "n_groups", "n_splits", "repeats"}
    text = {"model", "unit", "incomplete_reason", "warning", "matched"}
    flags = {"complete", "stale", "random_weights"}
    schema: dict[str, Any] = {}
    for name in (*_FIRST, *_SCORES, *_LAST):
        schema[name] = (
            pl.Int64
            if name in whole
            else pl.String
            if name in text
            else pl.Boolean
            if name in flags
            else pl.Float64
        )
    return pl.DataFrame(rows, schema=schema)


def folds_in_words(board: dict[str, Any]) -> str:
    """Say in which folds the models of a leaderboard were scored: dear ones have fewer repeats.

    Examples
    --------
    >>> folds_in_words({"split": {"n_splits": 5, "repeats": 5}, "models": [{"repeats": 1}]})
    '5 grouped folds × 1 repeat'
    """
    split = board["split"]
    known = sorted({row["repeats"] for row in board["models"] if row.get("repeats")})
    fewest, most = (known[0], known[-1]) if known else (split["repeats"], split["repeats"])
    number = f"{most}" if fewest == most else f"{fewest} to {most}"
    return f"{split['n_splits']} grouped folds × {number} repeat{'' if most == 1 else 's'}"


def is_simulated(index: pl.DataFrame) -> bool:
    """Whether any source comes from a collection whose name begins with ``simulated``."""
    if "collection" not in index.columns:
        return False
    return bool(index["collection"].str.to_lowercase().str.starts_with(SIMULATED).any())


def corpus_notes(index: pl.DataFrame) -> list[str]:
    """Return what a reader of scores from this corpus has to know, one sentence an entry.

    Parameters
    ----------
    index
        The project's index: ``source, label, group`` and, where known, ``collection``.
    """
    notes = []
    if is_simulated(index):
        notes.append("The corpus is simulated: these numbers say nothing about real videos.")
    classes = index.group_by("label").len()
    fewest = int(classes["len"].min() or 0)  # type: ignore[arg-type]
    if fewest < _FEW_SOURCES:
        notes.append(
            f"The corpus is small ({len(index)} sources in {index['group'].n_unique()} groups, "
            f"{fewest} of the rarer class): intervals are wide, and ranks of models whose "
            "intervals overlap are not to be relied on."
        )
    confounded = _one_class_collections(index)
    if confounded:
        notes.append(confounded)
    return notes


def _one_class_collections(index: pl.DataFrame) -> str | None:
    if "collection" not in index.columns:
        return None
    by = (
        index.filter(pl.col("collection").is_not_null())
        .group_by("collection")
        .agg(pl.len().alias("n"), pl.col("label").n_unique().alias("classes"))
    )
    if len(by) < 2:
        return None
    one = by.filter(pl.col("classes") == 1)
    share = float(one["n"].sum()) / float(by["n"].sum())
    if share < _CONFOUNDED_SHARE:
        return None
    return (
        f"The collection nearly is the label: {len(one)} of {len(by)} collections hold one class "
        f"only, with {share:.0%} of the sources. A model can learn where a video comes from "
        "instead of whether it is fake; hold collections out to see what is left."
    )


__all__ = [
    "LEADERBOARD_VERSION",
    "build_leaderboard",
    "corpus_notes",
    "folds_in_words",
    "is_simulated",
]
