"""``fvc lock``: sources that are set aside before anything is trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fvc.errors import DataError, MissingInputError, OptionError, StaleError, TooFewGroupsError
from fvc.tables import IndexSchema, check, read_table, write_table
from fvc.workspace import Workspace

_MIN_GROUPS = 2


@dataclass(frozen=True)
class LockReport:
    """What was locked.

    Attributes
    ----------
    document
        Numbers of sources and groups on either side, and the file.
    """

    document: dict[str, Any]
    exit_code: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Give the report in plain JSON types."""
        return self.document

    def summary(self) -> str:
        """Give the report in a few lines."""
        d = self.document
        return (
            f"{d['n_locked']} sources in {d['n_groups_locked']} groups are locked "
            f"({d['n_real_locked']} real, {d['n_fake_locked']} fake); {d['n_open']} are left to "
            f"train on: {d['file']}\n"
            "They are in no fold from now on. Score them once, at the end: "
            "`fvc evaluate MODEL --locked`"
        )


def lock_sources(
    project: Path = Path("."),
    *,
    fraction: float | None = None,
    collections: tuple[str, ...] = (),
    seed: int = 0,
) -> LockReport:
    """Set sources aside, in whole groups, before anything is trained.

    Parameters
    ----------
    project
        Folder of the project.
    fraction
        Share of the sources of each class to lock, above 0 and below 1; groups are drawn.
    collections
        Lock these collections instead, with everything that shares a group with them.
    seed
        Seed of the draw.

    Returns
    -------
    LockReport
        How many are locked and left.

    Raises
    ------
    OptionError
        Neither or both of fraction and collections, or a collection that is not there.
    MissingInputError
        There is no index.
    StaleError
        Folds were made or sources locked already.
    TooFewGroupsError
        Fewer than two groups of a class would be on either side.
    """
    if (fraction is None) == (not collections):
        raise OptionError("what is to be locked? --fraction 0.2, or --collections A B")
    if fraction is not None and not 0 < fraction < 1:
        raise OptionError(f"fraction is {fraction:g}; it lies between 0 and 1")
    workspace = Workspace(project)
    if not workspace.index_csv.is_file():
        raise MissingInputError(
            "there is no index", path=workspace.index_csv, remedy="Run `fvc setup` first"
        )
    index = check(read_table(workspace.index_csv), IndexSchema, workspace.index_csv)
    if workspace.locked.is_file():
        raise StaleError(
            "sources are locked already, and a set is locked once",
            path=workspace.locked,
            remedy="For another lock start a new project",
        )
    if workspace.folds.is_file():
        raise StaleError(
            "there are folds already: models have seen all sources, and none can be locked",
            path=workspace.folds,
            remedy="Lock before the first `fvc train`, in a project whose data/stage5 is empty",
        )
    chosen = _draw(index, fraction, seed) if fraction is not None else _named(index, collections)
    locked = index.filter(pl.col("group").is_in(sorted(chosen)))
    left = index.filter(~pl.col("group").is_in(sorted(chosen)))
    for name, side in (("locked", locked), ("left to train on", left)):
        _check_side(name, side)
    table = locked.select("source", "group", "label", "collection", "platform").sort("source")
    write_table(table, workspace.locked)
    return LockReport({
        "n_locked": len(locked),
        "n_groups_locked": locked["group"].n_unique(),
        "n_real_locked": int((locked["label"] == 0).sum()),
        "n_fake_locked": int((locked["label"] == 1).sum()),
        "n_open": len(left),
        "n_groups_open": left["group"].n_unique(),
        "fraction": fraction,
        "collections": list(collections),
        "seed": seed,
        "file": workspace.relative(workspace.locked),
    })  # fmt: skip


def _draw(index: pl.DataFrame, fraction: float, seed: int) -> set[str]:
    """Draw groups of each kind (real, fake, both) until they hold the share of its sources."""
    rng = np.random.default_rng(seed)
    by_group = (
        index.group_by("group")
        .agg(pl.len().alias("n"), kind=pl.col("label").unique().sort().cast(pl.String).str.join())
        .sort("group")
    )
    chosen: set[str] = set()
    for _, part in sorted(by_group.group_by("kind"), key=lambda item: str(item[0])):
        order = rng.permutation(len(part))
        sizes = part["n"].to_numpy()[order]
        before = np.cumsum(sizes) - sizes
        # The group in which the share falls is taken where more than half of it lies below.
        taken = before + sizes / 2 <= fraction * sizes.sum()
        chosen |= {part["group"][int(i)] for i in order[taken]}
    return chosen


def _named(index: pl.DataFrame, collections: Sequence[str]) -> set[str]:
    there = set(index["collection"].drop_nulls())
    for name in collections:
        if name not in there:
            raise OptionError(f"no collection is called {name!r}: there are {sorted(there)}")
    return set(index.filter(pl.col("collection").is_in(list(collections)))["group"])


def _check_side(name: str, side: pl.DataFrame) -> None:
    for label, word in ((0, "real"), (1, "fake")):
        n = side.filter(pl.col("label") == label)["group"].n_unique()
        if n < _MIN_GROUPS:
            raise TooFewGroupsError(
                f"{n} group(s) of {word} sources would be {name}; at least {_MIN_GROUPS} of each "
                "class are needed on both sides"
            )


def split_locked(index: pl.DataFrame, workspace: Workspace) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Divide an index into what may be trained on and what is locked.

    Parameters
    ----------
    index
        The project's index.
    workspace
        The project.

    Returns
    -------
    (polars.DataFrame, polars.DataFrame)
        Open and locked rows. Every source of a locked group is locked, those that came to the
        index since the lock too.

    Raises
    ------
    DataError
        The lock's file cannot be read.
    """
    if not workspace.locked.is_file():
        return index, index.clear()
    table = read_table(workspace.locked)
    if not {"source", "group"} <= set(table.columns):
        raise DataError(f"{workspace.locked}: columns source and group are expected")
    # By source too: set-up may have merged a locked group into one of another name.
    names = index.filter(
        pl.col("source").is_in(table["source"].implode())
        | pl.col("group").is_in(table["group"].implode())
    )["group"]
    held = pl.col("group").is_in(names.unique().implode())
    return index.filter(~held), index.filter(held)


def check_open(folds: pl.DataFrame, index: pl.DataFrame, workspace: Workspace) -> None:
    """Make sure that a split holds all open sources and no locked one.

    Raises
    ------
    StaleError
        It does not.
    """
    open_sources, locked = split_locked(index, workspace)
    there = set(folds["source"])
    seen = there & set(locked["source"])
    if seen:
        raise StaleError(
            f"{len(seen)} locked source(s) stand in the folds, such as {min(seen)!r}",
            path=workspace.folds,
            remedy="Run `fvc train --delete-existing`: it makes the folds again without them",
        )
    if there != set(open_sources["source"]):
        raise StaleError(
            "sources have been locked or unlocked since the folds were made",
            path=workspace.folds,
            remedy="Run `fvc train --delete-existing`: it makes the folds again",
        )
