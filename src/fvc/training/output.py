"""A model's folder: what identifies its content, whether it is whole, and making it afresh."""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fvc.errors import OutputError
from fvc.models import ModelSpec
from fvc.stages.locks import PartLock
from fvc.stages.options import Part
from fvc.tables import atomic_write, output_error, write_json_atomic
from fvc.training.card_page import JSON, PAGE, write_card
from fvc.workspace import Workspace

TRAINING_VERSION = 3
"""Raised when the same settings, tables and split would give other results."""

# What stage 5 writes into a model's folder; nothing else there is touched.
_OWN = (
    *("metrics.json", "predictions.parquet", "robustness.parquet", "card.json", "card.md"),
    *("model.joblib", "model.skops", "model.json", "scaler.joblib", "roc_pr_curves.png", "plots"),
    *("final", "calibration", "decisions", "interval"),
)


def fingerprint(spec: ModelSpec, settings: dict[str, Any], split: str, clips: str) -> str:
    """Hash what a model's results depend on; an alias has that of the model it names.

    Parameters
    ----------
    spec
        The model.
    settings
        Candidates, inner folds, seed and repeats.
    split
        Hash of the split.
    clips
        Digest of the clips' features.
    """
    content = {
        "version": TRAINING_VERSION,
        "model": spec.alias_of or spec.name,
        "estimator": spec.estimator,
        "layout": spec.layout,
        "entry": dict(spec.settings),
        "settings": settings,
        "split": split,
        "clips": clips,
    }
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@contextlib.contextmanager
def held(folder: Path, name: str, part: Part = Part()) -> Iterator[None]:  # noqa: B008 - frozen
    """Hold a model's folder, or a part of its folds, against other runs.

    Raises
    ------
    LockedError
        Another run trains this model; it is named.
    """
    lock = PartLock(folder.parent / ".locks" / folder.name, part, f"the training of {name}")
    with lock.gate():
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def read_complete(folder: Path, wanted: str, workspace: Workspace) -> dict[str, Any] | None:
    """Read a model's ``metrics.json`` if all that it names is there and is what is wanted.

    Returns
    -------
    dict or None
        None where the folder has to be made (again).
    """
    path = folder / "metrics.json"
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if document.get("fingerprint") != wanted or not document.get("complete"):
        return None
    there = all(workspace.absolute(file).is_file() for file in document.get("files", [None]))
    return document if there else None


def clear(folder: Path, *, everything: bool = False) -> None:
    """Remove what an earlier training left, its ``metrics.json`` first: no half-old folder counts.

    Parameters
    ----------
    folder
        The model's folder.
    everything
        Remove files that are not stage 5's, too.
    """
    try:
        (folder / "metrics.json").unlink(missing_ok=True)
        for name in _OWN:
            _remove(folder / name)
        for old in folder.glob("fold_*"):
            _remove(old)
        if everything:
            _remove(folder)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(error, folder) or OutputError(
            f"cannot clear {folder}: {error}"
        ) from error


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def list_files(folder: Path, workspace: Workspace) -> list[str]:
    """List a model's files relative to the project, without ``metrics.json`` and kept folds."""
    files = (path for path in folder.rglob("*") if path.is_file())
    metrics, kept = folder / "metrics.json", folder / ".folds"
    return sorted(
        workspace.relative(path)
        for path in files
        if path != metrics and not path.is_relative_to(kept)
    )


def copy_as(
    source: Path, target: Path, name: str, document: dict[str, Any], workspace: Workspace
) -> dict[str, Any]:
    """Make an alias's folder out of that of the model it names; they differ in the name alone.

    Returns
    -------
    dict
        The ``metrics.json`` written.
    """
    clear(target)
    for file in document["files"]:
        origin = workspace.absolute(file)
        copy = target / origin.relative_to(source)
        if origin.name == JSON:
            card = json.loads(origin.read_text(encoding="utf-8"))
            write_card(copy.parent, {**card, "model": name, "alias_of": document["model"]})
            continue
        if origin.name == PAGE:
            continue
        with atomic_write(copy) as temporary:
            shutil.copyfile(origin, temporary)
    renamed = {
        **document,
        "model": name,
        "alias_of": document["model"],
        "files": list_files(target, workspace),
    }
    write_json_atomic(target / "metrics.json", renamed)
    return renamed
