"""Files that are whole or not there: written under a temporary name, flushed, then renamed."""

import contextlib
import errno
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from fvc.errors import OutputError

TEMPORARY_MARK = ".part-"
"""Stands in the name of every temporary file, so that the rest of a killed run can be found."""

_FATAL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EISDIR: "a folder of its name is there",
    errno.ENAMETOOLONG: "the name is too long for this file system",
}


# Polars gives the number in its message alone.
_IN_TEXT = re.compile(r"\(os error (\d+)\)")


def output_error(error: OSError, path: Path | str) -> OutputError | None:
    """Say why nothing can be written at `path`, or None where the error is of another kind."""
    number = error.errno
    if number is None and (told := _IN_TEXT.search(str(error))):
        number = int(told[1])
    reason = _FATAL.get(number or 0)
    if reason is None:
        return None
    return OutputError(
        f"cannot write {path}: {reason}. What is finished is kept: mend this and run the same "
        "command again."
    )


@contextlib.contextmanager
def atomic_write(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block ends well.

    The temporary name keeps the ending of `path`, since writers choose a format by it. On an error
    the temporary file is removed and `path` is as it was. Missing folders are made.

    Parameters
    ----------
    path
        The file that shall come into being.

    Raises
    ------
    OutputError
        The disk is full, read-only or forbidden.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "notes" / "a.txt"
    >>> with atomic_write(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    path = Path(path)
    # Short, so that names near the limit of 255 bytes still have room for the mark.
    temporary = path.with_name(f"{TEMPORARY_MARK}{uuid4().hex[:12]}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
        _flush(path.parent)
    except OSError as error:
        reason = output_error(error, path)
        if reason is None:
            raise
        raise reason from error
    finally:
        temporary.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_temporary_files(folder: Path) -> int:
    """Remove what killed runs left in `folder` (not below it) and return how many there were.

    Only for a caller that holds the folder's lock.
    """
    left = list(folder.glob(f"{TEMPORARY_MARK}*"))
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def write_json_atomic(path: Path | str, document: Any) -> None:
    """Write a JSON document: UTF-8, two-space indent, keys as given; NaN and infinity are errors.

    Raises
    ------
    ValueError
        The document holds NaN or an infinity, which JSON does not have.
    OutputError
        The disk is full, read-only or forbidden.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
