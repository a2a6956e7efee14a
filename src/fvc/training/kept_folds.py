"""Fitted folds on disk until their model is done: runs share them out, and a killed run goes on."""

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np

from fvc.errors import OutputError
from fvc.tables import atomic_write, output_error, write_json_atomic
from fvc.training.fold import FoldResult, FoldTask

FOLDER = ".folds"
"""In a model's folder; gone when the model is complete."""

_ARRAYS = ("rows", "scores")
_PLAIN = tuple(
    field.name
    for field in fields(FoldResult)
    if field.name not in (*_ARRAYS, "leaking", "unwritable")
)


class KeptFolds:
    """The folds of a model that are fitted under one fingerprint.

    Parameters
    ----------
    folder
        The model's folder.
    fingerprint
        What the folds depend on; those of another one are not seen.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.model = folder
        self.folder = folder / FOLDER / fingerprint

    def detector(self, repeat: int, fold: int) -> Path:
        """Folder of a fold's detector until the model is put together."""
        return self.folder / f"{repeat}-{fold}"

    def read(self, task: FoldTask) -> FoldResult | None:
        """Read a fold's result; None where it has to be fitted."""
        path = self._path(task.repeat, task.fold)
        try:
            plain = json.loads(path.read_text(encoding="utf-8"))
            with np.load(path.with_suffix(".npz"), allow_pickle=False) as arrays:
                found = {name: arrays[name] for name in _ARRAYS}
        except (OSError, ValueError, KeyError):
            return None
        if task.save_to is not None and not task.save_to.is_dir():
            return None
        return FoldResult(**plain, **found)

    def write(self, result: FoldResult) -> None:
        """Keep a fold's result; a failure is not kept, so that the next run tries again.

        Raises
        ------
        OutputError
            The disk is full, read-only or forbidden.
        """
        if result.failure is not None:
            return
        path = self._path(result.repeat, result.fold)
        arrays = {name: getattr(result, name) for name in _ARRAYS}
        with atomic_write(path.with_suffix(".npz")) as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays)
        # Last, since a fold counts as fitted when this file is there.
        write_json_atomic(path, {name: getattr(result, name) for name in _PLAIN})

    def missing(self, tasks: Iterable[FoldTask]) -> Iterator[FoldTask]:
        """Give the tasks that are still to be fitted."""
        return (task for task in tasks if self.read(task) is None)

    def take_detectors(self, tasks: Iterable[FoldTask]) -> None:
        """Copy the detectors that were saved to the model's ``fold_<k>`` folders.

        Raises
        ------
        OutputError
            The disk is full, read-only or forbidden.
        """
        for task in tasks:
            if task.save_to is None or not task.save_to.is_dir():
                continue
            target = self.model / f"fold_{task.fold}"
            try:
                shutil.copytree(task.save_to, target, dirs_exist_ok=True)
            except OSError as error:
                raise output_error(error, target) or OutputError(
                    f"cannot write {target}: {error}"
                ) from error

    def forget(self) -> None:
        """Remove what is kept, under this fingerprint and any other."""
        shutil.rmtree(self.folder.parent, ignore_errors=True)

    def _path(self, repeat: int, fold: int) -> Path:
        return self.folder / f"{repeat}-{fold}.json"
