"""Ensembles refuse torn groups, and stand at chance where there is nothing to learn."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fvc.errors import LeakageError, MissingInputError
from fvc.models import find_model
from fvc.training import stage5_train_models
from fvc.training.clips import Sources
from fvc.training.ensemble import run_ensemble_folds
from fvc.training.ensemble_members import read_ensemble
from fvc.training.fold import FoldTask
from fvc.workspace import Workspace

Simulate = Callable[..., Workspace]
MEMBERS = ("logistic_regression", "logistic_regression_stage2")


def train(workspace: Workspace, *models: str, **options: object):
    return stage5_train_models(
        workspace.root, model_types=models, n_splits=3, repeats=1, grid="none", workers=1,
        **options,
    )  # fmt: skip


def test_it_is_trained_beside_its_members(tmp_path: Path, simulated: Simulate) -> None:
    workspace = simulated(tmp_path, sources=36, signal=2.5, failed=(4,))
    report = train(workspace, *MEMBERS, ensemble=True)
    assert [outcome.name for outcome in report.models] == [*MEMBERS, "ensemble"]
    document = json.loads((workspace.model("ensemble") / "metrics.json").read_text())
    assert document["members"] == list(MEMBERS)
    assert document["aggregate"]["n_scored"] == 35
    assert document["aggregate"]["roc_auc"] > 0.8
    assert document["average"]["roc_auc"] > 0.8
    for row in document["fold_results"]:
        assert row["n_train_sources"] >= 22
        assert set(row["member_weights"]) == set(MEMBERS)
        assert min(row["member_weights"].values()) >= 0
        assert 0 <= row["val_roc_auc"] <= 1
    final = {path.name for path in (workspace.model("ensemble") / "final").iterdir()}
    assert final == {"ensemble.json", "card.json", "card.md"}
    # By name alone it is one of all that is trained; nothing has changed, so it is kept.
    again = train(workspace, "ensemble")
    assert [outcome.status for outcome in again.models] == ["kept"]


def test_without_members_it_says_what_to_train(tmp_path: Path, simulated: Simulate) -> None:
    workspace = simulated(tmp_path, sources=12)
    with pytest.raises(MissingInputError, match="fvc train --ensemble"):
        train(workspace, "ensemble")


def test_a_group_on_both_sides_is_refused(tmp_path: Path, simulated: Simulate) -> None:
    from fvc.training.reading import ClipReader
    from fvc.training.request import Request
    from fvc.training.split import project_split

    workspace = simulated(tmp_path, sources=30, per_group=2)
    train(workspace, *MEMBERS)
    split = project_split(workspace)
    request = Request(workspace, split.block, split.folds, True)
    sources = Sources.from_folds(split.folds, 1)
    reader = ClipReader(request, sources)
    clips = read_ensemble(request, sources, [], reader)
    assert clips.names == list(MEMBERS)
    torn = (sources.fold[0] == 0) ^ (np.arange(30) == 0)
    task = FoldTask(
        spec=find_model("ensemble"), candidates=[{}], repeat=0, fold=0, test=torn, inner_splits=3,
        seed=0, save_to=None, keep_variants=True,
    )  # fmt: skip
    with pytest.raises(LeakageError):
        list(run_ensemble_folds([task], clips, sources))


@pytest.mark.slow
def test_where_labels_say_nothing_an_ensemble_stands_at_chance(
    tmp_path: Path, simulated: Simulate
) -> None:
    found = []
    for seed in range(6):
        # Strong fingerprints of sources, ten clips each, and no signal: easy to memorise.
        workspace = simulated(
            tmp_path / str(seed), sources=60, variants=4, signal=0.0, source_noise=3.0, seed=seed
        )
        train(workspace, "gradient_boosting", *MEMBERS, ensemble=True)
        document = json.loads((workspace.model("ensemble") / "metrics.json").read_text())
        found.append(document["aggregate"]["roc_auc"])
    # Six means of three folds of twenty sources: a standard error of about 0.03.
    assert np.mean(found) == pytest.approx(0.5, abs=0.1)
