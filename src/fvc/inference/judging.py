"""From features to probability, decision and evidence: numbers in, numbers and words out."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvc.evaluation.calibrators import move_prevalence
from fvc.evaluation.conformal import nonconformity
from fvc.evaluation.familiarity import Familiarity
from fvc.inference.card import Card
from fvc.inference.contributions import explain
from fvc.inference.prediction import Decision, Evidence
from fvc.inference.terms import Terms, check_terms, decide, why_undecidable
from fvc.inference.words import feature_words, place_in_words

FAR = 0.01
"""A distance that no more than this share of training groups reach is called unfamiliar."""

_NAMED = 5

__all__ = [
    "FAR",
    "Judged",
    "Terms",
    "check_terms",
    "decide",
    "judge",
    "probabilities",
    "why_undecidable",
]


def probabilities(score: NDArray[np.float64], card: Card, terms: Terms) -> NDArray[np.float64]:
    """Calibrate scores by the card's calibrator and move them to the stated prevalence.

    Where one is stated, logit p grows by logit(P) − logit(P₀), P₀
    being the share of fakes that the calibrator was fitted on. Without a calibrator the scores
    stay as they are.

    References
    ----------
    Platt 1999; Saerens, Latinne & Decaestecker 2002, Neural Computation 14:21 (prevalence).
    """
    if card.fitted is None:
        return score
    p = card.fitted.predict(score)
    if terms.prevalence is None or not 0 < card.prevalence < 1:
        return p
    return move_prevalence(p, learnt=card.prevalence, stated=terms.prevalence)


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
    unfamiliarity: dict[str, Any] | None
    evidence: tuple[Evidence, ...]
    baseline: float | None


def judge(X: Any, detector: Any, card: Card, terms: Terms) -> list[Judged]:
    """Judge rows of features, or measured files.

    Parameters
    ----------
    X
        Shape (n, p) float32, columns as in the card, NaN is missing; a list of `Measured` for a
        detector without named features.
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
    unfamiliarity = _all_unfamiliarity(X, card)
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
                unfamiliarity=unfamiliarity[i],
                evidence=evidence,
                baseline=None if parts is None else float(parts[1][i]),
            )
        )
    return judged


def _all_unfamiliarity(X: Any, card: Card) -> list[dict[str, Any] | None]:
    looks = card.familiarity
    if looks is None:
        return [None] * len(X)
    distance = looks.distance(X)
    strangeness = looks.reference(distance)
    return [
        _unfamiliarity(X[i], float(distance[i]), float(strangeness[i]), card, looks)
        for i in range(len(X))
    ]


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
    row: NDArray[np.float32], distance: float, p: float, card: Card, looks: Familiarity
) -> dict[str, Any]:
    """Say whether a file is unlike the training sources: all in all, or far off in one feature."""
    beyond = {name: _outside(float(v), name, card)
              for name, v in zip(card.feature_names, row, strict=True)}  # fmt: skip
    outside = [name for name, (is_outside, _) in beyond.items() if is_outside]
    far = [name for name, (_, is_far) in beyond.items() if is_far]
    reference = looks.reference
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
