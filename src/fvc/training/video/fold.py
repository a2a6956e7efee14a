"""One outer fold of a model that reads frames: choose, fit, score once."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from fvc.errors import FVCError, MissingInputError, NotAvailableError, OptionError
from fvc.evaluation import check_no_leakage, compute_classification_metrics
from fvc.tables import atomic_write, write_table
from fvc.training.clips import Sources
from fvc.training.fold import FoldResult, FoldTask, attempt
from fvc.training.selection import VAL_METRICS, Part
from fvc.training.video.chosen import ChosenNet, choose_net
from fvc.training.video.clips import VideoClips

T = TypeVar("T")

INNER = "inner.parquet"
"""Beside a fold's net: scores of its inner part, from which an ensemble may learn."""


def run_video_fold(task: FoldTask, clips: VideoClips, sources: Sources) -> FoldResult:
    """Fit one outer fold of a net.

    Parameters
    ----------
    task
        What to do. A fit that was ended goes on if it has a folder.
    clips, sources
        The data.

    Raises
    ------
    LeakageError
        A group stands on both sides.
    OptionError, MissingInputError
        What is asked for cannot be had; the message says what would do.
    OutputError
        The disk is full or cannot be written.
    """
    begun = time.perf_counter()
    result = FoldResult(task.repeat, task.fold)
    with _Work(task) as work:
        _, result.failure = attempt_net(lambda: _fit_and_score(task, clips, sources, result, work))
    if result.failure is not None:
        result.rows, result.scores = np.empty(0, dtype=np.int64), np.empty(0)
    result.seconds = time.perf_counter() - begun
    return result


def attempt_net(fit: Callable[[], T]) -> tuple[T | None, str | None]:
    """Do a fit, or say what went wrong, as `fvc.training.fold.attempt` does.

    Raises
    ------
    OptionError, MissingInputError, NotAvailableError
        Every other fit would meet the same.
    """
    fatal: list[FVCError] = []

    def watched() -> T:
        try:
            return fit()
        except (OptionError, MissingInputError, NotAvailableError) as error:
            fatal.append(error)
            raise

    found = attempt(watched)
    if fatal:
        raise fatal[0]
    return found


class _Work:
    """The folder in which a fit leaves its state; it stays when a fit is ended."""

    def __init__(self, task: FoldTask) -> None:
        self.temporary = None if task.save_to else TemporaryDirectory(prefix="fvc-fit-")
        kept = task.save_to and task.save_to.with_name(f"{task.save_to.name}.fit")
        self.path = kept or Path(self.temporary.name if self.temporary else ".")

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        if self.temporary is not None:
            self.temporary.cleanup()


def train_part(task: FoldTask, clips: VideoClips, sources: Sources) -> Part:
    """Describe the training side of an outer fold; rows are the files of its clips.

    Raises
    ------
    LeakageError
        A group stands on both sides.
    """
    check_no_leakage(sources.groups[~task.test], sources.groups[task.test], where=task.where)
    return part_of(clips, sources, np.flatnonzero(~task.test[clips.source]))


def part_of(clips: VideoClips, sources: Sources, rows: NDArray[np.intp]) -> Part:
    """Describe some clips as fits want them."""
    return Part(
        clips.inputs[rows],
        sources.labels[clips.source[rows]],
        clips.source[rows],
        clips.original[rows],
        sources.groups[clips.source[rows]],
        clips.feature_names,
    )


def _fit_and_score(
    task: FoldTask, clips: VideoClips, sources: Sources, result: FoldResult, work: Path
) -> None:
    part = train_part(task, clips, sources)
    tested = task.test[clips.source]
    test = np.flatnonzero(tested if task.keep_variants else tested & clips.original)
    net = choose_net(
        task.spec,
        task.candidates,
        part,
        clips.options,
        inner_splits=task.inner_splits,
        seed=(task.seed, task.repeat, task.fold),
        where=task.where,
        work=work,
    )
    result.n_train_clips = len(net.sides.train)
    result.n_train_sources = len(np.unique(part.source[net.sides.train]))
    result.search = net.search
    result.settings = net.settings
    _describe(result, net)
    result.rows = test.astype(np.int64)
    result.scores = net.predict_proba(clips.inputs[test])[:, 1]
    result.val = {f"val_{name}": None for name in VAL_METRICS}
    if net.sides.inner is not None:
        metrics = compute_classification_metrics(part.y[net.sides.inner], net.inner_scores)
        result.val = {f"val_{name}": metrics[name] for name in VAL_METRICS}
    if task.save_to is not None:
        _save(task.save_to, net, part, sources)


def _describe(result: FoldResult, net: ChosenNet) -> None:
    progress, inner = net.fitted.progress, net.sides.inner
    result.history = progress.history
    result.extra = {
        "best_epoch": progress.best_epoch or progress.epoch,
        "epochs": progress.epoch,
        "micro_batch": progress.micro_batch,
        "n_inner_sources": 0 if inner is None else len(inner),
        "random_weights": net.fitted.loaded.random,
    }
    if inner is None:
        result.note = "too few groups for an inner part: all epochs were done, the last is taken"


def _save(folder: Path, net: ChosenNet, part: Part, sources: Sources) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if net.sides.inner is not None:
        table = pl.DataFrame({
            "source": [sources.names[i] for i in part.source[net.sides.inner]],
            "score": net.inner_scores,
        })  # fmt: skip
        write_table(table, folder / INNER)
    with atomic_write(folder / "model.pt") as temporary:
        torch.save(net.fitted.net.state_dict(), temporary)


def run_video_folds(
    tasks: Sequence[FoldTask], clips: VideoClips, sources: Sources
) -> Iterator[FoldResult]:
    """Fit folds one after the other: a net takes a whole device."""
    for task in tasks:
        yield run_video_fold(task, clips, sources)
