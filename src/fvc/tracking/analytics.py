"""SQL over tables and results, with DuckDB."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import polars as pl

from fvc.errors import MissingInputError, OptionError, TableError
from fvc.tables import read_table
from fvc.tracking.fold_rows import frame_of, read_rows
from fvc.tracking.project_sql import without_progress_bar
from fvc.tracking.views import dataset, identifier

ANY_MODEL = "{model_type}"
"""Stands in the documented path for the name of a model; left as it is, it means every model."""


class DuckDBAnalytics:
    """Tables under names, and SQL queries over them.

    Parameters
    ----------
    database
        File of the database; in memory by default.

    Examples
    --------
    >>> analytics = DuckDBAnalytics()
    >>> analytics.register_dataframe("t", pl.DataFrame({"fold": [0, 1], "test_f1": [0.5, 0.7]}))
    >>> analytics.query("SELECT round(avg(test_f1), 2) AS f1 FROM t")["f1"].to_list()
    [0.6]
    """

    def __init__(self, database: Path | str = ":memory:") -> None:
        self._connection = duckdb.connect(str(database))
        without_progress_bar(self._connection)

    def register_parquet(self, name: str, path: Path | str) -> None:
        """Give a file's rows a name.

        Parameters
        ----------
        name
            Name of the table in queries; a name in use is given to the new table.
        path
            A ``.parquet``, ``.arrow``, ``.csv`` or ``.json`` file. Of a model's ``metrics.json``
            the rows of ``fold_results`` are taken, with the model's name in ``model``;
            ``data/stage5/{model_type}/metrics.json``, written so, is those of all models.
            Parquet and Arrow files are read in place, as queries ask for them.

        Raises
        ------
        MissingInputError
            There is no such file.
        TableError
            It cannot be read as what its ending says.
        OptionError
            Its ending is none of the four.
        """
        path = Path(path)
        if path.suffix == ".json":
            self.register_json(name, path)
        elif path.suffix == ".csv":
            self.register_dataframe(name, read_table(path))
        elif path.suffix in (".parquet", ".arrow"):
            self._register_in_place(name, path)
        else:
            raise OptionError(f"{path}: .parquet, .arrow, .csv or .json is expected")

    def _register_in_place(self, name: str, path: Path) -> None:
        if not path.is_file():
            raise MissingInputError("no such table", path=path)
        try:
            self._register(name, dataset(path.absolute()))
        except (duckdb.Error, OSError, ValueError) as error:
            raise TableError(
                path, f"cannot be read as {path.suffix.removeprefix('.')}: {error}"
            ) from error

    def register_arrow(self, name: str, path: Path | str) -> None:
        """Give the rows of an ``.arrow`` file a name; as `register_parquet`."""
        self.register_parquet(name, path)

    def register_csv(self, name: str, path: Path | str) -> None:
        """Give the rows of a ``.csv`` file a name; as `register_parquet`."""
        self.register_parquet(name, path)

    def register_json(self, name: str, path: Path | str) -> None:
        """Give the rows of a JSON file a name: a ``metrics.json``, or a list of objects.

        Nested values are kept as JSON text.

        Raises
        ------
        MissingInputError
            There is no such file.
        TableError
            It holds no rows.
        """
        rows: list[dict[str, Any]] = []
        for file in _files(Path(path)):
            rows += read_rows(file)
        self.register_dataframe(name, frame_of(rows))

    def register_dataframe(self, name: str, frame: pl.DataFrame) -> None:
        """Give a Polars frame (or anything Polars can make a frame of) a name."""
        table = frame if isinstance(frame, pl.DataFrame) else pl.DataFrame(frame)
        self._register(name, table.to_arrow())

    def _register(self, name: str, rows: Any) -> None:
        self._connection.execute(f"DROP VIEW IF EXISTS {identifier(name)}")
        self._connection.register(name, rows)

    def query(self, sql: str) -> pl.DataFrame:
        """Run a query.

        Parameters
        ----------
        sql
            A statement in DuckDB's SQL over the names registered.

        Returns
        -------
        polars.DataFrame
            Its rows.

        Raises
        ------
        OptionError
            The statement is wrong, or a name in it is not known.
        """
        try:
            frame: pl.DataFrame = self._connection.sql(sql).pl()
        except duckdb.Error as error:
            raise OptionError(f"the query cannot be run: {error}") from error
        return frame

    def tables(self) -> list[str]:
        """Names registered."""
        return sorted(row[0] for row in self._connection.execute("SHOW TABLES").fetchall())

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _files(path: Path) -> list[Path]:
    if ANY_MODEL not in path.parts:
        if not path.is_file():
            raise MissingInputError("no such file", path=path, remedy="Run `fvc train` first")
        return [path]
    at = path.parts.index(ANY_MODEL)
    found = sorted(Path(*path.parts[:at]).glob(str(Path("*", *path.parts[at + 1 :]))))
    if not found:
        raise MissingInputError(
            "no trained model", path=path, remedy="Run `fvc train`, or name a model in the path"
        )
    return found
