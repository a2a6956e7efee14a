"""One line of the table: what was measured, against what, and whether it is enough."""

import statistics
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self


@dataclass(frozen=True)
class Target:
    """What a figure is to reach: at most, at least, or less than a value."""

    sign: Literal["≤", "≥", "<"]
    value: float
    unit: str = "×"

    def is_met(self, figure: float) -> bool:
        if self.sign == "≥":
            return figure >= self.value
        return figure < self.value if self.sign == "<" else figure <= self.value

    def __str__(self) -> str:
        return f"{self.sign} {shown(self.value, self.unit)}"


@dataclass(frozen=True)
class Row:
    """A measured row, or the reason why there is none."""

    work: str
    against: str
    figures: tuple[float, ...] = ()
    target: Target | None = None
    unit: str = "×"
    ours: float | None = None
    reference: float | None = None
    absolute_unit: str = ""
    note: str = ""
    missing: str = ""

    @property
    def median(self) -> float | None:
        return statistics.median(self.figures) if self.figures else None

    @property
    def spread(self) -> tuple[float, float] | None:
        return (min(self.figures), max(self.figures)) if len(self.figures) > 1 else None

    @property
    def verdict(self) -> str:
        if self.missing or self.median is None:
            return "not measured"
        if self.target is None:
            return ""
        return "met" if self.target.is_met(self.median) else "missed"

    def to_dict(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "median": self.median,
            "spread": self.spread,
            "verdict": self.verdict,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read a row of `to_dict`."""
        row = {name: values[name] for name in cls.__dataclass_fields__}
        target = None if row["target"] is None else Target(**row["target"])
        return cls(**{**row, "figures": tuple(row["figures"]), "target": target})


@dataclass
class Results:
    """The rows of some benchmarks, further tables in Markdown, and how each was measured."""

    rows: list[Row] = field(default_factory=list)
    tables: dict[str, str] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)


def ratio_row(
    work: str,
    against: str,
    pairs: list[tuple[float, float]],
    target: Target | None,
    *,
    unit: str = "s",
    note: str = "",
) -> Row:
    """Make the row of pairs (ours, reference): the median of the ratios, not their means' ratio."""
    return Row(
        work,
        against,
        tuple(ours / reference for ours, reference in pairs),
        target,
        ours=statistics.median(ours for ours, _ in pairs),
        reference=statistics.median(reference for _, reference in pairs),
        absolute_unit=unit,
        note=note,
    )


def absolute_row(
    work: str, against: str, figures: list[float], unit: str, target: Target | None, note: str = ""
) -> Row:
    return Row(work, against, tuple(figures), target, unit=unit, note=note)


def shown(value: float, unit: str) -> str:
    """Write a number so that three digits of it count."""
    if abs(value) >= 100 or value == int(value):
        text = f"{value:,.0f}"
    elif abs(value) >= 10:
        text = f"{value:.1f}"
    else:
        text = f"{value:.3f}" if abs(value) < 0.1 else f"{value:.2f}"
    return f"{text}{unit}" if unit == "×" else f"{text} {unit}".strip()
