"""From journals to the table: in the input's order, the same bytes whoever did the work."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from fvc.stages import recorder as field
from fvc.stages.journal import read_rows
from fvc.stages.stage import Stage
from fvc.stages.state import State
from fvc.tables import check, write_table

_POSITION = "_position"


def table_columns(stage: Stage) -> dict[str, pl.DataType]:
    """Give the columns of a stage's table with their types: schema, extra ones, ``key``."""
    columns: dict[str, pl.DataType] = dict(stage.schema.create_empty().schema)
    for name, kind in stage.extra.items():
        columns[name] = kind if isinstance(kind, pl.DataType) else kind()
    columns.setdefault("key", pl.String())
    return columns


def python_types(columns: Mapping[str, pl.DataType]) -> dict[str, type]:
    """Give the Python type of each column's values.

    Raises
    ------
    TypeError
        A column of another type than text, number or truth value.
    """
    types: dict[str, type] = {}
    for name, kind in columns.items():
        if kind.is_integer():
            types[name] = int
        elif kind.is_float():
            types[name] = float
        elif kind == pl.Boolean:
            types[name] = bool
        elif kind == pl.String:
            types[name] = str
        else:
            raise TypeError(f"a stage's table cannot hold column {name!r} of type {kind}")
    return types


def plan_table(state: State, wanted: Mapping[str, str]) -> pl.DataFrame:
    """Say where the rows of a table stand in the journals, in the table's order.

    Parameters
    ----------
    state
        What the journals say.
    wanted
        Id and key of each unit of the input, in its order. Others are left out.
    """
    units = [unit for unit, key in wanted.items() if state.is_done(unit, key)]
    order = pl.DataFrame({field.UNIT: pl.Series(units, dtype=pl.String)}).with_row_index(_POSITION)
    return (
        state.lines.join(order, on=field.UNIT)
        .select(_POSITION, field.PART, "_journal", "_line")
        .sort(_POSITION, field.PART)
        .select("_journal", "_line", pl.int_range(pl.len(), dtype=pl.UInt32).alias(_POSITION))
    )


def write_stage_table(stage: Stage, folder: Path, plan: pl.DataFrame, path: Path) -> int:
    """Write the table of the units that are done.

    Parameters
    ----------
    stage
        The stage.
    folder
        The journals' folder.
    plan
        Which rows, as from `plan_table`.
    path
        The table.

    Returns
    -------
    int
        The number of rows.

    Raises
    ------
    TableError
        The stage gave rows that its schema forbids.
    OutputError
        The disk is full, read-only or forbidden.
    """
    columns = table_columns(stage)
    frames = list(read_rows(folder, plan, columns))
    frame = pl.concat(frames)
    frames.clear()
    frame = frame.sort(_POSITION).drop(_POSITION).select(list(columns))
    frame = _settled(check(frame, stage.schema, path))
    write_table(frame, path)
    return frame.height


def _settled(frame: pl.DataFrame) -> pl.DataFrame:
    """Lay texts out in the order of the rows.

    A text column refers to pieces of memory as they were read, and an Arrow file keeps those: the
    order of the journals would show in its bytes.
    """
    oldest = pl.CompatLevel.oldest()
    for name in frame.columns:
        if frame.schema[name] == pl.String:
            column = pl.Series(name, frame[name].rechunk().to_arrow(compat_level=oldest))
            frame = frame.with_columns(column)
    return frame.rechunk()
