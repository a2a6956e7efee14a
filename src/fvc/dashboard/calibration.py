"""Whether a model's probabilities can be taken at their word, as a part of its page."""

from typing import Any

import polars as pl
import streamlit as st

from fvc.dashboard import charts
from fvc.dashboard.frame import chart, empty, show_table
from fvc.dashboard.reading import document
from fvc.evaluation.calibration_intervals import MEASURES
from fvc.evaluation.calibration_metrics import equal_mass_bins
from fvc.workspace import Workspace


def show_calibration(workspace: Workspace, name: str, means: pl.DataFrame) -> None:
    """Show the reliability curve of held-out scores, and the calibration report where there is one.

    Parameters
    ----------
    workspace
        The project.
    name
        The model.
    means
        ``source, label, score, calibrated``: one row a source, means over repeats.
    """
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
    left, right = st.columns(2)
    with left:
        if rows:
            words = "Of videos given a probability, the share that is fake; best on the diagonal."
            chart(charts.reliability(rows), rows, words)
    with right:
        _report(workspace, name)


def _report(workspace: Workspace, name: str) -> None:
    found = document(workspace.calibration(name) / "calibration.json")
    if found is None:
        empty("Not measured with intervals yet.", f"fvc calibration {name}")
        return
    for line in found["verdict"]:
        st.markdown(line)
    rows = [
        {
            "measure": key.replace("_", " "),
            "as scored": _between(found["before"].get(key)),
            "calibrated": _between((found["after"] or {}).get(key)),
        }
        for key in MEASURES
    ]
    show_table(pl.DataFrame(rows))
    for note in found["notes"]:
        st.caption(note)


def _between(measure: dict[str, Any] | None) -> str:
    if measure is None or measure["value"] is None:
        return "not known"
    ends = [measure["low"], measure["high"]]
    if ends == [None, None]:
        return f"{measure['value']:.2f}"
    # One end may be known alone: a slope without bound upwards.
    low, high = ("?" if end is None else f"{end:.2f}" for end in ends)
    return f"{measure['value']:.2f} ({low} to {high})"
