"""``fvc match``: a project beside this one, in which all clips have one size, rate and encoder."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fvc.errors import MissingInputError, OptionError, StaleError
from fvc.stages import RunOptions, Stage, StageReport, Unit, fingerprint_file
from fvc.transcoding.matching import (
    ASPECTS,
    LIMITATION,
    Matching,
    choose_matching,
    read_matching,
)
from fvc.workspace import TABLE_FORMATS, Workspace

if TYPE_CHECKING:
    import polars as pl

MATCHING_VERSION = 1
UNMATCHED = "match failed"
"""``status`` of a source that could not be matched: it stays in the folds, and has no score."""

# Of a rate: what a container's rounding of times may come to in a clip of a second.
_ROUNDING = 1e-3

_PROBED = (
    *("width", "height", "fps", "frame_count", "duration_sec", "codec_name", "bitrate"),
    *("pixel_format", "has_audio", "file_size_bytes"),
)


@dataclass(frozen=True)
class MatchReport:
    """What was matched, to what, and where it is.

    Attributes
    ----------
    document
        As it is written to ``matching.json``.
    stage
        What the stage did.
    """

    document: dict[str, Any]
    stage: StageReport

    @property
    def exit_code(self) -> int:
        """0, or 5 where some sources could not be matched."""
        return self.stage.exit_code

    def to_dict(self) -> dict[str, Any]:
        """Give the report in plain JSON types."""
        return {**self.document, "stage": self.stage.to_dict()}

    def summary(self) -> str:
        """Give the report in a few lines."""
        document = self.document
        where = document["project"]
        lines = [self.stage.summary()]
        if self.stage.table is not None:
            lines.append(
                f"{document['n_matched']} of {document['n_sources']} sources are matched "
                f"({document['words']}): {where}"
            )
            lines += document["notes"]
            lines.append(f"Go on there: `fvc run --project {where}`")
        return "\n".join(lines)


def match_sources(
    project: Path = Path("."),
    *,
    match: tuple[str, ...] = ASPECTS,
    longer_side: int | None = None,
    fps: float | None = None,
    crf: int = 23,
    to: Path | None = None,
    run: RunOptions = RunOptions(),
) -> MatchReport:
    """Make a project beside this one whose clips all have one size, frame rate and encoder.

    It is a project like any other, with an index of its own: every verb works in it. Sources,
    groups, folds and what is locked are those of this one, so that scores can be compared.

    Parameters
    ----------
    project
        The project's folder, in which `fvc setup` has run.
    match
        What to match: resolution, fps, codec, or some of them, as in ``resolution,fps``.
    longer_side
        Longer side of all clips in pixels; by default the smallest in the corpus. Smaller clips
        are enlarged.
    fps
        Frame rate of all clips in Hz; by default the lowest in the corpus. Frames are left out or
        repeated, never made up.
    crf
        Quality of the one encoder, H.264: its constant rate factor, 0 (best) to 51.
    to
        Folder of the matched project; by default ``data/matched/<what>`` in this one.
    run
        How to run.

    Returns
    -------
    MatchReport
        What all clips were brought to, and what failed.

    Raises
    ------
    OptionError
        A value that an option cannot take.
    MissingInputError
        There is no index.
    StaleError
        Sources were locked after the matched project had been trained.
    OutputError
        The disk is full or cannot be written.

    Examples
    --------
    >>> match_sources(Path("project"), match=("resolution", "fps"))  # doctest: +SKIP
    """
    # Workers import this module for `MatchSource` alone: not the runner, nor Polars.
    from fvc.stages import run_stage
    from fvc.transcoding.schemas import MatchedSchema

    origin = Workspace(project)
    if origin.matching.is_file():
        raise OptionError(f"{origin.root} is matched already: match the project that it came from")
    index = _read_index(origin)
    matching = _choose(index, match, longer_side, fps, crf)
    target = Workspace(to or origin.matched_projects / "-".join(matching.aspects))
    if target.root == origin.root:
        raise OptionError("the matched project needs a folder of its own")
    _check_lock(origin, target)
    stage = Stage(
        number=target.matched_videos.number,
        name="match",
        files=target.matched_videos,
        settings={"matching": matching.to_dict(), "version": MATCHING_VERSION},
        schema=MatchedSchema,
        work=MatchSource(str(target.root), matching),
        outputs=_files,
    )
    report = run_stage(stage, _units(origin, target, index), target, run, total=index.height)
    document = _describe(origin, target, index, matching)
    if report.table is not None:
        _publish(origin, target, index, report.table, document)
    return MatchReport(document, report)


def _read_index(workspace: Workspace) -> "pl.DataFrame":
    from fvc.tables import IndexSchema, check, read_table

    if not workspace.index_csv.is_file():
        raise MissingInputError(
            "the index of sources is missing",
            path=workspace.index_csv,
            remedy="Run `fvc setup` first",
        )
    return check(read_table(workspace.index_csv), IndexSchema, workspace.index_csv)


def _choose(
    index: "pl.DataFrame",
    match: tuple[str, ...],
    longer_side: int | None,
    fps: float | None,
    crf: int,
) -> Matching:
    import polars as pl

    sides = index.select(pl.max_horizontal("width", "height").alias("side"))["side"]
    return choose_matching(
        match,
        longer_sides=sides.drop_nulls().to_list() or [2],
        rates=index["fps"].drop_nulls().to_list() or [25.0],
        longer_side=longer_side,
        fps=fps,
        crf=crf,
    )


def _check_lock(origin: Workspace, target: Workspace) -> None:
    if origin.locked.is_file() and target.folds.is_file() and not target.locked.is_file():
        raise StaleError(
            "sources were locked after the matched project had been trained on them",
            path=target.folds,
            remedy="Match to another folder with --to",
        )


def _units(origin: Workspace, target: Workspace, index: "pl.DataFrame") -> Iterator[Unit]:
    # The label and the group are no input: merging groups leaves the files as they are.
    for source, path in index.select("source", "video_path").iter_rows():
        raw = origin.absolute(path)
        yield Unit(source, {"video_path": target.relative(raw)}, fingerprint_file(raw))


@dataclass(frozen=True)
class MatchSource:
    """The stage's work: one raw file to its matched file and its row.

    Parameters
    ----------
    project
        Folder of the matched project.
    matching
        What to bring it to.
    """

    project: str
    matching: Matching

    def __call__(self, unit: Unit) -> list[dict[str, Any]]:
        """Write the matched file of a source."""
        from fvc.engines import heartbeat
        from fvc.tables import atomic_write
        from fvc.transcoding.matching import match_video
        from fvc.video import probe

        workspace = Workspace(self.project)
        raw = workspace.absolute(unit.row["video_path"])
        path = workspace.matched_videos.folder / f"{unit.id}.mp4"
        before = probe(raw, on_frame=heartbeat)
        with atomic_write(path) as temporary:
            match_video(raw, temporary, self.matching, on_frame=heartbeat)
        after = probe(path, on_frame=heartbeat)
        return [
            {
                "source": unit.id,
                "video_path": workspace.relative(path),
                "matched_from": unit.row["video_path"],
                "original_width": before.width,
                "original_height": before.height,
                "original_fps": before.fps or None,
                "width": after.width,
                "height": after.height,
                "fps": _rate(after.fps, self.matching),
                "frame_count": after.frame_count,
                "duration_sec": after.duration_seconds,
                "codec_name": after.codec_name,
                "bitrate": after.bitrate,
                "pixel_format": after.pixel_format,
                "has_audio": after.has_audio,
                "file_size_bytes": after.file_size_bytes,
            }
        ]


def _rate(measured: float, matching: Matching) -> float | None:
    """Give the rate that was asked for where it was had: containers round times."""
    wanted = None if matching.fps is None else float(Fraction(matching.fps))
    if wanted is not None and abs(measured - wanted) < _ROUNDING * wanted:
        return wanted
    return measured or None


def _files(row: dict[str, Any]) -> tuple[str, ...]:
    return (row["video_path"],)


def _describe(
    origin: Workspace, target: Workspace, index: "pl.DataFrame", matching: Matching
) -> dict[str, Any]:
    return {
        "matching": matching.to_dict(),
        "match": list(matching.aspects),
        "words": matching.words,
        "project": str(target.root),
        "matched_from": target.relative(origin.root),
        "n_sources": index.height,
        "notes": [LIMITATION],
        "version": MATCHING_VERSION,
    }


def _publish(
    origin: Workspace,
    target: Workspace,
    index: "pl.DataFrame",
    table: Path,
    document: dict[str, Any],
) -> None:
    """Write the matched project's index and what says that it is one."""
    from fvc.tables import read_table, write_json_atomic, write_table

    matched = read_table(table)
    document["n_matched"] = matched.height
    document["notes"] = [*_enlarged(matched, index, document), *document["notes"]]
    frame = _matched_index(index, matched, origin, target)
    before = target.index_csv.read_bytes() if target.index_csv.is_file() else None
    is_other = read_matching(target) != Matching.from_dict(document["matching"])
    target.index_csv.parent.mkdir(parents=True, exist_ok=True)
    write_json_atomic(target.index_json, frame.to_dicts())
    write_table(frame, target.index_csv)
    written = {key: value for key, value in document.items() if key != "project"}
    write_json_atomic(target.matching, written)
    if before is not None and is_other:
        # Their clips were of other sizes or rates: a reader finds no table until they are redone.
        for files in target.stages:
            for format in TABLE_FORMATS:
                files.table(format).unlink(missing_ok=True)
    for name in ("locked", "folds"):
        given, wanted = getattr(origin, name), getattr(target, name)
        if given.is_file() and not wanted.is_file():
            wanted.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(given, wanted)


def _matched_index(
    index: "pl.DataFrame", matched: "pl.DataFrame", origin: Workspace, target: Workspace
) -> "pl.DataFrame":
    """Put what the matched files are like into the place of what the raw ones were."""
    import polars as pl

    from fvc.tables import IndexSchema, check

    raw = [target.relative(origin.absolute(path)) for path in index["video_path"]]
    joined = (
        index.drop(*_PROBED, "video_path", strict=False)
        .with_columns(matched_from=pl.Series(raw, dtype=pl.String))
        .join(
            matched.select("source", "video_path", *_PROBED),
            on="source",
            how="left",
            maintain_order="left",
        )
        .with_columns(
            status=pl.when(pl.col("video_path").is_null())
            .then(pl.lit(UNMATCHED))
            .otherwise("status"),
            video_path=pl.col("video_path").fill_null(pl.col("matched_from")),
        )
    )
    order = [name for name in index.columns if name in joined.columns]
    frame = joined.select(*order, *(name for name in joined.columns if name not in order))
    return check(frame, IndexSchema, target.index_csv)


def _enlarged(
    matched: "pl.DataFrame", index: "pl.DataFrame", document: dict[str, Any]
) -> list[str]:
    """Say how many clips had to be enlarged or got frames twice: that leaves traces of its own."""
    import polars as pl

    from fvc.transcoding.matching import Matching

    matching = Matching.from_dict(document["matching"])
    table = matched.join(index.select("source", "label"), on="source", how="left")
    side = pl.max_horizontal("original_width", "original_height")
    tests = []
    if matching.longer_side is not None:
        tests.append(("enlarged", side < matching.longer_side))
    if matching.fps is not None:
        # Rates are measured: 24.999 is 25.
        tests.append(("given frames twice", pl.col("original_fps") < pl.col("fps") * 0.999))
    notes = []
    for words, test in tests:
        here = table.filter(test)
        document[f"n_{words.replace(' ', '_')}"] = here.height
        if here.height:
            real = here.filter(label=0).height
            notes.append(
                f"{here.height} clips were {words} ({real} real, {here.height - real} fake), which "
                "leaves traces of its own; a smaller value avoids it."
            )
    return notes


__all__ = ["UNMATCHED", "MatchReport", "MatchSource", "match_sources"]
