"""One outer fold of a model that reads frames: choose, fit, score once."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from fvc.errors import FVCError, MissingInputError, NotAvailableError, OptionError
from fvc.evaluation import check_no_leakage, compute_classification_metrics
from fvc.models import ModelSpec, training_weights
from fvc.models.video_spec import VideoModelSettings
from fvc.tables import atomic_write, write_table
from fvc.training.clips import Sources
from fvc.training.fold import FoldResult, FoldTask, attempt
from fvc.training.selection import VAL_METRICS, Part, inner_folds
from fvc.training.video.clips import VideoClips
from fvc.training.video.device import loader_workers, make_fabric, quiet, threads
from fvc.training.video.fitting import FitPlan, probabilities
from fvc.training.video.job import Fitted, NetPlan, fit_job
from fvc.training.video.loading import FrameBatches
from fvc.training.video.options import fit_settings
from fvc.training.video.steps import MicroBatch, score

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


@dataclass(frozen=True)
class Sides:
    """Rows of a fold.

    Attributes
    ----------
    train : rows that a net is fitted to, variants included
    inner : originals of groups that are not in `train`; None where there are too few groups
    test : rows that are scored once
    """

    train: NDArray[np.intp]
    inner: NDArray[np.intp] | None
    test: NDArray[np.intp]


def split_sides(task: FoldTask, clips: VideoClips, sources: Sources) -> Sides:
    """Split a fold's clips: the outer test side, and the inner part of the training side.

    Raises
    ------
    LeakageError
        A group stands on two sides.
    """
    check_no_leakage(sources.groups[~task.test], sources.groups[task.test], where=task.where)
    tested = task.test[clips.source]
    train = np.flatnonzero(~tested)
    scored = tested if task.keep_variants else tested & clips.original
    part = part_of(clips, sources, train)
    folds = inner_folds(part, task.inner_splits, (task.seed, task.repeat, task.fold), task.where)
    if not folds:
        return Sides(train, None, np.flatnonzero(scored))
    seen, held = folds[0]
    held = held[part.original[held]]
    return Sides(train[seen], train[held], np.flatnonzero(scored))


def part_of(clips: VideoClips, sources: Sources, rows: NDArray[np.intp]) -> Part:
    """Describe some clips as the inner splits want them."""
    return Part(
        clips.X[rows],
        sources.labels[clips.source[rows]],
        clips.source[rows],
        clips.original[rows],
        sources.groups[clips.source[rows]],
        clips.feature_names,
    )


def frame_batches(
    spec: ModelSpec, clips: VideoClips, sources: Sources, train: NDArray[np.intp]
) -> FrameBatches:
    """Give the frames of all clips, and the weights of those that are fitted to.

    Sources, and then classes, weigh equally; the mean weight of a clip is one.
    """
    labels = sources.labels[clips.source]
    weights = np.zeros(len(labels), dtype=np.float32)
    of_train = training_weights(clips.source[train], labels[train])
    weights[train] = of_train * (len(train) / of_train.sum())
    return FrameBatches(clips.files, labels.astype(np.float32), weights, clips.options.form(spec))


def net_seed(*numbers: int) -> int:
    """Draw the seed of a new net from the seed of the run and the place of the fold."""
    return int(np.random.SeedSequence([abs(n) for n in numbers]).generate_state(1)[0])


def _fit_and_score(
    task: FoldTask, clips: VideoClips, sources: Sources, result: FoldResult, work: Path
) -> None:
    sides = split_sides(task, clips, sources)
    check = sources.groups[clips.source]
    if sides.inner is not None:
        check_no_leakage(check[sides.train], check[sides.inner], where=f"{task.where}, inner part")
    check_no_leakage(check[sides.train], check[sides.test], where=task.where)
    result.n_train_clips = len(sides.train)
    result.n_train_sources = len(np.unique(clips.source[sides.train]))
    batches = frame_batches(task.spec, clips, sources, sides.train)
    best: tuple[list[float], int, Fitted] | None = None
    for number, candidate in enumerate(task.candidates):
        settings = _settings(task.spec, clips, candidate)
        place = (task.seed, task.repeat, task.fold, number)
        plan = FitPlan(
            batches=batches,
            train=sides.train,
            inner=sides.inner,
            settings=settings,
            seed=place,
            loader_workers=loader_workers(clips.options),
            name=f"{task.where}, candidate {number}",
        )
        net = NetPlan(task.spec.name, clips.options, settings, net_seed(*place))
        fitted = fit_job(net, plan, work / f"candidate_{number}")
        progress = fitted.progress
        row = progress.history[progress.best_epoch - 1] if progress.best_epoch else {}
        result.search.append({
            "settings": candidate,
            "val_roc_auc": row.get("val_roc_auc"),
            "folds": [row.get("val_roc_auc")],
            "best_epoch": progress.best_epoch or progress.epoch,
        })  # fmt: skip
        if best is None or progress.best > best[0]:
            best = progress.best, number, fitted
        if sides.inner is None:
            break
    assert best is not None
    _, number, fitted = best
    result.settings = task.candidates[number]
    _describe(result, fitted, number, sides)
    with quiet(), threads(clips.options.threads):
        fabric = make_fabric(clips.options)
        net_on_device = fabric.setup_module(fitted.net)
        micro = MicroBatch(fitted.progress.micro_batch, fitted.progress.micro_batch)
        workers = loader_workers(clips.options)
        logits = score(fabric, net_on_device, batches, sides.test, micro, workers=workers)
        inner = None
        if sides.inner is not None:
            inner = score(fabric, net_on_device, batches, sides.inner, micro, workers=workers)
    result.rows, result.scores = sides.test.astype(np.int64), probabilities(logits)
    if not np.isfinite(result.scores).all():
        raise ValueError("the net gave a score that is not a number")
    if inner is not None and sides.inner is not None:
        labels = sources.labels[clips.source[sides.inner]]
        metrics = compute_classification_metrics(labels, probabilities(inner))
        result.val = {f"val_{name}": metrics[name] for name in VAL_METRICS}
    else:
        result.val = {f"val_{name}": None for name in VAL_METRICS}
    if task.save_to is not None:
        _save(task.save_to, fitted, clips, sources, sides, inner)


def _settings(spec: ModelSpec, clips: VideoClips, candidate: dict[str, Any]) -> VideoModelSettings:
    assert spec.training is not None
    return fit_settings(spec.training, clips.options, candidate)


def _describe(result: FoldResult, fitted: Fitted, number: int, sides: Sides) -> None:
    progress = fitted.progress
    result.history = progress.history
    result.extra = {
        "best_epoch": progress.best_epoch or progress.epoch,
        "epochs": progress.epoch,
        "micro_batch": progress.micro_batch,
        "n_inner_sources": 0 if sides.inner is None else len(sides.inner),
        "random_weights": fitted.loaded.random,
    }
    if sides.inner is None:
        result.note = "too few groups for an inner part: all epochs were done, the last is taken"


def _save(
    folder: Path,
    fitted: Fitted,
    clips: VideoClips,
    sources: Sources,
    sides: Sides,
    inner: NDArray[np.float64] | None,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if inner is not None and sides.inner is not None:
        of = clips.source[sides.inner]
        table = pl.DataFrame({
            "source": [sources.names[i] for i in of],
            "score": probabilities(inner),
        })  # fmt: skip
        write_table(table, folder / INNER)
    with atomic_write(folder / "model.pt") as temporary:
        torch.save(fitted.net.state_dict(), temporary)


def run_video_folds(
    tasks: Sequence[FoldTask], clips: VideoClips, sources: Sources
) -> Iterator[FoldResult]:
    """Fit folds one after the other: a net takes a whole device."""
    for task in tasks:
        yield run_video_fold(task, clips, sources)
