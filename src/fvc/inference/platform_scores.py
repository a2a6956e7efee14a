"""Scores of platforms' clips by the detectors of the folds, for models of every family."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fvc.errors import DataError
from fvc.inference.card import recipe_of
from fvc.inference.measuring import Recipe
from fvc.inference.platform_features import UNTOUCHED, measure_platforms
from fvc.models import ModelSpec
from fvc.models.loading import read_card
from fvc.stages import RunOptions, StageReport
from fvc.tables import read_table
from fvc.training.inputs import input_settings
from fvc.training.refitting import FoldDetectors, fold_detectors
from fvc.training.trained import members_of, options_of
from fvc.transcoding.platforms import Transformation
from fvc.workspace import Workspace


@dataclass(frozen=True)
class PlatformScores:
    """What the detectors of the folds say of the clips.

    Attributes
    ----------
    table
        ``clip, source, transformation, score`` of the clips that could be scored.
    reports
        Of what was measured for that.
    """

    table: pl.DataFrame
    reports: tuple[StageReport, ...]


def recipe_to_measure(workspace: Workspace, spec: ModelSpec) -> Recipe:
    """Say how the project's clips were made that a model reads.

    Models on features measure both tables where both are there, so that all of them share the
    measurements.
    """
    tables = spec.tables
    if spec.family == "tabular" and input_settings(workspace, (4,)).get("scaled-features"):
        tables = (2, 4)
    inputs = input_settings(workspace, tables)
    recipe, _ = recipe_of(inputs, tables, workspace.model(spec.name))
    return replace(recipe, tables=tables)


def score_files(
    workspace: Workspace,
    spec: ModelSpec,
    detectors: FoldDetectors,
    files: pl.DataFrame,
    index: pl.DataFrame,
    run: RunOptions,
) -> PlatformScores:
    """Measure files as `fvc predict` does, and score each by who has not seen its source's group.

    Parameters
    ----------
    workspace
        The project.
    spec, detectors
        The trained model, and the detectors of its folds.
    files
        As `fvc.inference.platform_features.platform_files` lists them.
    index
        ``source, fold`` of what was asked for.
    run
        How files are measured.

    Raises
    ------
    DataError
        Not all files are measured yet.
    LeakageError
        A detector has seen the group of a source that it was to score.
    StaleError
        A member of an ensemble was trained anew since.
    """
    if spec.family == "ensemble":
        return _score_members(workspace, spec, detectors, files, index, run)
    clips, X, reports = _measure(workspace, spec, detectors, files, run)
    return PlatformScores(score_clips(clips, X, detectors, index), reports)


def _measure(
    workspace: Workspace,
    spec: ModelSpec,
    detectors: FoldDetectors,
    files: pl.DataFrame,
    run: RunOptions,
) -> tuple[pl.DataFrame, NDArray[Any], tuple[StageReport, ...]]:
    """Give the clips that could be measured, and what the model is given of each."""
    recipe = recipe_to_measure(workspace, spec)
    if spec.family == "tabular":
        report = measure_platforms(workspace, files, recipe=recipe, run=run)
        clips = _finished(report)
        X = clips.select(pl.col(name).cast(pl.Float32) for name in detectors.feature_names)
        return clips, X.fill_null(float("nan")).to_numpy(), (report,)
    nets = importlib.import_module("fvc.inference.platform_nets")
    options = options_of(spec, detectors.trained)
    report, stored = nets.take_frames(workspace, spec, files, recipe, options, run)
    table = _finished(report)
    if spec.family == "video":
        return table, stored(table).inputs, (report,)
    embedded = nets.embed(workspace, spec, detectors.trained, stored(table))
    rows = table.filter(pl.col("clip").is_in(embedded.clip.implode()))
    return rows, embedded.inputs, (report,)


def _finished(report: StageReport) -> pl.DataFrame:
    if report.table is None:
        raise DataError("the clips of platforms are not finished: run the same command again")
    return read_table(report.table)


def _score_members(
    workspace: Workspace,
    spec: ModelSpec,
    detectors: FoldDetectors,
    files: pl.DataFrame,
    index: pl.DataFrame,
    run: RunOptions,
) -> PlatformScores:
    keys = ["clip", "source", "transformation"]
    joined: pl.DataFrame | None = None
    reports: list[StageReport] = []
    names = []
    for member in members_of(workspace, read_card(workspace.model(spec.name))):
        own = fold_detectors(workspace, member)
        found = score_files(workspace, member, own, files, index, run)
        table = found.table.rename({"score": member.name})
        # A clip that one member cannot judge has no score of the ensemble.
        joined = table if joined is None else joined.join(table, on=keys, how="inner")
        reports += found.reports
        names.append(member.name)
    assert joined is not None
    scores = joined.select(names).to_numpy()
    return PlatformScores(
        score_clips(joined.select(keys), scores, detectors, index), tuple(reports)
    )


def score_clips(
    clips: pl.DataFrame, X: NDArray[Any], detectors: FoldDetectors, index: pl.DataFrame
) -> pl.DataFrame:
    """Score every clip by the detector that has not seen its source's group.

    Parameters
    ----------
    clips
        ``clip, source, transformation``, n rows.
    X
        What the model is given of each, n rows.
    detectors
        Of the folds.
    index
        ``source, fold`` of what was asked for.

    Returns
    -------
    polars.DataFrame
        ``clip, source, transformation, score`` of the sources asked for.

    Raises
    ------
    LeakageError
        A detector has seen the group of a source that it was to score.
    """
    parts = []
    for one in detectors:
        wanted = index.filter(fold=one.fold)["source"]
        own = clips["source"].is_in(wanted.implode())
        if own.any():
            here = clips.filter(own)
            score = one.score(here["source"], X[np.flatnonzero(own.to_numpy())])
            parts.append(here.select("clip", "source", "transformation").with_columns(score=score))
    return pl.concat(parts)


def every_clip(
    scored: pl.DataFrame, index: pl.DataFrame, transformations: Sequence[Transformation]
) -> pl.DataFrame:
    """Put the scores beside all clips that were asked for.

    Parameters
    ----------
    scored
        As `score_clips` gives it.
    index
        ``source, label, group, fold``: what was asked for.
    transformations
        What was asked for.

    Returns
    -------
    polars.DataFrame
        ``clip, source, group, label, fold, transformation, score, plain``, the last of the source
        untouched; null where there is no score.
    """
    plain = scored.filter(transformation=UNTOUCHED).select("source", plain="score")
    asked = pl.DataFrame({"transformation": [t.name for t in transformations]})
    return (
        index.select("source", "group", "label", "fold")
        .join(asked, how="cross")
        .join(scored, on=["source", "transformation"], how="left", maintain_order="left")
        .join(plain, on="source", how="left", maintain_order="left")
        .with_columns(clip=pl.concat_str("source", pl.lit("_"), "transformation"))
    )
