"""The table of near-duplicate pairs, and what it means for the groups of the index as it is now."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from fvc.dataset.hash_match import Match
from fvc.dataset.hash_schema import PairSchema
from fvc.dataset.hash_stage import HashedSource
from fvc.tables import check, read_table, write_table
from fvc.workspace import Workspace

COMPARED = "compared"
"""Status of a source that was compared with all others."""

FLAT = "no_detail"
"""Status of a source whose frames are all too flat for a hash to mean anything."""

FAILED = "failed"
"""Status of a source that could not be read; the reason is in ``failures.csv``."""

_SHOWN_TIMES = 4


def make_pairs(
    found: Mapping[tuple[int, int], Match], hashed: Sequence[HashedSource], index: pl.DataFrame
) -> pl.DataFrame:
    """Make the table of pairs.

    Parameters
    ----------
    found
        Positions of two sources in `hashed` → how they match.
    hashed
        The sources.
    index
        With ``source``, ``group`` and ``label``.

    Returns
    -------
    polars.DataFrame
        In the form of `PairSchema`: across groups first, then by the share of matching frames and
        the distance.
    """
    known = {row[0]: row[1:] for row in index.select("source", "group", "label").iter_rows()}
    rows = []
    for (i, j), match in found.items():
        a, b = hashed[i], hashed[j]
        (group_a, label_a), (group_b, label_b) = known[a.source], known[b.source]
        shown = _spread(match.frame_pairs, _SHOWN_TIMES)
        rows.append(
            {
                "source_a": a.source,
                "source_b": b.source,
                "path_a": a.video_path,
                "path_b": b.video_path,
                "group_a": group_a,
                "group_b": group_b,
                "same_group": group_a == group_b,
                "label_a": label_a,
                "label_b": label_b,
                "matching_frames": match.matching_frames,
                "frames": match.frames,
                "distance": match.distance,
                "transform": match.transform,
                "times_a": json.dumps([a.times[x] for x, _ in shown]),
                "times_b": json.dumps([b.times[y] for _, y in shown]),
            }
        )
    frame = pl.DataFrame(rows, schema=PairSchema.create_empty().schema)
    share = pl.col("matching_frames") / pl.col("frames")
    return frame.sort("same_group", -share, "distance", "source_a", "source_b")


def _spread(pairs: Sequence[tuple[int, int]], number: int) -> list[tuple[int, int]]:
    """Choose some of the matching frames, from early to late in the first video."""
    ordered = sorted(pairs)
    if len(ordered) <= number:
        return ordered
    return [ordered[round(i * (len(ordered) - 1) / (number - 1))] for i in range(number)]


def list_sources(hashed: Sequence[HashedSource], index: pl.DataFrame) -> pl.DataFrame:
    """Say of each source of the index whether it was compared with the others.

    Returns
    -------
    polars.DataFrame
        ``source``, ``status`` (`COMPARED`, `FLAT` or `FAILED`), ``frames``, ``voting_frames``.
    """
    votes = {item.source: item.hashes.votes for item in hashed}
    rows = []
    for source in index["source"]:
        found = votes.get(source)
        if found is None:
            rows.append((source, FAILED, 0, 0))
        else:
            voting = int(found.sum())
            rows.append((source, COMPARED if voting else FLAT, len(found), voting))
    schema = {"source": pl.String, "status": pl.String, "frames": pl.Int32}
    return pl.DataFrame(rows, schema={**schema, "voting_frames": pl.Int32}, orient="row")


def write_both(frame: pl.DataFrame, path: Path) -> None:
    """Write a table as Parquet, and as CSV beside it.

    Raises
    ------
    OutputError
        The disk is full, read-only or forbidden.
    """
    write_table(frame, path.with_suffix(".csv"))
    write_table(frame, path)


def read_pairs(workspace: Workspace) -> pl.DataFrame | None:
    """Read the table of pairs; None where near-duplicates have not been looked for.

    Raises
    ------
    TableError
        The table has wrong columns or values.
    """
    path = workspace.duplicate_pairs
    return check(read_table(path), PairSchema, path) if path.is_file() else None


@dataclass(frozen=True)
class Duplicates:
    """What the last search says about an index.

    Attributes
    ----------
    searched
        Whether there was one.
    across
        Pairs of sources of the index that are near-duplicates and stand in different groups.
    opposed
        How many of these have different labels.
    not_searched
        Sources of the index that the search has not seen or could not hash.
    """

    searched: bool
    across: int = 0
    opposed: int = 0
    not_searched: int = 0

    def warning(self) -> str | None:
        """Say what is to be done before training, or None where all is well."""
        if not self.searched:
            return (
                "near-duplicates across groups have not been looked for: copies on both sides of "
                "a split raise scores. `fvc duplicates` looks for them, `fvc duplicates --merge` "
                "joins their groups"
            )
        parts = []
        if self.across:
            parts.append(
                f"{self.across} pair(s) of near-duplicates stand in different groups, "
                f"{self.opposed} of them with different labels: scores may be memory. "
                "Look at data/duplicates/sheet.html; `fvc duplicates --merge` joins their groups"
            )
        if self.not_searched:
            parts.append(
                f"{self.not_searched} source(s) have not been compared with the others: "
                "run `fvc duplicates`"
            )
        return "; ".join(parts) or None


def duplicates_of(workspace: Workspace, index: pl.DataFrame) -> Duplicates:
    """Say what the last search for near-duplicates means for an index.

    Parameters
    ----------
    workspace
        The project.
    index
        The index as it is now: groups may have been merged since the search.

    Returns
    -------
    Duplicates
        Counts, and the words of a warning.
    """
    pairs = read_pairs(workspace)
    if pairs is None or not workspace.duplicate_sources.is_file():
        return Duplicates(searched=False)
    seen = read_table(workspace.duplicate_sources)
    compared = set(seen.filter(pl.col("status") != FAILED)["source"])
    now = index.select("source", "group", "label")
    joined = (
        pairs.select("source_a", "source_b")
        .join(now, left_on="source_a", right_on="source")
        .join(now, left_on="source_b", right_on="source", suffix="_b")
        .filter(pl.col("group") != pl.col("group_b"))
    )
    return Duplicates(
        searched=True,
        across=joined.height,
        opposed=joined.filter(pl.col("label") != pl.col("label_b")).height,
        not_searched=sum(source not in compared for source in index["source"]),
    )
