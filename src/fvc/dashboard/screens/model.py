"""Model: folds, curves, confusion, calibration, threshold and costs, mistakes, robustness."""

from typing import Any

import polars as pl
import streamlit as st

from fvc.dashboard import charts
from fvc.dashboard.alterations import looks_at_frames, net_importance, show_alterations
from fvc.dashboard.calibration import show_calibration
from fvc.dashboard.card import show_card, warn_of_weights
from fvc.dashboard.costs import show_costs
from fvc.dashboard.frame import chart, empty, interval, show_table
from fvc.dashboard.playing import play_clip
from fvc.dashboard.reading import document, predictions, trained_models
from fvc.dashboard.robustness import show_robustness
from fvc.errors import DataError
from fvc.evaluation.mean_curves import GRID, mean_curves
from fvc.workspace import Workspace

_MISTAKES = 6
_FOLDS = (
    *(("repeat", "repeat"), ("fold", "fold"), ("status", "status")),
    *(("test_n_sources", "test sources"), ("test_roc_auc", "test ROC AUC"), ("test_f1", "test F1")),
    *(("val_roc_auc", "inner ROC AUC"), ("reason", "reason")),
)
_SHOWN = (("ROC AUC", "roc_auc"), ("F1", "f1"), ("Brier", "brier"))


def show(workspace: Workspace) -> None:
    """Show the page."""
    st.title("Model")
    names = trained_models(workspace)
    if not names:
        empty("Nothing is trained yet.", "fvc train")
        return
    name = st.selectbox("Which model", names)
    metrics = document(workspace.model(name) / "metrics.json")
    table = predictions(workspace, name)
    if metrics is None or table is None:
        empty(f"The results of {name} are not there.", f"fvc train --model-types {name}")
        return
    _summary(metrics)
    st.header("ROC and precision–recall")
    _curves(table)
    means = _by_source(table)
    st.header("Threshold and costs")
    show_costs(workspace, name, means)
    st.header("Calibration")
    show_calibration(workspace, name, means)
    st.header("Folds")
    _folds(metrics)
    st.header("Worst mistakes")
    _mistakes(workspace, means)
    st.header("Robustness")
    show_robustness(workspace, name)
    if looks_at_frames(name):
        st.header("What it rests on")
        _rests_on(workspace, name)
    st.header("What it is")
    show_card(workspace, name, metrics)


def _rests_on(workspace: Workspace, name: str) -> None:
    found = net_importance(workspace, name)
    if found is None:
        empty("Not measured yet.", f"fvc importance {name}")
    else:
        show_alterations(found)


def _summary(metrics: dict[str, Any]) -> None:
    aggregate = metrics["aggregate"]
    st.markdown(metrics["description"])
    warn_of_weights(metrics)
    if not metrics["complete"]:
        st.warning(f"Incomplete: {metrics['incomplete_reason']}", icon=":material/warning:")
    numbers = []
    for name, key in _SHOWN:
        value, _, between = interval(aggregate, key).partition(" ")
        numbers.append((name, value, between.strip("()") or "no interval"))
    scored = f"{aggregate['n_scored']:,} of {aggregate['n_sources']:,}"
    numbers.append(("Scored", f"{aggregate['coverage']:.0%}", scored))
    with st.container(horizontal=True):
        for name, value, note in numbers:
            with st.container(width=115, gap="xxsmall"):
                st.metric(name, value)
                st.caption(note)
    repeats = aggregate["repeats"]
    st.caption(
        f"Unit: source, {aggregate['n_real']} real and {aggregate['n_fake']} fake in "
        f"{aggregate['n_groups']} groups; means over the "
        f"test sides of {aggregate['n_splits']} grouped folds × {repeats} "
        f"repeat{'' if repeats == 1 else 's'}, with 95 % intervals over groups."
    )


def _curves(table: pl.DataFrame) -> None:
    try:
        found = mean_curves(table)
    except DataError as error:
        st.info(str(error))
        return
    left, right = st.columns(2)
    for column, kind, of, words in (
        (left, "roc", found.sensitivity, "ROC curve: how many fakes are found, at what price."),
        (right, "pr", found.precision, "Precision–recall: how many of those called fake are so."),
    ):
        mean, low, high = found.spread(of)
        across = "false-positive rate" if kind == "roc" else "recall"
        lines = {across: GRID, "mean": mean, "low": low, "high": high}
        with column:
            # A hundred rows say no more than twenty.
            chart(charts.mean_curve(found, kind), pl.DataFrame(lines).gather_every(5), words)


def _by_source(table: pl.DataFrame) -> pl.DataFrame:
    """Average scores over repeats: one row a source that was scored."""
    return (
        table.group_by("source")
        .agg(pl.col("label", "group").first(), pl.col("score", "calibrated").mean())
        .filter(pl.col("score").is_not_null())
        .sort("source")
    )


def _folds(metrics: dict[str, Any]) -> None:
    rows = [{heading: row.get(key) for key, heading in _FOLDS} for row in metrics["fold_results"]]
    table = pl.DataFrame(rows, infer_schema_length=None)
    show_table(table if table["reason"].null_count() < len(table) else table.drop("reason"))
    st.caption("Test: the part held out. Inner: folds within the part trained on.")
    curves = metrics.get("training_curves")
    if curves:
        st.subheader("Training curves")
        numbers = [
            {"repeat": one["repeat"], "fold": one["fold"], **epoch}
            for one in curves
            for epoch in one["epochs"]
        ]
        table = pl.DataFrame(numbers, infer_schema_length=None)
        left, right = st.columns(2)
        with left:
            words = "Loss by epoch, a line a fold: in training, and on inner sources held out."
            chart(charts.training(curves, "loss"), table, words)
        with right:
            words = "ROC AUC of inner sources held out, a line a fold; no test source is in it."
            chart(charts.training(curves, "auc"), table, words)


def _mistakes(workspace: Workspace, means: pl.DataFrame) -> None:
    wrong = means.with_columns(off=(pl.col("label") - pl.col("score")).abs()).filter(
        pl.col("off") > 0.5
    )
    if not len(wrong):
        st.success("None beyond a score of 0.5.", icon=":material/check_circle:")
        return
    worst = wrong.sort("off", descending=True).head(_MISTAKES)
    with st.container(horizontal=True):
        for row in worst.iter_rows(named=True):
            with st.container(width=250):
                truth = "fake" if row["label"] else "real"
                st.markdown(f"**{row['source']}**: {truth}, score {row['score']:.2f}")
                play_clip(workspace, row["source"])
