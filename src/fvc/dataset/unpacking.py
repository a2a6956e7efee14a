"""From the files in ``archive/`` to the folders in ``videos/``."""

import logging
import re
from dataclasses import dataclass, field
from pathlib import Path

from fvc.dataset.archives import Extraction, extract_archive
from fvc.dataset.candidates import LeftOut
from fvc.dataset.corpus import walk_files
from fvc.dataset.metadata import SUBSETS
from fvc.dataset.report import ArchiveCounts
from fvc.errors import ArchiveError
from fvc.stages.progress import display
from fvc.tables import atomic_write
from fvc.workspace import Workspace

_ARCHIVE = re.compile(r"(fvc[0-9]+|metadata)\.zip", re.IGNORECASE)
_LOG = logging.getLogger("fvc.dataset")

SIMULATED_MARK = "SIMULATED.csv"
"""A member of ``Metadata.zip`` that says that the corpus is simulated."""


@dataclass
class Unpacked:
    """What unpacking came to."""

    archives: list[ArchiveCounts] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_archives(workspace: Workspace) -> dict[str, Path]:
    """Find ``FVC1.zip``, ``FVC2.zip``, …, ``Metadata.zip`` in ``archive/`` or the project's root.

    Returns
    -------
    dict
        Folder name below ``videos/`` → archive; ``archive/`` goes before the root.
    """
    found: dict[str, Path] = {}
    for folder in workspace.archive_folders:
        if not folder.is_dir():
            continue
        for path in sorted(folder.iterdir()):
            if _ARCHIVE.fullmatch(path.name) and path.is_file():
                stem = path.stem.upper()
                name = workspace.metadata.name if stem == "METADATA" else stem
                found.setdefault(name, path)
    return dict(sorted(found.items()))


def unpack(
    archives: dict[str, Path], workspace: Workspace, password: str, *, quiet: bool = True
) -> Unpacked:
    """Extract the archives to ``videos/``; one that is damaged as a whole is left out.

    Parameters
    ----------
    archives
        As `find_archives` gives them.
    workspace
        The project.
    password
        Of all archives.
    quiet
        Show no progress.

    Raises
    ------
    ArchiveError
        The password is wrong.
    OutputError
        The disk is full or cannot be written.
    """
    result = Unpacked()
    for name, path in archives.items():
        _LOG.info("unpacking %s", path.name)
        try:
            with display(f"unpack {path.name}, MiB", quiet=quiet) as shown:
                extraction = extract_archive(
                    path,
                    workspace.videos / name,
                    password=password,
                    on_progress=lambda done, total, shown=shown: shown.update(  # type: ignore[misc]
                        finished=done >> 20, failed=0, expected=total >> 20
                    ),
                )
        except ArchiveError as error:
            if "password" in error.reason:
                raise
            where = str(path)
            result.left_out.append(
                LeftOut(path.name, where, "archive", f"{path.name} {error.reason}")
            )
            result.archives.append(ArchiveCounts(path.name, 0, 0, 1, {}))
            continue
        _tell(extraction, result, workspace)
    return result


def _tell(extraction: Extraction, result: Unpacked, workspace: Workspace) -> None:
    name = extraction.archive.name
    where = str(extraction.archive)
    for failure in extraction.failures:
        shown = failure.member.encode("utf-8", "backslashreplace").decode()
        unit = f"{name}:{shown}"
        result.left_out.append(
            LeftOut(unit, where, failure.kind, f"member {shown!r}: {failure.reason}")
        )
    result.archives.append(
        ArchiveCounts(
            name,
            extraction.extracted,
            extraction.resumed,
            len(extraction.failures),
            dict(extraction.ignored),
        )
    )


def gather_metadata(workspace: Workspace) -> tuple[dict[str, Path], list[str]]:
    """Find both CSVs and bring them to ``videos/Metadata/``.

    A CSV that lies beside the archives goes before the one inside ``Metadata.zip``.

    Returns
    -------
    paths : dict
        Subset → file in ``videos/Metadata/``.
    notes : list of str
        Remarks for the report.
    """
    paths: dict[str, Path] = {}
    notes = []
    for name, subset in SUBSETS.items():
        inside = _named(workspace.metadata, name, deep=True)
        beside = next(
            (p for f in workspace.archive_folders if (p := _named(f, name, deep=False))), None
        )
        if beside is not None:
            target = workspace.metadata / name
            content = beside.read_bytes()
            if not target.is_file() or target.read_bytes() != content:
                with atomic_write(target) as temporary:
                    temporary.write_bytes(content)
            notes.append(f"{name} was taken from {workspace.relative(beside)}")
            inside = target
        if inside is not None:
            paths[subset] = inside
    return paths, notes


def is_simulated(workspace: Workspace) -> bool:
    """Whether the unpacked corpus says of itself that it is simulated."""
    return _named(workspace.metadata, SIMULATED_MARK, deep=True) is not None


def _named(folder: Path, name: str, *, deep: bool) -> Path | None:
    if not folder.is_dir():
        return None
    files = walk_files(folder) if deep else (p for p in sorted(folder.iterdir()) if p.is_file())
    matching = [path for path in files if path.name.casefold() == name.casefold()]
    return min(matching, key=lambda path: len(path.parts), default=None)
