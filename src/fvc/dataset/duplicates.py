"""Near-duplicates across groups: hash every source, find pairs, show them, join their groups."""

import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from fvc.dataset.duplicate_merge import (
    Merged,
    describe,
    index_held,
    merge_groups,
    read_index,
    stale_after,
    write_merged,
)
from fvc.dataset.duplicate_pairs import FLAT, list_sources, make_pairs, write_both
from fvc.dataset.duplicate_sheet import Shot, make_sheet, take_pictures
from fvc.dataset.hash_match import find_matches
from fvc.dataset.hash_stage import STAGE_NAME, hash_sources, read_hashes
from fvc.engines import create_engine, default_workers
from fvc.errors import MissingInputError, OptionError
from fvc.stages import RunOptions, StageReport
from fvc.stages.progress import display
from fvc.tables import atomic_write, write_json_atomic
from fvc.workspace import Workspace

_LOG = logging.getLogger("fvc.dataset")
_SHOWN_GROUPS = 10
_FORGOTTEN = ("pairs.parquet", "pairs.csv", "sources.parquet", "sources.csv", "sheet.html",
              "duplicates.json")  # fmt: skip


@dataclass(frozen=True)
class DuplicatesReport:
    """What a search for near-duplicates found and did.

    Attributes
    ----------
    hashing
        What was hashed and what failed.
    n_sources, n_flat
        Sources of the index; those of which no frame has enough detail to be compared.
    n_pairs, n_across, n_opposed
        Pairs found; those whose groups differ (before a merge); those of the latter whose labels
        differ.
    merged
        The groups that were joined, where that was asked for.
    stale
        What was made from the groups as they were, in words.
    pairs, sheet
        The files, or None where other parts are still to be hashed.
    """

    hashing: StageReport
    n_sources: int
    n_flat: int = 0
    n_pairs: int = 0
    n_across: int = 0
    n_opposed: int = 0
    merged: Merged | None = None
    stale: tuple[str, ...] = ()
    pairs: Path | None = None
    sheet: Path | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0, or 5 where some sources could not be hashed."""
        return self.hashing.exit_code

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain JSON types."""
        return {
            "n_sources": self.n_sources,
            "n_flat": self.n_flat,
            "n_failed": self.hashing.failed,
            "n_pairs": self.n_pairs,
            "n_across": self.n_across,
            "n_opposed": self.n_opposed,
            "merged": describe(self.merged) if self.merged else None,
            "stale": list(self.stale),
            "pairs": self.pairs.as_posix() if self.pairs else None,
            "sheet": self.sheet.as_posix() if self.sheet else None,
            "settings": self.settings,
            "hashing": self.hashing.to_dict(),
            "exit_code": self.exit_code,
        }

    def summary(self) -> str:
        """Give the report in a few lines for people."""
        if self.pairs is None:
            return self.hashing.summary()
        lines = [
            f"{self.n_pairs} pair(s) of near-duplicates among {self.n_sources} sources, "
            f"{self.n_across} of them across groups"
            + (f" ({self.n_opposed} with different labels)" if self.n_across else "")
        ]
        if self.n_flat:
            lines.append(f"{self.n_flat} source(s) are too flat to be compared")
        if self.hashing.failed:
            lines.append(
                f"{self.hashing.failed} source(s) could not be read: see data/failures.csv"
            )
        if self.merged is not None:
            lines += self._merged_lines(self.merged)
        elif self.n_across:
            lines.append("look at the sheet; `fvc duplicates --merge` joins their groups")
        lines.append(f"pairs: {self.pairs}")
        lines.append(f"pictures: {self.sheet}")
        return "\n".join(lines)

    def _merged_lines(self, merged: Merged) -> list[str]:
        if not merged.groups:
            return ["no groups had to be joined"]
        lines = [
            f"{sum(map(len, merged.groups.values()))} groups became {len(merged.groups)} "
            f"({merged.sources} sources; {merged.mixed} of the new groups hold both classes):"
        ]
        lines += [
            f"  {new}: {len(olds)} groups"
            for new, olds in list(merged.groups.items())[:_SHOWN_GROUPS]
        ]
        if len(merged.groups) > _SHOWN_GROUPS:
            lines.append(f"  and {len(merged.groups) - _SHOWN_GROUPS} more")
        return lines + [f"now stale: {line}" for line in self.stale]


def find_duplicates(
    project: Path = Path("."),
    *,
    threshold: int = 64,
    min_share: float = 0.4,
    num_frames: int = 12,
    sheet_pairs: int = 100,
    merge: bool = False,
    run: RunOptions = RunOptions(),
) -> DuplicatesReport:
    """Find sources that show the same footage, and join their groups if asked to.

    Copies are found though they were encoded again, scaled, framed, letterboxed, mirrored, cropped
    by up to a tenth, captioned, or cut. Writes ``data/duplicates/pairs.parquet`` and ``.csv``, and
    ``sheet.html`` with pictures of the pairs.

    Parameters
    ----------
    project
        The project's folder, in which `fvc setup` has run.
    threshold
        Bits of 256 that may differ between the hashes of matching frames, 0 to 96.
    min_share
        Part of one video's frames that must match frames of the other, above 0 and up to 1.
    num_frames
        Frames hashed of each source, uniformly spread.
    sheet_pairs
        Pairs shown in the sheet; those across groups first.
    merge
        Join the groups of near-duplicates in the index.
    run
        How the work is run; hashes are kept, and made again only where a file has changed.

    Returns
    -------
    DuplicatesReport
        What was found, joined, and became stale.

    Raises
    ------
    OptionError
        A number out of range.
    MissingInputError
        There is no index.
    NothingLeftError
        No source could be hashed.
    LockedError
        Another process sets up or searches this project.
    OutputError
        The disk is full, read-only or forbidden.

    References
    ----------
    Facebook (2019), "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm".

    Examples
    --------
    >>> report = find_duplicates(Path("project"), merge=True)  # doctest: +SKIP
    """
    _check(threshold, min_share, num_frames, sheet_pairs)
    workspace = Workspace(project)
    if not workspace.index_csv.is_file():
        raise MissingInputError(
            "the index of sources is missing",
            path=workspace.index_csv,
            remedy="Run `fvc setup` first",
        )
    settings = {"threshold": threshold, "min_share": min_share, "num_frames": num_frames}
    with ExitStack() as stack:
        if merge:
            stack.enter_context(index_held(workspace))
        index = read_index(workspace)
        hashing = hash_sources(workspace, index, num_frames=num_frames, run=run)
        if hashing.table is None:
            _forget(workspace)
            return DuplicatesReport(hashing, index.height, settings=settings)
        hashed = read_hashes(hashing.table)
        workers = run.workers or default_workers()
        with display("compare", quiet=run.quiet) as shown:
            found = find_matches(
                [item.hashes for item in hashed],
                threshold=threshold,
                min_share=min_share,
                workers=workers,
                on_step=lambda done, all_: shown.update(finished=done, failed=0, expected=all_),
            )
        before = make_pairs(found, hashed, index)
        across = before.filter(~pl.col("same_group"))
        pairs, merged, stale = before, None, []
        if merge:
            links = across.select("group_a", "group_b").iter_rows()
            changed, merged = merge_groups(index, links)
            if merged.groups:
                stale = stale_after(workspace)
                write_merged(changed, workspace)
                pairs = make_pairs(found, hashed, changed)
        sources = list_sources(hashed, index)
        write_both(pairs, workspace.duplicate_pairs)
        write_both(sources, workspace.duplicate_sources)
    _write_sheet(pairs if merged is None else before, workspace, sheet_pairs, merged, run)
    report = DuplicatesReport(
        hashing=hashing,
        n_sources=index.height,
        n_flat=sources.filter(pl.col("status") == FLAT).height,
        n_pairs=before.height,
        n_across=across.height,
        n_opposed=across.filter(pl.col("label_a") != pl.col("label_b")).height,
        merged=merged,
        stale=tuple(stale),
        pairs=workspace.duplicate_pairs,
        sheet=workspace.duplicate_sheet,
        settings=settings,
    )
    write_json_atomic(workspace.duplicate_report, report.to_dict())
    _LOG.debug("%s", report.summary())
    return report


def _check(threshold: int, min_share: float, num_frames: int, sheet_pairs: int) -> None:
    if not 0 <= threshold <= 96:
        raise OptionError(
            f"threshold must be 0 to 96, not {threshold}: unrelated pictures differ by about 128"
        )
    if not 0 < min_share <= 1:
        raise OptionError(f"min_share must be above 0 and at most 1, not {min_share}")
    if num_frames < 1:
        raise OptionError(f"num_frames must be 1 or more, not {num_frames}")
    if sheet_pairs < 0:
        raise OptionError(f"sheet_pairs must be 0 or more, not {sheet_pairs}")


def _forget(workspace: Workspace) -> None:
    """Remove the results of a search over sources that have changed since."""
    for name in _FORGOTTEN:
        (workspace.duplicates.folder / name).unlink(missing_ok=True)


def _write_sheet(
    pairs: pl.DataFrame,
    workspace: Workspace,
    number: int,
    merged: Merged | None,
    run: RunOptions,
) -> None:
    rows = [dict(row) for row in _shown(pairs.head(number), workspace)]
    shots = list(dict.fromkeys(row[f"shot_{side}"] for row in rows for side in "ab"))
    pictures: dict[Shot, list[bytes]] = {}
    engine = create_engine(
        run.engine,
        workers=run.workers,
        stall_seconds=run.stall_seconds,
        memory_limit_mib=run.memory_limit_mib,
        scheduler=run.scheduler,
        folder=workspace.root,
    )
    if shots:
        with display("pictures", quiet=run.quiet) as shown:
            for outcome in engine.submit(take_pictures, shots):
                # A picture that cannot be taken is said so in its place on the sheet.
                pictures[outcome.unit] = outcome.value or []
                shown.update(finished=len(pictures), failed=0, expected=len(shots))
    across = pairs.filter(~pl.col("same_group")).height
    notes = ["Left: source, label and file. Each row shows frames that match those below it."]
    if len(rows) < pairs.height:
        notes.append(f"The first {len(rows)} of {pairs.height} pairs; the others are in pairs.csv.")
    if merged is not None and merged.groups:
        notes.append("Groups are those before they were joined.")
    heading = f"{pairs.height} pairs of near-duplicates, {across} across groups"
    document = make_sheet(rows, pictures, heading=heading, notes=notes)
    with atomic_write(workspace.duplicate_sheet) as temporary:
        temporary.write_text(document, encoding="utf-8")


def _shown(pairs: pl.DataFrame, workspace: Workspace) -> Iterator[dict[str, Any]]:
    for row in pairs.iter_rows(named=True):
        shots = {
            f"shot_{side}": Shot(
                str(workspace.absolute(row[f"path_{side}"])),
                tuple(json.loads(row[f"times_{side}"])),
            )
            for side in "ab"
        }
        yield {**row, **shots}


__all__ = ["STAGE_NAME", "DuplicatesReport", "find_duplicates"]
