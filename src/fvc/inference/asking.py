"""From what a user names (files, folders, patterns, tables) to the files to judge."""

import csv
import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fvc.dataset.members import VIDEO_ENDINGS
from fvc.errors import OptionError, TableError

TABLE_ENDINGS = (".csv", ".parquet", ".arrow")
PATH_COLUMNS = ("path", "video_path", "file")


@dataclass(frozen=True)
class Asked:
    """One file to judge, or a name that leads to none.

    Attributes
    ----------
    shown
        The name as it is written into results: as it was given, in UTF-8.
    path
        Where the file is; None where there is none.
    kind, reason
        Why there is none.
    """

    shown: str
    path: str | None = None
    kind: str = ""
    reason: str = ""


def expand(asked: Iterable[str | os.PathLike[str]]) -> list[Asked]:
    """Find the files that are meant, each once, in the order asked.

    Parameters
    ----------
    asked
        Files, whatever their ending; folders, of which files with a video's ending are taken, with
        those of sub-folders; patterns with ``*``, ``?``, ``[``; tables (``.csv``, ``.parquet``,
        ``.arrow``) with a column ``path``, relative to the table's folder.

    Raises
    ------
    OptionError
        Nothing is asked for.
    TableError
        A table has no column of paths, or cannot be read.
    """
    found: dict[str, Asked] = {}
    named = [os.fspath(name) for name in asked]
    if not named:
        raise OptionError("which videos? Name files, folders, patterns or a table of paths")
    for name in named:
        for one in _expand(name):
            key = os.path.abspath(one.path) if one.path is not None else f"\0{one.shown}"
            found.setdefault(key, one)
    return list(found.values())


def _expand(name: str) -> Iterator[Asked]:
    if "\0" in name or not name:
        yield Asked(as_text(name), None, "missing", "this is not a file's name")
    elif os.path.isdir(name):
        yield from _folder(name)
    elif os.path.isfile(name) and Path(name).suffix.lower() in TABLE_ENDINGS:
        yield from _table(Path(name))
    elif not os.path.lexists(name) and glob.has_magic(name):
        matches = sorted(glob.glob(name, recursive=True))
        if not matches:
            yield Asked(as_text(name), None, "missing", "no file matches this pattern")
        for match in matches:
            yield from _folder(match) if os.path.isdir(match) else [_file(match)]
    else:
        yield _file(name)


def _file(name: str) -> Asked:
    return Asked(as_text(name), name)


def _folder(name: str) -> Iterator[Asked]:
    none = True
    for where, folders, files in os.walk(name):
        folders.sort()
        for file in sorted(files):
            if os.path.splitext(file)[1].lower() in VIDEO_ENDINGS:
                none = False
                yield _file(os.path.join(where, file))
    if none:
        yield Asked(as_text(name), None, "missing", "there is no video in this folder")


def _table(path: Path) -> Iterator[Asked]:
    for number, value in enumerate(_paths(path), start=1):
        if not value:
            where = f"{as_text(str(path))}, row {number}"
            yield Asked(where, None, "missing", "the row has no path")
        else:
            yield Asked(as_text(value), os.path.join(path.parent, value))


def _paths(path: Path) -> list[str]:
    if path.suffix.lower() == ".csv":
        try:
            with path.open(encoding="utf-8-sig", newline="") as lines:
                reader = csv.DictReader(lines)
                column = _column(path, reader.fieldnames or ())
                return [(row[column] or "").strip() for row in reader]
        except (UnicodeDecodeError, csv.Error, OSError) as error:
            raise TableError(path, f"cannot be read as csv: {error}") from error
    from fvc.tables import read_table

    frame = read_table(path)
    return ["" if v is None else str(v) for v in frame[_column(path, frame.columns)].to_list()]


def _column(path: Path, names: Iterable[str]) -> str:
    there = list(names)
    for name in PATH_COLUMNS:
        if name in there:
            return name
    raise TableError(path, f"a table of videos has a column 'path'; this one has {there}")


def as_text(name: str) -> str:
    r"""Write a file's name in UTF-8, with ``\xNN`` for bytes that are none."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def printable(text: str) -> str:
    r"""Write a text so that it cannot act on a terminal.

    Examples
    --------
    >>> printable("clip\x1b[31m.mp4")
    'clip\\x1b[31m.mp4'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
