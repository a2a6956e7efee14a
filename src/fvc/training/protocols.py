"""``fvc holdout``: detectors trained without a collection, a platform, or any other origin."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fvc.errors import DataError, NotAvailableError, OptionError
from fvc.evaluation import compute_classification_metrics
from fvc.evaluation.baselines import FILE_TOGETHER, file_scores
from fvc.evaluation.protocols import Plan, plan_holdouts
from fvc.evaluation.verdict_report import VerdictReport
from fvc.evaluation.weights import weights_notes
from fvc.models import candidates_of, get_model
from fvc.stages import RunOptions
from fvc.training.clips import Clips, Sources
from fvc.training.held_out import HoldoutResult, HoldoutTask, run_holdouts
from fvc.training.holdout_document import (
    document_of,
    notes_on_plan,
    verdict_on_model,
    write_holdout,
)
from fvc.training.progress import Fits, show_progress
from fvc.training.reading import ClipReader, training_order
from fvc.training.request import Request
from fvc.training.running import one_thread, worker_count
from fvc.training.split import project_split, read_index
from fvc.training.video.options import VideoOptions
from fvc.workspace import Workspace

logger = logging.getLogger("fvc.training")

_METADATA = f"only {FILE_TOGETHER}"


class HoldoutReport(VerdictReport):
    """What is left of scores when origins are held out.

    Attributes
    ----------
    document
        As it is written to ``holdout.json``.
    exit_code
        5 where a set failed.
    """


def hold_out(
    project: Path = Path("."),
    *,
    by: str = "collection",
    model_types: tuple[str, ...] = ("logistic_regression", "gradient_boosting"),
    most: int = 60,
    least: int = 1,
    grid: str = "default",
    inner_splits: int = 3,
    resamples: int = 2000,
    seed: int = 0,
    workers: int | None = None,
    weights: str = "pretrained",
    tiny: bool = False,
    max_epochs: int | None = None,
    batch_size: int | None = None,
    device: str = "auto",
    devices: int = 1,
) -> HoldoutReport:
    """Train without a collection (or platform, or any other value), and score what was held out.

    Parameters
    ----------
    project
        Folder of the project.
    by
        Column of the index whose values are held out: ``collection``, ``platform``, any other.
        Where a value holds one class, a real and a fake one are held out together.
    model_types
        Models to train, by name; ``fvc models`` lists them.
    most
        At most so many held-out sets of either kind; of more pairs a seeded sample is drawn in
        which every value comes about equally often.
    least
        Sources of a class that a value needs to be held out for that class.
    grid
        What the inner folds choose from, as for ``fvc train``.
    inner_splits
        Inner folds within what is left to train on, at least 2.
    resamples
        Draws of values for the intervals, at least 100.
    seed
        Seed of the sample, the inner folds and the intervals.
    workers
        Sets fitted side by side, one thread each; by default one a core. Nets are fitted one
        after the other, on so many threads where there is no GPU; sets that are done are kept.
    weights
        What nets begin with: ``pretrained``, ``none`` (random weights) or a file of weights.
    tiny
        Build nets in their smallest form: to try the way, not for results.
    max_epochs
        Epochs of a net at most; by default the model's own number.
    batch_size
        Clips that a net takes in a step; by default the model's own number.
    device
        Where nets are fitted: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:1``.
    devices
        GPUs (or, without one, processes) that fit a net together.

    Returns
    -------
    HoldoutReport
        Sets, means over sets with intervals over values, rates by value, a verdict.

    Raises
    ------
    OptionError
        A value that an option cannot take, or a column that the index does not have.
    NotAvailableError
        A model cannot be held out.
    MissingInputError
        An earlier step has not run.
    StaleError
        The split file does not fit the index.
    LockedError
        Another run holds out sets of the same net.
    TooFewGroupsError
        Too few values to hold any out; the message says how many there are.
    """
    if most < 1 or least < 1 or inner_splits < 2 or resamples < 100:
        raise OptionError("most and least are 1 or more, inner_splits 2, resamples 100 or more")
    cores = worker_count(workers)
    specs = [get_model(name) for name in dict.fromkeys(model_types)]
    for spec in specs:
        if spec.family == "ensemble":
            raise NotAvailableError(
                f"{spec.name}: each set would want every member's inner scores. Hold its members "
                "out instead, by their names"
            )
        candidates_of(spec, grid)
    workspace = Workspace(project)
    index = read_index(workspace)
    if by not in index.columns or by in ("source", "label", "group"):
        there = sorted(set(index.columns) - {"source", "label", "group"})
        raise OptionError(f"{by!r} cannot be held out; the index has {', '.join(there)}")
    split = project_split(workspace)
    sources = Sources.from_folds(split.folds, 1)
    index = pl.DataFrame({"source": sources.names}).join(
        index, on="source", how="left", maintain_order="left"
    )
    values = index[by].cast(pl.String).to_list()
    plan = plan_holdouts(
        values, sources.labels, sources.groups, by=by, most=most, least=least, seed=seed
    )
    request = Request(
        workspace=workspace,
        split=split.block,
        folds=split.folds,
        simulated=split.simulated,
        workers=cores,
        nets=VideoOptions.asked(weights, tiny, max_epochs, batch_size, device, devices, cores),
        run=RunOptions(workers=workers),
    )
    reader = ClipReader(request, sources)
    results: dict[str, list[HoldoutResult]] = {spec.name: [] for spec in specs}
    with show_progress() as fits, one_thread():
        for spec in training_order(specs):
            clips = reader(spec)
            candidates = candidates_of(spec, grid)
            tasks = [
                HoldoutTask(
                    spec, candidates, k, " + ".join(s.values), s.train, s.test, inner_splits, seed
                )
                for k, s in enumerate(plan.sets)
            ]
            results[spec.name] = _run(tasks, clips, sources, request, fits, by)
        metadata = _metadata(plan, index, sources.labels)
        if metadata is not None:
            results[_METADATA] = metadata
    document = document_of(
        plan, results, values, sources, workspace, resamples, seed, split.block["hash"]
    )
    document |= {
        "by": by,
        "most": most,
        "least": least,
        "grid": grid,
        "simulated": split.simulated,
        "split": split.block,
    }
    document["verdict"] = [verdict_on_model(row, document) for row in document["models"]]
    document["notes"] = notes_on_plan(plan, document)
    if any(spec.family in ("video", "embedding") for spec in specs):
        document["nets"] = request.nets.to_dict()
        document["notes"] += weights_notes(document["nets"])
    failed = any(row["reason"] for row in document["sets"])
    return HoldoutReport(write_holdout(document, workspace), exit_code=5 if failed else 0)


def _run(
    tasks: Sequence[HoldoutTask],
    clips: Clips,
    sources: Sources,
    request: Request,
    fits: Fits,
    by: str,
) -> list[HoldoutResult]:
    fits.begin(f"{tasks[0].spec.name}, held out", len(tasks))
    done: dict[int, HoldoutResult] = {}
    folder = request.workspace.holdout(by) / ".fits" / tasks[0].spec.name
    for result in run_holdouts(tasks, clips, sources, request.workers, folder):
        done[result.number] = result
        fits.done(1)
        if result.failure:
            logger.warning(
                "%s without %s: %s", result.model, tasks[result.number].name, result.failure
            )
    lost = "a worker process died, most often for want of memory: try fewer --workers"
    return [
        done.get(task.number) or HoldoutResult(task.number, task.spec.name, failure=lost)
        for task in tasks
    ]


def _metadata(
    plan: Plan, index: pl.DataFrame, labels: NDArray[np.int8]
) -> list[HoldoutResult] | None:
    """Score the same sets by file properties alone; None where the corpus has none to use."""
    results = []
    for number, one in enumerate(plan.sets):
        train, test = np.flatnonzero(one.train), np.flatnonzero(one.test)
        try:
            score = file_scores(index, train, test)
        except DataError:
            return None
        metrics = compute_classification_metrics(labels[test], score)
        results.append(
            HoldoutResult(
                number,
                _METADATA,
                source=test.astype(np.int32),
                score=score,
                metrics=metrics,
                n_train=len(train),
                threshold_note="threshold 0.5",
            )
        )
    return results
