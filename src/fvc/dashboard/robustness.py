"""What becomes of a model's scores when videos are altered, as a part of its page."""

from pathlib import Path

import streamlit as st

from fvc.dashboard import charts
from fvc.dashboard.frame import chart, empty
from fvc.dashboard.reading import document
from fvc.workspace import Workspace

_NUMBERS = ("roc_auc", "roc_auc_low", "roc_auc_high", "roc_auc_unaugmented", "decisions_changed")


def show_robustness(workspace: Workspace, name: str) -> None:
    """Show scores after augmentations and after what platforms do, where they were measured."""
    folder = workspace.robustness / name
    variants, platforms = st.columns(2)
    with variants:
        st.subheader("After augmentations")
        _part(folder / "robustness.json", "kinds", "augmentation", f"fvc robustness {name}")
    with platforms:
        st.subheader("After what platforms do")
        command = f"fvc robustness {name} --after platforms"
        _part(folder / "platforms" / "platforms.json", "transformations", "words", command)


def _part(path: Path, rows: str, named: str, command: str) -> None:
    found = document(path)
    if found is None:
        empty("Not measured yet.", command)
        return
    for line in found["verdict"]:
        st.markdown(line)
    numbers = [{named: row[named]} | {key: row[key] for key in _NUMBERS} for row in found[rows]]
    words = "ROC AUC on altered sources beside the same ones unaltered, in folds that keep groups."
    chart(charts.changes(found[rows], named), numbers, words)
