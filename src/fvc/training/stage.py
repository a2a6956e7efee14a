"""Stage 5: train every model asked for on the same folds, and rank them."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from fvc.dataset import duplicates_of
from fvc.errors import NotAvailableError, OptionError
from fvc.evaluation import build_leaderboard
from fvc.models import (
    MODEL_CONFIGS,
    ModelSpec,
    candidates_of,
    find_model,
    list_models,
    not_available,
)
from fvc.stages import RunOptions, log_file
from fvc.stages.locks import exclusive
from fvc.stages.options import Part
from fvc.tracking.publishing import Track, tracking_of
from fvc.training.clips import Sources
from fvc.training.model import train_model
from fvc.training.output import clear, held
from fvc.training.parts import missing_models, read_clips, train_part
from fvc.training.progress import Fits, show_progress
from fvc.training.reading import ClipReader, training_order
from fvc.training.report import ModelOutcome, TrainReport
from fvc.training.request import Request
from fvc.training.running import one_thread, stop_workers, worker_count
from fvc.training.split import open_split, read_index
from fvc.training.video.options import VideoOptions
from fvc.workspace import Workspace

__all__ = ["DEFAULT_MODELS", "read_clips", "stage5_train_models"]

logger = logging.getLogger("fvc.training")

DEFAULT_MODELS = (
    "logistic_regression",
    "svm",
    "logistic_regression_stage2",
    "svm_stage2",
    "sklearn_logreg",
    "gradient_boosting",
)
"""What is trained when nothing is asked for: every available model, aliases left out."""


def stage5_train_models(
    project: Path = Path("."),
    *,
    model_types: tuple[str, ...] = DEFAULT_MODELS,
    n_splits: int = 5,
    repeats: int | None = None,
    seed: int = 0,
    grid: str = "default",
    inner_splits: int = 3,
    workers: int | None = None,
    shard: str | None = None,
    engine: Literal["local", "dask"] = "local",
    scheduler: str | None = None,
    ensemble: bool = False,
    weights: str = "pretrained",
    tiny: bool = False,
    max_epochs: int | None = None,
    batch_size: int | None = None,
    device: str = "auto",
    devices: int = 1,
    delete_existing: bool = False,
    track: Track = "auto",
) -> TrainReport:
    """Train detectors fold by fold on groups that they are then not scored on, and rank them.

    Parameters
    ----------
    project
        Folder of the project.
    model_types
        Models to train, by name or pattern such as ``svm*``; ``fvc models`` lists them. One that is
        not in this version is named as such (exit code 8), and the others are trained.
    n_splits
        Folds of whole groups, at least 2; every fold's two sides hold both classes.
    repeats
        How often the folds are drawn anew; by default 5 for cheap models (1 above 200,000 clips).
    seed
        Seed of the folds and of the inner folds.
    grid
        What the inner folds choose from: ``none`` (one setting a model), ``default`` or a YAML or
        JSON file of grids, or ranges for Optuna, by model.
    inner_splits
        Inner folds within the training part of each fold, at least 2.
    workers
        Folds fitted side by side, one thread each; by default one a core. Nets are fitted one
        after the other, on so many threads where there is no GPU.
    shard
        Fit part i of n of the models' folds, as in ``1/30``; with n models times folds, one task a
        model and fold. The run that fits a model's last fold finishes the model.
    engine
        Where clips are decoded and embedded and folds of tabular models fitted: ``local`` is this
        machine, ``dask`` the workers of a cluster. Nets and ensembles are fitted on this machine.
    scheduler
        Dask's scheduler, such as ``tcp://127.0.0.1:8786``, or ``slurm`` to start workers there.
    ensemble
        Train an ensemble of the models asked for, too (the model ``ensemble``): stacked on scores
        of inner folds, beside their plain mean.
    weights
        What nets begin with: ``pretrained``, ``none`` (random weights; tables then say so) or a
        file of weights.
    tiny
        Build nets in their smallest form, with random weights: to try the way, not for results.
    max_epochs
        Epochs of a net at most; by default the model's own number.
    batch_size
        Clips that a net takes in a step; an update stays one of as many clips. By default the
        model's own number.
    device
        Where nets are fitted: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:1``.
    devices
        GPUs (or, without one, processes) that fit a net together.
    delete_existing
        Start afresh: forget these models' results, and folds that no longer fit, which are then
        made anew.

    track
        Log to MLflow: ``on``, ``off``, or ``auto``, which is on where MLFLOW_TRACKING_URI is set.
        Without that variable runs go to ``mlflow.db`` in the project; `mlflow ui` shows them.

    Returns
    -------
    TrainReport
        Outcomes, split and leaderboard; exit code 5 where a fold failed, 8 where a model that was
        asked for is not available.

    Raises
    ------
    OptionError
        A name or value that an option cannot take.
    NotAvailableError
        None of the models asked for is in this version.
    MissingInputError
        An earlier step has not run.
    StaleError
        The split file does not fit the index or the options.
    TooFewGroupsError
        Too few groups for so many folds; the message says how many would do.
    LeakageError
        A group stands on both sides of a split.
    LockedError
        Another run trains one of these models.
    """
    begun = time.perf_counter()
    specs = asked_models((*model_types, "ensemble") if ensemble else model_types)
    if n_splits < 2 or inner_splits < 2:
        raise OptionError("n_splits and inner_splits are 2 or more")
    if repeats is not None and repeats < 1:
        raise OptionError("repeats are 1 or more")
    cores = worker_count(workers)
    run = RunOptions(workers=workers, shard=shard, engine=engine, scheduler=scheduler)
    part = run.part
    if delete_existing and not part.is_whole:
        raise OptionError("delete_existing does not go with shard: other parts are at work")
    trainable = [spec for spec in specs if spec.available]
    if not trainable:
        raise NotAvailableError("; ".join(not_available(spec.name) for spec in specs))
    for spec in trainable:
        candidates_of(spec, grid)
    workspace = Workspace(project)
    tracking = tracking_of(workspace, track)
    finished = tracking.model_done if tracking else _untracked
    split = open_split(
        workspace, n_splits=n_splits, repeats=repeats, seed=seed, remake=delete_existing
    )
    request = Request(
        workspace=workspace,
        split=split.block,
        folds=split.folds,
        simulated=split.simulated,
        grid=grid,
        inner_splits=inner_splits,
        seed=seed,
        repeats=repeats,
        workers=cores,
        nets=VideoOptions.asked(weights, tiny, max_epochs, batch_size, device, devices, cores),
        run=replace(run, shard=None),
    )
    with show_progress() as fits, log_file(workspace.logs(5), "train") as log, one_thread():
        _warn_of_duplicates(workspace)
        logger.debug("folds: %s %s", "made" if split.made else "read", split.block)
        if part.is_whole:
            outcomes = _train_all(
                specs, request, fits, delete_existing=delete_existing, finished=finished
            )
        else:
            reader = ClipReader(request, Sources.from_folds(split.folds, split.block["repeats"]))
            outcomes = train_part(specs, request, fits, part, reader)
            for outcome in outcomes:
                if outcome.status in ("trained", "kept"):
                    finished(outcome.name)
        leaderboard = _leaderboard(workspace, outcomes, part)
        if tracking:
            tracking.finish()
    return TrainReport(
        models=tuple(outcomes),
        split=split.block,
        leaderboard=leaderboard,
        log=workspace.relative(log),
        seconds=time.perf_counter() - begun,
    )


def _untracked(model: str) -> None:
    """Do nothing: the run is not tracked."""


def _leaderboard(
    workspace: Workspace, outcomes: Sequence[ModelOutcome], part: Part
) -> dict[str, Any]:
    if not part.is_whole and not any(one.status in ("trained", "kept") for one in outcomes):
        return {}
    # One after the other, so that the last of several runs sees the models of all.
    with exclusive(workspace.stage5 / ".locks" / "leaderboard", "the leaderboard"):
        return build_leaderboard(workspace)


def _warn_of_duplicates(workspace: Workspace) -> None:
    warning = duplicates_of(workspace, read_index(workspace)).warning()
    if warning is not None:
        logger.warning("%s", warning)


def asked_models(model_types: Sequence[str]) -> list[ModelSpec]:
    """Look up names and patterns, each model once, in the order asked."""
    names: dict[str, None] = {}
    for asked in [model_types] if isinstance(model_types, str) else model_types:
        if any(sign in asked for sign in "*?["):
            found = [name for name in list_models(available=True) if fnmatchcase(name, asked)]
            if not found:
                raise OptionError(f"no available model is called like {asked!r}: see `fvc models`")
            names |= dict.fromkeys(found)
        else:
            names[find_model(asked).name] = None
    if not names:
        raise OptionError("no model is asked for: see `fvc models`")
    return [MODEL_CONFIGS[name] for name in names]


def _train_all(
    specs: Sequence[ModelSpec],
    request: Request,
    fits: Fits,
    *,
    delete_existing: bool,
    finished: Callable[[str], None],
) -> list[ModelOutcome]:
    sources = Sources.from_folds(request.folds, int(request.split["repeats"]))
    reader = ClipReader(request, sources, specs)
    outcomes: dict[str, ModelOutcome] = {}
    try:
        for spec in training_order(specs):
            clips = reader(spec)
            folder = request.workspace.model(spec.name)
            with held(folder, spec.name):
                if delete_existing:
                    clear(folder, everything=True)
                outcomes[spec.name], _ = train_model(spec, clips, sources, request, fits)
                finished(spec.name)
    finally:
        if request.workers > 1:
            stop_workers()
    outcomes |= missing_models(specs)
    return [outcomes[spec.name] for spec in specs]
