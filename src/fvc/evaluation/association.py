"""How strongly one column of the index goes with the label, without any model."""

from typing import Any

import numpy as np
import numpy.typing as npt

from fvc.evaluation.bootstrap import ScoredRows, group_draws, weighted_means, widened_interval

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

_FIFTHS = np.arange(1, 5) / 5


def cramers_v(label: Array, value: Array) -> float:
    """Return Cramér's V of two columns of categories, corrected for its bias.

    Uncorrected, V grows with the number of values even where there is no association at all.

    Parameters
    ----------
    label, value
        Categories of each row, shape (n,).

    Returns
    -------
    float
        0 (none) … 1 (one tells the other); 0 where either column has one value.

    References
    ----------
    Bergsma (2013), A bias-correction for Cramér's V and Tschuprow's T, Journal of the Korean
    Statistical Society 42:323-328.

    Examples
    --------
    >>> import numpy as np
    >>> label = np.array([0, 1] * 20)
    >>> cramers_v(label, label)
    1.0
    >>> cramers_v(label, np.repeat([0, 1], 20))
    0.0
    """
    _, rows = np.unique(label, return_inverse=True)
    _, columns = np.unique(value, return_inverse=True)
    r, k, n = int(rows.max()) + 1, int(columns.max()) + 1, len(rows)
    if min(r, k) < 2 or n < 2:
        return 0.0
    table = np.bincount(rows * k + columns, minlength=r * k).reshape(r, k)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    phi = float(((table - expected) ** 2 / expected).sum()) / n
    corrected = max(0.0, phi - (k - 1) * (r - 1) / (n - 1))
    r_, k_ = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    smaller = min(r_, k_) - 1
    return float(min(1.0, np.sqrt(corrected / smaller))) if smaller > 0 else 0.0


def fifths(values: Floats) -> Array:
    """Return the fifth of the known values that each lies in, 0 … 4; −1 where it is missing."""
    known = values[np.isfinite(values)]
    if not len(known):
        return np.full(len(values), -1)
    edges = np.unique(np.quantile(known, _FIFTHS))
    place = np.searchsorted(edges, np.where(np.isfinite(values), values, known[0]), side="left")
    return np.where(np.isfinite(values), place, -1)


def number_auc(
    label: Array, group: Array, values: Floats, *, resamples: int, seed: int
) -> dict[str, float | None]:
    """Return the ROC AUC of a number as if it were a score, with an interval over groups.

    Parameters
    ----------
    label
        0 real, 1 fake, shape (n,).
    group
        Group of each row, shape (n,).
    values
        The number, shape (n,); rows where it is missing are left out.
    resamples, seed
        Of the bootstrap over groups.

    Returns
    -------
    dict
        ``auc, auc_low, auc_high``: above 0.5 fakes have the larger values, below it the smaller
        ones; None where one class has no value.
    """
    known = np.isfinite(values)
    fake = label[known] == 1
    if not fake.any() or fake.all():
        return {"auc": None, "auc_low": None, "auc_high": None}
    codes = np.unique(group[known], return_inverse=True)[1].astype(np.int64)
    rows = ScoredRows(np.zeros(len(fake), dtype=np.int64), codes, fake, values[known])
    times = group_draws(rows, resamples=resamples, rng=np.random.default_rng(seed))
    ones = np.ones((1, times.shape[1]), dtype=np.uint16)
    auc = float(weighted_means(rows, ones, threshold=0.5)["roc_auc"][0])
    drawn = weighted_means(rows, times, threshold=0.5)["roc_auc"]
    holding = min(len(np.unique(codes[fake])), len(np.unique(codes[~fake])))
    low, high = widened_interval(auc, drawn, n_splits=None, groups=holding, confidence=0.95)
    return {"auc": auc, "auc_low": low, "auc_high": high}
