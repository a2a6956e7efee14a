"""Folds shared out over runs, and runs that are killed, give what one run gives."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fvc.errors import OptionError
from fvc.models import MODEL_CONFIGS
from fvc.stages import RunOptions
from fvc.tables import read_table
from fvc.training import fold, kept_folds, stage5_train_models
from fvc.training.output import held
from fvc.training.parts import folds_of_part
from fvc.workspace import Workspace

MODELS = ("logistic_regression", "sklearn_logreg")
OPTIONS: dict[str, Any] = {"model_types": MODELS, "n_splits": 2, "repeats": 2, "workers": 1}


@pytest.fixture(scope="module")
def make(simulated: Callable[..., Workspace], small_grid: str) -> Callable[[Path], Any]:
    def make_one(root: Path) -> Callable[..., Any]:
        simulated(root, sources=16, variants=1, signal=3.0)
        return lambda **more: stage5_train_models(root, grid=small_grid, **{**OPTIONS, **more})

    return make_one


def contents(root: Path) -> dict[str, Any]:
    """What stage 5 wrote, without clocks: tables, metrics, names of all files."""
    stage5 = Workspace(root).stage5
    files = sorted(
        path.relative_to(stage5).as_posix()
        for path in stage5.rglob("*")
        if path.is_file() and ".locks" not in path.parts
    )
    found: dict[str, Any] = {"files": files}
    for name in files:
        path = stage5 / name
        if path.suffix == ".parquet":
            found[name] = read_table(path).to_dicts()
        elif path.suffix == ".json" and path.name != "model.json":
            found[name] = without_clocks(json.loads(path.read_text()))
    return found


def without_clocks(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_clocks(v) for k, v in value.items() if k not in ("seconds", "created")}
    if isinstance(value, list):
        return [without_clocks(item) for item in value]
    return value


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, make: Callable[[Path], Any]) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("plain")
    assert make(root)().exit_code == 0
    return contents(root)


def test_one_task_a_model_and_fold_gives_what_one_run_gives(
    tmp_path: Path, make: Callable[[Path], Any], plain: dict[str, Any]
) -> None:
    train = make(tmp_path)
    statuses = []
    for part in (3, 1, 4, 2):
        report = train(shard=f"{part}/4")
        assert report.exit_code == 0
        statuses.append([(outcome.name, outcome.status) for outcome in report.models])
    # Parts 1 and 2 are the first model's folds, 3 and 4 the second's; the last one finishes it.
    assert statuses == [
        [("sklearn_logreg", "fitted")],
        [("logistic_regression", "fitted")],
        [("sklearn_logreg", "trained")],
        [("logistic_regression", "trained")],
    ]
    assert contents(tmp_path) == plain
    assert [outcome.status for outcome in train(shard="1/4").models] == ["kept"]


def test_a_run_goes_on_from_the_folds_of_a_killed_one(
    tmp_path: Path,
    make: Callable[[Path], Any],
    plain: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train = make(tmp_path)
    fitted: list[tuple[str, int, int]] = []
    run_fold = fold.run_fold

    def killed_at_the_third(task: Any, *data: Any) -> Any:
        if len(fitted) == 2:
            raise KeyboardInterrupt
        fitted.append((task.spec.name, task.repeat, task.fold))
        return run_fold(task, *data)

    with monkeypatch.context() as patch:
        patch.setattr("fvc.training.running.run_fold", killed_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            train()

    def counted(task: Any, *data: Any) -> Any:
        fitted.append((task.spec.name, task.repeat, task.fold))
        return run_fold(task, *data)

    monkeypatch.setattr("fvc.training.running.run_fold", counted)
    assert train().exit_code == 0
    assert len(fitted) == len(set(fitted)) == len(MODELS) * 2 * 2
    assert contents(tmp_path) == plain


@pytest.mark.slow
def test_a_failed_fold_is_tried_again_and_the_others_are_not(
    tmp_path: Path,
    make: Callable[[Path], Any],
    plain: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train = make(tmp_path)
    run_fold = fold.run_fold

    def failing(task: Any, *data: Any) -> Any:
        result = run_fold(task, *data)
        if task.fold == 1:
            result.failure = "no luck"
        return result

    with monkeypatch.context() as patch:
        patch.setattr("fvc.training.running.run_fold", failing)
        report = train(shard="2/2")
    assert [outcome.status for outcome in report.models] == ["incomplete", "incomplete"]
    assert "no luck" in report.models[0].reason
    assert report.exit_code == 6
    train(shard="1/2")
    assert train().exit_code == 0
    assert contents(tmp_path) == plain


@pytest.mark.slow
def test_folds_with_other_settings_are_not_taken_over(
    tmp_path: Path, make: Callable[[Path], Any], plain: dict[str, Any]
) -> None:
    train = make(tmp_path)
    train(shard="1/2", inner_splits=2)
    assert list(tmp_path.rglob(kept_folds.FOLDER))
    train()
    assert contents(tmp_path) == plain


@pytest.mark.slow
def test_two_last_runs_leave_the_end_to_one(tmp_path: Path, make: Callable[[Path], Any]) -> None:
    train = make(tmp_path)
    train(shard="1/2", model_types=MODELS[:1])
    other = RunOptions(shard="1/2").part
    with held(Workspace(tmp_path).model(MODELS[0]), MODELS[0], other):
        report = train(shard="2/2", model_types=MODELS[:1])
    assert [outcome.status for outcome in report.models] == ["fitted"]
    report = train(shard="1/2", model_types=MODELS[:1])
    assert [outcome.status for outcome in report.models] == ["trained"]


def test_parts_share_out_all_folds_and_leave_out_copies() -> None:
    specs = [
        MODEL_CONFIGS[name]
        for name in ("logistic_regression", "logistic_regression_stage2_stage4", "svm")
    ]
    found = [
        (spec.name, fold)
        for number in range(1, 5)
        for spec, folds in folds_of_part(specs, 5, RunOptions(shard=f"{number}/4").part)
        for fold in folds
    ]
    assert sorted(found) == sorted(
        (name, fold) for name in ("logistic_regression", "svm") for fold in range(5)
    )


def test_starting_afresh_is_not_for_a_part(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="other parts"):
        stage5_train_models(tmp_path, shard="1/2", delete_existing=True)
