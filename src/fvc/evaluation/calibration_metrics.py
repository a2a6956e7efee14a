"""How far probabilities can be taken at their word: slope and intercept, calibration error."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MAX_BINS = 15
"""Bins of the calibration error, at most; fewer where a bin would hold too few sources."""

MIN_PER_BIN = 10
"""Sources a bin holds on average, at least."""

# Scores nearer to 0 or 1 than this are taken as this near: their logit is not finite.
_LOGIT_EDGE = 1e-6


def logit(probability: Any) -> Floats:
    """Return the log odds of probabilities; 0 and 1 count as 1e-6 and 1 − 1e-6."""
    p = np.clip(np.asarray(probability, dtype=np.float64), _LOGIT_EDGE, 1 - _LOGIT_EDGE)
    return np.asarray(np.log(p) - np.log1p(-p))


def fit_logistic_line(
    x: Floats, target: Floats, weights: Floats | None = None
) -> tuple[float, float]:
    """Fit target ~ sigmoid(slope · x + intercept) by maximum likelihood, without penalty.

    Parameters
    ----------
    x
        Predictor, shape (n,), not constant.
    target
        Wanted probabilities, shape (n,), 0 … 1.
    weights
        Weights, shape (n,); equal by default.

    Returns
    -------
    tuple of float
        Slope and intercept. The caller makes sure that they are finite: the data are not separable,
        or the targets are softened.

    References
    ----------
    Lin, Lin & Weng (2007), Machine Learning 68: Newton's method with halved steps.
    """
    w = np.ones_like(x) if weights is None else weights
    centre, spread = float(np.average(x, weights=w)), float(np.std(x)) or 1.0
    design = np.column_stack([(x - centre) / spread, np.ones_like(x)])
    share = float(np.average(target, weights=w))
    beta = np.array([0.0, np.log(share / (1 - share))])

    def loss(b: Floats) -> float:
        z = design @ b
        return float(np.sum(w * (np.logaddexp(0, z) - target * z)))

    value = loss(beta)
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(design @ beta, -700, 700)))
        gradient = design.T @ (w * (p - target))
        curvature = (design * (w * p * (1 - p))[:, None]).T @ design
        step = np.linalg.solve(curvature + 1e-12 * np.eye(2), gradient)
        size = 1.0
        while loss(beta - size * step) > value and size > 1e-10:
            size /= 2
        beta = beta - size * step
        value = loss(beta)
        if float(np.abs(size * step).max()) < 1e-10:
            break
    slope = float(beta[0] / spread)
    return slope, float(beta[1] - slope * centre)


def calibration_line(fake: Any, probability: Any) -> tuple[float, float] | str:
    """Return slope and intercept of the logistic regression of the label on the logit.

    A slope of 1 and an intercept of 0 are those of calibrated probabilities; a slope below 1 says
    that they are too extreme.

    Parameters
    ----------
    fake
        Labels, shape (n,).
    probability
        Probabilities of fake, shape (n,), 0 … 1.

    Returns
    -------
    tuple of float, or str
        Slope and intercept, or why there are none.

    References
    ----------
    Cox (1958), Biometrika 45:562–565; Van Calster et al. (2019), BMC Medicine 17:230.
    """
    fake = np.asarray(fake, dtype=bool)
    if fake.all() or not fake.any():
        return "needs both classes"
    x = logit(probability)
    if x.max() == x.min():
        return "all scores are equal"
    real_x, fake_x = x[~fake], x[fake]
    if real_x.max() <= fake_x.min() or fake_x.max() <= real_x.min():
        return "the scores separate the classes, so that the slope has no finite value"
    return fit_logistic_line(x, fake.astype(np.float64))


def debiased_calibration_error(fake: Any, probability: Any) -> float | str:
    """Return the debiased root-mean-square calibration error over bins of equal mass.

    The plain estimate is too high, since a bin's share of fakes scatters even where the
    probabilities are right; that scatter is subtracted:
    √max(0, Σ_b n_b/n · [(p̄_b − ȳ_b)² − ȳ_b (1 − ȳ_b)/(n_b − 1)]). Binning hides errors inside a
    bin, so the value is a lower bound of the error of the unbinned scores.

    Parameters
    ----------
    fake
        Labels, shape (n,).
    probability
        Probabilities of fake, shape (n,), 0 … 1. Equal ones share a bin.

    Returns
    -------
    float or str
        The error, 0 … 1, or why there is none.

    References
    ----------
    Kumar, Liang & Ma (2019), Verified uncertainty calibration, NeurIPS, section 5.
    """
    squared = debiased_squared_error(fake, probability)
    return squared if isinstance(squared, str) else float(np.sqrt(max(0.0, squared)))


def debiased_squared_error(fake: Any, probability: Any) -> float | str:
    """Return the square that `debiased_calibration_error` takes the root of; may be below 0."""
    y, p = np.asarray(fake, dtype=np.float64), np.asarray(probability, dtype=np.float64)
    place = equal_mass_bins(p)
    if isinstance(place, str):
        return place
    n = np.bincount(place).astype(np.float64)
    mean_y, mean_p = np.bincount(place, y) / n, np.bincount(place, p) / n
    scatter = mean_y * (1 - mean_y) / (n - 1)
    return float(np.sum(n / len(y) * ((mean_p - mean_y) ** 2 - scatter)))


def equal_mass_bins(probability: Any, *, sources: int | None = None) -> npt.NDArray[np.intp] | str:
    """Deal probabilities into bins of about equal numbers.

    Parameters
    ----------
    probability
        Shape (n,). Equal ones share a bin.
    sources
        How many sources they are of, where a source stands there once a repeat; n by default. There
        is a bin for every `MIN_PER_BIN`, at most `MAX_BINS`.

    Returns
    -------
    numpy.ndarray or str
        Number of each one's bin, 0 … bins − 1, ascending with the probability; every bin holds two
        or more. Or why there are none.
    """
    p = np.asarray(probability, dtype=np.float64)
    there = len(p) if sources is None else sources
    bins = min(MAX_BINS, there // MIN_PER_BIN)
    if bins < 2:
        return f"needs {2 * MIN_PER_BIN} sources, there are {there}"
    edges = np.unique(np.quantile(p, np.arange(1, bins) / bins, method="lower"))
    place = np.searchsorted(edges, p, side="left")
    n = np.bincount(place, minlength=bins).astype(np.float64)
    if (n[n > 0] < 2).any():
        # A lone score has no scatter to subtract; it joins the bin before it (or after the first).
        place = _join_lone(place, n)
    return np.unique(place, return_inverse=True)[1]


def _join_lone(place: npt.NDArray[np.intp], n: Floats) -> npt.NDArray[np.intp]:
    target = np.arange(len(n))
    filled = np.flatnonzero(n > 0)
    for position, b in enumerate(filled):
        if n[b] < 2:
            neighbour = filled[position - 1] if position else filled[1]
            target[b] = target[neighbour] if position else neighbour
    return np.asarray(target[place])
