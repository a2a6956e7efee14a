"""Step 0: from archives, a folder or a list to the index."""

import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path

import polars as pl

from fvc.dataset.candidates import Found, LeftOut
from fvc.dataset.corpus import find_corpus
from fvc.dataset.fvc_videos import fvc_folders, match_videos
from fvc.dataset.index import probe_candidates, write_index
from fvc.dataset.labels import label_sides
from fvc.dataset.metadata import Metadata, Problem, read_metadata
from fvc.dataset.passwords import find_password
from fvc.dataset.report import SetupReport, count_by, mixed_groups
from fvc.dataset.unpacking import Unpacked, find_archives, gather_metadata, is_simulated, unpack
from fvc.engines import LocalEngine
from fvc.errors import DataError, MissingInputError, NothingLeftError
from fvc.tables import FailureSchema, read_table, write_table
from fvc.workspace import Workspace

STAGE_NAME = "setup"
_LOG = logging.getLogger("fvc.dataset")


def setup_dataset(
    project: Path = Path("."),
    *,
    corpus: Path | None = None,
    password: str | None = None,
    password_file: Path | None = None,
    include: tuple[str, ...] = (),
    workers: int | None = None,
    strict: bool = False,
) -> SetupReport:
    """Unpack the corpus's archives, or look through a folder of clips, and write the index.

    The index, ``data/video_index_input.csv`` and ``.json``, has one row for each video that can be
    used. Whatever is not in it stands in ``data/failures.csv`` with the reason.

    Parameters
    ----------
    project
        The project's folder; it is made if it is not there.
    corpus
        Index this instead of the archives: a folder with ``real`` and ``fake`` sub-folders, or a
        CSV with the columns ``path,label`` and, where known, ``group,collection,platform``.
    password
        ``-`` asks for the archives' password, or reads it from standard input. The environment
        variable FVC_ARCHIVE_PASSWORD does as well; without either the published one is used.
    password_file
        A file whose first line is the archives' password.
    include
        Labels of the corpus to keep beside real and fake: ``debunked`` and ``parody`` count as
        fake, ``uncertain=fake`` or ``uncertain=real`` says what uncertain ones count as.
    workers
        Processes that probe videos side by side; by default one a core.
    strict
        Stop with an error where anything could not be used.

    Returns
    -------
    SetupReport
        What was found, written and left out.

    Raises
    ------
    MissingInputError
        There are no archives, no unpacked videos and no corpus.
    ArchiveError
        The password is wrong.
    TableError
        A CSV lacks columns or cannot be read.
    NothingLeftError
        No video at all can be used; ``failures.csv`` says why.
    """
    workspace = Workspace(project)
    sides = label_sides(include)
    metadata: Metadata | None = None
    unpacked = Unpacked()
    simulated = False
    if corpus is not None:
        name = str(corpus)
        found = find_corpus(corpus)
    else:
        name = "Fake Video Corpus"
        unpacked = _unpack(workspace, password, password_file)
        simulated = is_simulated(workspace)
        found, metadata = _match(workspace, sides, unpacked, simulated)
    _LOG.info("probing %d videos", len(found.candidates))
    rows, unusable = probe_candidates(found.candidates, workspace, LocalEngine(workers))
    left_out = [
        replace(item, path=workspace.relative(item.path)) if item.path else item
        for item in (*unpacked.left_out, *found.left_out, *unusable)
    ]
    write_failures(left_out, workspace)
    failed = [item for item in left_out if item.failed]
    if strict and failed:
        raise DataError(f"{failed[0].unit}: {failed[0].reason} ({len(failed)} in all)")
    if not rows:
        raise NothingLeftError(
            f"none of the videos can be used; {workspace.failures} has the reason of each"
        )
    index = write_index(rows, workspace)
    report = _report(name, workspace, index, found, left_out)
    report = replace(
        report,
        simulated=simulated,
        archives=tuple(unpacked.archives),
        notes=(*unpacked.notes, *found.notes),
    )
    if metadata is not None:
        several = metadata.in_several_cascades
        report = replace(
            report,
            mixed_cascades=metadata.mixed_cascades,
            in_several_cascades={f"{r.platform}_{r.video_id}": c for r, c in several.items()},
        )
    return report


def _unpack(workspace: Workspace, password: str | None, password_file: Path | None) -> Unpacked:
    archives = find_archives(workspace)
    if not archives and not fvc_folders(workspace.videos):
        raise MissingInputError(
            "no corpus found: looked for FVC1.zip, FVC2.zip, FVC3.zip and Metadata.zip in "
            f"{workspace.archive_folders[0]} and {workspace.archive_folders[1]}, and for unpacked "
            f"videos in {workspace.videos}/FVC*",
            remedy="Put the archives into archive/, or index clips of your own with "
            "`fvc setup --corpus DIR`, or see it work with `fvc demo`",
        )
    if not archives:
        return Unpacked(notes=["there are no archives: the videos unpacked before are indexed"])
    return unpack(archives, workspace, find_password(password, password_file))


def _match(
    workspace: Workspace, sides: dict[str, int], unpacked: Unpacked, simulated: bool
) -> tuple[Found, Metadata]:
    paths, notes = gather_metadata(workspace)
    if not paths:
        raise MissingInputError(
            "neither FVC.csv nor FVC_dup.csv was found: they say which video is real or fake",
            path=workspace.metadata,
            remedy="Put Metadata.zip, or the two files, into archive/",
        )
    metadata = read_metadata(paths)
    found = match_videos(fvc_folders(workspace.videos), metadata, sides, simulated=simulated)
    found.notes[:0] = notes
    found.left_out += [_left_out(problem) for problem in metadata.problems]
    return found, metadata


def _left_out(problem: Problem) -> LeftOut:
    return LeftOut(problem.unit, None, problem.kind, problem.reason)


def _report(
    name: str,
    workspace: Workspace,
    index: pl.DataFrame,
    found: Found,
    left_out: list[LeftOut],
) -> SetupReport:
    labels = Counter(index["label"].to_list())
    return SetupReport(
        corpus=name,
        simulated=False,
        index_csv=workspace.index_csv,
        index_json=workspace.index_json,
        failures_csv=workspace.failures,
        n_sources=index.height,
        n_groups=index["group"].n_unique(),
        by_label={"real": labels[0], "fake": labels[1]},
        by_platform=count_by(index, "platform"),
        by_subset=count_by(index, "subset"),
        by_collection=count_by(index, "collection"),
        mixed_groups=mixed_groups(index),
        left_out=tuple(left_out),
        ignored=dict(found.ignored),
    )


def write_failures(left_out: list[LeftOut], workspace: Workspace) -> None:
    """Put this step's rows into the project's ``failures.csv``, in the place of its earlier ones.

    Raises
    ------
    OutputError
        The disk is full, read-only or forbidden.
    """
    columns = FailureSchema.column_names()
    rows = [
        {"stage": STAGE_NAME, "unit": i.unit, "path": i.path, "kind": i.kind, "reason": i.reason}
        for i in left_out
    ]
    mine = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String))
    if workspace.failures.is_file():
        others = read_table(workspace.failures).select(pl.col(columns).cast(pl.String))
        mine = pl.concat([mine, others.filter(pl.col("stage") != STAGE_NAME)])
    elif not rows:
        return
    write_table(mine, workspace.failures)
