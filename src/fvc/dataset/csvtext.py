"""CSV files as people really save them: any encoding, any delimiter, errors with line numbers."""

import codecs
import csv
import io
from dataclasses import dataclass
from pathlib import Path

from fvc.errors import TableError

_MAX_BYTES = 256 * 1024 * 1024
_LOOKED_AT = 64 * 1024
_SHOWN = 40
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class CsvRows:
    """A CSV file's content.

    Attributes
    ----------
    columns
        Header names, stripped, in their order and spelling.
    rows
        ``(line, values)`` for each row that is not blank: the file's line number, from 1, on which
        the row ends, and column → stripped text.
    """

    columns: tuple[str, ...]
    rows: list[tuple[int, dict[str, str]]]


def read_csv_rows(path: Path, *, required: tuple[str, ...]) -> CsvRows:
    """Read a CSV whatever its encoding, line ends and delimiter.

    UTF-8 (with or without mark), UTF-16 and UTF-32 (with mark) are read as such, and anything else
    as Windows-1252. The delimiter is the comma, semicolon, tab or bar that the header uses.

    Parameters
    ----------
    path
        The file.
    required
        Columns that must be there, compared without regard to case; they are given under the
        spelling asked for.

    Raises
    ------
    TableError
        The file is unreadable, empty, or lacks a column.
    """
    text = _decode(path)
    header = next((line for line in text.splitlines() if line.strip()), "")
    if not header:
        raise TableError(path, f"is empty; columns {', '.join(required)} are needed")
    delimiter = max(",;\t|", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows: list[tuple[int, dict[str, str]]] = []
    columns: tuple[str, ...] = ()
    try:
        for values in reader:
            cells = [value.strip() for value in values]
            if not any(cells):
                continue
            if not columns:
                columns = _columns(path, cells, required)
                continue
            if len(cells) > len(columns):
                if any(cells[len(columns) :]):
                    raise TableError(
                        path,
                        f"line {reader.line_num}: {len(cells)} values for {len(columns)} columns",
                    )
                del cells[len(columns) :]
            cells += [""] * (len(columns) - len(cells))
            rows.append((reader.line_num, dict(zip(columns, cells, strict=True))))
    except csv.Error as error:
        raise TableError(path, f"line {reader.line_num}: {error}") from error
    return CsvRows(columns, rows)


def _decode(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise TableError(path, f"is larger than {_MAX_BYTES >> 20} MiB: not a list of videos")
        data = path.read_bytes()
    except OSError as error:
        raise TableError(path, f"cannot be read: {error.strerror or error}") from error
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                raise TableError(path, f"begins as {encoding} and is not: {error}") from error
    if b"\0" in data[:_LOOKED_AT]:
        raise TableError(path, "is no text file; a CSV was expected")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        # Every byte has a meaning in Latin-1, which stands in where Windows-1252 has gaps.
        try:
            return data.decode("cp1252")
        except UnicodeDecodeError:
            return data.decode("latin-1")


def _columns(path: Path, cells: list[str], required: tuple[str, ...]) -> tuple[str, ...]:
    spelled = {name.casefold(): name for name in required}
    columns = tuple(spelled.get(cell.casefold(), cell) for cell in cells)
    missing = [name for name in required if name not in columns]
    if missing:
        shown = ", ".join(repr(cell[:_SHOWN]) for cell in cells[:20])
        raise TableError(path, f"has no column {', '.join(missing)}; its header says {shown}")
    named = [name for name in columns if name]
    doubled = {name for name in named if named.count(name) > 1}
    if doubled:
        raise TableError(path, f"has column {', '.join(sorted(doubled))} twice")
    return tuple(name or f"column_{i + 1}" for i, name in enumerate(columns))
