"""Joining what must stay together: groups that share a member become one."""

import re
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class UnionFind(Generic[K]):
    """Disjoint sets that can be joined (Tarjan 1975), over any hashable names."""

    def __init__(self) -> None:
        self._parent: dict[K, K] = {}

    def find(self, item: K) -> K:
        """Return the item that stands for the whole set of `item`; unknown items are added."""
        parent = self._parent
        root = parent.setdefault(item, item)
        while parent[root] != root:
            root = parent[root]
        while parent[item] != root:
            parent[item], item = root, parent[item]
        return root

    def join(self, first: K, second: K) -> None:
        """Make one set of the sets of two items."""
        a, b = self.find(first), self.find(second)
        if a != b:
            self._parent[b] = a


def natural_key(name: str) -> tuple[tuple[int, int | str], ...]:
    """Sort key that puts ``f9`` before ``f10``."""
    parts = re.split(r"([0-9]+)", name)
    return tuple((0, int(p)) if p.isdecimal() and p.isascii() else (1, p) for p in parts if p)


def joined_names(links: Iterable[tuple[str, str]], names: Iterable[str]) -> dict[str, str]:
    """Name of the joined group of each group.

    Parameters
    ----------
    links
        Pairs of groups that share a video.
    names
        All groups.

    Returns
    -------
    dict
        Group → joined group, which is called by its members, ``f138+f139+f140``; a group that
        nothing was joined to keeps its name.
    """
    union: UnionFind[str] = UnionFind()
    for name in names:
        union.find(name)
    for first, second in links:
        union.join(first, second)
    members: dict[str, list[str]] = {}
    for name in list(union._parent):
        members.setdefault(union.find(name), []).append(name)
    called = {root: _called(group) for root, group in members.items()}
    return {name: called[union.find(name)] for name in list(union._parent)}


def _called(group: list[str]) -> str:
    ordered = sorted(group, key=natural_key)
    if len(ordered) <= 6:
        return "+".join(ordered)
    return "+".join(ordered[:5]) + f"+{len(ordered) - 5}more"
