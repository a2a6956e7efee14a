"""A net fitted to the training side of any split, and what its inner part chose."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvc.evaluation import check_no_leakage
from fvc.models import ModelSpec, training_weights
from fvc.models.spaces import Space
from fvc.models.video_spec import VideoInput, VideoModelSettings
from fvc.training.search import search_space
from fvc.training.selection import Part, inner_folds
from fvc.training.video.clips import as_files
from fvc.training.video.device import loader_workers, make_fabric, quiet, threads
from fvc.training.video.fitting import FitPlan, probabilities
from fvc.training.video.job import Fitted, NetPlan, fit_job
from fvc.training.video.loading import FrameBatches
from fvc.training.video.options import VideoOptions, fit_settings
from fvc.training.video.steps import MicroBatch, score


@dataclass(frozen=True)
class Sides:
    """Rows of a training side.

    Attributes
    ----------
    train : rows that a net is fitted to, variants included
    inner : originals of groups that are not in `train`; None where there are too few groups
    """

    train: NDArray[np.intp]
    inner: NDArray[np.intp] | None


@dataclass(frozen=True)
class ChosenNet:
    """A net fitted to a part, with the settings that did best on the part's inner side.

    Attributes
    ----------
    fitted
        The net and its history.
    settings
        Those of the candidates, or of a search, that it was fitted with.
    search
        One row for all settings that were tried: ``settings``, ``val_roc_auc``, ``folds``, and
        ``best_epoch``, or ``refused`` and the reason.
    sides
        Rows of the part.
    options
        How it was fitted.
    form
        What it is given.
    inner_scores
        Of the rows of the inner side, shape (m,); empty where there is none.
    """

    fitted: Fitted
    settings: dict[str, Any]
    search: list[dict[str, Any]]
    sides: Sides
    options: VideoOptions
    form: VideoInput
    inner_scores: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Score clips.

        Parameters
        ----------
        X : (n, streams) object
            Files of the clips, as `fvc.training.video.clips.VideoClips.inputs` gives them.

        Returns
        -------
        (n, 2) float64
            Probabilities of real and fake.
        """
        fake = score_files(self.fitted, X, self.form, self.options)
        return np.column_stack([1 - fake, fake])


def split_sides(part: Part, inner_splits: int, seed: Sequence[int], where: str) -> Sides:
    """Hold back an inner part of a training side, by whole groups.

    Raises
    ------
    LeakageError
        A group stands on two sides.
    """
    folds = inner_folds(part, inner_splits, seed, where)
    if not folds:
        return Sides(np.arange(len(part.y)), None)
    seen, held = folds[0]
    held = held[part.original[held]]
    check_no_leakage(part.groups[seen], part.groups[held], where=f"{where}, inner part")
    return Sides(seen, held)


def frame_batches(
    files: dict[str, tuple[str, ...]],
    y: NDArray[np.int8],
    source: NDArray[np.int32],
    form: VideoInput,
    train: NDArray[np.intp],
) -> FrameBatches:
    """Give the frames of clips, and the weights of those that are fitted to.

    Sources, and then classes, weigh equally; the mean weight of a clip is one.
    """
    weights = np.zeros(len(y), dtype=np.float32)
    of_train = training_weights(source[train], y[train])
    weights[train] = of_train * (len(train) / of_train.sum())
    return FrameBatches(files, y.astype(np.float32), weights, form)


def net_seed(*numbers: int) -> int:
    """Draw the seed of a new net from the seed of the run and the place of the fold."""
    return int(np.random.SeedSequence([abs(n) for n in numbers]).generate_state(1)[0])


def choose_net(
    spec: ModelSpec,
    candidates: Sequence[dict[str, Any]],
    part: Part,
    options: VideoOptions,
    *,
    inner_splits: int,
    seed: tuple[int, ...],
    where: str,
    work: Path,
) -> ChosenNet:
    """Fit a net to a training side with each of some settings, and take the best.

    Parameters
    ----------
    spec, candidates
        The model, and settings to choose from or spaces to search; without an inner part the first
        settings are taken.
    part
        The training side; its ``X`` are the files of the clips.
    options
        How nets are fitted.
    inner_splits
        One of so many parts of the groups is held back to end the fit and to choose.
    seed
        Of the inner part, the new net and the order of clips.
    where
        The place in words, for messages.
    work
        Folder of the fits; one that was ended goes on.

    Raises
    ------
    LeakageError
        A group stands on two sides.
    OptionError, MissingInputError
        What is asked for cannot be had; the message says what would do.
    ValueError
        No settings could be fitted.
    """
    sides = split_sides(part, inner_splits, seed, where)
    form = options.form(spec)
    batches = frame_batches(as_files(part.X), part.y, part.source, form, sides.train)
    search: list[dict[str, Any]] = []
    best: tuple[list[float], dict[str, Any], Fitted] | None = None

    def fit(candidate: dict[str, Any]) -> float | None:
        nonlocal best
        number = len(search)
        row: dict[str, Any] = {"settings": candidate, "val_roc_auc": None, "folds": [None]}
        search.append(row)
        settings = _settings(spec, options, candidate)
        plan = FitPlan(
            batches=batches,
            train=sides.train,
            inner=sides.inner,
            settings=settings,
            seed=(*seed, number),
            loader_workers=loader_workers(options),
            name=f"{where}, candidate {number}",
        )
        net = NetPlan(spec.name, options, settings, net_seed(*seed, number))
        try:
            fitted = fit_job(net, plan, work / f"candidate_{number}")
        # With other rates the loss may stay a number.
        except ValueError as error:
            row["refused"] = f"{type(error).__name__}: {error}"
            return None
        progress = fitted.progress
        done = progress.history[progress.best_epoch - 1] if progress.best_epoch else {}
        found: float | None = done.get("val_roc_auc")
        row |= {"val_roc_auc": found, "folds": [found]}
        row["best_epoch"] = progress.best_epoch or progress.epoch
        if best is None or progress.best > best[0]:
            best = progress.best, candidate, fitted
        return found

    if sides.inner is None:
        # Nothing tells settings apart: the first, or where there are only ranges the entry's own.
        fit(next((each for each in candidates if Space.of(each) is None), {}))
    else:
        for candidate in candidates:
            space = Space.of(candidate)
            if space is None:
                fit(candidate)
            else:
                search_space(space, fit, seed=seed[0])
    if best is None:
        raise ValueError(f"no settings could be fitted: {search[0]['refused']}")
    _, chosen, fitted = best
    inner = np.empty(0)
    if sides.inner is not None:
        inner = score_files(fitted, part.X[sides.inner], form, options)
    return ChosenNet(fitted, chosen, search, sides, options, form, inner)


def score_files(
    fitted: Fitted, X: NDArray[Any], form: VideoInput, options: VideoOptions
) -> NDArray[np.float64]:
    """Give the probabilities of being fake of clips whose files are given, shape (n,).

    Raises
    ------
    ValueError
        The net gave a score that is not a number.
    """
    nothing = np.zeros(len(X), dtype=np.float32)
    batches = FrameBatches(as_files(X), nothing, nothing, form)
    with quiet(), threads(options.threads):
        fabric = make_fabric(options)
        net = fabric.setup_module(fitted.net)
        micro = MicroBatch(fitted.progress.micro_batch, fitted.progress.micro_batch)
        workers = loader_workers(options)
        rows = np.arange(len(X), dtype=np.intp)
        found = probabilities(score(fabric, net, batches, rows, micro, workers=workers))
    if not np.isfinite(found).all():
        raise ValueError("the net gave a score that is not a number")
    return found


def _settings(
    spec: ModelSpec, options: VideoOptions, candidate: dict[str, Any]
) -> VideoModelSettings:
    assert spec.training is not None
    return fit_settings(spec.training, options, candidate)
