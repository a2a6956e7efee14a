"""Predictions of several models brought onto the same rows: sources, folds and repeats."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from fvc.errors import DataError
from fvc.evaluation.bootstrap import ScoredRows

Ints = npt.NDArray[np.int64]
_KEYS = ("repeat", "fold", "source", "group", "label")


@dataclass(frozen=True)
class CommonRows:
    """The rows that every one of some models has scored.

    Attributes
    ----------
    models
        Scored rows by model, all in the same order.
    repeat
        Repeat of each row, shape (n,).
    n_splits, repeats
        Folds a repeat, and repeats that all models have.
    n_sources, n_scored, n_groups
        Sources of the split, those that every model scored, and their groups.
    """

    models: dict[str, ScoredRows]
    repeat: Ints
    n_splits: int
    repeats: int
    n_sources: int
    n_scored: int
    n_groups: int

    @property
    def singletons(self) -> bool:
        """Whether every group is one source."""
        return self.n_groups == self.n_scored

    def first_repeat(self) -> tuple[npt.NDArray[np.bool_], dict[str, ScoredRows]]:
        """Take the first repeat: which rows, and each model's."""
        here = self.repeat == self.repeat.min()
        return here, {
            name: ScoredRows(rows.cell[here], rows.group[here], rows.fake[here], rows.score[here])
            for name, rows in self.models.items()
        }


def common_rows(predictions: Mapping[str, pl.DataFrame]) -> CommonRows:
    """Join predictions of models on the same folds.

    Parameters
    ----------
    predictions
        By model: ``source, group, label, repeat, fold, score``; a null score is a source that was
        not scored. Repeats that not all of them have are left out, and so are sources that one of
        them did not score in one of these repeats.

    Raises
    ------
    DataError
        The models were not scored on the same folds, nothing is common to them, or a fold that is
        left holds one class.
    """
    tables = {
        name: table.select(
            pl.col("repeat", "fold").cast(pl.Int32),
            pl.col("source", "group").cast(pl.String),
            pl.col("label").cast(pl.Int8),
            pl.col("score").cast(pl.Float64).fill_nan(None),
        )
        for name, table in predictions.items()
    }
    shared = set.intersection(*(set(table["repeat"].unique()) for table in tables.values()))
    if not shared:
        raise DataError(f"{', '.join(tables)}: no repeat of the folds is common to all of them")
    joined: pl.DataFrame | None = None
    for name, table in tables.items():
        here = table.filter(pl.col("repeat").is_in(sorted(shared)))
        here = here.rename({"score": f"score:{name}"})
        if joined is None:
            joined = here
            continue
        before = joined.height
        joined = joined.join(here, on=_KEYS, how="inner")
        if not joined.height == before == here.height:
            raise DataError(
                f"{name} was not scored on the same sources and folds as {next(iter(tables))}: "
                "train both on the same split"
            )
    assert joined is not None
    n_sources = joined["source"].n_unique()
    unscored = joined.filter(pl.any_horizontal(pl.col("^score:.*$").is_null()))["source"].unique()
    joined = joined.filter(~pl.col("source").is_in(unscored.implode())).sort(_KEYS[:3])
    if not joined.height:
        raise DataError(f"no source was scored by all of {', '.join(tables)}")
    sizes = joined.group_by("repeat", "fold").agg(pl.col("label").n_unique())
    if (sizes["label"] < 2).any():
        raise DataError("a fold has sources of one class alone that all models scored")
    cell = joined.select(pl.struct("repeat", "fold").rank("dense")).to_series().to_numpy() - 1
    group = joined["group"].rank("dense").to_numpy() - 1
    fake = joined["label"].to_numpy() == 1
    return CommonRows(
        models={
            name: ScoredRows(
                cell.astype(np.int64),
                group.astype(np.int64),
                fake,
                joined[f"score:{name}"].to_numpy(),
            )
            for name in tables
        },
        repeat=joined["repeat"].to_numpy().astype(np.int64),
        n_splits=joined["fold"].n_unique(),
        repeats=len(shared),
        n_sources=n_sources,
        n_scored=joined["source"].n_unique(),
        n_groups=joined["group"].n_unique(),
    )
