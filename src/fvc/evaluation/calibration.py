"""Cross-fitted calibration: no source is calibrated by what its own group has taught."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fvc.errors import TooFewGroupsError
from fvc.evaluation.calibration_metrics import fit_logistic_line, logit

Floats = npt.NDArray[np.float64]

MIN_PER_CLASS = 10
"""Scored sources of each class that a sigmoid calibrator is fitted on, at least."""


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

    def predict(self, score: Any) -> Floats:
        """Return calibrated probabilities of fake, the shape of `score`."""
        z = self.slope * _predictor(score, self.on_logit) + self.intercept
        return np.asarray(1 / (1 + np.exp(-np.clip(z, -700, 700))))

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
        return cls(document["slope"], document["intercept"], document["on_logit"])


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
    y = np.asarray(fake, dtype=np.float64)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
    n_fake, n_real = float(w @ y), float(w @ (1 - y))
    if round(min(n_fake, n_real), 6) < MIN_PER_CLASS:
        raise TooFewGroupsError(
            f"a sigmoid calibrator needs {MIN_PER_CLASS} scored sources of each class, there are "
            f"{n_real:g} real and {n_fake:g} fake"
        )
    x = _predictor(score, on_logit)
    target = np.where(y > 0, (n_fake + 1) / (n_fake + 2), 1 / (n_real + 2))
    slope = 0.0
    if x.max() > x.min():
        slope, intercept = fit_logistic_line(x, target, w)
    if slope <= 0:
        share = float(np.average(target, weights=w))
        return SigmoidCalibrator(0.0, float(np.log(share / (1 - share))), on_logit)
    return SigmoidCalibrator(slope, intercept, on_logit)


def _predictor(score: Any, on_logit: bool) -> Floats:
    return logit(score) if on_logit else np.asarray(score, dtype=np.float64)


def cross_fit_calibration(predictions: pl.DataFrame) -> pl.Series:
    """Calibrate out-of-fold scores, each by a calibrator that has not seen its group.

    Within each repeat the scores of a fold are calibrated by a sigmoid fitted on those of the other
    folds, in which its groups do not stand. Scores in 0 … 1 enter by their logit.

    Parameters
    ----------
    predictions
        ``source, group, label, repeat, fold, score``; a null score is a source not scored.

    Returns
    -------
    polars.Series
        ``calibrated``, one value a row, in the order of the rows. Null where there is no score, and
        where the other folds hold fewer than `MIN_PER_CLASS` sources of a class
        (`why_not_calibrated` says so).

    References
    ----------
    Platt (1999); Zadrozny & Elkan (2002), KDD, on not calibrating with a model's training data.
    """
    calibrated = np.full(len(predictions), np.nan)
    on_logit = scores_are_probabilities(predictions)
    table = _scored(predictions)
    repeat, fold = table["repeat"].to_numpy(), table["fold"].to_numpy()
    row, score = table["_row"].to_numpy(), table["score"].to_numpy()
    fake, group = table["label"].to_numpy() == 1, table["group"].rank("dense").to_numpy()
    for r in np.unique(repeat):
        for k in np.unique(fold[repeat == r]):
            here = (repeat == r) & (fold == k)
            others = (repeat == r) & (fold != k)
            # Whole groups make this a formality, and the promise is kept if they are not.
            others &= ~np.isin(group, group[here])
            try:
                calibrator = fit_sigmoid(score[others], fake[others], on_logit=on_logit)
            except TooFewGroupsError:
                continue
            calibrated[row[here]] = calibrator.predict(score[here])
    return pl.Series("calibrated", calibrated, dtype=pl.Float64).fill_nan(None)


def why_not_calibrated(predictions: pl.DataFrame) -> str | None:
    """Say why `cross_fit_calibration` leaves scored sources without a calibrated score.

    Returns
    -------
    str or None
        The reason; None where every scored source gets one.
    """
    table = _scored(predictions)
    if table.is_empty():
        return "no source was scored"
    by_fold = table.group_by("repeat", "fold").agg(
        fake=(pl.col("label") == 1).sum(), real=(pl.col("label") == 0).sum()
    )
    others = by_fold.with_columns(
        (pl.col(name).sum().over("repeat") - pl.col(name)).alias(name) for name in ("fake", "real")
    )
    fewest = int(
        others.select(pl.min_horizontal(pl.col("fake").min(), pl.col("real").min())).item()
    )
    if fewest >= MIN_PER_CLASS:
        return None
    return (
        f"a sigmoid calibrator needs {MIN_PER_CLASS} scored sources of each class outside the fold "
        f"that it calibrates; here there are as few as {fewest}"
    )


def fit_final_calibrator(predictions: pl.DataFrame) -> SigmoidCalibrator:
    """Fit the calibrator that ships: on all out-of-fold scores, each source weighing one.

    Its own data say nothing about its quality; the cross-fitted scores do.

    Raises
    ------
    TooFewGroupsError
        A class has fewer than `MIN_PER_CLASS` scored sources.
    """
    table = _scored(predictions).with_columns(_weight=1 / pl.len().over("source"))
    return fit_sigmoid(
        table["score"].to_numpy(),
        table["label"].to_numpy() == 1,
        on_logit=scores_are_probabilities(predictions),
        weights=table["_weight"].to_numpy(),
    )


def scores_are_probabilities(predictions: pl.DataFrame) -> bool:
    """Whether all scores lie in 0 … 1."""
    scores = _scored(predictions)["score"]
    return bool(((scores >= 0) & (scores <= 1)).all())


def _scored(predictions: pl.DataFrame) -> pl.DataFrame:
    columns = ("source", "group", "label", "repeat", "fold", "score")
    table = predictions.select(columns).with_row_index("_row")
    return table.with_columns(pl.col("score").cast(pl.Float64)).filter(pl.col("score").is_finite())
