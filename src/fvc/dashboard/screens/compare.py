"""Compare: two models on the same sources: paired difference, agreement."""

import polars as pl
import streamlit as st

from fvc.dashboard import charts
from fvc.dashboard.frame import chart, empty, show_table
from fvc.dashboard.reading import document, predictions, trained_models
from fvc.workspace import Workspace


def show(workspace: Workspace) -> None:
    """Show the page."""
    st.title("Compare")
    names = trained_models(workspace)
    if len(names) < 2:
        empty("Two trained models are needed.", "fvc train")
        return
    left, right = st.columns(2)
    a = left.selectbox("First model", names, index=0)
    b = right.selectbox("Second model", [name for name in names if name != a], index=0)
    _difference(workspace, a, b)
    tables = [predictions(workspace, name) for name in (a, b)]
    if tables[0] is None or tables[1] is None:
        empty("Predictions are missing.", f"fvc train --model-types {a} {b}")
        return
    both = _means(tables[0], "a").join(_means(tables[1], "b").drop("label"), on="source")
    st.header("Scores of the same sources")
    words = (
        "Each point is a source: its score from the first model across, from the second upwards. "
        "Dotted: a score of 0.5."
    )
    chart(charts.agreement(both, a, b), both.rename({"a": a, "b": b}), words)
    _agreement(both)
    _largest(both, a, b)


def _difference(workspace: Workspace, a: str, b: str) -> None:
    comparison = document(workspace.comparison / "comparison.json")
    if comparison is None:
        empty("Not tested yet whether they differ.", "fvc compare")
        return
    pair = next((p for p in comparison["pairs"] if {p["a"], p["b"]} == {a, b}), None)
    if pair is None:
        st.info("This pair was not compared: run `fvc compare` again.")
        return
    sign = 1 if pair["a"] == a else -1
    low, high = sorted((sign * pair["low"], sign * pair["high"]))
    st.metric(
        f"AUC of {a} minus that of {b}",
        f"{sign * pair['difference']:+.3f}".replace("-", "−"),
        help=comparison["tests"][comparison["deciding_test"]],
    )
    between = f"{low:+.3f} to {high:+.3f}".replace("-", "−")
    proof = "a difference is shown" if pair["significant"] else "no significant difference"
    p = pair[f"p_{comparison['deciding_test']}_holm"]
    chance = "" if p is None else f"p = {p:.3f}, "
    st.markdown(
        f"95 % interval {between}; **{proof}** ({chance}adjusted for "
        f"{len(comparison['pairs'])} pairs)."
    )


def _means(table: pl.DataFrame, name: str) -> pl.DataFrame:
    return (
        table.group_by("source")
        .agg(pl.col("label").first(), pl.col("score").mean().alias(name))
        .filter(pl.col(name).is_not_null())
        .sort("source")
    )


def _agreement(both: pl.DataFrame) -> None:
    right = both.select(
        ((pl.col("a") >= 0.5) == (pl.col("label") == 1)).alias("a"),
        ((pl.col("b") >= 0.5) == (pl.col("label") == 1)).alias("b"),
    )
    counts = {
        "both right": (right["a"] & right["b"]).sum(),
        "only the first right": (right["a"] & ~right["b"]).sum(),
        "only the second right": (~right["a"] & right["b"]).sum(),
        "both wrong": (~right["a"] & ~right["b"]).sum(),
    }
    for column, (name, n) in zip(st.columns(4), counts.items(), strict=True):
        column.metric(name, f"{n} of {len(both)}")
    st.caption("At a threshold of 0.5 on scores, means over repeats of held-out predictions.")


def _largest(both: pl.DataFrame, a: str, b: str) -> None:
    st.header("Where they disagree most")
    worst = (
        both.with_columns(gap=(pl.col("a") - pl.col("b")).abs())
        .sort("gap", descending=True)
        .head(20)
        .with_columns(pl.col("label").replace_strict({0: "real", 1: "fake"}))
        .rename({"a": a, "b": b})
    )
    show_table(worst)
