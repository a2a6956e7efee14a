"""What is to be sent, on disk before it is sent: one folder a run, with its children.

A record is an append-only file of events, the files that they name, and how far it was sent. It is
there until all of it has arrived, however often the program or the server ends in between.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from fvc.errors import LockedError, OutputError
from fvc.tables import TEMPORARY_MARK, output_error, write_json_atomic

Event = dict[str, Any]

RECORD_VERSION = 1
_EVENTS, _STATE, _LOCK, _FILES = "events.ndjson", "state.json", "lock", "files"


@dataclass
class Sent:
    """How far a record has been sent to one destination.

    Attributes
    ----------
    destination
        Identity of the destination.
    events
        How many events have arrived.
    runs
        Run of the destination by key.
    problem
        Why the rest has not arrived; empty where nothing was tried or all is well.
    """

    destination: str
    events: int = 0
    runs: dict[str, str] = field(default_factory=dict)
    problem: str = ""


class Record:
    """One run and its children, as events.

    Parameters
    ----------
    folder
        The record's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def key(self) -> str:
        """What identifies the run, here and at the destination."""
        return self.folder.name

    @property
    def exists(self) -> bool:
        """Whether it is still to be sent."""
        return (self.folder / _EVENTS).is_file()

    def events(self) -> list[Event]:
        """Read the events; a line that a killed process left half-written is no event."""
        text = (self.folder / _EVENTS).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def append(self, events: Sequence[Event]) -> None:
        """Add events, on disk when this returns.

        Raises
        ------
        OutputError
            The disk is full, or cannot be written.
        """
        try:
            with (self.folder / _EVENTS).open("a", encoding="utf-8") as lines:
                lines.write("".join(json.dumps(event) + "\n" for event in events))
                lines.flush()
                os.fsync(lines.fileno())
        except OSError as error:
            raise _unwritable(error, self.folder) from error

    def keep_file(self, path: Path, *, link: bool = False) -> str:
        """Copy a file into the record, and give its place for an event.

        Parameters
        ----------
        path
            The file.
        link
            Make it a second name where the file system can: for files that are only ever replaced
            as a whole.
        """
        place = f"{_FILES}/{uuid4().hex[:12]}/{path.name}"
        target = self.folder / place
        try:
            target.parent.mkdir(parents=True)
            if link:
                with contextlib.suppress(OSError):
                    os.link(path, target)
                    return place
            shutil.copyfile(path, target)
        except OSError as error:
            raise _unwritable(error, target) from error
        return place

    def file(self, place: str) -> Path:
        """Find a file that an event names."""
        return self.folder / place

    def sent(self, destination: str) -> Sent:
        """Read how far it was sent there; nothing of it, if it was last sent elsewhere."""
        try:
            found = Sent(**json.loads((self.folder / _STATE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return Sent(destination)
        return found if found.destination == destination else Sent(destination)

    def save_sent(self, sent: Sent) -> None:
        """Write down how far it was sent."""
        write_json_atomic(self.folder / _STATE, vars(sent))

    def remove(self) -> None:
        """Forget it: all of it has arrived. The events go first: without them it is no record."""
        (self.folder / _EVENTS).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold it against other processes.

        Raises
        ------
        LockedError
            Another process writes or sends it.
        """
        with self.lock():
            yield

    def lock(self) -> IO[str]:
        """Take the lock, which ends with the file returned or with the process.

        Raises
        ------
        LockedError
            Another process writes or sends it.
        """
        try:
            file = (self.folder / _LOCK).open("a", encoding="utf-8")
        except FileNotFoundError as error:
            raise LockedError(f"{self.folder} was sent by another process") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            raise LockedError(f"another process writes or sends {self.folder}") from error
        return file


class Outbox:
    """The records of a project that are still to be sent.

    Parameters
    ----------
    folder
        Where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def pending(self) -> list[Record]:
        """List the records, those made first at the front."""
        found = [Record(path.parent) for path in self.folder.glob(f"*/{_EVENTS}")]
        whole = [r for r in found if not r.key.startswith(TEMPORARY_MARK)]
        return sorted(whole, key=lambda r: ((r.folder / _LOCK).stat().st_ctime_ns, r.key))

    def begin(self, key: str, experiment: str) -> Record:
        """Begin a record that grows; its writer holds its lock."""
        record = Record(self.folder / key)
        self._make(record, experiment)
        return record

    def add(
        self,
        key: str,
        experiment: str,
        events: Sequence[Event],
        files: Mapping[str, Path],
    ) -> Record:
        """Add a finished record, whole or not at all; one that is there with this key stays.

        Parameters
        ----------
        key
            What identifies the run.
        experiment
            Name of the experiment.
        events
            What is to be sent.
        files
            Place in the record of each file that the events name.
        """
        record = Record(self.folder / key)
        if record.exists:
            return record
        draft = Record(self.folder / f"{TEMPORARY_MARK}{uuid4().hex[:12]}")
        try:
            self._make(draft, experiment)
            for place, path in files.items():
                target = draft.file(place)
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    os.link(path, target)
                except OSError:
                    shutil.copyfile(path, target)
            draft.append(events)
            _put(draft, record)
        except OSError as error:
            raise _unwritable(error, record.folder) from error
        finally:
            shutil.rmtree(draft.folder, ignore_errors=True)
        return record

    def _make(self, record: Record, experiment: str) -> None:
        try:
            record.folder.mkdir(parents=True)
            (record.folder / _LOCK).touch()
        except OSError as error:
            raise _unwritable(error, record.folder) from error
        record.append([{"op": "record", "version": RECORD_VERSION, "experiment": experiment}])


def _put(draft: Record, record: Record) -> None:
    try:
        os.replace(draft.folder, record.folder)
    except OSError:
        # Another process was quicker, with the same content; or what lies there is no record.
        if not record.exists:
            shutil.rmtree(record.folder, ignore_errors=True)
            os.replace(draft.folder, record.folder)


def new_key() -> str:
    """Make a key for a run that nothing else identifies."""
    return uuid4().hex


def key_of(content: Any) -> str:
    """Make a key from what a run says, so that the same result is the same run."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _unwritable(error: OSError, path: Path) -> OutputError:
    return output_error(error, path) or OutputError(f"cannot write {path}: {error}")
