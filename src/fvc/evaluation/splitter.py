"""Folds of whole groups, stratified by label, and the check that a split leaks nothing."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fvc.errors import DataError, LeakageError, OptionError, TooFewGroupsError
from fvc.evaluation.assignment import assign_types

Array = npt.NDArray[Any]


class GroupedStratifiedKFold:
    """Cross-validation with whole groups whose folds resemble each other in size and class share.

    Groups may hold both labels. Rows are first counted by group and label; groups with the same
    counts are interchangeable, so the search for balanced folds works on kinds of groups, and the
    groups of a kind are then dealt at random. The result depends on the groups and their counts,
    not on the order of the rows. Works wherever scikit-learn takes a splitter.

    Parameters
    ----------
    n_splits
        Number of folds, at least 2.
    random_state
        Seed, or a sequence of seeds; another seed deals the groups differently.

    Notes
    -----
    What is minimised is the sum over folds and classes of the squared difference between a fold's
    share of a class and ``1 / n_splits``; a fold that lacks a class in its test side is never
    accepted.

    Examples
    --------
    >>> y = [0, 0, 1, 1, 0, 1, 0, 1]
    >>> groups = ["a", "a", "b", "b", "c", "d", "e", "e"]
    >>> splitter = GroupedStratifiedKFold(2, random_state=1)
    >>> [sorted({groups[i] for i in test}) for _, test in splitter.split(y, y, groups)]
    [['a', 'b'], ['c', 'd', 'e']]
    """

    def __init__(self, n_splits: int = 5, *, random_state: int | Sequence[int] = 0) -> None:
        if n_splits < 2:
            raise OptionError(f"n_splits is {n_splits}; a split needs at least 2 folds")
        self.n_splits = n_splits
        self.random_state = random_state

    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:
        """Return the number of folds; the arguments are there for scikit-learn."""
        return self.n_splits

    def split(self, X: object, y: Any, groups: Any) -> Iterator[tuple[Array, Array]]:
        """Yield row numbers of the training and of the test side of each fold.

        Parameters
        ----------
        X
            Not looked at.
        y
            Labels, shape (n,): 0 real, 1 fake.
        groups
            Groups, shape (n,): strings or integers, none missing.

        Raises
        ------
        TooFewGroupsError
            Not every fold can hold both classes.
        """
        fold = self.assign(y, groups)
        for k in range(self.n_splits):
            yield np.flatnonzero(fold != k), np.flatnonzero(fold == k)

    def assign(self, y: Any, groups: Any) -> npt.NDArray[np.int32]:
        """Return the fold in which each row is tested, shape (n,), 0 … n_splits − 1.

        Parameters and errors are those of `split`.
        """
        labels = np.asarray(y)
        codes = _group_codes(groups)
        if labels.shape != codes.shape or labels.ndim != 1:
            raise DataError(f"{labels.shape} labels and {codes.shape} groups: one of each a row")
        if not np.isin(labels, (0, 1)).all():
            raise DataError("labels are 0 (real) or 1 (fake)")
        labels = labels.astype(np.int64)
        n_groups = int(codes.max(initial=-1)) + 1
        counts = np.bincount(codes * 2 + labels, minlength=2 * n_groups).reshape(n_groups, 2)
        self._check_possible(counts)
        rng = np.random.default_rng(self.random_state)
        types, type_of_group = np.unique(counts, axis=0, return_inverse=True)
        sizes = np.bincount(type_of_group, minlength=len(types))
        dealt = assign_types(types, sizes, self.n_splits, rng)
        return _deal(type_of_group.reshape(-1), dealt, rng)[codes]

    def _check_possible(self, counts: Array) -> None:
        holding = (counts > 0).sum(axis=0)
        possible = int(holding.min()) if len(counts) else 0
        if possible >= self.n_splits:
            return
        found = f"{holding[0]} group(s) with real and {holding[1]} with fake sources"
        remedy = (
            f"use --n-splits {possible}"
            if possible >= 2
            else "at least 2 groups of each class are needed to split at all"
        )
        raise TooFewGroupsError(
            f"{self.n_splits} folds need {self.n_splits} groups of each class, so that both are on "
            f"both sides of every fold; there are {found}: {remedy}"
        )


def _group_codes(groups: Any) -> npt.NDArray[np.int64]:
    series = groups if isinstance(groups, pl.Series) else pl.Series(np.asarray(groups).tolist())
    if series.null_count() or (series.dtype.is_float() and series.is_nan().any()):
        raise DataError(f"{series.null_count()} row(s) have no group; every source has one")
    if not len(series):
        return np.zeros(0, dtype=np.int64)
    return series.rank("dense").to_numpy().astype(np.int64) - 1


def _deal(
    type_of_group: npt.NDArray[np.intp],
    dealt: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> npt.NDArray[np.int32]:
    """Deal the groups of each type to the folds at random, `dealt[type, fold]` of them to each."""
    n_folds = dealt.shape[1]
    folds = np.repeat(np.tile(np.arange(n_folds), len(dealt)), dealt.reshape(-1))
    order = np.lexsort((rng.random(len(type_of_group)), type_of_group))
    fold_of_group = np.empty(len(type_of_group), dtype=np.int32)
    fold_of_group[order] = folds
    return fold_of_group


def check_no_leakage(train_groups: Any, test_groups: Any, *, where: str) -> None:
    """Make sure that no group stands on both sides of a split.

    Parameters
    ----------
    train_groups, test_groups
        Groups of the rows of each side: sequences, arrays or Polars series.
    where
        What is being split, for the message, such as ``"svm, fold 3"``.

    Raises
    ------
    LeakageError
        A group stands on both sides; the error names it.
    DataError
        A row has no group, so that nothing can be said.

    Examples
    --------
    >>> check_no_leakage(["a", "b"], ["c"], where="fold 0")
    """
    train, test = ({*_plain(groups)} for groups in (train_groups, test_groups))
    if None in train or None in test:
        raise DataError(f"{where}: a row has no group; every source has one")
    shared = train & test
    if shared:
        raise LeakageError(sorted(str(group) for group in shared), where)


def _plain(groups: Any) -> list[Any]:
    if isinstance(groups, pl.Series):
        return groups.unique().to_list()
    if isinstance(groups, np.ndarray):
        return groups.tolist()  # type: ignore[no-any-return]
    return list(groups)
