"""Fitting the maps from scores to probabilities, and how many sources that takes.

Without Polars and scikit-learn, as the maps themselves are.
"""

from typing import Any

import numpy as np

from fvc.errors import TooFewGroupsError
from fvc.evaluation.calibration_metrics import fit_logistic_line, logit
from fvc.evaluation.calibrators import (
    Calibrator,
    Floats,
    IsotonicCalibrator,
    SigmoidCalibrator,
    TemperatureCalibrator,
    score_term,
    sigmoid,
)

MIN_PER_CLASS = 10
"""Scored sources of each class that any calibrator is fitted on, at least."""

MIN_ISOTONIC = 1000
"""Scored sources that an isotonic calibrator is fitted on, at least (Niculescu-Mizil & Caruana
2005: with fewer it overfits and the sigmoid is better)."""


def softened(fake: Any, weights: Floats) -> Floats:
    """Give Platt's targets: (n₁ + 1) ÷ (n₁ + 2) for fakes, 1 ÷ (n₀ + 2) for reals.

    They keep probabilities away from 0 and 1, which a finite sample never shows.
    """
    y = np.asarray(fake, dtype=np.float64)
    n_fake, n_real = float(weights @ y), float(weights @ (1 - y))
    return np.where(y > 0, (n_fake + 1) / (n_fake + 2), 1 / (n_real + 2))


def fit_sigmoid(
    score: Any, fake: Any, *, on_logit: bool, weights: Any | None = None
) -> SigmoidCalibrator:
    """Fit Platt's sigmoid, with his softened targets.

    Parameters
    ----------
    score
        Scores, shape (n,), finite.
    fake
        Labels, shape (n,), both classes present.
    on_logit
        Whether to take the logit of the scores first.
    weights
        Weights, shape (n,), such as one over the number of repeats; 1 by default.

    Raises
    ------
    TooFewGroupsError
        A class has fewer than `MIN_PER_CLASS` sources (sums of weights).

    References
    ----------
    Platt (1999), Probabilistic outputs for support vector machines; Lin, Lin & Weng (2007),
    Machine Learning 68:267–276.
    """
    y, w = np.asarray(fake, dtype=np.float64), _weights(fake, weights)
    check_enough("sigmoid", y, w)
    return _sigmoid_fit(np.asarray(score, dtype=np.float64), y, w, on_logit)


def _sigmoid_fit(score: Floats, y: Floats, w: Floats, on_logit: bool) -> SigmoidCalibrator:
    x, target = score_term(score, on_logit), softened(y, w)
    slope = 0.0
    if x.max() > x.min():
        slope, intercept = fit_logistic_line(x, target, w)
    if slope <= 0:
        share = float(np.average(target, weights=w))
        return SigmoidCalibrator(0.0, float(np.log(share / (1 - share))), on_logit)
    return SigmoidCalibrator(slope, intercept, on_logit)


def fit_temperature(
    score: Any, fake: Any, *, weights: Any | None = None
) -> TemperatureCalibrator | None:
    """Fit the temperature by maximum likelihood, with Platt's softened targets.

    Parameters
    ----------
    score
        Scores in 0 … 1, shape (n,).
    fake, weights
        As for `fit_sigmoid`.

    Returns
    -------
    TemperatureCalibrator or None
        None where the scores, as they are, say nothing of the label or turn it round.

    Raises
    ------
    TooFewGroupsError
        A class has fewer than `MIN_PER_CLASS` sources.

    References
    ----------
    Guo, Pleiss, Sun & Weinberger (2017), On calibration of modern neural networks, ICML.
    """
    y, w = np.asarray(fake, dtype=np.float64), _weights(fake, weights)
    check_enough("temperature", y, w)
    return _temperature_fit(np.asarray(score, dtype=np.float64), y, w)


def _temperature_fit(score: Floats, y: Floats, w: Floats) -> TemperatureCalibrator | None:
    x, target = logit(score), softened(y, w)
    # The loss is convex in b = 1 ÷ temperature: Newton's steps, kept above 0 by the sign at 0.
    if float(w @ (x * (target - 0.5))) <= 0:
        return None
    b = 0.0
    for _ in range(100):
        p = sigmoid(b * x)
        slope, curve = float(w @ (x * (target - p))), float(w @ (x * x * p * (1 - p)))
        step = slope / max(curve, 1e-300)
        loss = _loss(b, x, target, w)
        while _loss(b + step, x, target, w) > loss + 1e-12 and abs(step) > 1e-14:
            step /= 2
        b += step
        if abs(step) < 1e-12 * max(1.0, b):
            break
    return TemperatureCalibrator(1 / b) if b > 0 else None


def _loss(b: float, x: Floats, target: Floats, w: Floats) -> float:
    z = b * x
    return float(w @ (np.logaddexp(0, z) - target * z))


def fit_isotonic(score: Any, fake: Any, *, weights: Any | None = None) -> IsotonicCalibrator:
    """Fit the rising function nearest to Platt's softened targets by pooling adjacent violators.

    Parameters
    ----------
    score, fake, weights
        As for `fit_sigmoid`.

    Raises
    ------
    TooFewGroupsError
        There are fewer than `MIN_ISOTONIC` sources, or `MIN_PER_CLASS` of a class.

    References
    ----------
    Zadrozny & Elkan (2002), KDD; Niculescu-Mizil & Caruana (2005), ICML, on how many it takes;
    Ayer et al. (1955), Annals of Mathematical Statistics 26:641–647.
    """
    y, w = np.asarray(fake, dtype=np.float64), _weights(fake, weights)
    check_enough("isotonic", y, w)
    return _isotonic_fit(np.asarray(score, dtype=np.float64), y, w)


def _isotonic_fit(score: Floats, y: Floats, w: Floats) -> IsotonicCalibrator:
    at, place = np.unique(score, return_inverse=True)
    mass = np.bincount(place, w)
    mean = np.bincount(place, w * softened(y, w)) / mass
    # Blocks of the levels pooled so far: value, weight, first and last place.
    value: list[float] = []
    weight: list[float] = []
    first: list[int] = []
    for i in range(len(at)):
        value.append(float(mean[i]))
        weight.append(float(mass[i]))
        first.append(i)
        while len(value) > 1 and value[-2] >= value[-1]:
            v, m = value.pop(), weight.pop()
            first.pop()
            value[-1] = (value[-1] * weight[-1] + v * m) / (weight[-1] + m)
            weight[-1] += m
    last = [*(f - 1 for f in first[1:]), len(at) - 1]
    knots: list[tuple[float, float]] = []
    for v, a, b in zip(value, first, last, strict=True):
        knots.append((float(at[a]), v))
        if b > a:
            knots.append((float(at[b]), v))
    return IsotonicCalibrator(tuple(k[0] for k in knots), tuple(k[1] for k in knots))


def check_enough(method: str, fake: Any, weights: Any) -> None:
    """Refuse to fit on too few sources.

    Raises
    ------
    TooFewGroupsError
        It says how many there are and how many are needed.
    """
    y, w = np.asarray(fake, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    n_fake, n_real = float(w @ y), float(w @ (1 - y))
    if round(min(n_fake, n_real), 6) < MIN_PER_CLASS:
        article = "an" if method == "isotonic" else "a"
        raise TooFewGroupsError(
            f"{article} {method} calibrator needs {MIN_PER_CLASS} scored sources of each class, "
            f"there are {n_real:g} real and {n_fake:g} fake"
        )
    if method == "isotonic" and round(n_fake + n_real, 6) < MIN_ISOTONIC:
        raise TooFewGroupsError(
            f"an isotonic calibrator needs {MIN_ISOTONIC} scored sources, there are "
            f"{n_fake + n_real:g}"
        )


def fit_calibrator(
    method: str, score: Floats, fake: Any, weights: Floats, *, on_logit: bool
) -> Calibrator | None:
    """Fit a calibrator by name without asking whether there are enough sources.

    Returns
    -------
    Calibrator or None
        None where the method has nothing to offer: a temperature needs scores in 0 … 1 that rise
        with the label.
    """
    y = np.asarray(fake, dtype=np.float64)
    if method == "temperature":
        return _temperature_fit(score, y, weights) if on_logit else None
    if method == "isotonic":
        return _isotonic_fit(score, y, weights)
    return _sigmoid_fit(score, y, weights, on_logit)


def _weights(fake: Any, weights: Any | None) -> Floats:
    return np.ones(len(fake)) if weights is None else np.asarray(weights, dtype=np.float64)


__all__ = [
    "MIN_ISOTONIC",
    "MIN_PER_CLASS",
    "check_enough",
    "fit_calibrator",
    "fit_isotonic",
    "fit_sigmoid",
    "fit_temperature",
    "softened",
]
