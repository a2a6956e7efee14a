"""Three ways to split; labels dealt anew keep groups and class counts."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fvc.audit.schemes import deal_rows, permute_by_group
from fvc.errors import TooFewGroupsError


@pytest.mark.parametrize(
    ("scheme", "torn"), [("grouped", (0, 0)), ("source-wise", (0, 1)), ("row-wise", (1, 1))]
)
def test_each_scheme_tears_what_it_says(make_clips: Any, scheme: Any, torn: Any) -> None:
    table = make_clips()
    labels, groups = table.labels, table.groups
    fold = deal_rows(scheme, table.source, labels, groups, n_splits=5, seed=(0, 0))
    assert set(fold) == set(range(5))

    def in_several(name: Any) -> bool:
        return any(len(set(fold[name == value])) > 1 for value in np.unique(name))

    assert (in_several(table.source), in_several(groups[table.source])) == torn
    for k in range(5):
        assert labels[table.source][fold == k].mean() == pytest.approx(0.5, abs=0.15)
    again = deal_rows(scheme, table.source, labels, groups, n_splits=5, seed=(0, 0))
    other = deal_rows(scheme, table.source, labels, groups, n_splits=5, seed=(0, 1))
    assert (fold == again).all()
    assert (fold != other).any()


def test_too_few_groups_are_refused(make_clips: Any) -> None:
    table = make_clips(groups=6)
    with pytest.raises(TooFewGroupsError):
        deal_rows("grouped", table.source, table.labels, table.groups, n_splits=5, seed=(0,))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=4), min_size=1, max_size=12),
    st.integers(0, 2**32 - 1),
)
def test_permuting_keeps_what_groups_are(kinds: list[list[int]], seed: int) -> None:
    labels = np.array([y for kind in kinds for y in kind], dtype=np.int8)
    groups = np.array([f"g{i}" for i, kind in enumerate(kinds) for _ in kind], dtype=object)
    dealt = permute_by_group(labels, groups, np.random.default_rng(seed))
    before = [sorted(kind) for kind in kinds]
    after = [sorted(dealt[groups == f"g{i}"].tolist()) for i in range(len(kinds))]
    for old, new in zip(before, after, strict=True):
        assert (len(set(old)) == 2) == (len(set(new)) == 2)
        if len(set(old)) == 2:
            assert old == new
    pure = [i for i, old in enumerate(before) if len(set(old)) == 1]
    assert sum(before[i][0] for i in pure) == sum(after[i][0] for i in pure)


def test_permuted_labels_have_nothing_to_do_with_the_true_ones() -> None:
    labels = np.repeat([0, 1], 100).astype(np.int8)
    groups = np.array([f"g{i // 2}" for i in range(200)], dtype=object)
    agree = [
        (permute_by_group(labels, groups, np.random.default_rng(s)) == labels).mean()
        for s in range(200)
    ]
    assert np.mean(agree) == pytest.approx(0.5, abs=0.02)
