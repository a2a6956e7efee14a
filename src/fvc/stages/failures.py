"""The project's one list of what failed, and why: ``data/failures.csv``."""

from collections.abc import Collection, Sequence
from pathlib import Path

import polars as pl

from fvc.errors import TableError
from fvc.stages.locks import exclusive
from fvc.tables import FailureSchema, read_table, write_table

COLUMNS = tuple(FailureSchema.column_names())


def update_failures(
    path: Path,
    stage: str,
    rows: Sequence[dict[str, str]],
    *,
    keep_other_than: Collection[str] | None = None,
) -> None:
    """Replace one stage's rows of the list.

    Parameters
    ----------
    path
        The list; made if missing, with its header alone where nothing failed.
    stage
        The stage whose rows are replaced.
    rows
        Its rows now: stage, unit, path, kind, reason.
    keep_other_than
        Where a run ended early: the units that it knows about. Rows of others stay.

    Raises
    ------
    OutputError
        The disk is full, read-only or forbidden.
    """
    with exclusive(path.with_suffix(".lock"), path.name):
        stays = pl.col("stage") != stage
        if keep_other_than is not None:
            stays |= ~pl.col("unit").is_in(list(keep_other_than))
        now = pl.DataFrame(list(rows), schema=dict.fromkeys(COLUMNS, pl.String))
        frame = pl.concat([_read(path).filter(stays), now]).sort("stage", maintain_order=True)
        write_table(frame, path)


def _read(path: Path) -> pl.DataFrame:
    empty = pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String))
    if not path.is_file():
        return empty
    try:
        frame = read_table(path)
        return frame.select(pl.col(name).cast(pl.String).fill_null("") for name in COLUMNS)
    except (TableError, pl.exceptions.PolarsError):
        # The journals hold every stage's failures; a list that someone edited is made anew.
        return empty
