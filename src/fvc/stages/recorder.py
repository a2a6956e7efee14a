"""The worker's side of the journal: does a unit and writes out the lines that say so."""

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fvc.engines import Failure
from fvc.stages.stage import Unit

# Fields of a journal line that are not columns of the table.
UNIT, KEY, PART, PARTS = "_unit", "_key", "_part", "_parts"
FILES, SIZES, GENERATION = "_files", "_sizes", "_generation"
KIND, REASON, PATH, SETTINGS = "_kind", "_reason", "_path", "_settings"

BEGUN = "begun"
"""The kind of a line that voids what was known of a unit, written before its files change."""


@dataclass(frozen=True)
class Task:
    """A unit, and the key under which it is recorded."""

    unit: Unit
    key: str


@dataclass(frozen=True)
class Recorder:
    """Does a unit's work and gives its journal lines, one for each row.

    Parameters
    ----------
    work, outputs
        As in `Stage`.
    root
        The project's folder.
    columns
        The table's columns, each with the Python type of its values.
    generation
        Number of the run.
    """

    work: Callable[[Unit], list[dict[str, Any]]]
    outputs: Callable[[dict[str, Any]], Sequence[str]]
    root: Path
    columns: Mapping[str, type]
    generation: int

    def __call__(self, task: Task) -> bytes:
        """Do a unit.

        Raises
        ------
        TypeError, ValueError
            The work gave rows that the table cannot hold.
        """
        rows = self.work(task.unit)
        if not rows:
            raise ValueError("the stage gave no row")
        lines = []
        for part, row in enumerate(rows):
            clean = {name: self._value(name, value) for name, value in row.items()}
            files = list(self.outputs(clean))
            record = {
                UNIT: task.unit.id,
                KEY: task.key,
                PART: part,
                PARTS: len(rows),
                FILES: files,
                SIZES: [os.stat(self.root / file).st_size for file in files],
                GENERATION: self.generation,
                **clean,
                "key": task.key,
            }
            lines.append(line(record))
        return b"".join(lines)

    def _value(self, name: str, value: Any) -> Any:
        kind = self.columns.get(name)
        if kind is None:
            raise TypeError(f"the table has no column {name!r}")
        if hasattr(value, "item"):  # a NumPy scalar
            value = value.item()
        if value is None:
            return None
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:
            raise TypeError(f"column {name!r} holds {kind.__name__}, not {value!r}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"column {name!r} is {value}; what cannot be computed is null")
        return value


def line(record: Mapping[str, Any]) -> bytes:
    """Write a record as a line of UTF-8.

    Raises
    ------
    UnicodeEncodeError
        A text that is not Unicode, as of a file name in another encoding.
    """
    text = json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode() + b"\n"


def failure_line(task: Task, failure: Failure, generation: int) -> bytes:
    """Write the record of a unit that failed."""
    return line(
        {
            UNIT: task.unit.id,
            KEY: task.key,
            GENERATION: generation,
            KIND: failure.kind,
            REASON: _printable(failure.reason),
            PATH: _printable(task.unit.shown_path),
        }
    )


def begun_line(task: Task, generation: int) -> bytes:
    """Write the record that voids earlier ones of a unit, whose files are about to change."""
    return line({UNIT: task.unit.id, KEY: task.key, GENERATION: generation, KIND: BEGUN})


def settings_line(settings: Mapping[str, Any], generation: int) -> bytes:
    """Write the record with which a run begins."""
    return line({SETTINGS: json.dumps(settings, sort_keys=True), GENERATION: generation})


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
