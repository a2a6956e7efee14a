"""Try a video: upload one, and get a probability, a decision, and what they rest on."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from fvc.dashboard.card import warn_of_weights
from fvc.dashboard.frame import empty, signed
from fvc.dashboard.plain_tables import plain_table
from fvc.dashboard.reading import document, trained_models
from fvc.dashboard.serving import UPLOAD_LIMIT_MIB
from fvc.workspace import Workspace

if TYPE_CHECKING:
    from fvc.inference.prediction import Prediction

_ENDINGS = ["mp4", "mkv", "webm", "mov", "avi", "flv", "mpg", "ts", "3gp", "wmv", "m4v"]
_STALL_SECONDS = 60.0
_EVIDENCE = 10


def show(workspace: Workspace) -> None:
    """Show the page."""
    st.title("Try a video")
    names = trained_models(workspace)
    if not names:
        empty("There is no detector yet.", "fvc train")
        return
    left, right = st.columns(2)
    name = left.selectbox("Detector", names)
    rate = right.slider(
        "Share of real, and of fake, videos that may be called the other", 0.01, 0.5, 0.1, 0.01
    )
    warn_of_weights(document(workspace.model(name) / "metrics.json") or {})
    uploaded = st.file_uploader(
        f"A video of at most {UPLOAD_LIMIT_MIB} MB. It is deleted after it was judged.",
        type=_ENDINGS,
    )
    if uploaded is None:
        st.info("Choose a file to have it judged.", icon=":material/upload:")
        return
    # Everything that can judge a video: it would make every other page wait.
    from fvc.inference import load

    detector = load(name, project=workspace.root)
    # The name comes from a stranger: only an ending from our own list is kept of it.
    ending = Path(uploaded.name).suffix.lower()
    ending = ending if ending.removeprefix(".") in _ENDINGS else ""
    with st.spinner("Measuring …"), tempfile.TemporaryDirectory(prefix="fvc-upload-") as folder:
        path = Path(folder) / f"video{ending}"
        path.write_bytes(uploaded.getbuffer())
        answer = detector.predict(
            path, error_rate=rate, workers=1, stall_seconds=_STALL_SECONDS, memory_limit_mib=1024
        )[0]
    if answer.error:
        st.error(f"This video cannot be judged: {answer.error}", icon=":material/error:")
        return
    if uploaded.type in {"video/mp4", "video/webm"}:
        st.video(uploaded)
    _verdict(answer)
    _evidence(answer)


def _verdict(answer: "Prediction") -> None:
    first, second = st.columns(2)
    known = "not known" if answer.probability is None else f"{answer.probability:.0%}"
    first.metric("Probability of being fake", known)
    second.metric("Decision", answer.decision or "none")
    st.markdown(answer.reason or "")
    unfamiliarity = answer.unfamiliarity or {}
    if unfamiliarity.get("warning"):
        st.warning(unfamiliarity["warning"], icon=":material/warning:")
    expected = answer.expected or {}
    if expected.get("roc_auc") is not None:
        st.caption(
            f"What to expect of {answer.model} on new videos: ROC AUC {expected['roc_auc']:.2f} "
            f"({expected['roc_auc_low']:.2f}–{expected['roc_auc_high']:.2f})."
        )
    if expected.get("simulated"):
        st.warning("The detector was trained on a simulated corpus: the answer means nothing.")


def _evidence(answer: "Prediction") -> None:
    st.header("What spoke for and against")
    rows = [item.to_dict() for item in answer.evidence or ()]
    if not rows:
        st.caption("This detector does not say what its answer rests on.")
        return
    shown = [
        (
            row["speaks_for"] or "neither",
            "" if row["contribution"] is None else signed(row["contribution"]),
            str(row["words"]),
            str(row["feature"]),
        )
        for row in rows[:_EVIDENCE]
    ]
    headings = ("speaks for", "contribution", "what was seen", "feature")
    st.html(plain_table(headings, shown, what="Evidence", text=headings[2], code=headings[3]))
    more = f" The first {_EVIDENCE} of {len(rows)}." if len(rows) > _EVIDENCE else ""
    st.caption(f"Contributions are in log odds; with a constant, they add up to the score.{more}")
