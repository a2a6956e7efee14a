"""Tables on disk: one frame in any of three formats, found under any of its names."""

from pathlib import Path

import polars as pl

from fvc.errors import MissingInputError, OptionError, TableError
from fvc.tables.atomic import atomic_write
from fvc.workspace import TABLE_FORMATS, StageFiles, TableFormat, Workspace

# Digits only, in some corpora: a type guessed from the values would turn ids into numbers.
_TEXT_COLUMNS = frozenset({
    *("source", "clip", "video_id", "group", "collection", "platform", "subset", "raw_label"),
    *("video_path", "original_video", "feature_path", "key", "cascade_id", "augmentation"),
    *("parameters", "method", "unit", "path", "kind", "reason"),
})  # fmt: skip


def read_table(path: Path | str) -> pl.DataFrame:
    """Read a table; its format follows from the ending.

    Parameters
    ----------
    path
        An ``.arrow`` (Arrow IPC file), ``.parquet`` or ``.csv`` file.

    Raises
    ------
    MissingInputError
        There is no such file.
    TableError
        The file cannot be read as what its ending says.
    """
    path = Path(path)
    format = _format(path)
    if not path.is_file():
        raise MissingInputError("no such table", path=path)
    try:
        if format == "arrow":
            return pl.read_ipc(path)
        if format == "parquet":
            return pl.read_parquet(path)
        names = pl.read_csv(path, n_rows=0, infer_schema=False).columns
        known = {name: pl.String for name in names if name in _TEXT_COLUMNS}
        return pl.read_csv(path, schema_overrides=known, infer_schema_length=None)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        raise TableError(path, f"cannot be read as {format}: {error}") from error


def write_table(frame: pl.DataFrame, path: Path | str) -> None:
    """Write a table; its format follows from the ending, and a reader sees a whole file or none.

    Raises
    ------
    OutputError
        The disk is full, read-only or forbidden.
    """
    format = _format(Path(path))
    with atomic_write(path) as temporary:
        if format == "arrow":
            frame.write_ipc(temporary)
        elif format == "parquet":
            frame.write_parquet(temporary)
        else:
            frame.write_csv(temporary)


def _format(path: Path) -> TableFormat:
    for format in TABLE_FORMATS:
        if path.suffix == f".{format}":
            return format
    raise OptionError(f"{path}: a table ends in {', '.join('.' + f for f in TABLE_FORMATS)}")


def find_table(files: StageFiles) -> Path | None:
    """Find a stage's table under either of its folder names and any of the three endings.

    Where several are there the newest wins, since that is the one made last.
    """
    candidates = [
        folder / f"{files.table_stem}.{format}"
        for folder in (files.folder, files.also)
        for format in TABLE_FORMATS
    ]
    there = [path for path in candidates if path.is_file()]
    return max(there, key=lambda path: path.stat().st_mtime_ns, default=None)


def require_table(files: StageFiles) -> Path:
    """Find a stage's table or say which command makes it.

    Raises
    ------
    MissingInputError
        The stage has not run.
    """
    path = find_table(files)
    if path is None:
        raise MissingInputError(
            f"the table of stage {files.number} is missing",
            path=files.table("arrow"),
            remedy=f"Run `fvc {files.command}` first",
        )
    return path


def load_metadata_flexible(path: Path | str) -> pl.DataFrame | None:
    """Read a stage's table by any of its documented names.

    ``data/stage3/scaled_metadata.parquet`` and ``data/scaled_videos/scaled_metadata.arrow`` are the
    same table: the file named is taken if it is there, else the same stem with another ending, else
    the stage's other folder.

    Parameters
    ----------
    path
        The documented path.

    Returns
    -------
    polars.DataFrame or None
        The table, or None where there is none under any name.

    Raises
    ------
    TableError
        A table is there and cannot be read.
    """
    path = Path(path)
    found = find_metadata(path)
    return None if found is None else read_table(found)


def find_metadata(path: Path | str) -> Path | None:
    """Find the file that `load_metadata_flexible` would read."""
    path = Path(path)
    if path.is_file():
        return path
    beside = [path.with_suffix(f".{format}") for format in TABLE_FORMATS]
    for candidate in beside:
        if candidate.is_file():
            return candidate
    # <project>/data/<folder>/<table>
    if len(path.parents) >= 3 or path.parent.parent != path.parent:
        for files in Workspace(path.parent.parent.parent).stages:
            if files.table_stem == path.stem:
                return find_table(files)
    return None
