"""On what terms a video is called real, fake or undecided."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fvc.errors import OptionError
from fvc.evaluation.conformal import groups_needed
from fvc.evaluation.costs import FAKE, UNDECIDED, Costs
from fvc.inference.card import Card
from fvc.inference.prediction import Decision

Rule = Literal["conformal", "threshold", "false_positive_rate", "costs"]


@dataclass(frozen=True)
class Terms:
    """On what terms decisions are made.

    Attributes
    ----------
    error_rate
        Of the conformal decision, 0 … 0.5.
    threshold
        Probability from which on a video is called fake; None decides by another rule.
    prevalence
        Share of fakes that the user expects; None leaves that of the training corpus.
    false_positive_rate
        Share of real videos that may be called fake, 0 … 0.5; None decides by another rule.
    cost_false_alarm, cost_miss, cost_undecided
        What a mistake costs, and what no decision costs; one of them decides by costs, the others
        then being 1, 1 and never undecided.

    Raises
    ------
    OptionError
        A value out of range, or more than one rule.
    """

    error_rate: float = 0.1
    threshold: float | None = None
    prevalence: float | None = None
    false_positive_rate: float | None = None
    cost_false_alarm: float | None = None
    cost_miss: float | None = None
    cost_undecided: float | None = None

    def __post_init__(self) -> None:
        for name in ("error_rate", "false_positive_rate"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 0.5:
                raise OptionError(
                    f"{name} must lie between 0 and 0.5, both excluded, not {value:g}"
                )
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise OptionError(f"threshold must lie in 0 … 1, not {self.threshold:g}")
        if self.prevalence is not None and not 0 < self.prevalence < 1:
            raise OptionError(
                f"prevalence must lie between 0 and 1, both excluded, not {self.prevalence:g}"
            )
        try:
            costs = self.costs
        except ValueError as error:
            raise OptionError(str(error)) from error
        rules = (self.threshold, self.false_positive_rate, costs)
        if sum(rule is not None for rule in rules) > 1:
            raise OptionError("decide by one of threshold, false positive rate or costs")

    @property
    def costs(self) -> Costs | None:
        """The costs; None where none is stated."""
        given = (self.cost_false_alarm, self.cost_miss, self.cost_undecided)
        if all(cost is None for cost in given):
            return None
        return Costs(
            1.0 if self.cost_false_alarm is None else self.cost_false_alarm,
            1.0 if self.cost_miss is None else self.cost_miss,
            self.cost_undecided,
        )

    @property
    def rule(self) -> Rule:
        """By what is decided."""
        if self.threshold is not None:
            return "threshold"
        if self.false_positive_rate is not None:
            return "false_positive_rate"
        return "conformal" if self.costs is None else "costs"


def check_terms(terms: Terms, card: Card) -> None:
    """Refuse what this detector cannot do.

    Raises
    ------
    OptionError
        A prevalence or costs are given and the detector has no calibrator.
    """
    if card.fitted is not None:
        return
    for given, name in ((terms.prevalence, "prevalence"), (terms.costs, "costs")):
        if given is not None:
            raise OptionError(
                f"{name} needs calibrated probabilities, and {card.model} has none: "
                f"{card.calibrator.get('reason')}"
            )


def decide(
    probability: float, p_values: Mapping[str, float], card: Card, terms: Terms
) -> tuple[Decision, str]:
    """Decide, and say why.

    With a threshold: fake from it on, else real. With a false-positive rate: fake where the p-value
    of real is at most that, else real. With costs: what is expected to cost least. Else the classes
    whose p-value exceeds the error rate form a set; one class in it is the decision, and anything
    else is undecided.
    """
    if terms.threshold is not None:
        fake = probability >= terms.threshold
        sign = "≥" if fake else "<"
        return ("fake" if fake else "real"), f"probability {sign} threshold {terms.threshold:g}"
    if terms.costs is not None:
        return _by_costs(probability, terms.costs)
    reason = why_undecidable(card, terms)
    if reason is not None:
        return "undecided", reason
    if card.fitted is not None and card.fitted.constant:
        return "undecided", "out of fold the detector's scores said nothing about the label"
    if terms.false_positive_rate is not None:
        p, rate = p_values["real"], terms.false_positive_rate
        fake = p <= rate
        sign = "≤" if fake else ">"
        return ("fake" if fake else "real"), (
            f"{_percent(p)} of real sources score so high, {sign} the false-positive rate "
            f"{_percent(rate)}"
        )
    return _by_set(p_values, terms.error_rate)


def _by_costs(probability: float, costs: Costs) -> tuple[Decision, str]:
    called = int(costs.decide(probability))
    low, high = costs.thresholds
    if called == UNDECIDED:
        return "undecided", f"between {low:.2f} and {high:.2f}, where no decision costs least"
    if called == FAKE:
        return "fake", f"probability ≥ {high:.2f}, from which on calling it fake costs least"
    return "real", f"probability < {low:.2f}, below which calling it real costs least"


def _by_set(p_values: Mapping[str, float], error_rate: float) -> tuple[Decision, str]:
    left = [name for name, p in p_values.items() if p > error_rate]
    rate = f"an error rate of {_percent(error_rate)}"
    if len(left) == 2:
        return "undecided", f"neither real nor fake can be ruled out at {rate}"
    if not left:
        return "undecided", f"it is unlike real and unlike fake sources, both ruled out at {rate}"
    ruled_out = "fake" if left[0] == "real" else "real"
    return ("real" if left[0] == "real" else "fake"), (
        f"{ruled_out} is ruled out at {rate} (p = {p_values[ruled_out]:.3f})"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def why_undecidable(card: Card, terms: Terms) -> str | None:
    """Say why this detector can decide nothing at the rate; None where it can."""
    counts = {name: table.n_groups for name, table in card.decisions.items()}
    if terms.false_positive_rate is not None:
        needed = groups_needed(terms.false_positive_rate)
        if counts["real"] >= needed:
            return None
        return (
            f"a false-positive rate of {terms.false_positive_rate:g} takes {needed} groups with "
            f"real sources; the detector was trained on {counts['real']}"
        )
    needed = groups_needed(terms.error_rate)
    if min(counts.values()) >= needed:
        return None
    return (
        f"an error rate of {terms.error_rate:g} takes {needed} groups of each class; the detector "
        f"was trained on {counts['real']} with real and {counts['fake']} with fake sources"
    )


__all__ = ["Rule", "Terms", "check_terms", "decide", "why_undecidable"]
