"""What a stage is, what it works on, and what is said when it has run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fvc.errors import EXIT_SOME_FAILED
from fvc.workspace import StageFiles

if TYPE_CHECKING:
    import dataframely as dy
    import polars as pl


@dataclass(frozen=True)
class Unit:
    """One thing to do.

    Parameters
    ----------
    id
        Names the unit within its stage, for ever: the source or the clip.
    row
        What the work needs to know; plain values that JSON can hold. A changed row is a changed
        unit, and is done again.
    fingerprint
        Changes when the input file does: `fingerprint_file`, or the ``key`` of an earlier table.
    path
        The input file relative to the project, for `failures.csv`; by default the row's
        ``video_path``, else the id.
    """

    id: str
    row: dict[str, Any]
    fingerprint: str
    path: str = ""

    @property
    def shown_path(self) -> str:
        """The path that `failures.csv` names."""
        return self.path or str(self.row.get("video_path") or self.id)


def _no_outputs(_row: dict[str, Any]) -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class Stage:
    """For each row of a table, do one thing, write its files, append its rows.

    Parameters
    ----------
    number, name
        As in ``1`` and ``"augment"``.
    files
        Where the table and its files lie.
    settings
        Everything that changes the output, as plain values. When one changes, units are redone.
    schema
        The table's schema. The runner adds a column ``key``.
    work
        Does one unit: writes its files whole (`atomic_write`), returns its finished rows. Must
        pickle: a function of a module, a `functools.partial` of one, or a frozen dataclass with
        ``__call__``. An error is a row of `failures.csv`.
    outputs
        The files of a row, relative to the project; checked on resume. A function of a module.
    extra
        Columns beyond the schema, in their order, with their Polars types.
    version
        Counted up when the code gives other results for the same settings.
    """

    number: int
    name: str
    files: StageFiles
    settings: Mapping[str, Any]
    schema: "type[dy.Schema]"
    work: Callable[[Unit], list[dict[str, Any]]]
    outputs: Callable[[dict[str, Any]], Sequence[str]] = _no_outputs
    extra: "Mapping[str, pl.DataType | type[pl.DataType]]" = field(default_factory=dict)
    version: int = 1


@dataclass(frozen=True)
class StageReport:
    """What a run of a stage did.

    Parameters
    ----------
    stage
        The stage's name.
    table
        The table, or None where other parts are still missing.
    done
        Units made by this run.
    resumed
        Units of this part that an earlier run had made.
    failed
        Units of this part that failed, in this run or, untried now, in an earlier one.
    rows
        Rows of the table; 0 without one.
    seconds
        Wall time.
    missing
        Units of the whole stage still to be done by other parts.
    known_failures
        How many of `failed` an earlier run had found and this one did not try.
    failures
        Rows as in `failures.csv`: stage, unit, path, kind, reason; of the whole stage.
    """

    stage: str
    table: Path | None
    done: int
    resumed: int
    failed: int
    rows: int
    seconds: float
    missing: int = 0
    known_failures: int = 0
    failures: tuple[dict[str, str], ...] = ()

    @property
    def exit_code(self) -> int:
        """0, or 5 where some units failed."""
        return EXIT_SOME_FAILED if self.failed else 0

    def summary(self, failures: Path | str = "data/failures.csv") -> str:
        """Word what the run did and what is to be done next; `failures` is where reasons are."""
        text = f"{self.stage}: {self.done} done, {self.resumed} from earlier runs, "
        text += f"{self.failed} failed."
        if self.failed:
            text += f" Reasons are in {failures}."
        if self.known_failures:
            text += (
                f" {self.known_failures} had failed before and were not tried again; "
                "--retry-failed does."
            )
        if self.table is None:
            text += (
                f" No table yet: {self.missing} unit(s) of other parts are still to be done; the "
                "run that finishes them writes it."
            )
        else:
            text += f" {self.rows} rows in {self.table}."
        return text

    def to_dict(self) -> dict[str, Any]:
        """Give the report as JSON can hold it."""
        return {
            "stage": self.stage,
            "table": None if self.table is None else str(self.table),
            "done": self.done,
            "resumed": self.resumed,
            "failed": self.failed,
            "known_failures": self.known_failures,
            "missing": self.missing,
            "rows": self.rows,
            "seconds": round(self.seconds, 3),
            "exit_code": self.exit_code,
            "failures": [dict(failure) for failure in self.failures],
        }
