"""Decisions with a stated error rate: class-conditional conformal prediction over groups.

Arrays in, numbers out; neither Polars nor scikit-learn, since every answer to a single video waits
for this module.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

CLASSES = {"real": 0, "fake": 1}
ERROR_RATES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
"""Error rates for which the coverage found out-of-fold is written down."""

MAX_STEPS = 400
"""Steps of a table of p-values that are kept; where there are more, p is rounded up."""

METHOD = (
    "class-conditional conformal p-values over groups, from out-of-fold scores; each group weighs "
    "one, however many sources it has"
)
REFERENCE = (
    "Vovk 2013, Machine Learning 92:349 (class-conditional); Vovk 2015, Ann. Math. Artif. Intell. "
    "74:9 (cross-conformal); Lee, Barber & Willett 2023, arXiv:2306.06342 (groups)"
)


@dataclass(frozen=True)
class PValues:
    """P-values of nonconformity scores against those of K groups.

    p(s) = (1 + Σ over groups of the share of the group's scores that are ≥ s) / (K + 1), a step
    function: it is ``p[j]`` for the smallest ``at[j]`` ≥ s, and 1 / (K + 1) beyond the last.

    Attributes
    ----------
    n_groups
        K.
    at
        Scores at which p steps, shape (m,), ascending.
    p
        Values, shape (m,), descending.
    """

    n_groups: int
    at: Floats
    p: Floats

    def __call__(self, nonconformity: Any) -> Floats:
        """Give p-values, the shape of `nonconformity`."""
        place = np.searchsorted(self.at, np.asarray(nonconformity, dtype=np.float64), side="left")
        return np.asarray(np.append(self.p, self.least)[place])

    def beyond(self, rate: float) -> float | None:
        """Give the score beyond which p is at most `rate`; None where it never is."""
        reached = np.flatnonzero(self.p <= rate)
        if not len(self.at):
            return None
        if not len(reached):
            return float(self.at[-1]) if self.least <= rate else None
        return float(self.at[reached[0] - 1]) if reached[0] else -math.inf

    @property
    def least(self) -> float:
        """The least p-value that can come out: 1 / (K + 1)."""
        return 1 / (self.n_groups + 1)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object that `from_dict` reads."""
        return {"n_groups": self.n_groups, "at": self.at.tolist(), "p": self.p.tolist()}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "PValues":
        """Inverse of `to_dict`.

        Raises
        ------
        ValueError
            The steps are not what they should be.
        """
        at = np.asarray(document["at"], dtype=np.float64)
        p = np.asarray(document["p"], dtype=np.float64)
        if at.shape != p.shape or at.ndim != 1 or (np.diff(at) < 0).any() or (np.diff(p) > 0).any():
            raise ValueError("scores must ascend and p-values descend, one each")
        return cls(int(document["n_groups"]), at, p)


def fit_p_values(nonconformity: Any, group: Any) -> PValues:
    """Make the table of p-values from the scores of known groups.

    Parameters
    ----------
    nonconformity
        Higher is stranger, shape (n,), finite.
    group
        Group of each score, shape (n,). A group weighs one; with one score a group this is
        the ordinary conformal p-value (1 + number of scores ≥ s) / (n + 1).

    References
    ----------
    Vovk, Gammerman & Shafer 2005, Algorithmic Learning in a Random World; Lee, Barber & Willett
    2023, Distribution-free inference with hierarchical data, arXiv:2306.06342 (section 3).
    """
    score = np.asarray(nonconformity, dtype=np.float64)
    if not len(score):
        return PValues(0, np.empty(0), np.empty(0))
    _, member, size = np.unique(np.asarray(group), return_inverse=True, return_counts=True)
    at, place = np.unique(score, return_inverse=True)
    mass = np.bincount(place, weights=1 / size[member], minlength=len(at))
    p = (1 + np.cumsum(mass[::-1])[::-1]) / (len(size) + 1)
    if len(at) > MAX_STEPS:
        # Of each run of steps the last place with the first value: p never comes out too small.
        cuts = np.linspace(0, len(at), MAX_STEPS + 1).astype(np.int64)
        at, p = at[cuts[1:] - 1], p[cuts[:-1]]
    return PValues(len(size), at, p)


def groups_needed(error_rate: float) -> int:
    """Give how many groups of a class it takes before that class can ever be ruled out.

    Examples
    --------
    >>> groups_needed(0.1), groups_needed(0.05)
    (9, 19)
    """
    return max(1, math.ceil(1 / error_rate - 1e-9) - 1)


def nonconformity(score: Any, name: str) -> Floats:
    """Say how little a score fits a class: the score itself for real, its negative for fake."""
    s = np.asarray(score, dtype=np.float64)
    return s if name == "real" else -s


def fit_decisions(score: Any, label: Any, group: Any, repeat: Any, fold: Any) -> dict[str, Any]:
    """Make the block of a detector's card that decisions are taken from.

    Parameters
    ----------
    score
        Out-of-fold scores, shape (n,), higher is more fake; every source once a repeat.
    label, group, repeat, fold
        Of each score, shape (n,); labels 0 real, 1 fake.

    Returns
    -------
    dict
        ``method``, ``reference``, ``classes`` (`PValues` of real and fake), ``out_of_fold``: for
        each of `ERROR_RATES` what came of the sources of each fold when the decisions were made
        from the other folds of the same repeat.
    """
    s, y, g = np.asarray(score, dtype=np.float64), np.asarray(label), np.asarray(group)
    return {
        "method": METHOD,
        "reference": REFERENCE,
        "classes": {
            name: fit_p_values(nonconformity(s[y == k], name), g[y == k]).to_dict()
            for name, k in CLASSES.items()
        },
        "out_of_fold": _out_of_fold(s, y, g, np.asarray(repeat), np.asarray(fold)),
    }


def _out_of_fold(s: Floats, y: Any, g: Any, repeat: Any, fold: Any) -> list[dict[str, Any]]:
    p = out_of_fold_p_values(s, y, g, repeat, fold)
    return [_found(rate, p, y, g) for rate in ERROR_RATES]


def out_of_fold_p_values(
    score: Any, label: Any, group: Any, repeat: Any, fold: Any
) -> dict[str, Floats]:
    """Give each score the p-values of both classes from the other folds of its repeat.

    Parameters
    ----------
    score, label, group, repeat, fold
        As for `fit_decisions`.

    Returns
    -------
    dict
        ``real`` and ``fake``, shape (n,): how strange the score is for the class.
    """
    s, y, g = np.asarray(score, dtype=np.float64), np.asarray(label), np.asarray(group)
    repeat, fold = np.asarray(repeat), np.asarray(fold)
    p = {name: np.full(len(s), np.nan) for name in CLASSES}
    for r in np.unique(repeat):
        for k in np.unique(fold[repeat == r]):
            here, others = (repeat == r) & (fold == k), (repeat == r) & (fold != k)
            for name, of in CLASSES.items():
                rows = others & (y == of)
                table = fit_p_values(nonconformity(s[rows], name), g[rows])
                p[name][here] = table(nonconformity(s[here], name))
    return p


def _found(rate: float, p: dict[str, Floats], y: Any, g: Any) -> dict[str, Any]:
    keeps = {name: p[name] > rate for name in CLASSES}
    row: dict[str, Any] = {"error_rate": rate}
    for name, k in CLASSES.items():
        other = "fake" if name == "real" else "real"
        own = y == k
        row[f"coverage_{name}"] = _by_group(keeps[name][own], g[own])
        row[f"right_{name}"] = _by_group((keeps[name] & ~keeps[other])[own], g[own])
        row[f"wrong_{name}"] = _by_group((keeps[other] & ~keeps[name])[own], g[own])
    return row


def _by_group(flag: npt.NDArray[np.bool_], group: Any) -> float | None:
    """Share of rows, each group weighing one; None where there is none."""
    if not len(flag):
        return None
    _, member, size = np.unique(group, return_inverse=True, return_counts=True)
    return float((np.bincount(member, weights=flag.astype(np.float64)) / size).mean())


__all__ = [
    "CLASSES",
    "ERROR_RATES",
    "PValues",
    "fit_decisions",
    "fit_p_values",
    "groups_needed",
    "nonconformity",
    "out_of_fold_p_values",
]
