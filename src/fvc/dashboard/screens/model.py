"""Model: folds, curves, confusion, calibration, threshold and costs, mistakes, robustness."""

from typing import Any

import polars as pl
import streamlit as st

from fvc.dashboard import charts
from fvc.dashboard.frame import empty, interval
from fvc.dashboard.playing import play_clip
from fvc.dashboard.reading import document, predictions, trained_models
from fvc.errors import DataError
from fvc.evaluation.calibration_metrics import equal_mass_bins
from fvc.evaluation.costs import Costs
from fvc.evaluation.mean_curves import mean_curves
from fvc.evaluation.metrics import compute_classification_metrics
from fvc.workspace import Workspace

_MISTAKES = 6
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
    _threshold(means)
    st.header("Calibration")
    _calibration(means)
    st.header("Folds")
    _folds(metrics)
    st.header("Worst mistakes")
    _mistakes(workspace, means)
    st.header("Robustness")
    _robustness(workspace, name)


def _summary(metrics: dict[str, Any]) -> None:
    aggregate = metrics["aggregate"]
    st.markdown(metrics["description"])
    if not metrics["complete"]:
        st.warning(f"Incomplete: {metrics['incomplete_reason']}", icon=":material/warning:")
    columns = st.columns(4)
    for column, (name, key) in zip(columns, _SHOWN, strict=False):
        value, _, between = interval(aggregate, key).partition(" ")
        column.metric(name, value)
        column.caption(f"95 % interval {between}" if between else "no interval")
    columns[3].metric("Scored", f"{aggregate['n_scored']} of {aggregate['n_sources']}")
    columns[3].caption(f"sources, in {aggregate['n_groups']} groups")


def _curves(table: pl.DataFrame) -> None:
    try:
        found = mean_curves(table)
    except DataError as error:
        st.info(str(error))
        return
    left, right = st.columns(2)
    left.plotly_chart(charts.mean_curve(found, "roc"), config=charts.CONFIG)
    right.plotly_chart(charts.mean_curve(found, "pr"), config=charts.CONFIG)


def _by_source(table: pl.DataFrame) -> pl.DataFrame:
    """Average scores over repeats: one row a source that was scored."""
    return (
        table.group_by("source")
        .agg(pl.col("label", "group").first(), pl.col("score", "calibrated").mean())
        .filter(pl.col("score").is_not_null())
        .sort("source")
    )


def _threshold(means: pl.DataFrame) -> None:
    first, second, third = st.columns(3)
    alarm = first.number_input("Cost of a false alarm", 0.1, 1000.0, 1.0, help="Real called fake")
    miss = second.number_input("Cost of a miss", 0.1, 1000.0, 1.0, help="Fake called real")
    best = Costs(alarm, miss).thresholds[0]
    third.metric("Cheapest threshold", f"{best:.2f}", help="If probabilities can be trusted")
    threshold = st.slider("Call fake from this probability on", 0.0, 1.0, best, 0.01)
    known = means["calibrated"].null_count() == 0
    score = means["calibrated" if known else "score"]
    got = compute_classification_metrics(means["label"], score, threshold=threshold)
    counts = got["confusion_matrix"]
    cost = (counts["fp"] * alarm + counts["fn"] * miss) / got["n"]
    left, right = st.columns(2)
    left.dataframe(
        pl.DataFrame(
            {
                "truth": ["real", "fake"],
                "called real": [counts["tn"], counts["fn"]],
                "called fake": [counts["fp"], counts["tp"]],
            }
        ),
        hide_index=True,
        width="stretch",
    )
    right.metric("Cost a video", f"{cost:.2f}")
    right.markdown(
        f"False-positive rate {_share(counts['fp'], counts['fp'] + counts['tn'])}, "
        f"true-positive rate {_share(counts['tp'], counts['tp'] + counts['fn'])}, "
        f"accuracy {got['accuracy']:.2f}."
    )
    kind = "calibrated probabilities" if known else "scores, which are not calibrated"
    st.caption(
        f"On {got['n']} held-out sources, means over repeats of {kind}. A threshold chosen by "
        "looking here is chosen on the test data: `fvc predict --cost-miss …` decides without that."
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f} ({part} of {whole})" if whole else "not known"


def _calibration(means: pl.DataFrame) -> None:
    rows = []
    for column, when in (("score", "as scored"), ("calibrated", "calibrated")):
        known = means.filter(pl.col(column).is_not_null(), pl.col(column).is_between(0, 1))
        place = equal_mass_bins(known[column])
        if isinstance(place, str):
            st.info(f"No reliability {when}: it {place}.")
            continue
        rows += [
            {"when": when, **row}
            for row in known.with_columns(bin=pl.Series(place))
            .group_by("bin")
            .agg(
                pl.col(column).mean().alias("probability"),
                pl.col("label").mean().alias("share"),
                pl.len().alias("n"),
            )
            .sort("bin")
            .iter_rows(named=True)
        ]
    if rows:
        st.plotly_chart(charts.reliability(rows), config=charts.CONFIG)
        with st.expander("As a table"):
            st.dataframe(pl.DataFrame(rows), hide_index=True, width="stretch")


def _folds(metrics: dict[str, Any]) -> None:
    keys = ("repeat", "fold", "status", "test_roc_auc", "test_f1", "val_roc_auc", "test_n_sources")
    rows = [{key: row.get(key) for key in keys} for row in metrics["fold_results"]]
    st.dataframe(pl.DataFrame(rows, infer_schema_length=None), hide_index=True, width="stretch")
    curves = metrics.get("training_curves")
    if curves:
        st.subheader("Training curves")
        st.plotly_chart(charts.training(curves), config=charts.CONFIG)


def _mistakes(workspace: Workspace, means: pl.DataFrame) -> None:
    wrong = means.with_columns(off=(pl.col("label") - pl.col("score")).abs()).filter(
        pl.col("off") > 0.5
    )
    if not len(wrong):
        st.success("None beyond a score of 0.5.", icon=":material/check_circle:")
        return
    worst = wrong.sort("off", descending=True).head(_MISTAKES)
    columns = st.columns(3)
    for place, row in enumerate(worst.iter_rows(named=True)):
        with columns[place % 3]:
            truth = "fake" if row["label"] else "real"
            st.markdown(f"**{row['source']}**: {truth}, score {row['score']:.2f}")
            play_clip(workspace, row["source"])


def _robustness(workspace: Workspace, name: str) -> None:
    found = document(workspace.robustness / name / "robustness.json")
    if found is None:
        empty("Not measured yet.", f"fvc robustness {name}")
        return
    st.markdown(" ".join(found["verdict"]))
    st.plotly_chart(charts.changes(found["kinds"], "augmentation"), config=charts.CONFIG)
