"""What keeps the numbers honest, each broken on purpose."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import polars as pl
import pytest

from fvc.errors import LeakageError, StaleError, TableError
from fvc.models import MODEL_CONFIGS, candidates_of, list_models
from fvc.tables import read_table, write_table
from fvc.training import stage5_train_models
from fvc.training.clips import Clips, Sources, join_clips
from fvc.training.fold import FoldResult, FoldTask, run_fold
from fvc.training.progress import Fits
from fvc.training.results import predictions_table
from fvc.training.running import run_folds
from fvc.training.selection import Part, choose_settings, inner_folds
from fvc.training.split import open_split
from fvc.training.stage import read_clips
from fvc.workspace import Workspace

Simulate = Callable[..., Workspace]


def load(workspace: Workspace, *, n_splits: int = 3, tables: tuple[int, ...] = (2, 4)):
    split = open_split(workspace, n_splits=n_splits, repeats=None, seed=0)
    sources = Sources.from_folds(split.folds, 5)
    return read_clips(workspace, tables, sources), sources


def one_fold(
    clips: Clips,
    sources: Sources,
    *,
    model: str = "logistic_regression",
    grid: str = "default",
    repeat: int = 0,
    fold: int = 0,
    save_to: Path | None = None,
) -> FoldResult:
    spec = MODEL_CONFIGS[model]
    candidates, test = candidates_of(spec, grid), sources.fold[repeat] == fold
    task = FoldTask(spec, candidates, repeat, fold, test, 3, 0, save_to, True)
    result = run_fold(
        task,
        *(clips.X, clips.source, clips.original, sources.labels, sources.groups),
        clips.feature_names,
    )
    result.raise_if_fatal(task.where)
    assert result.failure is None, result.failure
    return result


@pytest.mark.parametrize("model", list_models(family="tabular"))
def test_nothing_of_the_test_side_reaches_the_training(
    tmp_path: Path, simulated: Simulate, small_grid: str, model: str
) -> None:
    workspace = simulated(tmp_path, sources=20, variants=1)
    clips, sources = load(workspace)
    tested = sources.fold[0][clips.source] == 0
    X = clips.X.copy()
    X[tested] = np.where(np.arange(X.shape[1]) % 2, 1e6, np.nan)
    labels = np.where(sources.fold[0] == 0, 1 - sources.labels, sources.labels)
    poisoned = replace(clips, X=X), replace(sources, labels=labels)
    found = [
        one_fold(*data, model=model, grid=small_grid, save_to=tmp_path / str(i))
        for i, data in enumerate(((clips, sources), poisoned))
    ]
    assert found[0].settings == found[1].settings
    assert found[0].search == found[1].search
    assert found[0].val == found[1].val
    fitted = [joblib.load(tmp_path / str(i) / "model.joblib") for i in (0, 1)]
    np.testing.assert_array_equal(*(d.predict_proba(clips.X) for d in fitted))


def test_the_choice_depends_on_the_training_labels(tmp_path: Path, simulated: Simulate) -> None:
    # The counterpart of the test above: what may be seen is seen.
    clips, sources = load(simulated(tmp_path, sources=20, variants=1))
    some = (sources.fold[0] != 0) & (np.arange(20) % 4 < 2)
    other = replace(sources, labels=np.where(some, 1 - sources.labels, sources.labels))
    assert one_fold(clips, sources).search != one_fold(clips, other).search


def auc_of_folds(clips: Clips, sources: Sources, model: str, repeats: int) -> float:
    aucs = []
    for repeat in range(repeats):
        for fold in range(3):
            result = one_fold(clips, sources, model=model, grid="none", repeat=repeat, fold=fold)
            original = clips.original[result.rows]
            label = sources.labels[clips.source[result.rows[original]]] == 1
            score = result.scores[original]
            aucs.append(np.mean(score[label][:, None] > score[~label][None, :]))
    return float(np.mean(aucs))


@pytest.mark.parametrize("model", ["logistic_regression", "svm", "gradient_boosting"])
def test_labels_permuted_by_group_score_at_chance(
    tmp_path: Path, simulated: Simulate, model: str
) -> None:
    workspace = simulated(tmp_path, sources=120, per_group=2, variants=4, signal=2.0)
    index = read_table(workspace.index_csv)
    groups = index["group"].unique().sort()
    aucs = []
    for seed in range(3):
        shuffled = groups.sample(fraction=1, shuffle=True, seed=seed)
        new = dict(zip(groups, (int(g[1:]) % 2 for g in shuffled), strict=True))
        labels = pl.col("group").replace_strict(new, return_dtype=pl.Int64).alias("label")
        write_table(index.with_columns(labels), workspace.index_csv)
        for files in (workspace.stage2, workspace.stage4):
            table = read_table(files.table("arrow"))
            write_table(table.with_columns(labels), files.table("arrow"))
        workspace.folds.unlink(missing_ok=True)
        clips, sources = load(workspace)
        aucs.append(auc_of_folds(clips, sources, model, 1))
    # 120 sources: one AUC has a standard error near 0.053, the mean of three near 0.03.
    assert abs(np.mean(aucs) - 0.5) < 0.1


def test_a_signal_is_found_where_there_is_one(tmp_path: Path, simulated: Simulate) -> None:
    clips, sources = load(simulated(tmp_path, sources=60, signal=3.0))
    assert auc_of_folds(clips, sources, "logistic_regression", 1) > 0.95


def test_a_group_on_both_sides_is_refused(tmp_path: Path, simulated: Simulate) -> None:
    clips, sources = load(simulated(tmp_path, sources=20))
    groups = sources.groups.copy()
    one = np.flatnonzero(sources.fold[0] == 0)[0]
    other = np.flatnonzero(sources.fold[0] == 1)[0]
    groups[one] = groups[other] = "torn"
    with pytest.raises(LeakageError, match=r"svm, repeat 0, fold 0.*'torn'"):
        one_fold(clips, replace(sources, groups=groups), model="svm")


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_leak_stops_the_run_from_any_process(
    tmp_path: Path, simulated: Simulate, workers: int
) -> None:
    clips, sources = load(simulated(tmp_path, sources=20))
    spec = MODEL_CONFIGS["svm"]
    task = FoldTask(spec, [{}], 0, 0, np.arange(20) < 10, 3, 0, None, False)
    torn = replace(sources, groups=np.array(["a"] * 20, dtype=object))
    with pytest.raises(LeakageError, match="'a'"):
        list(run_folds([task], clips, torn, workers))


def test_a_split_file_torn_by_hand_is_refused(tmp_path: Path, simulated: Simulate) -> None:
    workspace = simulated(tmp_path, sources=12, per_group=2)
    open_split(workspace, n_splits=2, repeats=None, seed=0)
    metadata = pl.read_parquet_metadata(workspace.folds)
    folds = pl.read_parquet(workspace.folds)
    torn = folds.with_columns(
        fold=pl.when(source="s00000", repeat=0).then(1 - pl.col("fold")).otherwise("fold")
    )
    mine = {key: value for key, value in metadata.items() if key.startswith("fvc.")}
    torn.with_columns(pl.col("fold").cast(pl.Int32)).write_parquet(workspace.folds, metadata=mine)
    with pytest.raises(LeakageError, match="'g00000'"):
        stage5_train_models(tmp_path, model_types=("svm",), n_splits=2, workers=1)


def test_a_failed_fold_makes_a_model_incomplete_and_the_run_goes_on(
    tmp_path: Path, simulated: Simulate
) -> None:
    workspace = simulated(tmp_path, sources=24, variants=1)
    split = open_split(workspace, n_splits=3, repeats=None, seed=0)
    first = split.folds.filter(pl.col("repeat") == 0)
    # Fakes are left in fold 0 alone, so that fold 0 has none to train on.
    lost = first.filter((pl.col("label") == 1) & (pl.col("fold") != 0))["source"]
    table = read_table(workspace.stage2.table("arrow"))
    write_table(
        table.filter(~pl.col("source").is_in(lost.to_list())), workspace.stage2.table("arrow")
    )
    report = stage5_train_models(
        tmp_path, model_types=("svm_stage2",), n_splits=3, repeats=1, workers=1, grid="none"
    )
    assert report.models[0].status == "incomplete"
    assert report.exit_code == 6
    assert "fold 0: failed" in report.models[0].reason
    assert report.models[0].roc_auc is None
    folder = workspace.model("svm_stage2")
    predictions = read_table(folder / "predictions.parquet")
    assert predictions.height == 24
    assert predictions.filter(pl.col("fold") == 0)["score"].null_count() == 8
    row = report.leaderboard["models"][0]
    assert (row["complete"], row["roc_auc"], row["n_sources"]) == (False, None, 24)


def test_settings_tables_and_missing_files_are_noticed(
    tmp_path: Path, simulated: Simulate, small_grid: str
) -> None:
    from fvc.training.model import train_model
    from fvc.training.request import Request

    workspace = simulated(tmp_path, sources=12, variants=0)
    split = open_split(workspace, n_splits=2, repeats=None, seed=0)
    sources = Sources.from_folds(split.folds, 5)
    spec = MODEL_CONFIGS["logistic_regression_stage2"]
    request = Request(workspace, split.block, split.folds, True, grid="none", repeats=1)

    def train(request: Request = request) -> str:
        clips = read_clips(workspace, (2,), sources)
        return train_model(spec, clips, sources, request, Fits())[0].status

    assert [train(), train()] == ["trained", "kept"]
    assert train(replace(request, inner_splits=2)) == "trained"
    assert train() == "trained"
    (workspace.model(spec.name) / "final" / "model.skops").unlink()
    assert [train(), train()] == ["trained", "kept"]
    path = workspace.stage2.table("arrow")
    table = read_table(path)
    write_table(table.sample(fraction=1, shuffle=True, seed=1), path)
    assert train() == "kept"
    write_table(table.with_columns(f0=pl.col("f0") + 1), path)
    assert train() == "trained"
    stray = workspace.model(spec.name) / "fold_7"
    stray.mkdir()
    assert train(replace(request, grid=small_grid)) == "trained"
    assert not stray.exists()


def test_large_tables_are_trained_on_one_repeat_and_say_so(
    tmp_path: Path, simulated: Simulate
) -> None:
    from fvc.training.request import Request, repeats_of

    split = open_split(simulated(tmp_path), n_splits=5, repeats=None, seed=0)
    request = Request(Workspace(tmp_path), split.block, split.folds, True)
    spec = MODEL_CONFIGS["svm"]
    assert repeats_of(spec, 200_000, request)[0] == 5
    repeats, rule = repeats_of(spec, 200_001, request)
    assert repeats == 1
    assert "200,001" in rule
    assert repeats_of(spec, 10**6, replace(request, repeats=3)) == (3, "asked for")


def part_of(clips: Clips, sources: Sources) -> Part:
    labels, groups = sources.labels[clips.source], sources.groups[clips.source]
    return Part(clips.X, labels, clips.source, clips.original, groups, clips.feature_names)


def test_inner_folds_keep_groups_whole_and_shrink_with_the_groups(
    tmp_path: Path, simulated: Simulate
) -> None:
    clips, sources = load(simulated(tmp_path, sources=12, per_group=2))
    part = part_of(clips, sources)
    folds = inner_folds(part, 3, (0,), "here")
    assert len(folds) == 3
    for train, test in folds:
        assert not set(part.groups[train]) & set(part.groups[test])
        assert len(train) + len(test) == len(part.y)
    assert len(inner_folds(part, 4, (0,), "here")) == 2
    few = part.rows(np.flatnonzero(part.source < 4))
    assert inner_folds(few, 3, (0,), "here") == []
    choice = choose_settings(MODEL_CONFIGS["svm"], [{"C": 0.5}, {"C": 1.0}], few, [])
    assert choice.settings == {"C": 0.5}
    assert "too few groups" in choice.note


def test_of_equal_candidates_the_first_is_chosen_and_unusable_ones_are_listed(
    tmp_path: Path, simulated: Simulate
) -> None:
    clips, sources = load(simulated(tmp_path, sources=20, signal=9.0))
    part = part_of(clips, sources)
    folds = inner_folds(part, 3, (0,), "here")
    spec = MODEL_CONFIGS["svm"]
    choice = choose_settings(spec, [{"C": 0.2}, {"C": 0.1}], part, folds)
    assert choice.settings == {"C": 0.2}
    assert [row["val_roc_auc"] for row in choice.search] == [1.0, 1.0]


def test_rows_are_joined_by_clip_and_only_features_are_features(
    tmp_path: Path, simulated: Simulate
) -> None:
    workspace = simulated(tmp_path, sources=12, variants=1)
    _, sources = load(workspace)
    paths = {n: workspace.stages[n - 1].table("arrow") for n in (2, 4)}
    tables = {n: read_table(path) for n, path in paths.items()}
    two = tables[2].with_columns(
        width=pl.lit(7), key=pl.lit("k"), seed=pl.lit(1), score=pl.lit(0.5), video_path=pl.lit("")
    )
    two = two.with_columns(f1=pl.when(clip="s00003_original").then(float("inf")).otherwise("f1"))
    four = tables[4].filter(pl.col("clip") != "s00000_aug0").reverse()
    clips = join_clips([(2, paths[2], two), (4, paths[4], four)], sources)
    assert clips.feature_names == [f"f{i}" for i in range(6)] + [f"scaled_e{i}" for i in range(6)]
    assert clips.X.dtype == np.float32
    assert clips.X.shape == (23, 12)
    assert "s00000_aug0" not in clips.clip.to_list()
    at = clips.clip.to_list().index("s00003_original")
    assert np.isnan(clips.X[at, 1])
    assert clips.notes["infinite_values_taken_as_missing"] == 1
    expected = tables[4].filter(clip="s00003_original")["e0"][0]
    assert clips.X[at, 6] == expected
    assert sources.names[clips.source[at]] == "s00003"
    shuffled = [(2, paths[2], two.reverse()), (4, paths[4], four)]
    assert join_clips(shuffled, sources).digest() == clips.digest()


def test_tables_that_contradict_the_index_are_refused(tmp_path: Path, simulated: Simulate) -> None:
    workspace = simulated(tmp_path, sources=12)
    _, sources = load(workspace)
    path = workspace.stage2.table("arrow")
    table = read_table(path)
    flipped = table.with_columns(label=(1 - pl.col("label")).cast(pl.Int8))
    with pytest.raises(StaleError, match="'s00000' has label 1 in this table and 0"):
        join_clips([(2, path, flipped)], sources)
    twice = table.with_columns(augmentation_idx=pl.lit(-1, dtype=pl.Int32))
    with pytest.raises(TableError, match="more than one unaugmented"):
        join_clips([(2, path, twice)], sources)
    bare = table.select(pl.exclude("^f[0-9]$"))
    with pytest.raises(TableError, match="no feature column"):
        join_clips([(2, path, bare)], sources)


def test_a_null_score_stays_null(tmp_path: Path, simulated: Simulate) -> None:
    clips, sources = load(simulated(tmp_path, sources=12, failed=(2,)))
    table = predictions_table([], clips, sources.first(1))
    assert table["score"].null_count() == 12
    assert table["calibrated"].null_count() == 12


@pytest.mark.slow
def test_processes_give_the_same_scores_as_one(
    tmp_path: Path, simulated: Simulate, small_grid: str
) -> None:
    clips, sources = load(simulated(tmp_path, sources=20))
    spec = MODEL_CONFIGS["gradient_boosting"]
    candidates: list[dict[str, Any]] = candidates_of(spec, small_grid)
    tasks = [
        FoldTask(spec, candidates, 0, k, sources.fold[0] == k, 3, 0, None, False) for k in range(3)
    ]
    tables = [
        predictions_table(list(run_folds(tasks, clips, sources, workers)), clips, sources.first(1))
        for workers in (1, 2)
    ]
    assert tables[0].equals(tables[1])
