"""SQL over a project: read only, and nothing but the project's own tables unless asked."""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import polars as pl

from fvc.errors import MissingInputError, OptionError, TableError
from fvc.tracking.views import View, file_view, identifier, literal, project_views
from fvc.workspace import Workspace

_CONFIG = {
    "allow_community_extensions": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    # Else a name that is no view would be looked up among the variables of this program.
    "python_enable_replacements": "false",
}
_BATCH = 10_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STREAM = "reading the stream registered"
_UNKNOWN = re.compile(r"Table with name (\S+?) does not exist")


@dataclass(frozen=True)
class Result:
    """The rows of a query, as they come.

    Attributes
    ----------
    columns, types
        Names and SQL types.
    rows
        Tuples, to be taken once.
    """

    columns: list[str]
    types: list[str]
    rows: Iterator[tuple[Any, ...]]


def without_progress_bar(connection: Any) -> None:
    """Keep DuckDB from drawing on standard output, in the midst of what is printed there."""
    # In a notebook without ipywidgets there is no bar, and DuckDB refuses to hear of it.
    with contextlib.suppress(duckdb.InvalidInputException):
        connection.execute("SET enable_progress_bar = false")


class ProjectSQL:
    """A project's tables as views of a database in memory that can read nothing else.

    Only a single SELECT (or DESCRIBE, SHOW, SUMMARIZE, FROM) is run; files are read in place and
    never written; extensions are neither loaded nor installed.

    Parameters
    ----------
    project
        Folder of the project.
    also
        Further files by name, wherever they lie.
    memory_limit
        Most memory that a query may take, such as ``1GB``; above it, it spills to a temporary
        folder that is removed.
    threads
        Threads; by default one a core.

    Raises
    ------
    OptionError
        A name or the limit is wrong.
    MissingInputError
        A file of `also` is not there.

    Examples
    --------
    >>> with ProjectSQL("project") as project:  # doctest: +SKIP
    ...     project.query("SELECT model, avg(test_f1) FROM results GROUP BY model")
    """

    def __init__(
        self,
        project: Path | str = ".",
        *,
        also: Mapping[str, Path | str] | None = None,
        memory_limit: str = "1GB",
        threads: int | None = None,
    ) -> None:
        self.views = project_views(Workspace(project))
        known = {view.name for view in self.views}
        for name, path in (also or {}).items():
            if not _NAME.fullmatch(name) or name in known:
                raise OptionError(f"{name!r} is no free name: letters, digits and _ only")
            if not Path(path).is_file():
                raise MissingInputError("no such file", path=path)
            self.views.append(file_view(name, Path(path).absolute()))
        self._spill = Path(tempfile.mkdtemp(prefix="fvc-query-"))
        self._connection = duckdb.connect(":memory:", config=dict(_CONFIG))
        try:
            self._set("memory_limit", memory_limit)
        except OptionError:
            self.close()
            raise
        without_progress_bar(self._connection)
        self._set("temp_directory", str(self._spill))
        if threads is not None:
            self._set("threads", str(threads))
        for view in self.views:
            if view.is_there:
                self._make(view)
        self._lock()

    def _set(self, name: str, value: str) -> None:
        try:
            self._connection.execute(f"SET {name} = {literal(value)}")
        except duckdb.Error as error:
            raise OptionError(f"{name.replace('_', '-')}: {_first_line(error)}") from error

    def _make(self, view: View) -> None:
        try:
            self._connection.register(view.name, view.source)
        except duckdb.Error as error:
            where = ", ".join(map(str, view.files))
            view.problems.append(f"{where} cannot be read: {_first_line(error)}")
            view.source = None

    def _lock(self) -> None:
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

    def query(self, sql: str) -> pl.DataFrame:
        """Run a query.

        Parameters
        ----------
        sql
            A SELECT in DuckDB's SQL over the views.

        Returns
        -------
        polars.DataFrame
            Its rows.

        Raises
        ------
        OptionError
            The statement is wrong, or is no SELECT.
        MissingInputError
            It names a view whose stage has not run; the message names the command.
        TableError
            It names a view whose file cannot be read.
        """
        self._check(sql)
        with self._errors():
            frame: pl.DataFrame = self._connection.sql(sql).pl()
            return frame

    def stream(self, sql: str) -> Result:
        """Run a query and take its rows as they come; as `query`, in flat memory."""
        self._check(sql)
        with self._errors():
            found: Any = self._connection.sql(sql)
            # Rows by `execute` would all be made before the first is taken.
            make = getattr(found, "to_arrow_reader", None) or found.fetch_record_batch
            columns, types = [str(c) for c in found.columns], [str(c) for c in found.types]
            batches = make(_BATCH)
        return Result(columns, types, self._rows(batches))

    def _rows(self, batches: Any) -> Iterator[tuple[Any, ...]]:
        while True:
            with self._errors():
                try:
                    batch = batches.read_next_batch()
                except StopIteration:
                    return
                except (ValueError, OSError) as error:
                    # Arrow's own classes for what DuckDB says while it reads on.
                    raise OptionError(f"the query cannot be run: {_first_line(error)}") from error
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

    def columns(self, view: View) -> list[tuple[str, str]]:
        """List the columns of a view with their SQL types; none where it is not there."""
        if not view.is_there:
            return []
        with self._errors():
            found = self._connection.execute(f"DESCRIBE {identifier(view.name)}").fetchall()
        return [(str(row[0]), str(row[1])) for row in found]

    def _check(self, sql: str) -> None:
        """Let a single SELECT through; what else it may hold, such as COPY, meets a shut system."""
        try:
            statements = self._connection.extract_statements(sql)
        except duckdb.Error as error:
            raise OptionError(f"the query cannot be run: {_message(error)}") from error
        kinds = [statement.type for statement in statements]
        if kinds != [duckdb.StatementType.SELECT]:
            named = ", ".join(kind.name for kind in kinds) or "nothing"
            raise OptionError(f"one SELECT is expected, not {named}: tables are only read here")

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except duckdb.PermissionException as error:
            raise OptionError(
                "a query reads the project's views alone; another file gets a name with "
                f"--also NAME=PATH ({_first_line(error)})"
            ) from error
        except duckdb.OutOfMemoryException as error:
            raise OptionError(
                f"the query needs more memory: try --memory-limit ({_first_line(error)})"
            ) from error
        except duckdb.CatalogException as error:
            raise self._unknown(error) from error
        except duckdb.Error as error:
            if _STREAM in str(error):
                raise OptionError(
                    f"a file was replaced meanwhile, or is damaged: ask again ({_message(error)})"
                ) from error
            raise OptionError(f"the query cannot be run: {_message(error)}") from error

    def _unknown(self, error: duckdb.Error) -> Exception:
        named = _UNKNOWN.search(str(error))
        name = named.group(1).strip('"').lower() if named else ""
        view = next((view for view in self.views if view.name == name), None)
        if view is None or view.is_there:
            there = ", ".join(view.name for view in self.views if view.is_there) or "none"
            return OptionError(f"the query cannot be run: {_first_line(error)} Views: {there}")
        if view.problems:
            return TableError(name, "; ".join(view.problems))
        return MissingInputError(f"the view {name} is not there ({view.what})", remedy=view.remedy)

    def close(self) -> None:
        """Close the database and remove what it spilled."""
        self._connection.close()
        shutil.rmtree(self._spill, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _message(error: Exception) -> str:
    return str(error).strip()


def _first_line(error: Exception) -> str:
    return _message(error).splitlines()[0]
