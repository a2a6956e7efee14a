"""From features to probability, decision and evidence: numbers in, numbers and words out."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvc.errors import OptionError
from fvc.evaluation.conformal import groups_needed, nonconformity
from fvc.inference.card import Card
from fvc.inference.contributions import explain
from fvc.inference.prediction import Decision, Evidence
from fvc.inference.words import feature_words, place_in_words

FAR = 0.01
"""A distance that no more than this share of training groups reach is called unfamiliar."""

_NAMED = 5


@dataclass(frozen=True)
class Terms:
    """On what terms decisions are made.

    Attributes
    ----------
    error_rate
        Of the conformal decision, 0 … 0.5.
    threshold
        Probability from which on a video is called fake; None decides by `error_rate`.
    prevalence
        Share of fakes that the user expects; None leaves that of the training corpus.

    Raises
    ------
    OptionError
        A value out of range.
    """

    error_rate: float = 0.1
    threshold: float | None = None
    prevalence: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.error_rate < 0.5:
            raise OptionError(
                f"error_rate must lie between 0 and 0.5, both excluded, not {self.error_rate:g}"
            )
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise OptionError(f"threshold must lie in 0 … 1, not {self.threshold:g}")
        if self.prevalence is not None and not 0 < self.prevalence < 1:
            raise OptionError(
                f"prevalence must lie between 0 and 1, both excluded, not {self.prevalence:g}"
            )


def check_terms(terms: Terms, card: Card) -> None:
    """Refuse what this detector cannot do.

    Raises
    ------
    OptionError
        A prevalence is given and the detector has no calibrator.
    """
    if terms.prevalence is not None and not card.calibrator["method"]:
        raise OptionError(
            f"prevalence needs calibrated probabilities, and {card.model} has none: "
            f"{card.calibrator.get('reason')}"
        )


def probabilities(score: NDArray[np.float64], card: Card, terms: Terms) -> NDArray[np.float64]:
    """Calibrate scores by the card's sigmoid and move them to the stated prevalence.

    p = sigmoid(slope · logit(score) + intercept); then logit p grows by logit(P) − logit(P₀), P₀
    being the share of fakes that the calibrator was fitted on. Without a calibrator the scores
    stay as they are.

    References
    ----------
    Platt 1999; Saerens, Latinne & Decaestecker 2002, Neural Computation 14:21 (prevalence).
    """
    if not card.calibrator["method"]:
        return score
    from fvc.evaluation.calibration import SigmoidCalibrator

    p = SigmoidCalibrator.from_dict(card.calibrator).predict(score)
    if terms.prevalence is None or not 0 < card.prevalence < 1:
        return p
    odds = terms.prevalence / (1 - terms.prevalence) / (card.prevalence / (1 - card.prevalence))
    return np.asarray(p * odds / (p * odds + 1 - p))


def decide(
    probability: float, p_values: Mapping[str, float], card: Card, terms: Terms
) -> tuple[Decision, str]:
    """Decide, and say why.

    With a threshold: fake from it on, else real. Without: the classes whose p-value exceeds the
    error rate form a set; one class in it is the decision, and anything else is undecided.
    """
    if terms.threshold is not None:
        fake = probability >= terms.threshold
        sign = "≥" if fake else "<"
        return ("fake" if fake else "real"), f"probability {sign} threshold {terms.threshold:g}"
    reason = why_undecidable(card, terms)
    if reason is not None:
        return "undecided", reason
    if card.calibrator["method"] and card.calibrator["slope"] == 0:
        return "undecided", "out of fold the detector's scores said nothing about the label"
    left = [name for name, p in p_values.items() if p > terms.error_rate]
    rate = f"an error rate of {terms.error_rate:.0%}".replace("%", " %")
    if len(left) == 2:
        return "undecided", f"neither real nor fake can be ruled out at {rate}"
    if not left:
        return "undecided", f"it is unlike real and unlike fake sources, both ruled out at {rate}"
    ruled_out = "fake" if left[0] == "real" else "real"
    return ("real" if left[0] == "real" else "fake"), (
        f"{ruled_out} is ruled out at {rate} (p = {p_values[ruled_out]:.3f})"
    )


def why_undecidable(card: Card, terms: Terms) -> str | None:
    """Say why this detector can decide nothing at the error rate; None where it can."""
    needed = groups_needed(terms.error_rate)
    counts = {name: table.n_groups for name, table in card.decisions.items()}
    if min(counts.values()) >= needed:
        return None
    return (
        f"an error rate of {terms.error_rate:g} takes {needed} groups of each class; the detector "
        f"was trained on {counts['real']} with real and {counts['fake']} with fake sources"
    )


@dataclass(frozen=True)
class Judged:
    """What is said of one row of features; fields as in `Prediction`."""

    probability: float
    decision: Decision
    reason: str
    calibrated: bool
    score: float
    p_real: float
    p_fake: float
    unfamiliarity: dict[str, Any]
    evidence: tuple[Evidence, ...]
    baseline: float | None


def judge(X: NDArray[np.float32], detector: Any, card: Card, terms: Terms) -> list[Judged]:
    """Judge rows of features.

    Parameters
    ----------
    X
        Shape (n, p), columns as in the card; NaN is missing.
    detector
        With ``predict_proba``.
    card
        Its card.
    terms
        How to decide.
    """
    check_terms(terms, card)
    score = np.asarray(detector.predict_proba(X)[:, 1], dtype=np.float64)
    probability = probabilities(score, card, terms)
    parts = explain(detector, X)
    distance = card.familiarity.distance(X)
    strangeness = card.familiarity.reference(distance)
    judged = []
    for i in range(len(X)):
        p = {name: float(table(nonconformity(score[i], name)))
             for name, table in card.decisions.items()}  # fmt: skip
        decision, reason = decide(float(probability[i]), p, card, terms)
        evidence = _evidence(X[i], None if parts is None else parts[0][i], card)
        judged.append(
            Judged(
                probability=float(probability[i]),
                decision=decision,
                reason=reason,
                calibrated=bool(card.calibrator["method"]),
                score=float(score[i]),
                p_real=p["real"],
                p_fake=p["fake"],
                unfamiliarity=_unfamiliarity(X[i], float(distance[i]), float(strangeness[i]), card),
                evidence=evidence,
                baseline=None if parts is None else float(parts[1][i]),
            )
        )
    return judged


def _evidence(
    row: NDArray[np.float32], contributions: NDArray[np.float64] | None, card: Card
) -> tuple[Evidence, ...]:
    entries = []
    for i, name in enumerate(card.feature_names):
        value, ranges = float(row[i]), card.ranges[name]
        real, fake = (ranges[c].share_below(value) for c in ("real", "fake"))
        entries.append(
            Evidence(
                feature=name,
                words=place_in_words(name, value, real, fake),
                value=None if math.isnan(value) else value,
                contribution=None if contributions is None else float(contributions[i]),
                below_real=real,
                below_fake=fake,
                outside=_outside(value, name, card)[0],
            )
        )
    return tuple(sorted(entries, key=lambda entry: -abs(entry.contribution or 0.0)))


def _outside(value: float, name: str, card: Card) -> tuple[bool, bool]:
    """Whether a value lies outside the range of all training sources, and whether far outside."""
    known = [r.values for r in card.ranges[name].values() if r.n]
    if math.isnan(value) or not known:
        return False, False
    low, high = min(v[0] for v in known), max(v[-1] for v in known)
    beyond = max(low - value, value - high)
    return bool(beyond > 0), bool(beyond > high - low)


def _unfamiliarity(
    row: NDArray[np.float32], distance: float, p: float, card: Card
) -> dict[str, Any]:
    """Say whether a file is unlike the training sources: all in all, or far off in one feature."""
    beyond = {name: _outside(float(v), name, card)
              for name, v in zip(card.feature_names, row, strict=True)}  # fmt: skip
    outside = [name for name, (is_outside, _) in beyond.items() if is_outside]
    far = [name for name, (_, is_far) in beyond.items() if is_far]
    reference = card.familiarity.reference
    strange = reference.n_groups > 0 and p <= max(FAR, reference.least) * (1 + 1e-9)
    warning = None
    if strange or far:
        # The far ones first.
        names = [*far, *(name for name in outside if name not in far)]
        said = ", ".join(feature_words(name) for name in names[:_NAMED])
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        how = (
            f"farther from the training sources than {1 - p:.0%} of them are from each other"
            if strange
            else "far outside the range of the training sources"
        ).replace("%", " %")
        where = f"; outside the range of training: {said}{more}" if names else ""
        warning = f"unlike the training data, do not rely on the answer: {how}{where}"
    return {
        "distance": distance,
        "p_value": p,
        "unfamiliar": warning is not None,
        "outside": outside,
        "warning": warning,
    }
