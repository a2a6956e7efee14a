"""The one split file: made on first use, read by every model."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from fvc.errors import MissingInputError, StaleError
from fvc.evaluation import (
    describe_split,
    index_fingerprint,
    load_folds,
    make_folds,
    read_folds_info,
    save_folds,
)
from fvc.evaluation.leaderboard import is_simulated
from fvc.evaluation.locked import check_open, split_locked
from fvc.tables import IndexSchema, check, read_table
from fvc.workspace import Workspace

DEFAULT_SPLITS = 5
"""Folds of a split file that is made without a wish."""

FOLD_REPEATS = 5
"""Repeats in the split file, unless more are asked for; models use as many as they can afford."""


@dataclass(frozen=True)
class Split:
    """The split of a project.

    Attributes
    ----------
    folds
        ``folds.parquet``.
    block
        The ``split`` block of ``metrics.json``.
    simulated
        Whether the corpus is simulated.
    made
        Whether it was made just now.
    """

    folds: pl.DataFrame
    block: dict[str, Any]
    simulated: bool
    made: bool


def read_index(workspace: Workspace) -> pl.DataFrame:
    """Read the project's index.

    Raises
    ------
    MissingInputError
        There is none.
    """
    if not workspace.index_csv.is_file():
        raise MissingInputError(
            "there is no index of sources", path=workspace.index_csv, remedy="Run `fvc setup` first"
        )
    return check(read_table(workspace.index_csv), IndexSchema, workspace.index_csv)


def open_split(
    workspace: Workspace,
    *,
    n_splits: int,
    repeats: int | None,
    seed: int,
    remake: bool = False,
) -> Split:
    """Read the split file, or make it from the index where there is none.

    Parameters
    ----------
    workspace
        The project.
    n_splits, repeats, seed
        What is wanted; the file holds at least `FOLD_REPEATS` repeats.
    remake
        Make a file anew that is stale or was made with other numbers, instead of refusing it.

    Raises
    ------
    MissingInputError
        There is no index.
    StaleError
        The file does not fit the index, the wish, or what is locked.
    TooFewGroupsError
        There are too few groups for so many folds; the message says how many would do.
    """
    index = read_index(workspace)
    fingerprint = index_fingerprint(index)
    made = False
    folds: pl.DataFrame | None = None
    if workspace.folds.is_file():
        try:
            folds = load_folds(
                workspace.folds,
                fingerprint=fingerprint,
                n_splits=n_splits,
                repeats=repeats,
                seed=seed,
            )
            check_open(folds, index, workspace)
        except StaleError:
            folds = None
            if not remake:
                raise
    if folds is None:
        # Locked sources are in no fold, and so in no fit: all that trains goes through the folds.
        drawn = make_folds(
            split_locked(index, workspace)[0],
            n_splits=n_splits,
            repeats=max(FOLD_REPEATS, repeats or 1),
            seed=seed,
        )
        save_folds(drawn, workspace.folds, fingerprint=fingerprint, seed=seed)
        folds = load_folds(workspace.folds, fingerprint=fingerprint)
        made = True
    block = describe_split(folds, read_folds_info(workspace.folds))
    return Split(folds, block, is_simulated(index), made)


def project_split(workspace: Workspace) -> Split:
    """Open the project's split file with whatever numbers it has, or make one with the defaults.

    Raises
    ------
    MissingInputError
        There is no index.
    StaleError
        The file does not fit the index.
    TooFewGroupsError
        There is no file, and there are too few groups to make one.
    """
    if not workspace.folds.is_file():
        return open_split(workspace, n_splits=DEFAULT_SPLITS, repeats=None, seed=0)
    info = read_folds_info(workspace.folds)
    return open_split(workspace, n_splits=info.n_splits, repeats=None, seed=info.seed)


def trained_split(workspace: Workspace, model: str, trained: dict[str, Any]) -> Split:
    """Open the project's split, which has to be the one that a model was trained on.

    Parameters
    ----------
    workspace
        The project.
    model
        Name of the model.
    trained
        Its ``metrics.json``.

    Raises
    ------
    StaleError
        It was trained on other folds, or the file does not fit the index.
    """
    split = project_split(workspace)
    if trained["split"]["hash"] != split.block["hash"]:
        raise StaleError(
            f"{model} was trained on other folds",
            path=workspace.model(model) / "metrics.json",
            remedy=f"Run `fvc train --model-types {model}` again",
        )
    return split
