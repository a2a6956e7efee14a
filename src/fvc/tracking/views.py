"""What a project's tables and results are called in SQL, and the file behind each name."""

import json
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl

from fvc.errors import DataError, FVCError
from fvc.tables import IndexSchema, find_table
from fvc.tracking.fold_rows import fold_rows
from fvc.workspace import StageFiles, Workspace


@dataclass
class View:
    """A name in SQL.

    Attributes
    ----------
    name
        As queries say it.
    what
        What its rows are.
    remedy
        What brings it, where it is not there.
    files
        The files that it reads, in place.
    source
        An Arrow data set, which reads as a query asks, or a table; None where nothing is there.
    problems
        Files that cannot be read and are left out, with the reason.
    """

    name: str
    what: str
    remedy: str
    files: list[Path] = field(default_factory=list)
    source: Any = None
    problems: list[str] = field(default_factory=list)

    @property
    def is_there(self) -> bool:
        """Whether there is anything to read."""
        return self.source is not None


def project_views(workspace: Workspace) -> list[View]:
    """Find what can be queried in a project.

    Parameters
    ----------
    workspace
        The project.

    Returns
    -------
    list of View
        Every view, those without files too: they say what makes them.
    """
    w = workspace
    return [
        _table("sources", "the index: a row a source", "Run `fvc setup` first", w.index_csv),
        _stage("clips", "stage 1: a row a clip, the copy and its variants", w.stage1),
        _stage("features", "stage 2: a row a clip with its features", w.stage2),
        _stage("scaled_clips", "stage 3: a row a scaled clip", w.stage3),
        _stage("scaled_features", "stage 4: a row a scaled clip with its features", w.stage4),
        _table("folds", "the split: a row a source and repeat", "Run `fvc train` first", w.folds),
        _of_models(
            w,
            "predictions",
            "out-of-fold scores: a row a model, source and repeat",
            "predictions.parquet",
        ),
        _of_models(
            w, "variants", "out-of-fold scores of clips: a row a model and clip",
            "robustness.parquet",
        ),
        _results(w),
        _table(
            "leaderboard", "a row a trained model", "Run `fvc train` first", w.leaderboard_parquet
        ),
        _table(
            "failures", "a row a unit that failed, with the reason",
            "No unit has failed, or no stage has run", w.failures,
        ),
    ]  # fmt: skip


def file_view(name: str, path: Path) -> View:
    """Make a view of a file that a user named: ``.parquet``, ``.arrow``, ``.csv`` or ``.json``."""
    view = View(name, f"the file {path}", "Name a file that is there")
    if path.is_file():
        _point(view, path, ours=False)
    return view


def _stage(name: str, what: str, files: StageFiles) -> View:
    found = find_table(files)
    return _table(name, what, f"Run `fvc {files.command}` first", found or files.table("arrow"))


def _table(name: str, what: str, remedy: str, path: Path) -> View:
    view = View(name, what, remedy)
    if path.is_file():
        _point(view, path)
    return view


def _point(view: View, path: Path, *, ours: bool = True) -> None:
    try:
        source = _open(path, ours=ours)
    except (OSError, ValueError, FVCError, pl.exceptions.PolarsError) as error:
        view.problems.append(f"{path} cannot be read: {error}")
        return
    view.files, view.source = [path], source


def _open(path: Path, *, ours: bool) -> Any:
    """Open a file as an Arrow data set.

    DuckDB is not handed the path: what it may read by path it may also write, since its SELECT can
    hold a COPY. Data sets let it read with the file system shut.
    """
    if path.suffix == ".csv":
        return _csv(path, ours=ours)
    if path.suffix == ".json":
        return fold_rows(path).to_arrow()
    if path.suffix in (".arrow", ".parquet"):
        return dataset(path)
    raise DataError(".parquet, .arrow, .csv or .json is expected")


def dataset(path: Path) -> Any:
    """Open an Arrow IPC or Parquet file as a data set, read as a query asks for it."""
    form = _parquet() if path.suffix == ".parquet" else "ipc"
    return import_module("pyarrow.dataset").dataset(path, format=form)


def _parquet() -> Any:
    """Read a piece at a time: by default a file's columns are all fetched ahead and kept."""
    ds = import_module("pyarrow.dataset")
    options = ds.ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=True)
    return ds.ParquetFileFormat(default_fragment_scan_options=options)


def _csv(path: Path, *, ours: bool) -> Any:
    ds, csv, pa = (import_module(f"pyarrow{end}") for end in (".dataset", ".csv", ""))
    types = dict(pl.scan_csv(path, infer_schema_length=None).collect_schema())
    if ours:
        schema = IndexSchema.create_empty().schema
        known = {name: pl.String() for name in ("unit", "path", "kind", "reason", "stage")}
        types |= {name: kind for name, kind in {**known, **schema}.items() if name in types}
    kinds = {
        pl.Boolean: pa.bool_(), pl.Int8: pa.int8(), pl.Int32: pa.int32(), pl.Int64: pa.int64(),
        pl.Float64: pa.float64(),
    }  # fmt: skip
    arrow = {name: kinds.get(type(kind), pa.string()) for name, kind in types.items()}
    convert = csv.ConvertOptions(column_types=arrow, null_values=[""], strings_can_be_null=True)
    parse = csv.ParseOptions(newlines_in_values=True)
    form = ds.CsvFileFormat(parse_options=parse, convert_options=convert)
    return ds.dataset(path, format=form, schema=pa.schema(list(arrow.items())))


def _of_models(workspace: Workspace, name: str, what: str, file: str) -> View:
    """Make one data set of a file that every model has; ``model`` is a partition of it."""
    ds, fs, pa = (import_module(f"pyarrow{end}") for end in (".dataset", ".fs", ""))
    view = View(name, what, "Run `fvc train` first")
    schemas, models = [], []
    for path in sorted(workspace.stage5.glob(f"*/{file}")):
        try:
            schemas.append(dataset(path).schema)
        except (OSError, ValueError) as error:
            view.problems.append(f"{path} cannot be read: {error}")
            continue
        view.files.append(path)
        models.append(ds.field("model") == path.parent.name)
    if schemas:
        model = pa.schema([("model", pa.string())])
        view.source = ds.FileSystemDataset.from_paths(
            [str(path) for path in view.files],
            schema=pa.unify_schemas([model, *schemas], promote_options="permissive"),
            format=_parquet(),
            filesystem=fs.LocalFileSystem(),
            partitions=models,
        )
    return view


def _results(workspace: Workspace) -> View:
    view = View(
        "results", "fold rows of metrics.json: a row a model, fold and repeat",
        "Run `fvc train` first",
    )  # fmt: skip
    frames = []
    for path in sorted(workspace.stage5.glob("*/metrics.json")):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            if "fold_results" not in document:
                continue
            frames.append(fold_rows(path))
            view.files.append(path)
        except (OSError, ValueError, TypeError, FVCError) as error:
            view.problems.append(f"{path} cannot be read: {error}")
    if frames:
        view.source = pl.concat(frames, how="diagonal_relaxed").to_arrow()
    return view


def literal(value: Path | str) -> str:
    """Write a text as SQL does."""
    return "'" + str(value).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Write a name as SQL does."""
    return '"' + name.replace('"', '""') + '"'
