"""The three ways to split, and labels dealt anew to whole groups."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fvc.evaluation import GroupedStratifiedKFold

Scheme = Literal["grouped", "source-wise", "row-wise"]

SCHEMES: tuple[Scheme, ...] = ("grouped", "source-wise", "row-wise")
"""From the one that holds on unseen groups to the one that published scores were measured with."""

Ints = npt.NDArray[np.integer[Any]]


def deal_rows(
    scheme: Scheme,
    source: Ints,
    labels: Ints,
    groups: npt.NDArray[Any],
    *,
    n_splits: int,
    seed: Sequence[int],
) -> npt.NDArray[np.int32]:
    """Return the fold in which each row is tested, shape (n,).

    Parameters
    ----------
    scheme
        ``"grouped"``: groups stay whole; ``"source-wise"``: sources stay whole, groups do not
        count; ``"row-wise"``: every clip for itself.
    source
        Position of each row's source, shape (n,).
    labels, groups
        Of the sources, shape (s,).
    n_splits
        Folds.
    seed
        Of the deal.

    Raises
    ------
    TooFewGroupsError
        Not every fold can hold both classes.
    """
    splitter = GroupedStratifiedKFold(n_splits, random_state=list(seed))
    if scheme == "row-wise":
        return splitter.assign(labels[source], np.arange(len(source)))
    present = np.unique(source)
    whole = groups[present] if scheme == "grouped" else present
    of_source = splitter.assign(labels[present], whole)
    return of_source[np.searchsorted(present, source)]


def permute_by_group(
    labels: npt.NDArray[np.int8], groups: npt.NDArray[Any], rng: np.random.Generator
) -> npt.NDArray[np.int8]:
    """Deal labels anew so that they say nothing, and groups stay what they are.

    Groups of one class exchange their labels among each other; a group that holds both classes
    keeps its own labels and deals them anew to its sources.

    Parameters
    ----------
    labels, groups
        Of the sources, shape (s,).
    rng
        Deals them.

    Returns
    -------
    numpy.ndarray
        Shape (s,); as many groups hold each class as before.

    Examples
    --------
    >>> y = np.array([0, 0, 1, 1, 0, 1], dtype=np.int8)
    >>> g = np.array(["a", "a", "b", "b", "c", "c"])
    >>> dealt = permute_by_group(y, g, np.random.default_rng(1))
    >>> [int(dealt[g == name].sum()) for name in "abc"]
    [2, 0, 1]
    """
    _, code = np.unique(groups.astype(str), return_inverse=True)
    sizes = np.bincount(code)
    fakes = np.bincount(code, labels)
    pure = (fakes == 0) | (fakes == sizes)
    of_group = np.zeros(len(sizes), dtype=np.int8)
    of_group[pure] = rng.permutation((fakes[pure] > 0).astype(np.int8))
    dealt = of_group[code].astype(np.int8)
    for mixed in np.flatnonzero(~pure):
        here = np.flatnonzero(code == mixed)
        dealt[here] = rng.permutation(labels[here])
    return dealt
