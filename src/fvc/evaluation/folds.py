"""The one split file: made once from the index, read by everything that trains or scores."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from fvc.errors import MissingInputError, OptionError, StaleError, TableError
from fvc.evaluation.splitter import GroupedStratifiedKFold, check_no_leakage
from fvc.tables import FoldSchema, atomic_write, check

FOLDS_VERSION = 1
"""Version of the split file's format."""

REMAKE = "Run `fvc train --delete-existing`: it makes the folds again and trains on the new ones"

# What the folds depend on or carry along. Paths, sizes and the like may change without harm.
_STABLE = ("source", "group", "label", "platform", "collection")
_COLUMNS = (*_STABLE, "repeat", "fold")


@dataclass(frozen=True)
class FoldsInfo:
    """What the split file says about itself.

    Attributes
    ----------
    fingerprint
        `index_fingerprint` of the index that the folds were made from.
    n_splits, repeats
        Folds a repeat, and repeats.
    seed
        Seed of the split, −1 where the maker did not say.
    version
        `FOLDS_VERSION` at the time of writing.
    """

    fingerprint: str
    n_splits: int
    repeats: int
    seed: int
    version: int = FOLDS_VERSION


def make_folds(
    index: pl.DataFrame, *, n_splits: int = 5, repeats: int = 5, seed: int = 0
) -> pl.DataFrame:
    """Split the sources of an index into grouped, stratified folds, several times.

    Parameters
    ----------
    index
        One row a source, with ``source, group, label`` and, where known, ``platform, collection``.
    n_splits
        Folds a repeat, at least 2.
    repeats
        How many times everything is split anew, at least 1.
    seed
        Seed of the whole; repeat r uses (seed, r).

    Returns
    -------
    polars.DataFrame
        Columns ``source, group, label, platform, collection, repeat, fold``: one row a source and
        repeat, in that order of repeat and source; ``fold`` is the one that tests the source.

    Raises
    ------
    TooFewGroupsError
        Not every fold can hold both classes; the message says what would do.
    """
    if repeats < 1:
        raise OptionError(f"repeats is {repeats}; there is at least 1")
    sources = _stable_columns(index)
    parts = []
    for repeat in range(repeats):
        splitter = GroupedStratifiedKFold(n_splits, random_state=(seed, repeat))
        fold = splitter.assign(sources["label"].to_numpy(), sources["group"])
        for k in range(n_splits):
            check_no_leakage(
                sources["group"].filter(pl.Series(fold != k)),
                sources["group"].filter(pl.Series(fold == k)),
                where=f"repeat {repeat}, fold {k}",
            )
        parts.append(
            sources.with_columns(
                repeat=pl.lit(repeat, dtype=pl.Int32), fold=pl.Series(fold, dtype=pl.Int32)
            )
        )
    return pl.concat(parts).select(_COLUMNS)


def _stable_columns(index: pl.DataFrame) -> pl.DataFrame:
    missing = [name for name in ("source", "group", "label") if name not in index.columns]
    if missing:
        raise TableError("index", f"columns are missing: {', '.join(missing)}")
    absent = [name for name in _STABLE if name not in index.columns]
    stable = index.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in absent)
    stable = stable.select(
        pl.col("label").cast(pl.Int8) if name == "label" else pl.col(name).cast(pl.String)
        for name in _STABLE
    ).sort("source")
    repeated = stable["source"].filter(stable["source"].is_duplicated())
    if len(repeated):
        raise TableError("index", f"source {repeated[0]!r} stands in more than one row")
    return stable


def index_fingerprint(index: pl.DataFrame) -> str:
    """Return a hash of what the folds depend on: sources, groups, labels, platforms, collections.

    The order of rows, and columns such as paths or sizes, do not change it.
    """
    return _digest(_stable_columns(index))


def split_hash(folds: pl.DataFrame) -> str:
    """Return a hash of a split: equal where the same sources are tested in the same folds."""
    columns = ("repeat", "source", "group", "label", "fold")
    return _digest(folds.select(columns).sort("repeat", "source"))


def _digest(frame: pl.DataFrame) -> str:
    digest = hashlib.sha256()
    for name in frame.columns:
        # JSON keeps null apart from "null", and one value apart from the next.
        text = frame.select(pl.col(name).cast(pl.String)).write_json()
        digest.update(f"{name}:{text}\n".encode())
    return digest.hexdigest()[:32]


def save_folds(folds: pl.DataFrame, path: Path, *, fingerprint: str, seed: int = -1) -> None:
    """Write the split file, with what it was made from in the file's metadata.

    Parameters
    ----------
    folds
        As `make_folds` returns them.
    path
        ``folds.parquet`` of the project.
    fingerprint
        `index_fingerprint` of the index.
    seed
        The seed given to `make_folds`.

    Raises
    ------
    TableError
        The table is not one of folds.
    OutputError
        The file cannot be written.
    """
    table = check(folds, FoldSchema, path).select(_COLUMNS)
    info = FoldsInfo(
        fingerprint=fingerprint,
        n_splits=table["fold"].n_unique(),
        repeats=table["repeat"].n_unique(),
        seed=seed,
    )
    with atomic_write(path) as temporary:
        metadata = {f"fvc.{key}": str(value) for key, value in asdict(info).items()}
        table.write_parquet(temporary, metadata=metadata)


def read_folds_info(path: Path) -> FoldsInfo:
    """Read what a split file says about itself, without its rows.

    Raises
    ------
    MissingInputError
        There is no split file.
    StaleError
        The file was written by another version, or by something else.
    """
    if not path.is_file():
        raise MissingInputError(
            "no split file", path=path, remedy="Run `fvc train`, which makes it"
        )
    try:
        found = pl.read_parquet_metadata(path)
        info = FoldsInfo(
            fingerprint=found["fvc.fingerprint"],
            **{key: int(found[f"fvc.{key}"]) for key in ("n_splits", "repeats", "seed", "version")},
        )
    except (KeyError, ValueError, pl.exceptions.PolarsError) as error:
        raise StaleError(
            "this split file does not say what it was made from", path=path, remedy=REMAKE
        ) from error
    if info.version != FOLDS_VERSION:
        raise StaleError(
            f"the split file has format {info.version}, this version reads {FOLDS_VERSION}",
            path=path,
            remedy=REMAKE,
        )
    return info


def load_folds(
    path: Path,
    *,
    fingerprint: str,
    n_splits: int | None = None,
    repeats: int | None = None,
    seed: int | None = None,
) -> pl.DataFrame:
    """Read the split file and make sure that it fits the index, and the wish if there is one.

    Parameters
    ----------
    path
        ``folds.parquet`` of the project.
    fingerprint
        `index_fingerprint` of the index as it is now.
    n_splits, repeats, seed
        What the caller wants; None takes what is there. More repeats than wanted are fine.

    Returns
    -------
    polars.DataFrame
        As `make_folds` returned it.

    Raises
    ------
    MissingInputError
        There is no split file.
    StaleError
        The index has changed since, or the wish is another one; the message says what to do.
    LeakageError
        A group stands in several folds of a repeat, so the file was changed by hand.
    """
    info = read_folds_info(path)
    if info.fingerprint != fingerprint:
        raise StaleError(
            "the index has changed since the folds were made (sources, groups, labels, platforms "
            "or collections)",
            path=path,
            remedy=REMAKE,
        )
    wishes = {"n_splits": n_splits, "repeats": repeats, "seed": seed}
    for name, wish in wishes.items():
        there = getattr(info, name)
        if wish is not None and wish != there and not (name == "repeats" and wish < there):
            raise StaleError(
                f"the split file has {name} {there}, asked for is {wish}", path=path, remedy=REMAKE
            )
    folds = check(pl.read_parquet(path), FoldSchema, path)
    torn = (
        folds.group_by("repeat", "group").agg(pl.col("fold").n_unique()).filter(pl.col("fold") > 1)
    )
    if len(torn):
        repeat, group = torn["repeat"][0], torn["group"][0]
        one = folds.filter(repeat=repeat, group=group)["fold"][0]
        here = folds.filter(pl.col("repeat") == repeat)
        check_no_leakage(
            here.filter(pl.col("fold") != one)["group"],
            here.filter(pl.col("fold") == one)["group"],
            where=f"{path}, repeat {repeat}, fold {one}",
        )
    return folds.select(_COLUMNS)


def describe_split(folds: pl.DataFrame, info: FoldsInfo) -> dict[str, Any]:
    """Return the ``split`` block of ``metrics.json`` and ``leaderboard.json``.

    Parameters
    ----------
    folds
        As `load_folds` returns them.
    info
        As `read_folds_info` returns it.
    """
    return {
        "hash": split_hash(folds),
        "index_fingerprint": info.fingerprint,
        "kind": "grouped, stratified by label",
        "n_splits": info.n_splits,
        "repeats": info.repeats,
        "seed": info.seed,
        "n_sources": folds["source"].n_unique(),
        "n_groups": folds["group"].n_unique(),
    }
