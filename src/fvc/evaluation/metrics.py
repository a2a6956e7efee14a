"""Metrics of one set of scores: plain numbers where defined, None and a reason where not."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from fvc.errors import DataError
from fvc.evaluation.calibration_metrics import calibration_line, debiased_calibration_error

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FALSE_POSITIVE_RATES = (0.01, 0.05, 0.1)
"""The rates at which the true-positive rate is given, where there are enough real sources."""

MIN_FALSE_POSITIVES = 5
"""A rate is resolved when at least so many real sources may lie above the threshold."""

_ONE_CLASS = "needs both classes"
_NOT_PROBABILITIES = "needs scores between 0 and 1"


def compute_classification_metrics(
    y_true: Any, y_score: Any, *, threshold: float = 0.5
) -> dict[str, Any]:
    """Compute every metric of the protocol on one set of scored sources.

    Parameters
    ----------
    y_true
        Labels, shape (n,): 0 real, 1 fake.
    y_score
        Scores, shape (n,), finite; higher means fake. Probability metrics need 0 … 1.
    threshold
        A score of at least this much is called fake; default 0.5.

    Returns
    -------
    dict
        ``n, n_real, n_fake, threshold``; ``accuracy, balanced_accuracy, mcc``;
        ``precision, recall, f1`` of the class fake and, with ``_real`` and ``f1_macro``, of the
        others; ``confusion_matrix`` with ``tn, fp, fn, tp``; ``roc_auc, average_precision,
        equal_error_rate`` and ``tpr_at_fpr_1pct, _5pct, _10pct``; ``log_loss, brier,
        calibration_slope, calibration_intercept, calibration_error``. A metric that is undefined
        is None, never NaN, and ``undefined`` says why, by name.

    Raises
    ------
    DataError
        Lengths differ, a label is not 0 or 1, or a score is not finite: a source without a score
        is left out and counted in the coverage.

    References
    ----------
    Chicco & Jurman (2020), BMC Genomics 21:6: MCC, and its limit 0 where one class is never
    predicted. Kumar, Liang & Ma (2019), NeurIPS: debiased calibration error. Cox (1958),
    Biometrika 45: calibration slope and intercept.

    Examples
    --------
    >>> m = compute_classification_metrics([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9])
    >>> m["roc_auc"], m["f1"], m["confusion_matrix"]
    (0.75, 0.5, {'tn': 1, 'fp': 1, 'fn': 1, 'tp': 1})
    >>> m["undefined"]["tpr_at_fpr_1pct"]
    'needs 500 real sources, there are 2'
    """
    fake, score = _checked(y_true, y_score)
    undefined: dict[str, str] = {}
    result: dict[str, Any] = {
        "n": len(fake),
        "n_real": int((~fake).sum()),
        "n_fake": int(fake.sum()),
        "threshold": float(threshold),
    }
    result |= _decisions(fake, score >= threshold, undefined)
    result |= _ranking(fake, score, undefined)
    result |= _probabilities(fake, score, undefined)
    result["undefined"] = undefined
    return result


def _checked(y_true: Any, y_score: Any) -> tuple[Flags, Floats]:
    labels, score = np.asarray(y_true), np.asarray(y_score, dtype=np.float64)
    if labels.shape != score.shape or labels.ndim != 1:
        raise DataError(f"{labels.shape} labels and {score.shape} scores: one of each a source")
    if not np.isin(labels, (0, 1)).all():
        raise DataError("labels are 0 (real) or 1 (fake)")
    bad = int((~np.isfinite(score)).sum())
    if bad:
        raise DataError(
            f"{bad} of {len(score)} scores are not finite: leave unscored sources out, and count "
            "them in the coverage"
        )
    return labels.astype(bool), score


def _ratio(a: float, b: float) -> float | None:
    return a / b if b else None


def _decisions(fake: Flags, called_fake: Flags, undefined: dict[str, str]) -> dict[str, Any]:
    tp, fp = int((called_fake & fake).sum()), int((called_fake & ~fake).sum())
    fn, tn = int((~called_fake & fake).sum()), int((~called_fake & ~fake).sum())
    recall, recall_real = _ratio(tp, tp + fn), _ratio(tn, tn + fp)
    f1, f1_real = _ratio(2 * tp, 2 * tp + fp + fn), _ratio(2 * tn, 2 * tn + fn + fp)
    both = recall is not None and recall_real is not None
    margins = (tp + fp, tp + fn, tn + fp, tn + fn)
    mcc = (tp * tn - fp * fn) / math.sqrt(math.prod(margins)) if all(margins) else 0.0
    values: dict[str, Any] = {
        "accuracy": _ratio(tp + tn, len(fake)),
        "balanced_accuracy": (recall + recall_real) / 2 if both else None,  # type: ignore[operator]
        "precision": _ratio(tp, tp + fp),
        "recall": recall,
        "f1": f1,
        "precision_real": _ratio(tn, tn + fn),
        "recall_real": recall_real,
        "f1_real": f1_real,
        "f1_macro": None if f1 is None or f1_real is None else (f1 + f1_real) / 2,
        "mcc": mcc if both else None,
    }
    reasons = {
        "accuracy": "no source",
        "precision": "nothing is called fake",
        "recall": "no fake source",
        "f1": "no source is fake or called fake",
        "precision_real": "nothing is called real",
        "recall_real": "no real source",
        "f1_real": "no source is real or called real",
        "f1_macro": "the F1 of a class is undefined",
    }
    for name, value in values.items():
        if value is None:
            undefined[name] = reasons.get(name, _ONE_CLASS)
    return {**values, "confusion_matrix": {"tn": tn, "fp": fp, "fn": fn, "tp": tp}}


def _ranking(fake: Flags, score: Floats, undefined: dict[str, str]) -> dict[str, float | None]:
    names = [tpr_name(rate) for rate in FALSE_POSITIVE_RATES]
    values: dict[str, float | None] = dict.fromkeys(
        ("roc_auc", "average_precision", "equal_error_rate", *names)
    )
    if fake.all() or not fake.any():
        undefined.update(dict.fromkeys(values, _ONE_CLASS))
        return values
    fpr, tpr, precision = curves(fake, score)
    values["roc_auc"] = float(np.trapezoid(tpr, fpr))
    values["average_precision"] = float(np.sum(np.diff(tpr) * precision[1:]))
    values["equal_error_rate"] = _equal_error_rate(fpr, tpr)
    n_real = int((~fake).sum())
    for rate, name in zip(FALSE_POSITIVE_RATES, names, strict=True):
        needed = math.ceil(round(MIN_FALSE_POSITIVES / rate, 6))
        if n_real >= needed:
            # Rounding guards 5/100 <= 0.05 against the last bit.
            values[name] = float(tpr[np.round(fpr, 12) <= rate].max())
        else:
            undefined[name] = f"needs {needed} real sources, there are {n_real}"
    return values


def tpr_name(rate: float) -> str:
    """Name of the true-positive rate at a false-positive rate: ``tpr_at_fpr_5pct`` for 0.05."""
    return f"tpr_at_fpr_{rate * 100:g}pct"


def curves(fake: Any, score: Any) -> tuple[Floats, Floats, Floats]:
    """Return false-positive rate, true-positive rate and precision over falling thresholds.

    Parameters
    ----------
    fake
        Labels, shape (n,), both classes present.
    score
        Scores, shape (n,), finite.

    Returns
    -------
    tuple of numpy.ndarray
        Three arrays of shape (number of different scores + 1,), from (0, 0) to (1, 1); equal
        scores make one step. The precision before the first step is that of the first step.
    """
    fake, score = np.asarray(fake, dtype=bool), np.asarray(score, dtype=np.float64)
    order = np.argsort(-score, kind="stable")
    steps = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
    tp = np.concatenate([[0], np.cumsum(fake[order])[steps]])
    called = np.concatenate([[0], steps + 1])
    precision = tp / np.maximum(called, 1)
    precision[0] = precision[1]
    return (called - tp) / (~fake).sum(), tp / fake.sum(), precision


def _equal_error_rate(fpr: Floats, tpr: Floats) -> float:
    """Where the ROC curve, joined by straight lines, meets FPR = 1 − TPR."""
    gap = fpr - (1 - tpr)
    after = int(np.argmax(gap >= 0))
    if after == 0:
        return float(fpr[0])
    before = after - 1
    part = -gap[before] / (gap[after] - gap[before])
    return float(fpr[before] + part * (fpr[after] - fpr[before]))


def _probabilities(
    fake: Flags, score: Floats, undefined: dict[str, str]
) -> dict[str, float | None]:
    names = ("log_loss", "brier", "calibration_slope", "calibration_intercept", "calibration_error")
    values: dict[str, float | None] = dict.fromkeys(names)
    if not len(score) or score.min() < 0 or score.max() > 1:
        undefined.update(dict.fromkeys(names, _NOT_PROBABILITIES if len(score) else "no source"))
        return values
    tiny = np.finfo(np.float64).eps
    p = np.clip(score, tiny, 1 - tiny)
    values["log_loss"] = float(-np.mean(np.where(fake, np.log(p), np.log1p(-p))))
    values["brier"] = float(np.mean((score - fake) ** 2))
    line = calibration_line(fake, score)
    if isinstance(line, str):
        undefined["calibration_slope"] = undefined["calibration_intercept"] = line
    else:
        values["calibration_slope"], values["calibration_intercept"] = line
    error = debiased_calibration_error(fake, score)
    if isinstance(error, str):
        undefined["calibration_error"] = error
    else:
        values["calibration_error"] = error
    return values
