"""What step 0 found, wrote and left out."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from fvc.dataset.candidates import LeftOut
from fvc.errors import EXIT_SOME_FAILED

_SHOWN = 10
_NAMES = {0: "real", 1: "fake"}


@dataclass(frozen=True)
class ArchiveCounts:
    """What became of an archive's members."""

    archive: str
    extracted: int
    resumed: int
    failed: int
    ignored: dict[str, int]


@dataclass(frozen=True)
class SetupReport:
    """What `setup_dataset` did.

    Attributes
    ----------
    corpus
        Where the videos come from: a path, or ``"Fake Video Corpus"``.
    simulated
        Whether they were made by `make_simulated_archives`.
    index_csv, index_json, failures_csv
        The files written.
    n_sources, n_groups
        Rows of the index, and groups among them.
    by_label, by_platform, by_subset, by_collection
        Number of sources; the last three hold real and fake apart.
    mixed_groups
        Groups that hold both classes.
    mixed_cascades
        The same for the cascades of the CSVs, whether or not their videos are there.
    in_several_cascades
        Video → its cascades, for those in more than one; they join their cascades.
    left_out
        Everything that is not in the index, with the reason.
    archives, notes, ignored
        Members by archive; remarks; files of other kinds by ending.
    """

    corpus: str
    simulated: bool
    index_csv: Path
    index_json: Path
    failures_csv: Path
    n_sources: int
    n_groups: int
    by_label: dict[str, int]
    by_platform: dict[str, dict[str, int]]
    by_subset: dict[str, dict[str, int]]
    by_collection: dict[str, dict[str, int]]
    mixed_groups: tuple[str, ...]
    mixed_cascades: tuple[str, ...] = ()
    in_several_cascades: dict[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()
    archives: tuple[ArchiveCounts, ...] = ()
    notes: tuple[str, ...] = ()
    ignored: dict[str, int] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """How many things should have worked and did not."""
        return sum(item.failed for item in self.left_out)

    @property
    def exit_code(self) -> int:
        """0, or 5 where something failed; what a rule leaves out is no failure."""
        return EXIT_SOME_FAILED if self.failed else 0

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain JSON types."""
        return {
            "corpus": self.corpus,
            "simulated": self.simulated,
            "index_csv": self.index_csv.as_posix(),
            "index_json": self.index_json.as_posix(),
            "failures_csv": self.failures_csv.as_posix(),
            "n_sources": self.n_sources,
            "n_groups": self.n_groups,
            "by_label": self.by_label,
            "by_platform": self.by_platform,
            "by_subset": self.by_subset,
            "by_collection": self.by_collection,
            "mixed_groups": list(self.mixed_groups),
            "mixed_cascades": list(self.mixed_cascades),
            "in_several_cascades": {k: list(v) for k, v in self.in_several_cascades.items()},
            "n_left_out": len(self.left_out),
            "n_failed": self.failed,
            "left_out_by_kind": dict(Counter(item.kind for item in self.left_out)),
            "left_out": [
                {"unit": item.unit, "path": item.path, "kind": item.kind, "reason": item.reason}
                for item in self.left_out
            ],
            "archives": [vars(item) for item in self.archives],
            "notes": list(self.notes),
            "ignored": self.ignored,
            "exit_code": self.exit_code,
        }

    def summary(self) -> str:
        """Give the report in a few lines for people."""
        lines = []
        if self.simulated:
            lines.append("SIMULATED corpus: made by this program, it says nothing about real fakes")
        labels = ", ".join(f"{count} {name}" for name, count in self.by_label.items())
        lines.append(f"{self.n_sources} sources ({labels}) in {self.n_groups} groups")
        for title, counts in (
            ("platform", self.by_platform),
            ("subset", self.by_subset),
            ("collection", self.by_collection),
        ):
            if set(counts) - {"(none)"}:
                lines.append(f"by {title}:")
                lines += [f"  {name}: {_both(sides)}" for name, sides in counts.items()]
        for archive in self.archives:
            members = f"{archive.extracted} extracted, {archive.resumed} there before"
            lines.append(f"{archive.archive}: {members}, {archive.failed} failed")
        if self.mixed_cascades:
            lines.append(
                f"{len(self.mixed_cascades)} cascades hold both real and fake: "
                + ", ".join(self.mixed_cascades)
            )
        elif self.mixed_groups:
            lines.append(
                f"{len(self.mixed_groups)} groups hold both real and fake: "
                + ", ".join(self.mixed_groups[:_SHOWN])
            )
        for video, cascades in list(self.in_several_cascades.items())[:_SHOWN]:
            lines.append(f"{video} stands in cascades {', '.join(cascades)}: they are one group")
        lines += self.notes
        if self.ignored:
            kinds = ", ".join(f"{count} {ending}" for ending, count in self.ignored.items())
            lines.append(f"files that are no videos: {kinds}")
        lines += self._left_out_lines()
        lines.append(f"index: {self.index_csv}")
        return "\n".join(lines)

    def _left_out_lines(self) -> list[str]:
        if not self.left_out:
            return ["nothing was left out"]
        kinds = Counter(item.kind for item in self.left_out)
        by_kind = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        lines = [f"left out: {len(self.left_out)} ({by_kind}); all in {self.failures_csv}"]
        urgent = sorted(self.left_out, key=lambda item: not item.failed)
        lines += [f"  {item.unit}: {item.reason}" for item in urgent[:_SHOWN]]
        if len(urgent) > _SHOWN:
            lines.append(f"  and {len(urgent) - _SHOWN} more")
        return lines


def _both(sides: dict[str, int]) -> str:
    return f"{sides['real']} real, {sides['fake']} fake"


def count_by(index: pl.DataFrame, column: str) -> dict[str, dict[str, int]]:
    """Count real and fake sources for each value of a column, most frequent first."""
    counts: dict[str, dict[str, int]] = {}
    for value, label in index.select(column, "label").iter_rows():
        sides = counts.setdefault(value or "(none)", {"real": 0, "fake": 0})
        sides[_NAMES[label]] += 1
    return dict(sorted(counts.items(), key=lambda item: (-sum(item[1].values()), item[0])))


def mixed_groups(index: pl.DataFrame) -> tuple[str, ...]:
    """Name the groups that hold both classes."""
    labels: dict[str, set[int]] = {}
    for group, label in index.select("group", "label").iter_rows():
        labels.setdefault(group, set()).add(label)
    return tuple(sorted(group for group, found in labels.items() if len(found) > 1))
