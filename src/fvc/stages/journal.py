"""The append-only record of what is done, from which tables are made.

A journal is a file of JSON lines, one for each run's part. A unit's lines go in with a single
write, after its files are on the disk. So whatever is killed, and whenever, the journal says only
what is true, but for a last line cut short, which readers leave out and the next run cuts off.

Runs are numbered through all journals of a stage (the *generation*), and the latest one that names
a unit is right about it.
"""

import contextlib
import io
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType

import polars as pl

from fvc.errors import OutputError
from fvc.stages import recorder as field
from fvc.tables import output_error

_log = logging.getLogger(__name__)

_BLOCK = 16 * 2**20
_SYNC_SECONDS = 1.0
_ENDING = ".ndjson"

INDEX: dict[str, pl.DataType] = {
    field.UNIT: pl.String(),
    field.KEY: pl.String(),
    field.PART: pl.Int32(),
    field.PARTS: pl.Int32(),
    field.GENERATION: pl.Int64(),
    field.FILES: pl.List(pl.String()),
    field.SIZES: pl.List(pl.Int64()),
    field.KIND: pl.String(),
    field.REASON: pl.String(),
    field.PATH: pl.String(),
    field.SETTINGS: pl.String(),
}


class Journal:
    """A journal open for appending, by the holder of its part's lock.

    Parameters
    ----------
    path
        The file; made if missing, and its end mended if it was cut short.

    Raises
    ------
    OutputError
        The disk is full, read-only or forbidden.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._errors():
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            self._mend()
        self._synced = time.monotonic()
        self._dirty = False

    def append(self, lines: bytes) -> None:
        """Add whole lines; they are sure to outlast a power cut after the next `sync`.

        Raises
        ------
        OutputError
            The disk is full, read-only or forbidden.
        """
        with self._errors():
            rest = memoryview(lines)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            self._dirty = True
            if time.monotonic() - self._synced > _SYNC_SECONDS:
                self.sync()

    def sync(self) -> None:
        """Flush to the disk."""
        if self._dirty:
            with self._errors():
                os.fsync(self._file)
            self._dirty = False
        self._synced = time.monotonic()

    def close(self) -> None:
        """Flush and close."""
        try:
            self.sync()
        finally:
            os.close(self._file)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # On the way out with an error, that error is the one to hear of.
        with contextlib.suppress(OutputError) if kind else contextlib.nullcontext():
            self.close()

    def _mend(self) -> None:
        size = os.fstat(self._file).st_size
        end = size
        while end > 0:
            start = max(0, end - 2**16)
            newline = os.pread(self._file, end - start, start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            _log.info("%s: cut off %d bytes of an unfinished line", self.path.name, size - end)
            os.ftruncate(self._file, end)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise writing_failed(error, self.path) from error


def writing_failed(error: OSError, path: Path) -> OutputError:
    """Give any error of writing a file that the stage cannot do without."""
    return output_error(error, path) or OutputError(f"cannot write {path}: {error.strerror}")


def journal_path(folder: Path, label: str) -> Path:
    """Path of a part's journal."""
    return folder / f"{label}{_ENDING}"


def journal_paths(folder: Path) -> list[Path]:
    """All journals of a stage, in a fixed order."""
    return sorted(folder.glob(f"*{_ENDING}"))


def read_index(
    folder: Path, each: Callable[[pl.DataFrame], pl.DataFrame] = lambda block: block
) -> pl.DataFrame:
    """Read of all journals what says which units are done.

    Parameters
    ----------
    folder
        The journals' folder.
    each
        Applied to the records block by block, so that what it drops is never held.

    Returns
    -------
    polars.DataFrame
        The columns of `INDEX`, and ``_journal`` and ``_line``: where each record stands, counted
        from 0. Damaged lines are left out.
    """
    frames = [each(pl.DataFrame(schema={**INDEX, "_journal": pl.Int32(), "_line": pl.Int64()}))]
    for number, path in enumerate(journal_paths(folder)):
        for first, block in _blocks(path):
            frame, lines = _parse(block, INDEX)
            if lines is None:
                line = pl.int_range(first, first + frame.height, eager=True)
            else:
                _log.warning("%s: damaged lines are left out; their units are redone", path.name)
                line = pl.Series([first + n for n in lines], dtype=pl.Int64)
            place = pl.lit(number, pl.Int32()).alias("_journal"), line.alias("_line")
            frames.append(each(frame.with_columns(*place)))
    return pl.concat(frames)


def read_rows(
    folder: Path, wanted: pl.DataFrame, columns: Mapping[str, pl.DataType]
) -> Iterator[pl.DataFrame]:
    """Read the table rows of some records.

    Parameters
    ----------
    folder
        The journals' folder.
    wanted
        ``_journal`` and ``_line`` as from `read_index`, and any columns to be put beside the rows.
    columns
        The columns to read, with their types.
    """
    # Polars reads JSON numbers into 64 bits, and panics where it is asked for fewer.
    wide = {name: _wide(dtype) for name, dtype in columns.items()}
    for number, path in enumerate(journal_paths(folder)):
        here = wanted.filter(pl.col("_journal") == number).sort("_line")
        if here.is_empty():
            continue
        lines = here["_line"]
        for first, block in _blocks(path):
            count = block.count(b"\n")
            low, high = lines.search_sorted(pl.Series([first, first + count])).to_list()
            if low == high:
                continue
            if high - low < count:
                every = block.split(b"\n")
                block = b"\n".join(every[n - first] for n in lines[low:high].to_list()) + b"\n"
            frame = pl.read_ndjson(io.BytesIO(block), schema=wide).cast(pl.Schema(columns))
            yield frame.hstack(here[low:high].drop("_journal", "_line"))


def _wide(dtype: pl.DataType) -> pl.DataType:
    if dtype.is_integer() and dtype != pl.UInt64:
        return pl.Int64()
    return pl.Float64() if dtype.is_float() else dtype


def _blocks(path: Path) -> Iterator[tuple[int, bytes]]:
    """Cut a journal into blocks of whole lines, each with the number of its first line."""
    # Not mapped into memory: the pages would count as ours.
    with path.open("rb") as file:
        first, rest = 0, b""
        while piece := file.read(_BLOCK):
            rest += piece
            end = rest.rfind(b"\n") + 1
            if end:
                block, rest = rest[:end], rest[end:]
                yield first, block
                first += block.count(b"\n")


def _parse(
    block: bytes, schema: Mapping[str, pl.DataType]
) -> tuple[pl.DataFrame, list[int] | None]:
    """Parse a block; where lines had to be left out, say which were good."""
    try:
        frame = pl.read_ndjson(io.BytesIO(block), schema=dict(schema))
    except pl.exceptions.PolarsError:
        frame = pl.DataFrame(schema=dict(schema))
    if frame.height == block.count(b"\n"):
        return frame, None
    lines = block.split(b"\n")[:-1]
    good = list(_good(lines, 0, schema))
    text = b"\n".join(lines[n] for n in good)
    return pl.read_ndjson(io.BytesIO(text), schema=dict(schema)), good


def _good(lines: list[bytes], first: int, schema: Mapping[str, pl.DataType]) -> Iterator[int]:
    """Find the lines that parse, by halving: damage is rare and stands in one place."""
    try:
        frame = pl.read_ndjson(io.BytesIO(b"\n".join(lines)), schema=dict(schema))
        if frame.height == len(lines):
            yield from range(first, first + len(lines))
            return
    except pl.exceptions.PolarsError:
        pass
    if len(lines) > 1:
        half = len(lines) // 2
        yield from _good(lines[:half], first, schema)
        yield from _good(lines[half:], first + half, schema)
