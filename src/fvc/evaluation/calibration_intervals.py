"""How sure one can be of calibration: intervals from a bootstrap over groups."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, ndtri, stdtrit

from fvc.evaluation.bootstrap import widened_interval
from fvc.evaluation.calibration_metrics import calibration_line, equal_mass_bins, logit

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

MEASURES = ("brier", "log_loss", "slope", "intercept", "calibration_error")
"""What is measured; the calibration error is the debiased one."""

_BLOCK_CELLS = 1_000_000
_STEPS = 40
# In standard deviations of the logit; a steeper line is one of separated classes.
_STEEPEST = 60.0


@dataclass(frozen=True)
class Probabilities:
    """Probabilities of one repeat, and whose they are.

    Attributes
    ----------
    group
        Number of the group, shape (n,).
    fake
        Labels, shape (n,).
    p
        Probabilities of fake, 0 … 1, shape (n,).
    weight
        Weights, shape (n,): 1, or what makes the share of fakes the stated one.
    """

    group: Ints
    fake: Flags
    p: Floats
    weight: Floats


@dataclass(frozen=True)
class Measured:
    """A measure with its interval; None where it is not defined.

    Attributes
    ----------
    value, low, high
        Mean over repeats, and the ends.
    reason
        Why there is no value.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


def measure_calibration(
    repeats: Sequence[Probabilities],
    times: npt.NDArray[np.uint16],
    *,
    n_splits: int | None,
    groups: int,
    confidence: float = 0.95,
) -> dict[str, Measured]:
    """Measure calibration, with intervals over groups.

    Parameters
    ----------
    repeats
        Probabilities of each repeat; values are means over repeats.
    times
        How often each group was drawn, shape (resamples, groups).
    n_splits
        Folds a repeat, by which intervals are widened for the training data that folds share
        (Nadeau & Bengio 2003); None for the probabilities of a fixed model.
    groups
        Groups that hold the rarer class.
    confidence
        Of the intervals.

    Returns
    -------
    dict
        By name of `MEASURES`.

    Notes
    -----
    Brier and log loss: Student's t on the spread of the resamples, for Brier on the logit scale as
    for other metrics. Slope and intercept: percentiles of the resamples about their median, laid
    around the estimate and stretched. The squared calibration error is θ = Σ_b w_b [(p̄_b − ȳ_b)² −
    v_b], v_b being the scatter of ȳ_b over groups, which for groups of one source is that of Kumar
    et al. Since a resample scatters once more around the sample, whose plain error is too high, the
    basic interval is used: θ minus the quantiles of (θ* − plain error), then the root.

    References
    ----------
    Kumar, Liang & Ma (2019), NeurIPS; Cox (1958), Biometrika 45:562–565; Davison & Hinkley (1997),
    Bootstrap methods and their application, section 5.2 (basic interval); Nadeau & Bengio (2003),
    Machine Learning 52:239–281.
    """
    widening = 1.0 if n_splits is None else 1 + n_splits / (n_splits - 1)
    quantile = float(stdtrit(max(1, groups - 1), (1 + confidence) / 2))
    stretch = float(np.sqrt(widening)) * quantile / float(ndtri((1 + confidence) / 2))
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    found = {}
    brier, log_loss = (_means(repeats, times, loss) for loss in (_squares, _log_losses))
    # On a small corpus a resample may hold no group that a repeat could calibrate.
    drawn, lost = (each[1:][np.isfinite(each[1:])] for each in (brier, log_loss))
    if len(drawn) < 2:
        return dict.fromkeys(MEASURES, Measured(None, reason="too few groups to draw from"))
    low, high = widened_interval(
        brier[0], drawn, n_splits=n_splits, groups=groups, confidence=confidence
    )
    found["brier"] = Measured(float(brier[0]), low, high)
    reach = quantile * float(np.std(lost, ddof=1)) * np.sqrt(widening)
    found["log_loss"] = Measured(
        float(log_loss[0]), max(0.0, float(log_loss[0] - reach)), float(log_loss[0] + reach)
    )
    found |= _line(repeats, times, tails, stretch)
    found["calibration_error"] = _error(repeats, times, tails, stretch)
    return found


def _squares(part: Probabilities) -> Floats:
    return np.asarray((part.p - part.fake) ** 2)


def _log_losses(part: Probabilities) -> Floats:
    tiny = np.finfo(np.float64).eps
    p = np.clip(part.p, tiny, 1 - tiny)
    return -np.where(part.fake, np.log(p), np.log1p(-p))


def _means(
    repeats: Sequence[Probabilities],
    times: npt.NDArray[np.uint16],
    loss: Callable[[Probabilities], Floats],
) -> Floats:
    """Weighted mean of a loss: the estimate first, then the resamples."""
    total = np.zeros(len(times) + 1)
    n_groups = times.shape[1]
    for part in repeats:
        lost = loss(part)
        by_group = np.bincount(part.group, part.weight * lost, minlength=n_groups)
        mass = np.bincount(part.group, part.weight, minlength=n_groups)
        total[0] += by_group.sum() / mass.sum()
        drawn = times.astype(np.float64)
        with np.errstate(invalid="ignore"):
            total[1:] += (drawn @ by_group) / (drawn @ mass)
    return total / len(repeats)


def _line(
    repeats: Sequence[Probabilities],
    times: npt.NDArray[np.uint16],
    tails: Sequence[float],
    stretch: float,
) -> dict[str, Measured]:
    lines = np.zeros((2, len(times) + 1))
    for part in repeats:
        told = calibration_line(part.fake, part.p)
        if isinstance(told, str):
            return dict.fromkeys(("slope", "intercept"), Measured(None, reason=told))
        lines[:, :1] += np.array(_lines(part, np.ones((1, times.shape[1]), dtype=np.uint16)))
        # Opposite infinite slopes of two repeats have no mean.
        with np.errstate(invalid="ignore"):
            lines[:, 1:] += np.array(_lines(part, times))
    lines /= len(repeats)
    found = {}
    for name, (value, *drawn) in zip(("slope", "intercept"), lines, strict=True):
        known = np.array(drawn)[~np.isnan(drawn)]
        low, high = None, None
        if len(known) > 1:
            # Separated resamples have an infinite slope, and stand at the upper end.
            ends = np.quantile(known, [tails[0], 0.5, tails[1]], method="nearest")
            low = float(value - stretch * (ends[1] - ends[0]))
            high = float(value + stretch * (ends[2] - ends[1]))
            low, high = (end if np.isfinite(end) else None for end in (low, high))
        found[name] = Measured(float(value), low, high)
    return found


def _lines(part: Probabilities, times: npt.NDArray[np.uint16]) -> tuple[Floats, Floats]:
    """Slope and intercept of each resample by Newton's steps, many at once; NaN of one class."""
    x = logit(part.p)
    centre, spread = float(x.mean()), float(x.std())
    x = (x - centre) / spread
    y = part.fake.astype(np.float64)
    slopes, intercepts = np.empty(len(times)), np.empty(len(times))
    block = max(1, _BLOCK_CELLS // len(x))
    for start in range(0, len(times), block):
        w = times[start : start + block][:, part.group] * part.weight
        a, b = _newton(x, y, w)
        steep = np.abs(a) > _STEEPEST
        with np.errstate(invalid="ignore"):
            slopes[start : start + block] = np.where(steep, np.sign(a) * np.inf, a / spread)
            shifted = b - a * centre / spread
        intercepts[start : start + block] = np.where(steep, np.nan, shifted)
        lacking = (w @ y == 0) | (w @ (1 - y) == 0)
        slopes[start : start + block][lacking] = np.nan
        intercepts[start : start + block][lacking] = np.nan
    return slopes, intercepts


def _newton(x: Floats, y: Floats, w: Floats) -> tuple[Floats, Floats]:
    a, b = np.zeros(len(w)), np.zeros(len(w))
    moving = np.arange(len(w))
    for _ in range(_STEPS):
        weights = w[moving]
        p = expit(a[moving, None] * x + b[moving, None])
        lost = weights * (p - y)
        curve = weights * p * (1 - p)
        ga, gb = lost @ x, lost.sum(axis=1)
        haa, hab, hbb = curve @ (x * x), curve @ x, curve.sum(axis=1)
        det = haa * hbb - hab * hab + 1e-12
        da, db = (hbb * ga - hab * gb) / det, (haa * gb - hab * ga) / det
        # Where the classes are nearly separated, whole steps overshoot.
        size = np.minimum(1.0, 4.0 / np.maximum(np.abs(da), np.abs(db)).clip(1e-300))
        a[moving] -= size * da
        b[moving] -= size * db
        still = (np.abs(size * da) + np.abs(size * db) > 1e-9) & (np.abs(a[moving]) < _STEEPEST)
        moving = moving[still]
        if not len(moving):
            break
    return a, b


def _error(
    repeats: Sequence[Probabilities],
    times: npt.NDArray[np.uint16],
    tails: Sequence[float],
    stretch: float,
) -> Measured:
    ones = np.ones((1, times.shape[1]), dtype=np.uint16)
    value = np.zeros(2)
    off = np.zeros(len(times))
    for part in repeats:
        bins = equal_mass_bins(part.p)
        if isinstance(bins, str):
            return Measured(None, reason=bins)
        debiased, plain = squared_errors(part, bins, ones)
        value += debiased[0], plain[0]
        off += squared_errors(part, bins, times)[0] - plain[0]
    value, off = value / len(repeats), off / len(repeats)
    known = off[np.isfinite(off)]
    low, high = value[0] - stretch * np.quantile(known, [tails[1], tails[0]])
    root = np.sqrt(np.clip([value[0], low, high], 0, 1))
    return Measured(float(root[0]), float(root[1]), float(root[2]))


def squared_errors(
    part: Probabilities, bins: npt.NDArray[np.intp], times: npt.NDArray[np.uint16]
) -> tuple[Floats, Floats]:
    """Give the debiased and the plain squared calibration error of resamples.

    Parameters
    ----------
    part
        Probabilities of one repeat.
    bins
        Bin of each, shape (n,).
    times
        How often each group counts, shape (resamples, groups).

    Returns
    -------
    (numpy.ndarray, numpy.ndarray)
        Shapes (resamples,). The scatter that is subtracted is that of whole groups,
        G/(G − 1) · Σ_g (Σ_i∈g w_i (y_i − ȳ))² ÷ (Σ w)² for the G groups of a bin; with one source
        a group it is ȳ (1 − ȳ)/(n − 1).
    """
    n_groups, drawn = times.shape[1], times.astype(np.float64)
    debiased, plain = np.zeros(len(times)), np.zeros(len(times))
    total = drawn @ np.bincount(part.group, part.weight, minlength=n_groups)
    for b in range(int(bins.max()) + 1):
        here = bins == b
        group, w = part.group[here], part.weight[here]
        fakes = np.bincount(group, w * part.fake[here], minlength=n_groups)
        said = np.bincount(group, w * part.p[here], minlength=n_groups)
        mass = np.bincount(group, w, minlength=n_groups)
        n, present = drawn @ mass, drawn @ (mass > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            y, p = drawn @ fakes / n, drawn @ said / n
            squares = (
                drawn @ fakes**2 - 2 * y * (drawn @ (fakes * mass)) + y * y * (drawn @ mass**2)
            )
            scatter = np.where(present > 1, present / (present - 1), 1.0) * squares / n**2
        share, gap = n / total, (p - y) ** 2
        there = n > 0
        plain += np.where(there, share * gap, 0.0)
        debiased += np.where(there, share * (gap - scatter), 0.0)
    return debiased, plain


__all__ = ["MEASURES", "Measured", "Probabilities", "measure_calibration", "squared_errors"]
