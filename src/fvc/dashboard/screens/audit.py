"""Audit: how much of a score is skill, how much memory, and what metadata tell."""

import polars as pl
import streamlit as st

from fvc.dashboard import charts
from fvc.dashboard.frame import CHART, empty, interval, show_table
from fvc.dashboard.reading import board_of, document
from fvc.workspace import Workspace


def show(workspace: Workspace) -> None:
    """Show the page."""
    st.title("Audit")
    st.markdown(
        "The same model in three kinds of folds: those that keep **groups** whole, those that keep "
        "**sources** whole but part groups, and those that deal **rows** one by one. Each again "
        "with labels dealt anew to whole groups, where nothing can be known: what is above chance "
        "there is memory."
    )
    audits = sorted(path.parent.name for path in workspace.audits.glob("*/audit.json"))
    if not audits:
        empty("Nothing is audited yet.", "fvc audit gradient_boosting")
    else:
        name = st.selectbox("Audit of", audits)
        _audit(workspace, name)
    st.header("What metadata tell")
    _confounds(workspace)


def _audit(workspace: Workspace, name: str) -> None:
    found = document(workspace.audit(name) / "audit.json")
    if found is None:
        return
    st.info(found["verdict"], icon=":material/gavel:")
    st.plotly_chart(charts.schemes(found["rows"]), config=CHART)
    st.caption(
        "ROC AUC in each kind of folds; dotted: chance. The same numbers are in the table below."
    )
    rows = [
        {
            "folds": row["folds"],
            "labels": row["labels"],
            "unit": f"{row['n']} {row['unit']}s",
            "ROC AUC": interval(row, "auc"),
            "F1": interval(row, "f1"),
            "note": row["reason"] or "",
        }
        for row in found["rows"]
    ]
    table = pl.DataFrame(rows)
    show_table(table if any(table["note"]) else table.drop("note"))
    for reason in found["cannot"]:
        st.caption(str(reason))


def _confounds(workspace: Workspace) -> None:
    found = document(workspace.confounds / "confounds.json")
    if found is None:
        empty("Not measured yet.", "fvc confounds")
        return
    for line in found["verdict"]:
        st.markdown(f"**{line}**")
    board = board_of(workspace) or {"models": []}
    random = {row["model"] for row in board["models"] if row["random_weights"]}
    models = [row | {"random_weights": row["model"] in random} for row in found["models"]]
    drawn = {"models": models, "baselines": found["baselines"]}
    st.plotly_chart(charts.ranking(drawn, most=len(found["baselines"])), config=CHART)
    st.caption("ROC AUC from metadata alone beside the models; the table holds the metadata.")
    rows = [
        {"metadata": row["baseline"], "ROC AUC": interval(row, "roc_auc"), "n": row["n_scored"]}
        for row in sorted(found["baselines"], key=lambda row: -(row["roc_auc"] or 0))
    ]
    show_table(pl.DataFrame(rows))
    for note in found["notes"]:
        st.caption(note)
