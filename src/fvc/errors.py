"""Every error that the project raises on purpose, and the exit code of each.

::

    FVCError                        1
    ├── OptionError                 2   a value that an option cannot take
    ├── MissingInputError           3   an earlier step has not run, or a file is not there
    │   └── StaleError              3   what is there no longer fits its input
    ├── DataError                   4   an input is there and is wrong
    │   ├── TableError                  a table with wrong columns, types or values
    │   ├── ArchiveError                an archive or one of its members
    │   ├── VideoError                  one video file; becomes a row of failures.csv
    │   ├── TooFewGroupsError           too few sources or groups for what was asked
    │   └── LeakageError                a group stands on both sides of a split
    ├── NothingLeftError            6   every unit of a stage failed
    ├── LockedError                 7   another process works on the same files
    ├── NotAvailableError           8   not in this version
    │   └── MissingExtraError       8   needs an optional part that is not installed
    └── OutputError                 9   the disk is full, or cannot be written

Exit code 0 is success; 5 means that the work was finished and some units failed, with a row for
each in ``data/failures.csv``; 130 and 143 are an interrupt and a termination. Any other exception
is a fault of this program and exits with 1.

A message says what was wrong, with which value, in which file, and what to do.
"""

from pathlib import Path
from typing import Any, ClassVar

EXIT_SOME_FAILED = 5


class FVCError(Exception):
    """The root of the tree."""

    exit_code: ClassVar[int] = 1

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors cross process borders. The default would call the class with the message alone.
        return _revive, (type(self), self.args, self.__dict__)


def _revive(cls: type[FVCError], args: tuple[Any, ...], state: dict[str, Any]) -> FVCError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class OptionError(FVCError):
    """An option got a value that it cannot take."""

    exit_code = 2


class MissingInputError(FVCError):
    """A file that an earlier step makes is not there.

    Parameters
    ----------
    what
        What is missing, in words.
    path
        Where it was looked for.
    remedy
        The command or action that brings it.
    """

    exit_code = 3

    def __init__(self, what: str, *, path: Path | str | None = None, remedy: str = "") -> None:
        where = f": {path}" if path is not None else ""
        then = f". {remedy}" if remedy else ""
        super().__init__(f"{what}{where}{then}")
        self.path = path
        self.remedy = remedy


class StaleError(MissingInputError):
    """A file is there, but no longer fits the input that it was made from."""


class DataError(FVCError):
    """An input is there and is wrong."""

    exit_code = 4


class TableError(DataError):
    """A table has the wrong columns, types or values."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class ArchiveError(DataError):
    """An archive, or one of its members, cannot be used.

    ``member`` is the member's name, or None where the archive as a whole is meant.
    """

    def __init__(self, archive: Path | str, reason: str, *, member: str | None = None) -> None:
        within = f", member {member!r}" if member is not None else ""
        super().__init__(f"{archive}{within}: {reason}")
        self.archive = archive
        self.member = member
        self.reason = reason


class VideoError(DataError):
    """One video cannot be handled.

    ``kind`` is a short word that reports count by, such as ``"no_video_stream"``, ``"no_frames"``,
    ``"corrupt"``, ``"too_large"``, ``"unsupported"``; ``reason`` is the sentence that helps.
    """

    def __init__(self, path: Path | str, kind: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.kind = kind
        self.reason = reason


class TooFewGroupsError(DataError):
    """There are too few sources or groups for what was asked."""


class LeakageError(DataError):
    """A group stands on both sides of a split.

    ``groups`` names them.
    """

    def __init__(self, groups: list[str], where: str) -> None:
        shown = ", ".join(repr(g) for g in groups[:5])
        more = f" and {len(groups) - 5} more" if len(groups) > 5 else ""
        super().__init__(
            f"{where}: the training and the test side share {len(groups)} group(s): {shown}{more}. "
            "A score from this split would measure memory. Make the split again with whole groups."
        )
        self.groups = groups


class NothingLeftError(FVCError):
    """Every unit of a stage failed."""

    exit_code = 6


class LockedError(FVCError):
    """Another process holds what this one needs."""

    exit_code = 7


class NotAvailableError(FVCError):
    """A documented name that this version does not have yet."""

    exit_code = 8


class MissingExtraError(NotAvailableError):
    """An optional part is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f'{feature} needs an optional part: pip install "fvc[{extra}]"')
        self.extra = extra


class OutputError(FVCError):
    """The disk is full, or the output cannot be written. The run stops; what is done is kept."""

    exit_code = 9
