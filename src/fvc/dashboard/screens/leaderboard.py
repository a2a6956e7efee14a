"""Leaderboard: models with intervals, metadata beside them, and whether differences mean much."""

from typing import Any

import polars as pl
import streamlit as st

from fvc.dashboard import charts
from fvc.dashboard.frame import CHART, empty, interval, show_table, signed
from fvc.dashboard.reading import board_of, document
from fvc.evaluation.leaderboard import folds_in_words
from fvc.evaluation.matched_boards import boards_beside
from fvc.workspace import Workspace


def show(workspace: Workspace) -> None:
    """Show the page."""
    st.title("Leaderboard")
    board = board_of(workspace)
    if board is None:
        empty("Nothing is trained yet.", "fvc train")
        return
    split = board["split"]
    st.markdown(
        f"Unit: source. {split['n_sources']:,} sources in {split['n_groups']:,} groups; test sides "
        f"of {folds_in_words(board)}."
    )
    matching = board.get("matching")
    if matching is not None:
        st.info(f"Matched: {matching['words']}.", icon=":material/balance:")
    for row in board["models"]:
        if row["warning"]:
            st.warning(f"{row['model']}: {row['warning']}", icon=":material/warning:")
            break
    random = [row["model"] for row in board["models"] if row["random_weights"]]
    if random:
        st.warning(
            f"Random weights: {', '.join(random)}. Such a score says nothing of the published "
            "model.",
            icon=":material/casino:",
        )
    st.plotly_chart(charts.ranking(board), config=CHART)
    st.caption(
        "ROC AUC of each model with its interval; dotted: chance. The tables below hold the "
        "same numbers."
    )
    st.header("Models")
    show_table(_models(board))
    _selection(board)
    st.header("Do they differ?")
    _comparison(workspace)
    st.header("What metadata alone reach")
    show_table(_baselines(board))
    _matched(workspace)
    for note in board["notes"]:
        st.caption(note)


def _models(board: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "model": row["model"],
                "ROC AUC": interval(row, "roc_auc"),
                "F1": interval(row, "f1"),
                "balanced accuracy": row["balanced_accuracy"],
                "average precision": row["average_precision"],
                "Brier": row["brier"],
                "folds": f"{row['n_splits']} × {row['repeats']}",
                "scored": f"{row['n_scored']} of {row['n_sources']}",
                "state": _state(row),
            }
            for row in board["models"]
        ],
        infer_schema_length=None,
    )


def _state(row: dict[str, Any]) -> str:
    if not row["complete"]:
        return f"incomplete: {row['incomplete_reason']}"
    if row["stale"]:
        return "stale: other folds"
    return "random weights" if row["random_weights"] else "complete"


def _selection(board: dict[str, Any]) -> None:
    selection = board.get("selection") or {}
    if selection.get("corrected") is not None:
        st.info(
            f"The first of {len(selection['candidates'])} is partly lucky: {selection['winner']}'s "
            f"{selection['naive']:.2f} is worth {selection['corrected']:.2f} once choosing it is "
            "paid for.",
            icon=":material/balance:",
        )


def _comparison(workspace: Workspace) -> None:
    comparison = document(workspace.comparison / "comparison.json")
    if comparison is None:
        empty("Not compared yet.", "fvc compare")
        return
    st.markdown(f"**{comparison['verdict']}**")
    pairs = pl.DataFrame(
        [
            {
                "model": pair["a"],
                "against": pair["b"],
                "difference of AUC": pair["difference"],
                "interval": f"{signed(pair['low'])} to {signed(pair['high'])}",
                "differs": "yes" if pair["significant"] else "not shown",
            }
            for pair in comparison["pairs"]
        ]
    )
    show_table(pairs)
    st.caption(
        f"Each interval is of its pair alone; whether a pair differs is said after Holm's "
        f"adjustment for all {len(pairs)}."
    )


def _matched(workspace: Workspace) -> None:
    """Show what the same models reach where clips were made alike, or as they came."""
    boards = boards_beside(workspace)
    if not boards:
        return
    st.header("The same sources in other projects")
    for board in boards:
        folds = "the same folds" if board["same_folds"] else "other folds: no pairwise comparison"
        st.markdown(f"**{board['label']}** (`{board['project']}`, {folds})")
        st.plotly_chart(charts.ranking(board), config=CHART, key=board["project"])
        st.caption("ROC AUC with intervals; the same numbers are in the table below.")
        rows = [("model", charts.named(row), row) for row in board["models"]]
        rows += [("metadata", row["baseline"], row) for row in board["baselines"]]
        rows.sort(key=lambda item: -(item[2]["roc_auc"] or 0))
        show_table(
            pl.DataFrame(
                [
                    {
                        "scored by": kind,
                        "name": name,
                        "ROC AUC": interval(row, "roc_auc"),
                        "scored": f"{row['n_scored']} of {row['n_sources']}",
                    }
                    for kind, name, row in rows
                ]
            )
        )


def _baselines(board: dict[str, Any]) -> pl.DataFrame:
    rows = sorted(board["baselines"], key=lambda row: -(row["roc_auc"] or 0))
    table = pl.DataFrame(
        [
            {
                "metadata": row["baseline"],
                "ROC AUC": interval(row, "roc_auc"),
                "scored": f"{row['n_scored']} of {row['n_sources']}",
                "note": row["reason"] or "",
            }
            for row in rows
        ]
    )
    return table if len(table) and any(table["note"]) else table.drop("note", strict=False)
