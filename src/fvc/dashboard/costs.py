"""What a threshold and costs come to, live, as a part of a model's page."""

import numpy as np
import polars as pl
import streamlit as st

from fvc.dashboard.frame import empty, show_table
from fvc.dashboard.reading import document
from fvc.evaluation.costs import FAKE, REAL, UNDECIDED, Costs
from fvc.workspace import Workspace


def show_costs(workspace: Workspace, name: str, means: pl.DataFrame) -> None:
    """Let thresholds and costs be tried on held-out sources; then what was measured honestly.

    Parameters
    ----------
    workspace
        The project.
    name
        The model.
    means
        ``source, label, score, calibrated``: one row a source, means over repeats.
    """
    first, second, third, fourth = st.columns(4)
    alarm = first.number_input("Cost of a false alarm", 0.1, 1000.0, 1.0, help="Real called fake")
    miss = second.number_input("Cost of a miss", 0.1, 1000.0, 1.0, help="Fake called real")
    undecided = third.number_input(
        "Cost of no decision", 0.0, 1000.0, 0.0, 0.1, help="0: every video is decided"
    )
    costs = Costs(alarm, miss, undecided or None)
    low, high = costs.thresholds
    cheapest = f"{low:.2f}" if low == high else f"{low:.2f}–{high:.2f}"
    fourth.metric("Cheapest threshold", cheapest, help="If probabilities can be trusted")
    known = means["calibrated"].null_count() == 0
    score = means["calibrated" if known else "score"].to_numpy()
    if low == high:
        threshold = st.slider("Call fake from this probability on", 0.0, 1.0, low, 0.01)
        called = np.where(score >= threshold, FAKE, REAL)
    else:
        low, high = st.slider(
            "Call real below the first, fake from the second on", 0.0, 1.0, (low, high), 0.01
        )
        called = np.where(score >= high, FAKE, np.where(score < low, REAL, UNDECIDED))
    _outcome(called, means["label"].to_numpy(), costs)
    kind = "calibrated probabilities" if known else "scores, which are not calibrated"
    st.caption(
        f"On {len(means)} held-out sources, means over repeats of {kind}. A threshold chosen by "
        "looking here is chosen on the test data: `fvc predict --cost-miss …` decides without that."
    )
    _measured(workspace, name)


def _outcome(called: np.ndarray, label: np.ndarray, costs: Costs) -> None:
    counts = {
        heading: [int(np.sum((called == decision) & (label == truth))) for truth in (0, 1)]
        for heading, decision in (
            ("called real", REAL),
            ("undecided", UNDECIDED),
            ("called fake", FAKE),
        )
        if decision != UNDECIDED or costs.undecided is not None
    }
    left, right = st.columns(2)
    with left:
        show_table(pl.DataFrame({"truth": ["real", "fake"], **counts}))
    right.metric("Cost a video", f"{np.mean(costs.paid(called, label == 1)):.2f}")
    n_real, n_fake = int(np.sum(label == 0)), int(np.sum(label == 1))
    right_ones = counts["called real"][0] + counts["called fake"][1]
    right.markdown(
        f"False-positive rate {_share(counts['called fake'][0], n_real)}, "
        f"true-positive rate {_share(counts['called fake'][1], n_fake)}, "
        f"decided rightly {_share(right_ones, len(label))}."
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f} ({part} of {whole})" if whole else "not known"


def _measured(workspace: Workspace, name: str) -> None:
    st.subheader("Rules that have not seen what they decide")
    found = document(workspace.decisions(name) / "decisions.json")
    if found is None:
        empty("Not measured yet.", f"fvc decisions {name}")
        return
    rows = [
        {
            "rule": row["rule"],
            "setting": _setting(row),
            "real called fake": _between(row, "real_called_fake"),
            "fake found": _between(row, "fake_called_fake"),
            "decided": f"{row['decided']:.0%}",
            "cost a video": "" if row["cost"] is None else f"{row['cost']:.2f}",
        }
        for row in found["rows"]
    ]
    show_table(pl.DataFrame(rows, infer_schema_length=None))
    st.caption("Shares of held-out sources with 95 % intervals over groups.")


def _setting(row: dict[str, float | None]) -> str:
    if row["cost_miss"] is None:
        return f"{row['setting']:.0%}"
    words = f"false alarm {row['cost_false_alarm']:g}, miss {row['cost_miss']:g}"
    return words if row["cost_undecided"] is None else f"{words}, none {row['cost_undecided']:g}"


def _between(row: dict[str, float | None], key: str) -> str:
    value, low, high = row[key], row[f"{key}_low"], row[f"{key}_high"]
    if value is None or low is None or high is None:
        return "not known"
    return f"{value:.0%} ({low:.0%}–{high:.0%})"
