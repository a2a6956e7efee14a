"""What is in a table, read batch by batch."""

import datetime
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fvc.engines import heartbeat
from fvc.errors import TableError
from fvc.workspace import TABLE_FORMATS

TABLE_ENDINGS = tuple(f".{name}" for name in TABLE_FORMATS)

# A type is guessed for people from so many values; nothing is converted.
_GUESSED_FROM = 1000
_LONGEST_CELL = 200


def describe_table(path: str, *, rows: int) -> dict[str, Any]:
    """Say what a table holds, in memory that does not grow with its rows.

    Parameters
    ----------
    path
        An ``.arrow``, ``.parquet`` or ``.csv`` file.
    rows
        First rows to give.

    Returns
    -------
    dict
        ``format``, ``n_rows``, ``n_columns``, ``columns`` (each with ``name``, ``type`` and
        ``nulls``), and ``rows`` (lists of values in the order of the columns).

    Raises
    ------
    TableError
        The file cannot be read as what its ending says.
    """
    import pyarrow as pa  # type: ignore[import-untyped]

    kind = Path(path).suffix.lower().lstrip(".")
    read = {"arrow": _arrow, "parquet": _parquet, "csv": _csv}[kind]
    try:
        return {"format": kind, **read(path, rows)}
    except (pa.ArrowException, OSError, UnicodeDecodeError, ValueError, TypeError) as error:
        first = str(error).strip().splitlines()[:1]
        raise TableError(path, f"cannot be read as {kind}: {''.join(first)}") from error


def _arrow(path: str, rows: int) -> dict[str, Any]:
    import pyarrow as pa

    # Mapped: of a batch only the first rows are touched, since it says itself how many nulls
    # each column has.
    with pa.memory_map(path) as source, pa.ipc.open_file(source) as reader:
        batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
        return _described(reader.schema, batches, rows)


def _parquet(path: str, rows: int) -> dict[str, Any]:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        schema, told = file.schema_arrow, _told(file.metadata, len(file.schema_arrow))
        if told is None:
            return _described(schema, file.iter_batches(batch_size=8192), rows)
        head = _head(file.iter_batches(batch_size=max(rows, 1)), rows)
    found = _described(schema, iter(()), rows)
    columns = [{**c, "nulls": n} for c, n in zip(found["columns"], told, strict=True)]
    return {**found, "n_rows": file.metadata.num_rows, "columns": columns, "rows": head}


def _told(metadata: Any, n_columns: int) -> list[int] | None:
    """Give the nulls of each column as the file's footer says; None where it does not."""
    if metadata.num_columns != n_columns:
        return None  # nested columns have several leaves
    nulls = [0] * n_columns
    for group in range(metadata.num_row_groups):
        for column in range(n_columns):
            statistics = metadata.row_group(group).column(column).statistics
            if statistics is None or not statistics.has_null_count:
                return None
            nulls[column] += statistics.null_count
    return nulls


def _csv(path: str, rows: int) -> dict[str, Any]:
    import pyarrow as pa
    from pyarrow import csv

    with open(path, "rb") as file:
        if not file.read(1):
            raise ValueError("the file is empty")
    with csv.open_csv(path) as reader:
        names = reader.schema.names
    # As text: a type guessed from the first block would make a later value an error.
    options = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
    )
    parsing = csv.ParseOptions(newlines_in_values=True)
    with csv.open_csv(path, convert_options=options, parse_options=parsing) as reader:
        found = _described(reader.schema, reader, max(rows, _GUESSED_FROM))
    texts = list(zip(*found["rows"], strict=True)) or [()] * len(names)
    kinds = [_guess(values) for values in texts]
    columns = [{**c, "type": kind} for c, kind in zip(found["columns"], kinds, strict=True)]
    return {**found, "columns": columns, "rows": found["rows"][:rows]}


def _guess(values: tuple[str | None, ...]) -> str:
    there = [value for value in values if value is not None]
    if not there:
        return "empty"
    if all(value.lower() in ("true", "false") for value in there):
        return "boolean"
    for kind, read in (("integer", int), ("number", float)):
        try:
            for value in there:
                read(value)
        except ValueError:
            continue
        return kind
    return "text"


def _described(schema: Any, batches: Iterator[Any], rows: int) -> dict[str, Any]:
    """Describe Arrow record batches of a schema, each held only while it is looked at."""
    nulls, n_rows = [0] * len(schema), 0
    head: list[list[Any]] = []
    for batch in batches:
        heartbeat()
        n_rows += batch.num_rows
        nulls = [n + batch.column(i).null_count for i, n in enumerate(nulls)]
        if len(head) < rows:
            head += _head(iter([batch]), rows - len(head))
    columns = [
        {"name": field.name, "type": _word(field.type), "nulls": n}
        for field, n in zip(schema, nulls, strict=True)
    ]
    return {"n_rows": n_rows, "n_columns": len(schema), "columns": columns, "rows": head}


def _head(batches: Iterator[Any], rows: int) -> list[list[Any]]:
    found: list[list[Any]] = []
    for batch in batches:
        part = batch.slice(0, rows - len(found))
        # A file from elsewhere may point anywhere.
        part.validate(full=True)
        values = [[plain(value) for value in column.to_pylist()] for column in part.columns]
        found += [list(row) for row in zip(*values, strict=True)]
        if len(found) >= rows:
            break
    return found


def _word(kind: Any) -> str:
    """Name a type as the documentation does."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _word(kind.value_type)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or str(kind) == "string_view":
        return "text"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind):
        return "number"
    return "boolean" if pa.types.is_boolean(kind) else str(kind)


def plain(value: Any) -> Any:
    """Make a value one of JSON, cut to what can be looked at: no number there is null."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…"
