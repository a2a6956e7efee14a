"""Maps from scores to probabilities: temperature, sigmoid, isotonic.

Neither Polars nor scikit-learn, since every answer to a single video waits for this module.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fvc.evaluation.calibration_metrics import logit

Floats = npt.NDArray[np.float64]

METHODS = ("temperature", "sigmoid", "isotonic")
"""Calibrators to choose from, plainer ones first: one parameter, two, as many as needed."""


class Calibrator(Protocol):
    """What all calibrators can do."""

    @property
    def method(self) -> str:
        """Name of the method, one of `METHODS`."""

    @property
    def constant(self) -> bool:
        """Whether every score gets the same probability: the scores said nothing."""

    def predict(self, score: Any) -> Floats:
        """Return calibrated probabilities of fake, the shape of `score`."""

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object that `calibrator_from_dict` reads."""


@dataclass(frozen=True)
class SigmoidCalibrator:
    """Platt's calibrator: p = sigmoid(slope · x + intercept).

    Attributes
    ----------
    slope
        Never below 0: a calibrator that turned the order round would be learning, not calibrating.
        0 says that the scores carried no information, and every p is the share of fakes.
    intercept
        Log odds of fake at x = 0.
    on_logit
        Whether x is the logit of the score (scores in 0 … 1) or the score itself.
    """

    slope: float
    intercept: float
    on_logit: bool

    @property
    def method(self) -> str:
        """Name of the method."""
        return "sigmoid"

    @property
    def constant(self) -> bool:
        """Whether every score gets the same probability."""
        return self.slope == 0

    def predict(self, score: Any) -> Floats:
        """Return calibrated probabilities of fake, the shape of `score`."""
        return sigmoid(self.slope * score_term(score, self.on_logit) + self.intercept)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object that `from_dict` reads."""
        return {
            "method": "sigmoid",
            "slope": self.slope,
            "intercept": self.intercept,
            "on_logit": self.on_logit,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "SigmoidCalibrator":
        """Inverse of `to_dict`."""
        return cls(
            float(document["slope"]), float(document["intercept"]), bool(document["on_logit"])
        )


@dataclass(frozen=True)
class TemperatureCalibrator:
    """One parameter: p = sigmoid(logit(score) ÷ temperature), for scores in 0 … 1.

    Attributes
    ----------
    temperature
        Above 1 where the scores are too extreme, below 1 where they are too timid.
    """

    temperature: float

    @property
    def method(self) -> str:
        """Name of the method."""
        return "temperature"

    @property
    def constant(self) -> bool:
        """Whether every score gets the same probability: never."""
        return False

    def predict(self, score: Any) -> Floats:
        """Return calibrated probabilities of fake, the shape of `score`."""
        return sigmoid(logit(score) / self.temperature)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object that `from_dict` reads."""
        return {"method": "temperature", "temperature": self.temperature}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "TemperatureCalibrator":
        """Inverse of `to_dict`.

        Raises
        ------
        ValueError
            The temperature is not above 0.
        """
        temperature = float(document["temperature"])
        if not 0 < temperature < np.inf:
            raise ValueError(f"a temperature is above 0, not {temperature:g}")
        return cls(temperature)


@dataclass(frozen=True)
class IsotonicCalibrator:
    """The best rising function of the score, straight between its knots.

    Attributes
    ----------
    at
        Scores of the knots, shape (m,), ascending.
    p
        Probabilities there, shape (m,), not falling; scores beyond the ends get those of the ends.
    """

    at: tuple[float, ...]
    p: tuple[float, ...]

    @property
    def method(self) -> str:
        """Name of the method."""
        return "isotonic"

    @property
    def constant(self) -> bool:
        """Whether every score gets the same probability."""
        return self.p[0] == self.p[-1]

    def predict(self, score: Any) -> Floats:
        """Return calibrated probabilities of fake, the shape of `score`."""
        return np.asarray(np.interp(np.asarray(score, dtype=np.float64), self.at, self.p))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object that `from_dict` reads."""
        return {"method": "isotonic", "at": list(self.at), "p": list(self.p)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "IsotonicCalibrator":
        """Inverse of `to_dict`.

        Raises
        ------
        ValueError
            Knots that do not ascend, or probabilities that fall or are none.
        """
        at, p = np.array(document["at"], dtype=float), np.array(document["p"], dtype=float)
        if at.shape != p.shape or at.ndim != 1 or not len(at):
            raise ValueError("an isotonic calibrator has as many scores as probabilities")
        falls = (np.diff(at) <= 0).any() or (np.diff(p) < 0).any()
        if falls or not np.isfinite(at).all() or not (p[0] >= 0 and p[-1] <= 1):
            raise ValueError("the knots of an isotonic calibrator ascend, probabilities in 0 … 1")
        return cls(tuple(at.tolist()), tuple(p.tolist()))


_READERS: dict[str, Callable[[Mapping[str, Any]], Calibrator]] = {
    "temperature": TemperatureCalibrator.from_dict,
    "sigmoid": SigmoidCalibrator.from_dict,
    "isotonic": IsotonicCalibrator.from_dict,
}


def calibrator_from_dict(document: Mapping[str, Any]) -> Calibrator:
    """Read a calibrator that a ``to_dict`` has written.

    Raises
    ------
    ValueError
        No such method, or numbers that it cannot have.
    KeyError
        Something is missing.
    """
    read = _READERS.get(str(document["method"]))
    if read is None:
        raise ValueError(f"there is no calibrator {document['method']!r}: {', '.join(METHODS)}")
    return read(document)


def score_term(score: Any, on_logit: bool) -> Floats:
    """Give what a sigmoid takes of a score: its logit, or the score itself."""
    return logit(score) if on_logit else np.asarray(score, dtype=np.float64)


def sigmoid(z: Any) -> Floats:
    """Give 1 ÷ (1 + exp(−z)), without overflow."""
    return np.asarray(1 / (1 + np.exp(-np.clip(z, -700, 700))))


def move_prevalence(probability: Any, *, learnt: float, stated: float) -> Floats:
    """Move probabilities from the share of fakes that they were learnt with to another.

    The odds of every source are multiplied by the ratio of both odds of fake.

    Parameters
    ----------
    probability
        Probabilities of fake, any shape.
    learnt, stated
        Shares of fakes, between 0 and 1, both excluded.

    References
    ----------
    Saerens, Latinne & Decaestecker (2002), Neural Computation 14:21–41.

    Examples
    --------
    >>> move_prevalence(0.5, learnt=0.5, stated=0.1).round(3)
    array(0.1)
    """
    p = np.asarray(probability, dtype=np.float64)
    odds = stated / (1 - stated) / (learnt / (1 - learnt))
    return np.asarray(p * odds / (p * odds + 1 - p))


__all__ = [
    "METHODS",
    "Calibrator",
    "IsotonicCalibrator",
    "SigmoidCalibrator",
    "TemperatureCalibrator",
    "calibrator_from_dict",
    "move_prevalence",
    "score_term",
    "sigmoid",
]
