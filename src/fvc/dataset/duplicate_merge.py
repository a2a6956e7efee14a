"""Groups joined across near-duplicates, written into the index."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from fvc.dataset.groups import joined_names
from fvc.dataset.index import write_index
from fvc.stages.locks import PartLock
from fvc.stages.options import Part
from fvc.tables import IndexSchema, check, find_table, read_table
from fvc.workspace import Workspace

GROUP_SOURCE = "near-duplicate"
"""What ``group_source`` says of a source whose group was joined to another by this search."""


@dataclass(frozen=True)
class Merged:
    """What joining groups did.

    Attributes
    ----------
    groups
        New group → the groups that it was made of.
    sources
        How many sources changed their group.
    mixed
        How many of the new groups hold both classes.
    """

    groups: dict[str, tuple[str, ...]]
    sources: int
    mixed: int


def read_index(workspace: Workspace) -> pl.DataFrame:
    """Read the index with what its columns hold beyond the schema as text, as it was written.

    Raises
    ------
    TableError
        It has wrong columns or values.
    """
    path = workspace.index_csv
    frame = check(read_table(path), IndexSchema, path)
    further = [name for name in frame.columns if name not in IndexSchema.column_names()]
    if not further:
        return frame
    # As text "007" stays what it is, and so does the index's JSON twin.
    text = pl.read_csv(path, infer_schema=False, columns=further)
    return frame.with_columns(text[name] for name in further)


def merge_groups(
    index: pl.DataFrame, links: Iterable[tuple[str, str]]
) -> tuple[pl.DataFrame, Merged]:
    """Join groups of an index.

    Parameters
    ----------
    index
        With ``group``, ``group_source`` and ``label``.
    links
        Pairs of groups that hold near-duplicates of one another.

    Returns
    -------
    index : polars.DataFrame
        With joined groups, called by their members as in ``f1+f7``.
    merged : Merged
        What changed.
    """
    groups = index["group"].unique(maintain_order=True).to_list()
    names = joined_names(links, groups)
    made: dict[str, list[str]] = {}
    for old in groups:
        if names[old] != old:
            made.setdefault(names[old], []).append(old)
    changed = pl.col("group").is_in([old for olds in made.values() for old in olds])
    result = index.with_columns(
        group_source=pl.when(changed).then(pl.lit(GROUP_SOURCE)).otherwise(pl.col("group_source")),
        group=pl.col("group").replace(names),
    )
    labels = result.filter(pl.col("group").is_in(list(made))).group_by("group")
    return result, Merged(
        groups={new: tuple(olds) for new, olds in made.items()},
        sources=index.filter(changed).height,
        mixed=labels.agg(n=pl.col("label").n_unique()).filter(pl.col("n") > 1).height,
    )


def write_merged(index: pl.DataFrame, workspace: Workspace) -> None:
    """Write an index with joined groups as CSV and JSON.

    Raises
    ------
    OutputError
        The disk is full, read-only or forbidden.
    """
    write_index(index.to_dicts(), workspace)


@contextlib.contextmanager
def index_held(workspace: Workspace) -> Iterator[None]:
    """Keep ``fvc setup`` and other merges from writing the index meanwhile.

    Raises
    ------
    LockedError
        One of them is at work.
    """
    lock = PartLock(workspace.setup_lock, Part(), "setup")
    with lock.gate():
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def stale_after(workspace: Workspace) -> list[str]:
    """Say what was made from the groups as they were before, and what makes it anew."""
    lines: list[str] = []
    if workspace.folds.is_file():
        lines.append(
            f"{workspace.relative(workspace.folds)} and all results made with it were split by the "
            "old groups: `fvc train --delete-existing` makes them anew"
        )
    carrying = [files for files in workspace.stages if find_table(files) is not None]
    if carrying:
        commands = ", ".join(f"`fvc {files.command}`" for files in carrying)
        lines.append(
            f"the tables of {commands} name the old groups; training does not read them there. "
            "Run again, these stages redo the sources whose groups changed"
        )
    return lines


def describe(merged: Merged) -> dict[str, Any]:
    """Give what joining groups did in plain JSON types."""
    return {
        "groups": {new: list(olds) for new, olds in merged.groups.items()},
        "sources": merged.sources,
        "mixed": merged.mixed,
    }
