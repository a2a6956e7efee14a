"""What a training run was asked for, and what follows from it for each of its models."""

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from fvc.models import ModelSpec, candidates_of
from fvc.stages import RunOptions
from fvc.training.clips import Clips
from fvc.training.output import fingerprint
from fvc.training.video.options import VideoOptions
from fvc.workspace import Workspace

LARGE_TABLE_ROWS = 200_000
"""Above so many clips a model is trained on repeat 0 of the folds alone, unless told otherwise."""


@dataclass(frozen=True)
class Request:
    """What a training run was asked for, and what all of its models share.

    Attributes
    ----------
    workspace
        The project.
    split
        The ``split`` block of ``metrics.json``.
    folds
        The split table.
    simulated
        Whether the corpus is simulated.
    grid, inner_splits, seed, repeats, workers
        As in `stage5_train_models`.
    nets
        How nets are fitted.
    run
        Where clips are decoded and embedded, and tabular models are fitted.
    """

    workspace: Workspace
    split: dict[str, Any]
    folds: pl.DataFrame
    simulated: bool
    grid: str = "default"
    inner_splits: int = 3
    seed: int = 0
    repeats: int | None = None
    workers: int = 1
    nets: VideoOptions = field(default_factory=VideoOptions)
    run: RunOptions = RunOptions()


def repeats_of(spec: ModelSpec, rows: int, request: Request) -> tuple[int, str]:
    """Decide how many repeats of the folds a model is trained on, and say by which rule."""
    there = int(request.split["repeats"])
    if request.repeats is not None:
        return request.repeats, "asked for"
    if rows > LARGE_TABLE_ROWS:
        return 1, f"1 for tables of more than {LARGE_TABLE_ROWS:,} clips: this one has {rows:,}"
    return min(spec.repeats, there), f"{spec.repeats} for models as cheap as this one"


@dataclass(frozen=True)
class Plan:
    """How a model is trained, and what identifies its results."""

    candidates: list[dict[str, Any]]
    repeats: int
    rule: str
    settings: dict[str, Any]
    fingerprint: str


def plan_of(spec: ModelSpec, clips: Clips, request: Request) -> Plan:
    """Plan how a model is trained on these clips."""
    candidates = candidates_of(spec, request.grid)
    repeats, rule = repeats_of(spec, len(clips.source), request)
    settings = {
        "grid": request.grid,
        "candidates": candidates,
        "inner_splits": request.inner_splits,
        "seed": request.seed,
        "repeats": repeats,
        "repeats_rule": rule,
        "tables": list(spec.tables),
        "entry": dict(spec.settings),
        "weights": "sources weigh equally, then classes",
    }
    if spec.training is not None:
        settings["training"] = spec.training.to_dict()
    wanted = fingerprint(spec, settings, request.split["hash"], clips.digest())
    return Plan(candidates, repeats, rule, settings, wanted)
