"""Who works on a stage's files: one run for each part, and none beside it that could share a unit.

A lock is the kernel's (`flock`): it ends with the process that holds it, however that ends.
"""

import contextlib
import errno
import fcntl
import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from fvc.errors import LockedError
from fvc.stages.journal import writing_failed
from fvc.stages.options import Part

_log = logging.getLogger(__name__)
_GATE_SECONDS = 30.0
_NO_LOCKS_HERE = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


class PartLock:
    """The right to work on one part of a stage.

    Parameters
    ----------
    folder
        Where lock files lie; made if missing.
    part
        The part to be worked on.
    title
        The stage's name for messages.
    """

    def __init__(self, folder: Path, part: Part, title: str) -> None:
        self.folder = folder
        self.part = part
        self.title = title
        self.path = folder / f"{part.label}.lock"
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock; call it inside `gate`.

        Raises
        ------
        LockedError
            A run that could share a unit with this one is at work; it is named.
        OutputError
            The folder cannot be written.
        """
        for path in self._others():
            with _open(path, "r") as file:
                if not _try_lock(file):
                    holder = _read(file)
                    theirs = Part(*holder.get("part", (1, 1, 0, None)))
                    if self.part.may_share_units_with(theirs):
                        raise LockedError(self._message(holder, theirs))
        file = _open(self.path, "a+")
        if not _try_lock(file):
            holder = _read(file)
            file.close()
            raise LockedError(self._message(holder, self.part))
        part = self.part
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "part": [part.index, part.count, part.start, part.end],
        }
        try:
            file.truncate(0)
            json.dump(holder, file)
            file.flush()
        except OSError as error:
            _give_up(file)
            raise writing_failed(error, self.path) from error
        self._file = file

    def release(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def is_alone(self) -> bool:
        """Whether no other run of this stage is at work; call it inside `gate`."""
        for path in self._others():
            with _open(path, "r") as file:
                if not _try_lock(file):
                    return False
        return True

    @contextlib.contextmanager
    def gate(self) -> Iterator[None]:
        """Hold the lock under which runs begin and end, one at a time and briefly."""
        with exclusive(self.folder / "gate", self.title):
            yield

    def _others(self) -> list[Path]:
        return [path for path in sorted(self.folder.glob("*.lock")) if path != self.path]

    def _message(self, holder: dict[str, Any], theirs: Part) -> str:
        who = f"process {holder['pid']} on {holder['host']}" if holder else "another process"
        what = self.title if theirs.is_whole else f"{self.title}, part {theirs.label}"
        return f"{what} is being run by {who}. Wait for it, or stop it and run this again."


@contextlib.contextmanager
def exclusive(path: Path, title: str) -> Iterator[None]:
    """Hold a lock that others hold only briefly; wait for it.

    Raises
    ------
    LockedError
        It did not come free within half a minute.
    """
    with _open(path, "a+") as file:
        start = time.monotonic()
        while not _try_lock(file):
            if time.monotonic() - start > _GATE_SECONDS:
                raise LockedError(f"{title}: another process holds {path}")
            time.sleep(0.02)
        yield


def _open(path: Path, mode: str) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open(mode, encoding="utf-8")
    except OSError as error:
        raise writing_failed(error, path) from error


def _give_up(file: IO[str]) -> None:
    """Close a file whose content cannot be written, which trying once more would only say again."""
    with contextlib.suppress(OSError):
        file.close()


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS_HERE:
            raise
        _log.warning("%s: this file system has no locks; run a stage only once here", file.name)
    return True


def _read(file: IO[str]) -> dict[str, Any]:
    file.seek(0)
    try:
        holder = json.load(file)
    except ValueError:
        return {}
    return holder if isinstance(holder, dict) else {}
