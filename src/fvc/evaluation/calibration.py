"""Cross-fitted calibration: no source is calibrated by what its own group has taught."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fvc.errors import TooFewGroupsError
from fvc.evaluation.calibrator_fits import (
    MIN_ISOTONIC,
    MIN_PER_CLASS,
    check_enough,
    fit_calibrator,
    fit_sigmoid,
)
from fvc.evaluation.calibrators import METHODS, Calibrator, SigmoidCalibrator

__all__ = [
    "MIN_ISOTONIC",
    "MIN_PER_CLASS",
    "CalibratorChoice",
    "SigmoidCalibrator",
    "choose_calibrator",
    "cross_fit",
    "cross_fit_calibration",
    "final_calibrator",
    "fit_final_calibrator",
    "fit_sigmoid",
    "scores_are_probabilities",
    "why_not_calibrated",
]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_DEFAULT = "sigmoid"


@dataclass(frozen=True)
class CalibratorChoice:
    """Which calibrator the inner folds chose, and by what.

    Attributes
    ----------
    method
        The winner.
    log_loss
        Mean log loss on the inner test sides, by method; empty where nothing was compared.
    left_out
        Methods that were no candidates, and why.
    """

    method: str
    log_loss: Mapping[str, float] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Give it in plain JSON types."""
        return {
            "chosen_by": "log loss on inner folds" if self.log_loss else "nothing to compare",
            "inner_log_loss": dict(self.log_loss),
            "left_out": dict(self.left_out),
        }


def choose_calibrator(
    score: Floats,
    fake: Flags,
    fold: Any,
    weights: Floats,
    *,
    on_logit: bool,
    methods: Sequence[str] = METHODS,
) -> CalibratorChoice:
    """Choose a calibrator by its log loss on folds that it was not fitted on.

    Parameters
    ----------
    score, fake
        Scores and labels, shape (n,).
    fold
        Anything by which whole groups are told apart, shape (n,): each value is left out in turn.
        May be pairs of repeat and fold as one number per repeat; a fit only sees rows with the same
        repeat.
    weights
        Weights, shape (n,).
    on_logit
        Whether scores lie in 0 … 1.
    methods
        Candidates, plainer ones first: of equals, the first.

    Returns
    -------
    CalibratorChoice
        The sigmoid where nothing can be compared.
    """
    place = np.asarray(fold).reshape(len(score), -1)
    repeat, inner = place[:, 0] if place.shape[1] > 1 else np.zeros(len(score)), place[:, -1]
    left_out: dict[str, str] = {}
    candidates: list[str] = []
    for method in methods:
        try:
            check_enough(method, fake, weights)
        except TooFewGroupsError as error:
            left_out[method] = str(error)
            continue
        if method == "temperature" and not on_logit:
            left_out[method] = "scores do not lie in 0 … 1"
            continue
        candidates.append(method)
    if len(candidates) < 2:
        return CalibratorChoice(candidates[0] if candidates else _DEFAULT, left_out=left_out)
    lost = dict.fromkeys(candidates, 0.0)
    counted = 0.0
    for r in np.unique(repeat):
        for k in np.unique(inner[repeat == r]):
            here, others = (repeat == r) & (inner == k), (repeat == r) & (inner != k)
            if not fake[others].any() or fake[others].all():
                continue
            counted += float(weights[here].sum())
            for method in candidates:
                fitted = fit_calibrator(
                    method, score[others], fake[others], weights[others], on_logit=on_logit
                )
                lost[method] += (
                    np.inf
                    if fitted is None
                    else _log_loss(fitted.predict(score[here]), fake[here], weights[here])
                )
    if not counted:
        return CalibratorChoice(_DEFAULT, left_out=left_out)
    loss = {name: value / counted for name, value in lost.items() if np.isfinite(value)}
    left_out |= {
        name: "on some inner folds the scores, as they are, do not rise with the label"
        for name in lost
        if name not in loss
    }
    best = min(loss, key=lambda name: (round(loss[name], 12), candidates.index(name)))
    return CalibratorChoice(best, loss, left_out)


def _log_loss(p: Floats, fake: Flags, weights: Floats) -> float:
    tiny = np.finfo(np.float64).eps
    p = np.clip(p, tiny, 1 - tiny)
    return float(-weights @ np.where(fake, np.log(p), np.log1p(-p)))


def cross_fit(predictions: pl.DataFrame, *, methods: Sequence[str] = METHODS) -> pl.DataFrame:
    """Calibrate out-of-fold scores, each by a calibrator and a choice that have not seen its group.

    Within each repeat the scores of a fold are calibrated by what is fitted on those of the other
    folds, in which its groups do not stand; of these other folds each is left out in turn to choose
    between `methods` by log loss. Scores in 0 … 1 enter a sigmoid by their logit.

    Parameters
    ----------
    predictions
        ``source, group, label, repeat, fold, score``; a null score is a source not scored.
    methods
        Calibrators to choose from.

    Returns
    -------
    polars.DataFrame
        ``calibrated`` and ``calibrator`` (the method), one value a row, in the order of the rows.
        Null where there is no score, and where the other folds hold fewer than `MIN_PER_CLASS`
        sources of a class (`why_not_calibrated` says so).

    References
    ----------
    Platt (1999); Zadrozny & Elkan (2002), KDD, on not calibrating with a model's training data.
    """
    calibrated = np.full(len(predictions), np.nan)
    named: list[str | None] = [None] * len(predictions)
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
            ones = np.ones(int(others.sum()))
            try:
                check_enough(_DEFAULT, fake[others], ones)
            except TooFewGroupsError:
                continue
            choice = choose_calibrator(
                score[others], fake[others], fold[others], ones, on_logit=on_logit, methods=methods
            )
            fitted = _fit(choice.method, score[others], fake[others], ones, on_logit)
            calibrated[row[here]] = fitted.predict(score[here])
            for place in row[here]:
                named[place] = fitted.method
    return pl.DataFrame({
        "calibrated": pl.Series(calibrated, dtype=pl.Float64).fill_nan(None),
        "calibrator": pl.Series(named, dtype=pl.String),
    })  # fmt: skip


def _fit(method: str, score: Floats, fake: Flags, weights: Floats, on_logit: bool) -> Calibrator:
    fitted = fit_calibrator(method, score, fake, weights, on_logit=on_logit)
    if fitted is None:
        fitted = fit_calibrator(_DEFAULT, score, fake, weights, on_logit=on_logit)
    assert fitted is not None
    return fitted


def cross_fit_calibration(
    predictions: pl.DataFrame, *, methods: Sequence[str] = METHODS
) -> pl.Series:
    """Return the ``calibrated`` column of `cross_fit`."""
    return cross_fit(predictions, methods=methods)["calibrated"]


def why_not_calibrated(predictions: pl.DataFrame) -> str | None:
    """Say why `cross_fit` leaves scored sources without a calibrated score.

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
        f"a calibrator needs {MIN_PER_CLASS} scored sources of each class outside the fold "
        f"that it calibrates; here there are as few as {fewest}"
    )


def final_calibrator(
    predictions: pl.DataFrame, *, methods: Sequence[str] = METHODS
) -> tuple[Calibrator, CalibratorChoice]:
    """Fit the calibrator that ships: on all out-of-fold scores, each source weighing one.

    The method is chosen as in `cross_fit`, by log loss on each fold of each repeat when fitted on
    the others. Its own data say nothing about its quality; the cross-fitted scores do.

    Raises
    ------
    TooFewGroupsError
        A class has fewer than `MIN_PER_CLASS` scored sources.
    """
    table = _scored(predictions).with_columns(_weight=1 / pl.len().over("source"))
    score, fake = table["score"].to_numpy(), table["label"].to_numpy() == 1
    weights, on_logit = table["_weight"].to_numpy(), scores_are_probabilities(predictions)
    check_enough(_DEFAULT, fake, weights)
    place = table.select("repeat", "fold").to_numpy()
    choice = choose_calibrator(score, fake, place, weights, on_logit=on_logit, methods=methods)
    return _fit(choice.method, score, fake, weights, on_logit), choice


def fit_final_calibrator(
    predictions: pl.DataFrame, *, methods: Sequence[str] = METHODS
) -> Calibrator:
    """Return the calibrator of `final_calibrator` alone."""
    return final_calibrator(predictions, methods=methods)[0]


def scores_are_probabilities(predictions: pl.DataFrame) -> bool:
    """Whether all scores lie in 0 … 1."""
    scores = _scored(predictions)["score"]
    return bool(((scores >= 0) & (scores <= 1)).all())


def _scored(predictions: pl.DataFrame) -> pl.DataFrame:
    columns = ("source", "group", "label", "repeat", "fold", "score")
    table = predictions.select(columns).with_row_index("_row")
    return table.with_columns(pl.col("score").cast(pl.Float64)).filter(pl.col("score").is_finite())
