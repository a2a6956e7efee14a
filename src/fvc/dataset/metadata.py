"""The corpus's own two CSV files: which video has which label, and which belong together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fvc.dataset.csvtext import read_csv_rows
from fvc.dataset.groups import joined_names, natural_key
from fvc.dataset.labels import FVC_LABELS
from fvc.dataset.urls import VideoRef, parse_video_url

COLUMNS = ("cascade_id", "video_url", "label")
SUBSETS = {"FVC.csv": "FVC", "FVC_dup.csv": "FVC_dup"}
"""Names of the two files, and the subset that a video of each belongs to."""


@dataclass(frozen=True)
class MetadataRow:
    """One row of a metadata CSV; `line` counts from 1, the header included."""

    subset: str
    line: int
    cascade: str
    url: str
    ref: VideoRef
    raw_label: str

    @property
    def where(self) -> str:
        """File and line, as messages name a row."""
        return f"{self.subset}.csv line {self.line}"


@dataclass(frozen=True)
class Problem:
    """A row that cannot be used, or a video whose rows disagree."""

    unit: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Video:
    """What the metadata say of one video."""

    ref: VideoRef
    raw_label: str
    group: str
    subset: str
    cascades: tuple[str, ...]

    @property
    def group_source(self) -> str:
        """``"cascade"``, or ``"own"`` for a video that no cascade is given for."""
        return "own" if self.cascades == (_own_group(self.ref),) else "cascade"


def _own_group(ref: VideoRef) -> str:
    return f"{ref.platform}_{ref.video_id}"


@dataclass(frozen=True)
class Metadata:
    """Both files together.

    Attributes
    ----------
    rows
        Every row that could be read.
    videos
        One entry a video whose rows agree on its label.
    conflicts
        The videos whose rows do not, with all their rows: left out, since nobody knows.
    problems
        Rows that could not be read.
    joined
        Joined group → its cascades, where a video in several cascades joined them.
    """

    rows: list[MetadataRow]
    videos: dict[VideoRef, Video]
    conflicts: dict[VideoRef, Problem]
    problems: list[Problem]
    joined: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def in_several_cascades(self) -> dict[VideoRef, tuple[str, ...]]:
        """Videos that stand in more than one cascade."""
        cascades: dict[VideoRef, set[str]] = {}
        for row in self.rows:
            cascades.setdefault(row.ref, set()).add(row.cascade)
        return {
            ref: tuple(sorted(names, key=natural_key))
            for ref, names in cascades.items()
            if len(names) > 1
        }

    @property
    def mixed_cascades(self) -> tuple[str, ...]:
        """Cascades that hold both a real and a fake video."""
        labels: dict[str, set[str]] = {}
        for row in self.rows:
            labels.setdefault(row.cascade, set()).add(row.raw_label)
        mixed = [name for name, found in labels.items() if {"real", "fake"} <= found]
        return tuple(sorted(mixed, key=natural_key))


def read_metadata(paths: Mapping[str, Path]) -> Metadata:
    """Read ``FVC.csv`` and ``FVC_dup.csv``, either of which may be missing.

    Parameters
    ----------
    paths
        Subset (``"FVC"``, ``"FVC_dup"``) → file.

    Returns
    -------
    Metadata
        A video's group is its cascade; cascades that share a video are one group, whatever the
        labels of the rows that link them.

    Raises
    ------
    TableError
        A file is unreadable or lacks one of the columns ``cascade_id, video_url, label``.
    """
    rows: list[MetadataRow] = []
    problems: list[Problem] = []
    for subset, path in paths.items():
        for line, values in read_csv_rows(path, required=COLUMNS).rows:
            row = _row(subset, line, values)
            (rows if isinstance(row, MetadataRow) else problems).append(row)  # type: ignore[arg-type]
    return _assemble(rows, problems)


def _row(subset: str, line: int, values: dict[str, str]) -> MetadataRow | Problem:
    where = f"{subset}.csv line {line}"
    cascade, url, label = (values[name] for name in COLUMNS)
    raw_label = label.casefold()
    if raw_label not in FVC_LABELS:
        return Problem(
            where, "label", f"label {label!r} is none of {', '.join(FVC_LABELS)}: row left out"
        )
    try:
        ref = parse_video_url(url)
    except ValueError as error:
        return Problem(where, "url", f"{error}: row left out")
    # A row without a cascade still must not lose its group.
    return MetadataRow(subset, line, cascade or _own_group(ref), url, ref, raw_label)


def _assemble(rows: list[MetadataRow], problems: list[Problem]) -> Metadata:
    by_video: dict[VideoRef, list[MetadataRow]] = {}
    for row in rows:
        by_video.setdefault(row.ref, []).append(row)
    links = [(found[0].cascade, row.cascade) for found in by_video.values() for row in found[1:]]
    group_of = joined_names(links, (row.cascade for row in rows))
    videos: dict[VideoRef, Video] = {}
    conflicts: dict[VideoRef, Problem] = {}
    for ref, found in by_video.items():
        labels = sorted({row.raw_label for row in found})
        if len(labels) > 1:
            said = "; ".join(f"{row.raw_label} in {row.where}" for row in found)
            conflicts[ref] = Problem(_own_group(ref), "label_conflict", f"labels disagree: {said}")
            continue
        cascades = tuple(sorted({row.cascade for row in found}, key=natural_key))
        # The corpus's sources come first: a video that stands in both files belongs to them.
        subset = min((row.subset for row in found), key=lambda name: name != "FVC")
        videos[ref] = Video(ref, labels[0], group_of[found[0].cascade], subset, cascades)
    joined: dict[str, list[str]] = {}
    for cascade, group in group_of.items():
        joined.setdefault(group, []).append(cascade)
    several = {
        group: tuple(sorted(names, key=natural_key))
        for group, names in joined.items()
        if len(names) > 1
    }
    return Metadata(rows, videos, conflicts, problems, several)
