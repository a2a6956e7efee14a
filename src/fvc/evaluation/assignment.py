"""Which fold gets how many groups of each kind: the balancing behind the grouped splitter.

A *type* is a pair (real rows, fake rows); groups of one type are interchangeable. Three steps:

1. Deal types from the largest to the smallest, each group to the fold where it adds least to the
   imbalance. For the groups of one type that greedy choice is the merging of arithmetic
   progressions, done in one go: the cost grows with the number of types, not of groups.
2. Give a group to every fold that lacks a class.
3. Move and swap single groups between folds as long as it helps; from several starts.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]

_STARTS = 8
_MAX_STEPS = 200
# Single moves of few, small groups repair what dealing leaves; beyond that the gain is nil.
_CANDIDATE_TYPES = 64
_TOLERANCE = 1e-12


def assign_types(types: Ints, sizes: Ints, n_folds: int, rng: np.random.Generator) -> Ints:
    """Return how many groups of each type each fold gets.

    Parameters
    ----------
    types
        Real and fake rows of a group of each type, shape (t, 2).
    sizes
        Number of groups of each type, shape (t,).
    n_folds
        Number of folds; at least that many groups hold each class.
    rng
        Breaks ties and varies the starts.

    Returns
    -------
    numpy.ndarray
        Shape (t, n_folds); rows sum to `sizes`; every fold holds both classes.
    """
    totals = (types * sizes[:, None]).sum(axis=0)
    units = types / totals
    weight = (units**2).sum(axis=1)
    best, best_cost = None, np.inf
    for start in range(_STARTS if len(types) <= 4 * _CANDIDATE_TYPES else 1):
        # The first start is the greedy order itself; the others are shaken versions of it.
        shake = rng.normal(0, 0.5 * (start > 0), len(types))
        order = np.argsort(-weight * np.exp(shake), kind="stable")
        dealt = _deal_in_order(units, sizes, order, n_folds, rng)
        _give_missing_class(types, dealt)
        cost = _improve(types, units, dealt)
        if cost < best_cost - _TOLERANCE:
            best, best_cost = dealt, cost
    assert best is not None
    return best[:, rng.permutation(n_folds)]


def _deal_in_order(
    units: Array, sizes: Ints, order: Array, n_folds: int, rng: np.random.Generator
) -> Ints:
    dealt = np.zeros((len(units), n_folds), dtype=np.int64)
    load = np.zeros((n_folds, units.shape[1]))
    for kind in order:
        unit = units[kind]
        # Adding the group to fold f raises the sum of squares by 2·load_f·unit + a constant, and
        # each group of the type that f has got already by 2·unit·unit more.
        dealt[kind] = _pour(load @ unit, float(unit @ unit), int(sizes[kind]), rng)
        load += dealt[kind][:, None] * unit
    return dealt


def _pour(level: Array, step: float, amount: int, rng: np.random.Generator) -> Ints:
    """Take `amount` times the lowest of `level`, each time raising it by `step`."""
    height = np.round(level / step, 9)
    even = np.sort(height)
    # Water level: highest w such that whole steps below it do not use more than the amount.
    filled = np.arange(1, len(even) + 1) * even - np.cumsum(even)
    wet = int(np.searchsorted(filled, amount, side="right"))
    surface = (amount + even[:wet].sum()) / wet
    taken: Ints = np.maximum(np.floor(surface - height), 0).astype(np.int64)
    left = amount - int(taken.sum())
    # At most one more for each fold under water, lowest first, ties at random.
    ranked = np.lexsort((rng.random(len(height)), np.round(height + taken, 9)))
    taken[ranked[:left]] += 1
    return taken


def _give_missing_class(types: Ints, dealt: Ints) -> None:
    has = types > 0
    while True:
        holding = has.T.astype(np.int64) @ dealt
        missing = np.argwhere(holding == 0)
        if not len(missing):
            return
        kind_of_class, fold = (int(i) for i in missing[0])
        donor = int(np.argmax(holding[kind_of_class]))
        # The donor has two groups with the class, so one that holds only this class is free to go;
        # if all of them hold both classes, any of them is.
        usable = np.flatnonzero(has[:, kind_of_class] & (dealt[:, donor] > 0))
        pure = usable[~has[usable, 1 - kind_of_class]]
        choice = pure if len(pure) else usable
        moved = choice[np.argmin(types[choice].sum(axis=1))]
        dealt[moved, donor] -= 1
        dealt[moved, fold] += 1


def _improve(types: Ints, units: Array, dealt: Ints) -> float:
    """Move and swap single groups in place while that helps; return the remaining cost."""
    n_folds = dealt.shape[1]
    few = np.argsort((units**2).sum(axis=1), kind="stable")[:_CANDIDATE_TYPES]
    # Row 0 stands for "nothing", which makes a move a swap with nothing.
    unit = np.vstack([np.zeros(units.shape[1]), units[few]])
    rows = np.vstack([np.zeros(types.shape[1], dtype=np.int64), types[few]])
    x = unit[None, :, :] - unit[:, None, :]  # [out, in]: what the first fold gains
    counts = dealt.T @ types
    total = counts.sum(axis=0)
    square = 2 * (x**2).sum(axis=2)
    pairs = [(f, g) for f in range(n_folds) for g in range(n_folds) if f != g]
    for _ in range(_MAX_STEPS):
        best = (-_TOLERANCE, -1, -1, -1, -1)
        share = counts / total
        for f, g in pairs:
            difference = share[f] - share[g]
            change = 2 * (x @ difference) + square
            change[1:][dealt[few, f] == 0] = np.inf
            change[:, 1:][:, dealt[few, g] == 0] = np.inf
            gained = rows[None, :, :] - rows[:, None, :]
            kept = (counts[f] + gained > 0).all(axis=2) & (counts[g] - gained > 0).all(axis=2)
            change[~kept] = np.inf
            flat = int(np.argmin(change))
            if change.flat[flat] < best[0]:
                out, into = divmod(flat, change.shape[1])
                best = (float(change.flat[flat]), f, g, out, into)
        if best[1] < 0:
            break
        _, f, g, out, into = best
        for kind, source, target in ((out, f, g), (into, g, f)):
            if kind:
                dealt[few[kind - 1], source] -= 1
                dealt[few[kind - 1], target] += 1
                counts[source] -= rows[kind]
                counts[target] += rows[kind]
    return float(((counts / total - 1 / n_folds) ** 2).sum())
