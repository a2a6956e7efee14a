"""Detectors of folds, fitted again: the same scores, and never for a source that they have seen."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fvc.errors import LeakageError, MissingInputError, StaleError
from fvc.models import get_model
from fvc.tables import read_table, write_table
from fvc.training import stage5_train_models
from fvc.training.refitting import fold_detectors
from fvc.workspace import Workspace

NAME = "logistic_regression"


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory, simulated: Callable[..., Workspace], small_grid: str
) -> Workspace:
    workspace = simulated(tmp_path_factory.mktemp("refit"), sources=36, per_group=3)
    stage5_train_models(
        workspace.root, model_types=(NAME,), n_splits=3, repeats=2, grid=small_grid, workers=1
    )
    return workspace


def test_scores_are_those_of_training_and_sides_share_no_group(trained: Workspace) -> None:
    found = fold_detectors(trained, get_model(NAME))
    table = read_table(trained.model(NAME) / "predictions.parquet").filter(pl.col("repeat") == 0)
    prefixed = pl.col("^e\\d$").name.prefix("scaled_")
    scaled = read_table(trained.stage4.table("arrow")).select("clip", prefixed)
    features = read_table(trained.stage2.table("arrow")).join(scaled, on="clip")
    features = features.filter("is_original")
    tested: list[str] = []
    for one in found:
        own = features.filter(pl.col("source").is_in(list(one.test_groups)))
        X = own.select(one.feature_names).fill_null(float("nan")).to_numpy()
        written = own.select("source").join(table, on="source", maintain_order="left")["score"]
        assert one.score(own["source"], X).to_numpy() == pytest.approx(written.to_numpy(), abs=1e-6)
        assert not one.train_groups & set(one.test_groups.values())
        tested += one.test_groups
    assert sorted(tested) == sorted(table["source"])


def test_a_source_that_a_detector_has_seen_is_refused(trained: Workspace) -> None:
    first, second, _ = fold_detectors(trained, get_model(NAME))
    foreign = pl.Series(list(second.test_groups)[:1])
    X = np.zeros((1, len(first.feature_names)), dtype=np.float32)
    with pytest.raises(LeakageError):
        first.score(foreign, X)
    # Nor where a table puts a source of a training group on the test side.
    group = next(iter(first.train_groups))
    wrong = replace(first, test_groups={**first.test_groups, foreign[0]: group})
    with pytest.raises(LeakageError, match=group):
        wrong.score(foreign, X)


def test_tables_that_changed_since_training_are_noticed(
    tmp_path: Path, trained: Workspace, simulated: Callable[..., Workspace], small_grid: str
) -> None:
    workspace = simulated(tmp_path, sources=24)
    with pytest.raises(MissingInputError, match="was not trained"):
        fold_detectors(workspace, get_model(NAME))
    stage5_train_models(tmp_path, model_types=(NAME,), n_splits=2, grid=small_grid, workers=1)
    fold_detectors(workspace, get_model(NAME))
    path = workspace.stage2.table("arrow")
    write_table(read_table(path).with_columns(pl.col("f0").shuffle(seed=1)), path)
    with pytest.raises(StaleError, match="feature tables have changed"):
        fold_detectors(workspace, get_model(NAME))
