"""Step 0: from archives, a folder or a list to the index."""

import contextlib
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from fvc.dataset.candidates import Found, LeftOut
from fvc.dataset.corpus import find_corpus
from fvc.dataset.fvc_videos import fvc_folders, match_videos
from fvc.dataset.index import probe_candidates, write_index
from fvc.dataset.labels import label_sides
from fvc.dataset.metadata import Metadata, read_metadata
from fvc.dataset.passwords import find_password
from fvc.dataset.report import SetupReport, count_by, mixed_groups
from fvc.dataset.unpacking import Unpacked, find_archives, gather_metadata, is_simulated, unpack
from fvc.engines import LocalEngine
from fvc.errors import DataError, MissingInputError, NothingLeftError
from fvc.stages.failures import update_failures
from fvc.stages.locks import PartLock
from fvc.stages.options import Part, RunOptions
from fvc.stages.progress import display, log_file
from fvc.tables import read_table
from fvc.workspace import Workspace

STAGE_NAME = "setup"
_LOG = logging.getLogger("fvc.dataset")


@dataclass(frozen=True)
class _Gathered:
    """Everything known before a video is opened."""

    corpus: str
    found: Found
    unpacked: Unpacked = field(default_factory=Unpacked)
    metadata: Metadata | None = None
    simulated: bool = False


def setup_dataset(
    project: Path = Path("."),
    *,
    corpus: Path | None = None,
    password: str | None = None,
    password_file: Path | None = None,
    include: tuple[str, ...] = (),
    find_duplicates: bool = False,
    workers: int | None = None,
    strict: bool = False,
    stall_seconds: float = 120.0,
    memory_limit_mib: int | None = None,
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
    find_duplicates
        Look for videos that show the same footage, and join their groups.
    workers
        Processes that probe videos side by side; by default one a core.
    strict
        Stop with an error where anything could not be used.
    stall_seconds
        Give a video up after this many seconds without progress.
    memory_limit_mib
        Give a video up when its process holds more memory, in MiB; by default 2048 or less.

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
    LockedError
        Another process sets this project up.
    OptionError
        A limit is not a positive number.
    """
    # Of what is set here, finding duplicates takes all and probing what the engine has.
    run = RunOptions(
        workers=workers, stall_seconds=stall_seconds, memory_limit_mib=memory_limit_mib
    )
    engine = LocalEngine(
        run.workers, stall_seconds=run.stall_seconds, memory_limit_mib=run.memory_limit_mib
    )
    workspace = Workspace(project)
    sides = label_sides(include)
    quiet = not _LOG.isEnabledFor(logging.INFO)
    if corpus is None:
        _require_corpus(workspace)
    with _alone(workspace), log_file(workspace.logs(0), STAGE_NAME):
        if corpus is not None:
            gathered = _Gathered(str(corpus), find_corpus(Path(corpus)))
        else:
            gathered = _gather(workspace, sides, password, password_file, quiet=quiet)
        candidates = gathered.found.candidates
        _LOG.info("probing %d videos", len(candidates))
        with display("probe", quiet=quiet) as shown:
            rows, unusable = probe_candidates(candidates, workspace, engine, shown)
        left_out = [
            replace(item, path=workspace.relative(item.path)) if item.path else item
            for item in (*gathered.unpacked.left_out, *gathered.found.left_out, *unusable)
        ]
        update_failures(workspace.failures, STAGE_NAME, [_failure(item) for item in left_out])
        failed = [item for item in left_out if item.failed]
        if strict and failed:
            raise DataError(f"{failed[0].unit}: {failed[0].reason} ({len(failed)} in all)")
        if not rows:
            raise NothingLeftError(
                f"none of the videos can be used; {workspace.failures} has the reason of each"
            )
        report = _report(gathered, workspace, write_index(rows, workspace), left_out)
        _LOG.debug(report.summary())
    if not find_duplicates:
        return report
    return _joined(report, workspace, replace(run, quiet=quiet))


def _joined(report: SetupReport, workspace: Workspace, run: RunOptions) -> SetupReport:
    """Join groups that hold near-duplicates, and report on the groups that are left."""
    from fvc.dataset import duplicates

    found = duplicates.find_duplicates(workspace.root, merge=True, run=run)
    index = read_table(workspace.index_csv)
    return replace(
        report,
        n_groups=index["group"].n_unique(),
        mixed_groups=mixed_groups(index),
        notes=(*report.notes, *found.summary().splitlines()),
    )


@contextlib.contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """Hold the project's setup lock."""
    lock = PartLock(workspace.setup_lock, Part(), STAGE_NAME)
    with lock.gate():
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _require_corpus(workspace: Workspace) -> None:
    if find_archives(workspace) or fvc_folders(workspace.videos):
        return
    raise MissingInputError(
        "no corpus found: looked for FVC1.zip, FVC2.zip, FVC3.zip and Metadata.zip in "
        f"{workspace.archive_folders[0]} and {workspace.archive_folders[1]}, and for unpacked "
        f"videos in {workspace.videos}/FVC*",
        remedy="Put the archives into archive/, or index clips of your own with "
        "`fvc setup --corpus DIR`, or see it work with `fvc demo`",
    )


def _gather(
    workspace: Workspace,
    sides: dict[str, int],
    password: str | None,
    password_file: Path | None,
    *,
    quiet: bool,
) -> _Gathered:
    archives = find_archives(workspace)
    if archives:
        unpacked = unpack(archives, workspace, find_password(password, password_file), quiet=quiet)
    else:
        unpacked = Unpacked(notes=["there are no archives: the videos unpacked before are indexed"])
    paths, notes = gather_metadata(workspace)
    if not paths:
        raise MissingInputError(
            "neither FVC.csv nor FVC_dup.csv was found: they say which video is real or fake",
            path=workspace.metadata,
            remedy="Put Metadata.zip, or the two files, into archive/",
        )
    metadata = read_metadata(paths)
    simulated = is_simulated(workspace)
    found = match_videos(fvc_folders(workspace.videos), metadata, sides, simulated=simulated)
    found.notes[:0] = notes
    found.left_out += [LeftOut(p.unit, None, p.kind, p.reason) for p in metadata.problems]
    return _Gathered("Fake Video Corpus", found, unpacked, metadata, simulated)


def _failure(item: LeftOut) -> dict[str, str]:
    return {
        "stage": STAGE_NAME,
        "unit": item.unit,
        # An empty cell, and not a missing one, is what the list holds where there is no path.
        "path": item.path or "",
        "kind": item.kind,
        "reason": item.reason,
    }


def _report(
    gathered: _Gathered, workspace: Workspace, index: pl.DataFrame, left_out: list[LeftOut]
) -> SetupReport:
    labels = Counter(index["label"].to_list())
    metadata = gathered.metadata
    several = metadata.in_several_cascades if metadata else {}
    return SetupReport(
        corpus=gathered.corpus,
        simulated=gathered.simulated,
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
        mixed_cascades=metadata.mixed_cascades if metadata else (),
        in_several_cascades={f"{r.platform}_{r.video_id}": c for r, c in several.items()},
        left_out=tuple(left_out),
        archives=tuple(gathered.unpacked.archives),
        notes=(*gathered.unpacked.notes, *gathered.found.notes),
        ignored=dict(gathered.found.ignored),
    )
