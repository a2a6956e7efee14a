"""Grouped folds: whole groups, every source tested once, both classes everywhere, balance."""

import itertools
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from fvc.errors import DataError, LeakageError, OptionError, TooFewGroupsError
from fvc.evaluation import GroupedStratifiedKFold, check_no_leakage


def problem(rng: np.random.Generator, n_groups: int, mixed: float = 0.1) -> tuple[Any, Any]:
    groups = np.repeat(np.arange(n_groups), rng.geometric(0.4, n_groups))
    label = (rng.random(n_groups) < 0.45)[groups]
    return np.where(rng.random(len(groups)) < mixed, ~label, label).astype(int), groups


def imbalance(y: Any, fold: Any, n_splits: int) -> float:
    shares = [[(y[fold == k] == c).sum() / (y == c).sum() for c in (0, 1)] for k in range(n_splits)]
    return float(((np.array(shares) - 1 / n_splits) ** 2).sum())


rows = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 1)), min_size=4, max_size=60)


@settings(deadline=None, max_examples=80)
@given(rows, st.integers(2, 5), st.integers(0, 3), st.randoms(use_true_random=False))
def test_folds_keep_their_promises_or_say_why_not(
    rows: list[tuple[int, int]], n_splits: int, seed: int, random: Any
) -> None:
    groups = np.array([f"g{g}" for g, _ in rows])
    y = np.array([label for _, label in rows])
    holding = [len(set(groups[y == c])) for c in (0, 1)]
    splitter = GroupedStratifiedKFold(n_splits, random_state=seed)
    if min(holding) < n_splits:
        with pytest.raises(TooFewGroupsError) as error:
            splitter.assign(y, groups)
        assert f"{holding[0]} group(s) with real and {holding[1]} with fake" in str(error.value)
        if min(holding) >= 2:
            assert f"use --n-splits {min(holding)}" in str(error.value)
            GroupedStratifiedKFold(min(holding)).assign(y, groups)
        return
    tested: list[int] = []
    for train, test in splitter.split(None, y, groups):
        assert not set(groups[train]) & set(groups[test])
        assert sorted([*train, *test]) == list(range(len(y)))
        assert set(y[train]) == set(y[test]) == {0, 1}
        tested += list(test)
    assert sorted(tested) == list(range(len(y)))

    order = list(range(len(y)))
    random.shuffle(order)
    np.testing.assert_array_equal(
        splitter.assign(y[order], groups[order]), splitter.assign(y, groups)[order]
    )


@pytest.mark.parametrize(
    ("n_splits", "sizes"),
    [
        (5, [(1, 1), (1, 1), (1, 3), (6, 5), (1, 5), (7, 0)]),
        (3, [(0, 3), (1, 2), (7, 0), (1, 2), (0, 3)]),
        (4, [(2, 1), (0, 1), (1, 1), (1, 2), (6, 3), (0, 4)]),
        (3, [(60, 0), (5, 1), (5, 1), (1, 9), (1, 9), (0, 1)]),
    ],
)
def test_no_fold_lacks_a_class_where_balance_alone_would_leave_one_out(
    n_splits: int, sizes: list[tuple[int, int]]
) -> None:
    y = np.concatenate([[0] * a + [1] * b for a, b in sizes])
    groups = np.repeat(np.arange(len(sizes)), [a + b for a, b in sizes])
    for seed in range(5):
        fold = GroupedStratifiedKFold(n_splits, random_state=seed).assign(y, groups)
        assert all(set(y[fold == k]) == {0, 1} for k in range(n_splits))


def test_balance_is_near_the_optimum_of_all_assignments() -> None:
    rng = np.random.default_rng(3)
    ratios = []
    for _ in range(25):
        y, groups = problem(rng, 7, mixed=0.3)
        _, groups = np.unique(groups, return_inverse=True)
        n_groups = groups.max() + 1
        try:
            own = imbalance(y, GroupedStratifiedKFold(3).assign(y, groups), 3)
        except TooFewGroupsError:
            continue
        possible = []
        for each in itertools.product(range(3), repeat=n_groups - 1):
            fold = np.array([0, *each])[groups]
            if all(set(y[fold == k]) == {0, 1} for k in range(3)):
                possible.append(imbalance(y, fold, 3))
        ratios.append((own + 1e-6) / (min(possible) + 1e-6))
    assert len(ratios) >= 10
    assert np.median(ratios) < 1.05
    assert max(ratios) < 1.6


def test_balance_beats_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    own, theirs = [], []
    for seed in range(12):
        y, groups = problem(rng, 80)
        own.append(imbalance(y, GroupedStratifiedKFold(5, random_state=seed).assign(y, groups), 5))
        fold = np.empty(len(y), dtype=int)
        splitter = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        for k, (_, test) in enumerate(splitter.split(y, y, groups)):
            fold[test] = k
        theirs.append(imbalance(y, fold, 5))
    assert np.mean(own) < 0.8 * np.mean(theirs)


def test_single_sources_are_split_to_the_last_one() -> None:
    y = np.array([0] * 52 + [1] * 43)
    fold = GroupedStratifiedKFold(5).assign(y, np.arange(95))
    for c, total in ((0, 52), (1, 43)):
        sizes = np.bincount(fold[y == c], minlength=5)
        assert set(sizes) <= {total // 5, total // 5 + 1}


def test_a_seed_repeats_and_another_differs() -> None:
    y, groups = problem(np.random.default_rng(1), 40)
    first, again, other = (
        GroupedStratifiedKFold(4, random_state=s).assign(y, groups) for s in (7, 7, 8)
    )
    np.testing.assert_array_equal(first, again)
    together = [f[:, None] == f[None, :] for f in (first, other)]
    assert (together[0] != together[1]).mean() > 0.1


def test_groups_of_one_kind_are_dealt_at_random() -> None:
    y = np.arange(60) % 2
    first, other = (
        GroupedStratifiedKFold(5, random_state=s).assign(y, np.arange(60)) for s in (0, 1)
    )
    partners = [{i for i in range(60) if fold[i] == fold[0]} for fold in (first, other)]
    assert len(partners[0] & partners[1]) < 9


@pytest.mark.slow
def test_a_million_rows_in_a_hundred_thousand_groups() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 100_000, 1_000_000)
    y = (rng.random(100_000) < 0.4)[groups].astype(int)
    y = np.where(rng.random(len(y)) < 0.1, 1 - y, y)
    fold = GroupedStratifiedKFold(5).assign(y, groups)
    assert imbalance(y, fold, 5) < 1e-8


def test_it_works_where_scikit_learn_takes_a_splitter() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score

    rng = np.random.default_rng(0)
    y, groups = problem(rng, 30)
    scores = cross_val_score(
        LogisticRegression(), rng.normal(size=(len(y), 2)), y, groups=groups,
        cv=GroupedStratifiedKFold(3),
    )  # fmt: skip
    assert len(scores) == 3


def test_wrong_inputs_are_named() -> None:
    with pytest.raises(OptionError, match="n_splits is 1"):
        GroupedStratifiedKFold(1)
    splitter = GroupedStratifiedKFold(2)
    with pytest.raises(DataError, match="no group"):
        splitter.assign([0, 1, 0, 1], ["a", None, "b", "c"])
    with pytest.raises(DataError, match="labels are 0"):
        splitter.assign([0, 2, 0, 1], ["a", "d", "b", "c"])
    with pytest.raises(DataError, match="one of each"):
        splitter.assign([0, 1], ["a", "d", "b"])
    with pytest.raises(TooFewGroupsError, match="at least 2 groups"):
        splitter.assign([], [])


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 20)), st.lists(st.integers(0, 20)))
def test_leakage_is_found_exactly_when_a_group_is_shared(a: list[int], b: list[int]) -> None:
    shared = set(a) & set(b)
    if shared:
        with pytest.raises(LeakageError) as error:
            check_no_leakage(np.array(a), pl.Series(b), where="svm, fold 3")
        assert set(error.value.groups) == {str(g) for g in shared}
        assert "svm, fold 3" in str(error.value)
    else:
        check_no_leakage(np.array(a), pl.Series(b, dtype=pl.Int64), where="svm, fold 3")


def test_a_row_without_a_group_proves_nothing() -> None:
    with pytest.raises(DataError, match="no group"):
        check_no_leakage(["a", None], ["b"], where="fold 0")


def test_the_leak_of_row_wise_folds_is_caught() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 5)
    rows = rng.permutation(100)
    shared = set(groups[rows[:80]]) & set(groups[rows[80:]])
    assert shared
    with pytest.raises(LeakageError, match="measure memory"):
        check_no_leakage(groups[rows[:80]], groups[rows[80:]], where="row-wise")
