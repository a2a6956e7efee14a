"""Answers as JSON lines that grow as they come, and from which a run goes on."""

import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from fvc.errors import OptionError
from fvc.inference.prediction import Prediction
from fvc.tables import atomic_write, output_error

JUDGED_WITH = "judged_with"
"""Key of the identity of detector and terms that a line's answer comes from."""


def line_of(prediction: Prediction, identity: str) -> str:
    """Write an answer as one line of JSON."""
    document = {**prediction.to_dict(), JUDGED_WITH: identity}
    return json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n"


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read answers; a last line that was cut short is left out.

    Raises
    ------
    OptionError
        The file holds something else.
    """
    with path.open(encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError as error:
                if not line.endswith("\n"):
                    return
                raise _foreign(path) from error
            if not isinstance(row, dict) or "path" not in row or "probability" not in row:
                raise _foreign(path)
            yield row


def _foreign(path: Path) -> OptionError:
    return OptionError(f"{path} is there and does not hold answers of fvc predict; name another")


def answered(path: Path, wanted: Mapping[str, str | None], identity: str) -> set[str]:
    """Find which answers of an earlier run still hold.

    Parameters
    ----------
    path
        The file of that run.
    wanted
        Fingerprint of each file that is asked for, by the name in results.
    identity
        Of detector and terms.

    Raises
    ------
    OptionError
        The file holds something else.
    """
    if not path.is_file():
        return set()
    return {
        row["path"]
        for row in read_lines(path)
        if row["path"] in wanted
        and row["probability"] is not None
        and row.get(JUDGED_WITH) == identity
        and row.get("fingerprint") == wanted[row["path"]] is not None
    }


class Lines:
    """A file of answers, open for adding to.

    Parameters
    ----------
    path
        The file. Lines of `redo` are dropped, all others stay.
    redo
        Names whose answers will be added anew.

    Raises
    ------
    OutputError
        The disk is full, read-only or forbidden.
    """

    def __init__(self, path: Path, redo: Collection[str]) -> None:
        self.path = path
        with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8") as out:
            for row in read_lines(path) if path.is_file() else ():
                if row["path"] not in redo:
                    out.write(json.dumps(row, ensure_ascii=False) + "\n")
        self._file = path.open("a", encoding="utf-8")

    def add(self, line: str) -> None:
        """Add a line; a reader sees it at once.

        Raises
        ------
        OutputError
            The disk is full.
        """
        try:
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            raise output_error(error, self.path) or error from error

    def __enter__(self) -> "Lines":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            os.fsync(self._file.fileno())
        self._file.close()
