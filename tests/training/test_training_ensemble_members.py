"""What an ensemble learns from: scores by models that have not seen the source's group."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fvc.evaluation import compute_classification_metrics
from fvc.models import find_model
from fvc.training import stage5_train_models
from fvc.training.clips import Sources
from fvc.training.ensemble_members import _inner_scores
from fvc.training.fold import FoldTask
from fvc.training.parts import read_clips
from fvc.workspace import Workspace

Simulate = Callable[..., Workspace]


def train_stage2(workspace: Workspace) -> None:
    stage5_train_models(
        workspace.root, model_types=("logistic_regression_stage2",), n_splits=3, repeats=1,
        grid="none", workers=1,
    )  # fmt: skip


def test_inner_scores_come_from_models_that_have_not_seen_the_group(
    tmp_path: Path, simulated: Simulate
) -> None:
    workspace = simulated(tmp_path, sources=30, per_group=2, signal=2.0)
    train_stage2(workspace)
    sources = Sources.from_folds(pl.read_parquet(workspace.folds), 1)
    clips = read_clips(workspace, (2,), sources)
    spec = find_model("logistic_regression_stage2")
    task = FoldTask(
        spec=spec, candidates=[{}], repeat=0, fold=0, test=sources.fold[0] == 0, inner_splits=3,
        seed=0, save_to=None, keep_variants=True,
    )  # fmt: skip
    _, scores = _inner_scores((task, {}), spec, clips, sources)
    assert np.isnan(scores[task.test]).all()
    assert not np.isnan(scores[~task.test]).any()
    # What the label of a group is does not reach that group's own scores.
    group = sources.groups[~task.test][0]
    own = sources.groups == group
    labels = np.where(own, 1 - sources.labels, sources.labels).astype(np.int8)
    X = clips.X.copy()
    changed = replace(sources, labels=labels)
    poisoned = X.copy()
    poisoned[task.test[clips.source]] = 1e6
    _, same = _inner_scores((task, {}), spec, replace(clips, X=poisoned), sources)
    np.testing.assert_array_equal(scores, same)
    # The other groups' scores do depend on it: it is trained on for them.
    _, other = _inner_scores((task, {}), spec, clips, changed)
    assert not np.array_equal(scores[~task.test & ~own], other[~task.test & ~own])


def test_a_model_that_memorises_has_inner_scores_at_chance(
    tmp_path: Path, simulated: Simulate
) -> None:
    workspace = simulated(tmp_path, sources=60, variants=3, signal=0.0, source_noise=3.0)
    train_stage2(workspace)
    sources = Sources.from_folds(pl.read_parquet(workspace.folds), 1)
    clips = read_clips(workspace, (2, 4), sources)
    spec = find_model("gradient_boosting")
    task = FoldTask(
        spec=spec, candidates=[{}], repeat=0, fold=0, test=sources.fold[0] == 0, inner_splits=3,
        seed=0, save_to=None, keep_variants=True,
    )  # fmt: skip
    _, scores = _inner_scores((task, {"n_estimators": 60, "max_depth": 3}), spec, clips, sources)
    known = ~np.isnan(scores)
    metrics = compute_classification_metrics(sources.labels[known], scores[known])
    # On clips that it has seen its ROC AUC is 1.
    assert metrics["roc_auc"] == pytest.approx(0.5, abs=0.3)
