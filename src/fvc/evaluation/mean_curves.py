"""Mean ROC and precision–recall curves over test folds, with their spread."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from fvc.errors import DataError
from fvc.evaluation.metrics import curves

Floats = npt.NDArray[np.float64]

GRID: Floats = np.linspace(0, 1, 201)
"""Where curves are read off: false-positive rates, and recalls."""


@dataclass(frozen=True)
class MeanCurves:
    """Curves averaged over folds.

    Attributes
    ----------
    sensitivity, precision
        Shape (n_folds, 201): true-positive rate at the false-positive rates of `GRID`, and
        precision at its recalls.
    share
        Share of fakes among the scored sources, the precision of chance.
    """

    sensitivity: Floats
    precision: Floats
    share: float

    def spread(self, lines: Floats) -> tuple[Floats, Floats, Floats]:
        """Give mean, lower and upper edge: one standard deviation over folds (ddof=1), in 0…1."""
        mean = lines.mean(axis=0)
        sd = lines.std(axis=0, ddof=1) if len(lines) > 1 else np.zeros_like(mean)
        return mean, (mean - sd).clip(0, 1), (mean + sd).clip(0, 1)


def two_class_folds(predictions: pl.DataFrame) -> list[tuple[npt.NDArray[np.bool_], Floats]]:
    """Give labels and scores of each test fold that holds scored sources of both classes.

    Parameters
    ----------
    predictions
        ``source, label, repeat, fold, score``; a null score is left out.

    Returns
    -------
    list of tuple
        By repeat and fold: whether fake, shape (n,), and score, shape (n,).

    Raises
    ------
    DataError
        There is no such fold.
    """
    scored = predictions.filter(pl.col("score").is_not_null()).sort("repeat", "fold", "source")
    folds = []
    for part in scored.partition_by("repeat", "fold", maintain_order=True):
        fake = part["label"].to_numpy() == 1
        if fake.any() and not fake.all():
            folds.append((fake, part["score"].to_numpy().astype(np.float64)))
    if not folds:
        raise DataError("no fold has scored sources of both classes; there is no curve to draw")
    return folds


def mean_curves(predictions: pl.DataFrame) -> MeanCurves:
    """Average the curves of the test folds at fixed abscissae.

    Parameters
    ----------
    predictions
        As for `two_class_folds`.

    Raises
    ------
    DataError
        No fold has scored sources of both classes.

    References
    ----------
    Fawcett (2006), An introduction to ROC analysis, Pattern Recognition Letters 27: vertical
    averaging.
    """
    folds = two_class_folds(predictions)
    sensitivity, precision = [], []
    for fake, score in folds:
        fpr, tpr, at = curves(fake, score)
        # Where the curve stands upright, its upper end counts.
        last = np.append(np.diff(fpr) > 0, True)
        sensitivity.append(np.interp(GRID, fpr[last], tpr[last]))
        # Precision at a recall: that of the first threshold which reaches it, and at recall 0 that
        # of the first fake found.
        found = tpr > 0
        reached = np.searchsorted(tpr[found], GRID, side="left")
        precision.append(at[found][reached.clip(max=int(found.sum()) - 1)])
    share = float(np.mean(np.concatenate([fake for fake, _ in folds])))
    return MeanCurves(np.vstack(sensitivity), np.vstack(precision), share)
