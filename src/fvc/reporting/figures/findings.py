"""Figures of what a score rests on: the audit, importance of features, robustness."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fvc.evaluation.weights import weights_notes
from fvc.reporting.figures.material import Material
from fvc.reporting.figures.results import split_in_words
from fvc.reporting.figures.style import BLUE, GREY, RED, blank, estimate, named_rows

_FEATURES = 12
_SCHEMES = ("grouped", "source-wise", "row-wise")
# Labels, colour, marker, and the place beside the scheme's line.
_LABELS = (("true", BLUE, "o", -0.16), ("permuted", GREY, "s", 0.16))


def audit(material: Material, width: float) -> Figure:
    """Draw AUC under three ways to fold, with true labels and with labels dealt anew."""
    audits = material.audits
    figure = blank(width, 0.65 + 0.85 * len(audits))
    axes = figure.subplots()
    ticks: list[tuple[float, str]] = []
    for place, document in enumerate(audits):
        rows = {(row["folds"], row["labels"]): row for row in document["rows"]}
        for step, scheme in enumerate(_SCHEMES):
            y = place * (len(_SCHEMES) + 1) + step
            name = f"{document['target']}: {scheme}" if len(audits) > 1 else scheme
            ticks.append((y, name))
            for labels, colour, marker, off in _LABELS:
                row = rows.get((scheme, labels))
                if row is None or row["auc"] is None:
                    continue
                estimate(axes, row, "auc", y + off, colour, marker=marker)
    axes.axvline(0.5, color=GREY, linestyle=":", linewidth=0.8)
    named_rows(axes, [name for _, name in ticks], [y for y, _ in ticks])
    # The last row's lower mark would lie on the axis.
    axes.set_ylim(ticks[-1][0] + 0.75, -0.5)
    axes.set_xlabel("ROC AUC, 95 % interval")
    handles = [
        Line2D([], [], color=BLUE, marker="o", markersize=3.5, label="true labels"),
        Line2D([], [], color=GREY, marker="s", markersize=3.5, label="permuted by group"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2)
    return figure


def audit_caption(material: Material) -> str:
    """Say what the audit shows, in its own verdicts."""
    verdicts = " ".join(f"{item['target']}: {item['verdict']}" for item in material.audits)
    made_up = " Simulated data." if any(item["simulated"] for item in material.audits) else ""
    return (
        "What a score is worth: folds that keep groups whole, folds that keep sources whole, and "
        "folds of single rows; with true labels (dots, 95 % intervals) and with labels dealt anew "
        f"to whole groups (squares, central 95 %). {verdicts}{made_up}"
    )


def importance(material: Material, width: float) -> Figure:
    """Draw what the AUC loses where a feature, or a family, is permuted in the test folds."""
    document = material.importance
    features, families = document["features"][:_FEATURES], document["families"]
    rows = max(len(features), len(families))
    if width < 5:
        figure = blank(width, 0.7 + 0.15 * (len(features) + len(families)))
        left, right = figure.subplots(2, 1, height_ratios=(len(features), len(families)))
    else:
        figure = blank(width, 0.5 + 0.16 * rows)
        left, right = figure.subplots(1, 2)
    for axes, items, key in ((left, features, "feature"), (right, families, "family")):
        for place, row in enumerate(items):
            clear = row["drop_low"] is not None and row["drop_low"] > 0
            estimate(axes, row, "drop", place, BLUE if clear else GREY)
        axes.axvline(0, color=GREY, linestyle=":", linewidth=0.8)
        named_rows(axes, [row[key] for row in items])
        axes.set_xlabel("loss of AUC when permuted")
    left.set_title("a", loc="left", weight="bold")
    right.set_title("b", loc="left", weight="bold")
    return figure


def importance_caption(material: Material) -> str:
    """Say what the figure of importance shows."""
    document = material.importance
    return (
        f"Importance for {document['model']} (AUC {document['roc_auc']:.2f}): loss of AUC when "
        f"(a) a feature or (b) a family of features is permuted in the test folds, the first "
        f"{min(_FEATURES, len(document['features']))} of {len(document['features'])} features, "
        "with 95 % intervals; grey: the interval holds zero. It says what this model rests on, "
        f"not what shows a fake. {split_in_words(material, document['model'])}"
    )


def alterations(material: Material, width: float) -> Figure:
    """Draw what a net's AUC loses when something is taken away from held-out clips."""
    document = material.alterations
    whole = [row for row in document["alterations"] if row["kind"] != "place"]
    parts = [row for row in document["alterations"] if row["kind"] == "place"]
    if width < 5:
        figure = blank(width, 0.9 + 0.17 * (len(whole) + len(parts)))
        left, right = figure.subplots(2, 1, sharex=True, height_ratios=(len(whole), len(parts)))
    else:
        figure = blank(width, 0.5 + 0.17 * max(len(whole), len(parts)))
        left, right = figure.subplots(1, 2, sharex=True)
    for axes, items, letter in ((left, whole, "a"), (right, parts, "b")):
        for place, row in enumerate(items):
            if row["drop"] is not None:
                clear = row["drop_low"] is not None and row["drop_low"] > 0
                estimate(axes, row, "drop", place, BLUE if clear else GREY)
        axes.axvline(0, color=GREY, linestyle=":", linewidth=0.8)
        named_rows(axes, [row["alteration"] for row in items])
        axes.set_xlabel("loss of AUC")
        axes.tick_params(axis="x", labelbottom=True)
        axes.set_title(letter, loc="left", weight="bold")
    return figure


def alterations_caption(material: Material) -> str:
    """Say what the figure shows, and what has to be known of the net."""
    document = material.alterations
    said = weights_notes(material.metrics(document["model"]))
    if document["simulated"]:
        said.append("Simulated data.")
    known = "not known" if document["roc_auc"] is None else f"{document['roc_auc']:.2f}"
    return (
        f"What {document['model']} (AUC {known}) rests on: loss of AUC when held-out clips lose "
        "(a) the order of their frames, motion, colour or detail, or (b) a ninth of the picture, "
        f"with {100 * document['confidence']:.0f} % intervals over groups, not adjusted for their "
        f"number; grey: the interval holds zero. Unit: source; n = {document['n_sources']} in "
        f"{document['n_groups']} groups; each scored by a detector that has not seen its group "
        f"({document['n_splits']} folds). {' '.join(said)}"
    ).rstrip()


def robustness(material: Material, width: float) -> Figure:
    """Draw AUC on altered videos, by alteration, beside that on the same sources unaltered."""
    rows = [row for row in material.robustness["kinds"] if row["roc_auc"] is not None]
    figure = blank(width, 0.6 + 0.17 * len(rows))
    axes = figure.subplots()
    for place, row in enumerate(rows):
        high = row["change_of_auc_high"]
        colour = RED if high is not None and high < 0 else BLUE
        estimate(axes, row, "roc_auc", place, colour)
        if row["roc_auc_unaugmented"] is not None:
            axes.plot(row["roc_auc_unaugmented"], place, "|", color=GREY, markersize=8)
    axes.axvline(0.5, color=GREY, linestyle=":", linewidth=0.8)
    named_rows(axes, [_alteration(row) for row in rows])
    axes.set_xlabel("ROC AUC, 95 % interval")
    lows = [row["roc_auc_low"] for row in rows if row["roc_auc_low"] is not None]
    axes.set_xlim(max(0.0, float(np.min([0.45, *lows])) - 0.03), 1.01)
    return figure


def robustness_caption(material: Material) -> str:
    """Say what the figure of robustness shows."""
    return (
        f"{material.robustness['model']} on altered videos, by alteration (number of sources): AUC "
        "with 95 % intervals; upright stroke: the same sources unaltered; red: the paired "
        "difference is shown to be a loss. "
        f"{split_in_words(material, material.robustness['model'])}"
    )


def _alteration(row: dict[str, Any]) -> str:
    return f"{str(row['augmentation']).replace('_', ' ')} ({row['n_sources']})"
