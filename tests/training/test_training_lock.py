"""A locked set: in no fit, scored by the final detector, every scoring counted."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from planted import planted
from sklearn.metrics import roc_auc_score

from fvc.cli.app import run
from fvc.errors import (
    DataError,
    MissingInputError,
    OptionError,
    StaleError,
    TooFewGroupsError,
)
from fvc.evaluation.confounds import confound_report
from fvc.evaluation.locked import lock_sources, split_locked
from fvc.tables import read_table, write_table
from fvc.training import stage5_train_models
from fvc.training.elsewhere import evaluate_model
from fvc.training.split import project_split
from fvc.workspace import Workspace

MODEL = "logistic_regression"


def _train(root: Path) -> None:
    stage5_train_models(root, model_types=(MODEL,), repeats=1, grid="none", workers=1)


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("locked")
    workspace = planted(root, sources=100, variants=1, effect=0.9)
    lock_sources(root, fraction=0.25)
    _train(root)
    return workspace


def test_the_lock_takes_whole_groups_of_both_classes(locked: Workspace) -> None:
    index = read_table(locked.index_csv)
    open_sources, held = split_locked(index, locked)
    assert not set(open_sources["group"]) & set(held["group"])
    assert len(open_sources) + len(held) == 100
    for label in (0, 1):
        assert abs(held.filter(label=label).height - 12.5) <= 2
    assert set(read_table(locked.folds)["source"]) == set(open_sources["source"])


def test_no_fit_depends_on_locked_sources(locked: Workspace, tmp_path: Path) -> None:
    """Whatever the locked sources' features are, everything trained comes out the same."""
    shutil.copytree(locked.root, tmp_path / "copy")
    copy = Workspace(tmp_path / "copy")
    held = split_locked(read_table(locked.index_csv), locked)[1]["source"]
    for files in (copy.stage2, copy.stage4):
        path = files.table("parquet")
        table = read_table(path)
        features = table.columns[table.columns.index("feature_path") + 1 :]
        mine = pl.col("source").is_in(held.implode())
        write_table(
            table.with_columns(
                pl.when(mine).then(pl.lit(1e6)).otherwise(pl.col(name)).alias(name)
                for name in features
            ).with_columns(pl.col(features).cast(pl.Float32)),
            path,
        )
    shutil.rmtree(copy.model(MODEL))
    _train(copy.root)
    for name in ("predictions.parquet", "robustness.parquet"):
        one, other = (read_table(w.model(MODEL) / name) for w in (locked, copy))
        assert one.equals(other)
        assert not set(one["source"]) & set(held)
    cards = [json.loads((w.model(MODEL) / "final/card.json").read_text()) for w in (locked, copy)]
    for key in ("features", "trained_on", "calibrator", "familiarity", "decisions"):
        assert cards[0][key] == cards[1][key]
    assert cards[0]["trained_on"]["n_sources"] == 100 - len(held)


def test_every_scoring_is_recorded_and_counted(locked: Workspace) -> None:
    first = evaluate_model(locked.root, model=MODEL, locked=True, resamples=200).document
    assert first["scoring"]["first"]
    assert "the first scoring" in first["verdict"][1]
    held = split_locked(read_table(locked.index_csv), locked)[1]
    scores = read_table(locked.evaluations / "locked" / MODEL / "scores.parquet")
    assert set(scores["source"]) == set(held["source"])
    written = {Path(file).suffix for file in first["files"]}
    assert written == {".csv", ".parquet", ".png", ".svg", ".json"}
    assert all(locked.absolute(file).is_file() for file in first["files"])
    metrics = first["metrics"]
    assert metrics["roc_auc"] == pytest.approx(roc_auc_score(scores["label"], scores["score"]))
    assert metrics["roc_auc_low"] < metrics["roc_auc"] < metrics["roc_auc_high"]
    assert first["expected"]["low"] < metrics["roc_auc"]
    assert run(["evaluate", MODEL, "--project", str(locked.root), "--locked", "--quiet"]) == 0
    record = json.loads(locked.locked_scores.read_text())["scorings"]
    assert [row["first"] for row in record] == [True, False]
    assert record[0]["model_hash"] == record[1]["model_hash"]
    assert record[0]["roc_auc"] == record[1]["roc_auc"] == metrics["roc_auc"]
    third = evaluate_model(locked.root, model=MODEL, locked=True, resamples=200).document
    assert "scoring 3 of the locked set, not the first" in third["verdict"][1]
    assert "2 earlier one(s)" in third["verdict"][1]


def test_a_spoilt_record_is_not_begun_anew(locked: Workspace, tmp_path: Path) -> None:
    shutil.copytree(locked.root, tmp_path / "copy")
    copy = Workspace(tmp_path / "copy")
    copy.locked_scores.write_text("{")
    with pytest.raises(DataError, match="not written over"):
        evaluate_model(copy.root, model=MODEL, locked=True, resamples=100)
    assert copy.locked_scores.read_text() == "{"


def test_a_source_that_joins_a_locked_group_is_locked(tmp_path: Path) -> None:
    workspace = planted(tmp_path, variants=0)
    lock_sources(tmp_path, collections=("simulated c0", "simulated c1"))
    held = split_locked(read_table(workspace.index_csv), workspace)[1]
    assert set(held["collection"]) == {"simulated c0", "simulated c1"}
    index = read_table(workspace.index_csv)
    newcomer = index.filter(collection="simulated c2").head(1)["source"][0]
    write_table(
        index.with_columns(
            group=pl.when(source=newcomer).then(pl.lit(held["group"][0])).otherwise("group")
        ),
        workspace.index_csv,
    )
    assert newcomer not in set(project_split(workspace).folds["source"])
    document = confound_report(tmp_path, resamples=100).document
    assert document["split"]["n_sources"] == 80 - len(held) - 1
    assert "simulated c0" not in {row["value"] for row in document["values"]}


def test_a_lock_comes_before_training_and_once(tmp_path: Path) -> None:
    workspace = planted(tmp_path, variants=0)
    split = project_split(workspace)
    with pytest.raises(StaleError, match="models have seen all sources"):
        lock_sources(tmp_path, fraction=0.2)
    # One that is put there behind the back of the folds is seen.
    write_table(split.folds.head(2).select("source", "group"), workspace.locked)
    with pytest.raises(StaleError, match="2 locked source"):
        project_split(workspace)
    workspace.folds.unlink()
    project_split(workspace)
    workspace.locked.unlink()
    with pytest.raises(StaleError, match="locked or unlocked"):
        project_split(workspace)
    workspace.folds.unlink()
    lock_sources(tmp_path, fraction=0.2)
    with pytest.raises(StaleError, match="locked once"):
        lock_sources(tmp_path, fraction=0.2)


def test_what_cannot_be_locked(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError):
        lock_sources(tmp_path, fraction=0.2)
    planted(tmp_path, variants=0)
    for wrong in ({}, {"fraction": 0.2, "collections": ("a",)}, {"fraction": 1.5}):
        with pytest.raises(OptionError):
            lock_sources(tmp_path, **wrong)
    with pytest.raises(OptionError, match="no collection is called 'x'"):
        lock_sources(tmp_path, collections=("x",))
    with pytest.raises(TooFewGroupsError, match="0 group\\(s\\) of fake sources would be locked"):
        lock_sources(tmp_path, collections=("simulated c0",))
    assert run(["lock", "--project", str(tmp_path), "--fraction", "0.01"]) == 4
    assert run(["lock", "--project", str(tmp_path), "--fraction", "0.3", "--quiet"]) == 0


def _elsewhere(root: Path, *, shared: int, **more: object) -> Workspace:
    """Another project, of which some videos are those of the first."""
    other = planted(root, variants=0, **more)  # type: ignore[arg-type]
    index = read_table(other.index_csv)
    write_table(
        index.with_columns(
            video_id=pl.when(pl.int_range(pl.len()) < shared)
            .then("video_id")
            .otherwise(pl.lit("other ") + pl.col("video_id")),
            group=pl.lit("other ") + pl.col("group"),
        ),
        other.index_csv,
    )
    return other


def test_another_project_is_scored_without_what_both_have(
    locked: Workspace, tmp_path: Path
) -> None:
    other = _elsewhere(tmp_path / "there", shared=3, seed=1, effect=0.9)
    document = evaluate_model(locked.root, model=MODEL, other=other.root, resamples=200).document
    # The third shared source takes the other one of its group with it.
    assert document["left_out"]["shared_sources"] == 3
    assert document["left_out"]["sources_of_their_groups"] == 1
    assert document["metrics"]["n_sources"] == 76
    assert document["metrics"]["roc_auc"] > 0.7
    assert "lies within it" in document["verdict"][0]
    assert not locked.evaluations.joinpath("there", "project").exists()
    nothing = _elsewhere(tmp_path / "nothing", shared=0, family=None, seed=2)
    document = evaluate_model(locked.root, model=MODEL, other=nothing.root, resamples=200).document
    assert "below it" in document["verdict"][0]


def test_what_cannot_be_evaluated(locked: Workspace, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="on what"):
        evaluate_model(locked.root, model=MODEL)
    with pytest.raises(OptionError, match="is this one"):
        evaluate_model(locked.root, model=MODEL, other=locked.root)
    with pytest.raises(MissingInputError, match="other corpus"):
        evaluate_model(locked.root, model=MODEL, other=tmp_path)
    with pytest.raises(MissingInputError, match="fvc train"):
        evaluate_model(locked.root, model="svm", locked=True)
    same = _elsewhere(tmp_path / "same", shared=80)
    with pytest.raises(DataError, match="all 80 sources"):
        evaluate_model(locked.root, model=MODEL, other=same.root)
    open_project = planted(tmp_path / "open", variants=0)
    _train(open_project.root)
    with pytest.raises(MissingInputError, match="nothing is locked"):
        evaluate_model(open_project.root, model=MODEL, locked=True)
    columns = _elsewhere(tmp_path / "columns", shared=0)
    path = columns.stage2.table("parquet")
    write_table(read_table(path).drop("noise_mad"), path)
    with pytest.raises(DataError, match="do not have the columns"):
        evaluate_model(locked.root, model=MODEL, other=columns.root)


@pytest.mark.slow
def test_a_folder_of_clips_is_made_ready_and_scored(
    locked: Workspace, tmp_path: Path, make_video: Callable[..., Path]
) -> None:
    for label in ("real", "fake"):
        (tmp_path / "clips" / label).mkdir(parents=True)
        for i in range(3):
            make_video(tmp_path / "clips" / label / f"{i}.mp4", seed=10 * i + (label == "fake"))
    (tmp_path / "clips/real/broken.mp4").write_bytes(b"no video")
    document = evaluate_model(
        locked.root, model=MODEL, corpus=tmp_path / "clips", resamples=100
    ).document
    assert document["metrics"]["n_scored"] == 6
    assert np.isfinite(document["metrics"]["roc_auc"])
    project = Workspace(locked.evaluations / "clips" / "project")
    assert read_table(project.stage1.table("arrow")).height == 6
    assert any("defaults" in note for note in document["notes"])
    again = evaluate_model(
        locked.root, model=MODEL, corpus=tmp_path / "clips", resamples=100
    ).document
    assert again["metrics"] == document["metrics"]
