"""Ranges of settings: what a search draws from where the steps of a grid are too coarse.

In a candidate list a space stands as plain JSON, ``{"search": {...}, "trials": N}``, beside the
settings of a grid: it goes wherever they go, into ``metrics.json`` and back.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fvc.errors import OptionError

TRIALS = "trials"
"""What stands among the parameters of a space and is none."""

DEFAULT_TRIALS = 20

_SEARCH = "search"
# YAML 1.1 takes 1e-5, without a point, for a word.
_EXPONENT = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included.

    Parameters
    ----------
    low, high
        The ends. Whole numbers are drawn where both are integers.
    log
        Draw evenly in the logarithm.
    """

    low: float
    high: float
    log: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Describe it in plain JSON types."""
        return vars(self).copy()


@dataclass(frozen=True)
class Space:
    """What a search draws from.

    Parameters
    ----------
    parameters
        By name a `Range`, or a tuple of values that are chosen from.
    trials
        Settings that are tried in each fold.
    """

    parameters: Mapping[str, Range | tuple[Any, ...]]
    trials: int = DEFAULT_TRIALS

    def to_dict(self) -> dict[str, Any]:
        """Describe it in plain JSON types, as it stands among candidates."""
        plain = {
            name: values.to_dict() if isinstance(values, Range) else list(values)
            for name, values in self.parameters.items()
        }
        return {_SEARCH: plain, TRIALS: self.trials}

    @staticmethod
    def of(candidate: Mapping[str, Any]) -> "Space | None":
        """Read a space from among candidates; None for settings.

        Examples
        --------
        >>> Space.of({"C": 1.0}) is None
        True
        >>> space = Space({"C": Range(0.1, 10.0, log=True)}, trials=5)
        >>> Space.of(space.to_dict()) == space
        True
        """
        if _SEARCH not in candidate:
            return None
        parameters = {
            name: Range(**values) if isinstance(values, Mapping) else tuple(values)
            for name, values in candidate[_SEARCH].items()
        }
        return Space(parameters, candidate[TRIALS])


def count_trials(candidates: list[dict[str, Any]]) -> int:
    """Count the settings that a list of candidates makes a fold try."""
    return sum(1 if (space := Space.of(each)) is None else space.trials for each in candidates)


def number(value: Any) -> Any:
    """Take a number that a YAML file wrote as ``1e-5`` for a number, and leave the rest."""
    return float(value) if isinstance(value, str) and _EXPONENT.fullmatch(value) else value


def read_range(values: Mapping[str, Any], default: Any, where: str) -> Range:
    """Read a range from a grid file.

    Parameters
    ----------
    values
        With ``low``, ``high`` and, if wanted, ``log``.
    default
        The parameter's own value: a float is drawn between integers too.
    where
        File, model and parameter, for messages.

    Raises
    ------
    OptionError
        It is no range, or not one of this parameter.
    """
    if not {"low", "high"} <= values.keys() <= {"low", "high", "log"}:
        raise OptionError(f"{where}: a range has low, high and, if wanted, log: not {dict(values)}")
    low, high, log = number(values["low"]), number(values["high"]), values.get("log", False)
    if not (_is_number(low) and _is_number(high) and low < high):
        raise OptionError(f"{where}: low and high are numbers, low the smaller: not {dict(values)}")
    if not isinstance(log, bool) or (log and low <= 0):
        raise OptionError(f"{where}: log is true or false, and true only where low is above 0")
    if isinstance(default, bool | str):
        raise OptionError(f"{where}: no number ({default!r} by default): give a list of values")
    whole = isinstance(low, int) and isinstance(high, int)
    if isinstance(default, int) and not whole:
        raise OptionError(f"{where}: whole numbers are expected, not {low} to {high}")
    if isinstance(default, float) or not whole:
        low, high = float(low), float(high)
    return Range(low, high, log)


def read_trials(value: Any, where: Path | str) -> int:
    """Read the number of trials.

    Raises
    ------
    OptionError
        It is no whole number above 0.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise OptionError(f"{where}: trials is 1 or more, not {value!r}")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
