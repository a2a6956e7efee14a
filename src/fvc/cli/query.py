"""``fvc query``: SQL over a project."""

import csv
import datetime
import json as json_format
import math
import sys
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fvc.cli.output import print_json
from fvc.cli.verb import app_of, options_of
from fvc.errors import OptionError
from fvc.tracking.project_sql import ProjectSQL, Result


def query(
    sql: str | None = None,
    *,
    project: Path = Path("."),
    list: bool = False,
    schema: bool = False,
    output_format: Literal["table", "csv", "json"] = "table",
    limit: int = 50,
    also: tuple[str, ...] = (),
    memory_limit: str = "1GB",
    json: bool = False,
) -> None:
    """Ask a project's tables with SQL: sources, clips, features, folds, predictions and more.

    Tables are read in place and never written.

    Parameters
    ----------
    sql
        One SELECT in DuckDB's SQL, such as `SELECT model, fold, test_f1 FROM results`.
    project
        The project's folder.
    list
        List the views instead, and what makes those that are not there.
    schema
        List the views' columns with their types instead.
    output_format
        `table` for people, `csv`, or `json`: one document with `columns` and `rows`.
    limit
        Most rows that a table shows; CSV and JSON hold all.
    also
        A further file as `NAME=PATH`: .parquet, .arrow, .csv or .json, wherever it lies.
    memory_limit
        Most memory that the query may take; above it, it spills to a temporary folder.
    json
        The same as `--output-format json`.
    """
    form = "json" if json else output_format
    with ProjectSQL(project, also=_files(also), memory_limit=memory_limit) as opened:
        if list or schema:
            _show_views(opened, columns=schema, form=form)
        elif not sql:
            raise OptionError("a query is missing; `fvc query --list` lists what can be asked")
        else:
            _WRITERS[form](opened.stream(sql), limit)


def _files(also: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for entry in also:
        name, sign, path = entry.partition("=")
        if not sign or not path:
            raise OptionError(f"--also takes NAME=PATH, not {entry!r}")
        found[name] = path
    return found


def _show_views(opened: ProjectSQL, *, columns: bool, form: str) -> None:
    rows: Any = []
    for view in opened.views:
        row: dict[str, Any] = {
            "view": view.name,
            "there": view.is_there,
            "what": view.what,
            "files": [str(path) for path in view.files],
            "remedy": None if view.is_there else view.remedy,
            "problems": view.problems,
        }
        if columns:
            row["columns"] = [{"name": n, "type": t} for n, t in opened.columns(view)]
        rows.append(row)
    if form == "json":
        print_json({"views": rows})
    elif columns:
        flat = [(r["view"], c["name"], c["type"]) for r in rows for c in r["columns"]]
        result = Result(["view", "column", "type"], ["VARCHAR"] * 3, iter(flat))
        _WRITERS[form](result, len(flat))
    else:
        flat = [(r["view"], r["what"], _state(r)) for r in rows]
        result = Result(["view", "rows", "state"], ["VARCHAR"] * 3, iter(flat))
        _WRITERS[form](result, len(flat))


def _state(row: dict[str, Any]) -> str:
    problems = "; ".join(row["problems"])
    if row["there"]:
        return f"there{f', but {problems}' if problems else ''}"
    return problems or f"{row['remedy']}"


def _as_table(result: Result, limit: int) -> None:
    table = Table(box=None, pad_edge=False)
    for name, kind in zip(result.columns, result.types, strict=True):
        table.add_column(escape(name), justify="left" if kind == "VARCHAR" else "right")
    shown = [*islice(result.rows, limit)]
    for row in shown:
        table.add_row(*(escape(_cell(value)) for value in row))
    # Piped, a table is as wide as it has to be: cut columns would be lost data.
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=10_000)
    console.print(table)
    if next(result.rows, None) is not None:
        print(
            f"The first {limit} rows; --limit shows more, --output-format csv gives all.",
            file=sys.stderr,
        )


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e6 else f"{value:.6g}"
    return str(value)


def _as_csv(result: Result, _limit: int) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(result.columns)
    for row in result.rows:
        writer.writerow(_word(value) for value in row)


def _word(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list | tuple):
        return json_format.dumps(_plain(value), ensure_ascii=False)
    return value


def _as_json(result: Result, _limit: int) -> None:
    names = _unique(result.columns)
    columns = [{"name": n, "type": t} for n, t in zip(names, result.types, strict=True)]
    out = sys.stdout
    # Row by row: a document of millions of rows is never held.
    out.write('{\n  "columns": ' + json_format.dumps(columns, ensure_ascii=False))
    out.write(',\n  "rows": [')
    separator = "\n    "
    for row in result.rows:
        values = {n: _plain(v) for n, v in zip(names, row, strict=True)}
        out.write(separator + json_format.dumps(values, ensure_ascii=False, allow_nan=False))
        separator = ",\n    "
    out.write("\n  ]\n}\n")


def _unique(names: Any) -> Any:
    """Give columns of one name two names: an object could hold only one of them."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return unique


def _plain(value: Any) -> Any:
    """Make a JSON value: what is no number there (NaN, infinity) is null."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return str(value)


_WRITERS = {"table": _as_table, "csv": _as_csv, "json": _as_json}

_OPTIONS = options_of(query)

command = app_of(
    query,
    [
        *(p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in _OPTIONS if p.name == "sql"),
        *(p for p in _OPTIONS if p.name != "sql"),
    ],
    name="query",
    example='fvc query "SELECT model, roc_auc FROM leaderboard"',
)
