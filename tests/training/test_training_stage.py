"""One small run of stage 5, looked at from all sides."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from fvc.errors import (
    LockedError,
    MissingInputError,
    NotAvailableError,
    OptionError,
    StaleError,
    TooFewGroupsError,
)
from fvc.evaluation import split_hash
from fvc.models import load_detector, read_card
from fvc.tables import PredictionSchema, check, read_table, write_table
from fvc.tracking import DuckDBAnalytics
from fvc.training import TrainReport, stage5_train_models
from fvc.training.clips import Sources
from fvc.training.output import held
from fvc.training.stage import read_clips
from fvc.workspace import Workspace

ASKED = (
    "logistic_regression",
    "x3d",
    "logistic_regression_stage2_stage4",
    "svm",
    "gradient_boosting",
    "sklearn_logreg",
)
FOLDED = tuple(name for name in ASKED if name not in ("x3d", "sklearn_logreg"))
FAILED = 5


class Run(NamedTuple):
    workspace: Workspace
    report: TrainReport

    def metrics(self, model: str) -> dict[str, Any]:
        text = (self.workspace.model(model) / "metrics.json").read_text()

        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} is not JSON")

        return json.loads(text, parse_constant=refuse)


@pytest.fixture(scope="module", autouse=True)
def _planned() -> Iterator[None]:
    """Let nets be models that are still to come."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fvc.models.registry.TRAINED_FAMILIES", frozenset({"tabular"}))
        yield


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory,
    simulated: Callable[..., Workspace],
    small_grid: str,
    pictures: None,
) -> Run:
    workspace = simulated(
        tmp_path_factory.mktemp("run"), sources=24, variants=2, signal=4.0, failed=(FAILED,)
    )
    report = stage5_train_models(
        workspace.root, model_types=ASKED, n_splits=3, repeats=2, grid=small_grid, workers=1
    )
    return Run(workspace, report)


def test_a_planned_model_is_named_and_the_others_are_trained(run: Run) -> None:
    status = {outcome.name: outcome.status for outcome in run.report.models}
    assert list(status) == list(ASKED)
    assert status.pop("x3d") == "not available"
    assert set(status.values()) == {"trained"}
    assert run.report.exit_code == 8
    assert "x3d" in run.report.summary()
    json.dumps(run.report.to_dict(), allow_nan=False)


def test_the_leaderboard_holds_every_trained_model(run: Run) -> None:
    rows = {row["model"]: row for row in run.report.leaderboard["models"]}
    assert set(rows) == set(ASKED) - {"x3d"}
    assert run.workspace.leaderboard_json.is_file()
    row = rows["logistic_regression"]
    assert (row["n_sources"], row["n_scored"], row["unit"]) == (24, 23, "source")
    # The classes lie four standard deviations apart in two features.
    assert row["roc_auc"] > 0.9


@pytest.mark.parametrize("model", FOLDED)
def test_files_are_those_of_the_documents(run: Run, model: str) -> None:
    folder = run.workspace.model(model)
    for k in range(3):
        assert {path.name for path in (folder / f"fold_{k}").iterdir()} == {
            "model.joblib",
            "metrics.json",
            "predictions.parquet",
        }
    assert not (folder / "fold_3").exists()
    native = "model.json" if model == "gradient_boosting" else "model.skops"
    final = {path.name for path in (folder / "final").iterdir()}
    assert final == {"model.joblib", native, "card.json", "card.md"}
    plots = {path.name for path in (folder / "plots").iterdir()}
    assert {"roc_pr_curves.png", "confusion_matrix.png", "fold_comparison.png"} <= plots
    assert "search_results.png" in plots
    listed = set(run.metrics(model)["files"])
    found = {run.workspace.relative(p) for p in folder.rglob("*") if p.is_file()}
    assert listed == found - {f"data/stage5/{model}/metrics.json"}


def test_the_flat_layout_is_that_of_the_notebook(run: Run) -> None:
    folder = run.workspace.model("sklearn_logreg")
    names = {path.name for path in folder.iterdir()}
    assert {"model.joblib", "scaler.joblib", "metrics.json", "roc_pr_curves.png"} <= names
    assert not any(path.is_dir() for path in folder.iterdir())
    model, scaler = (joblib.load(folder / f"{name}.joblib") for name in ("model", "scaler"))
    assert type(model) is LogisticRegression
    folds = pl.read_parquet(run.workspace.folds)
    clips = read_clips(run.workspace, (2, 4), Sources.from_folds(folds, 1))
    X = clips.X[clips.original].astype(np.float64)
    np.testing.assert_allclose(
        model.predict_proba(scaler.transform(X)), load_detector(folder).predict_proba(X)
    )


@pytest.mark.parametrize("model", [name for name in ASKED if name != "x3d"])
def test_predictions_hold_every_source_once_a_repeat(run: Run, model: str) -> None:
    path = run.workspace.model(model) / "predictions.parquet"
    table = check(read_table(path), PredictionSchema, path)
    folds = pl.read_parquet(run.workspace.folds).filter(pl.col("repeat") < 2)
    same = table.join(folds, on=["source", "repeat", "fold", "group", "label"], how="inner")
    assert table.height == same.height == 2 * 24
    unscored = table.filter(pl.col("score").is_null())
    assert unscored["source"].to_list() == [f"s{FAILED:05d}"] * 2
    assert not table["score"].is_nan().any()


@pytest.mark.parametrize("model", [name for name in ASKED if name != "x3d"])
def test_metrics_tell_inner_from_outer_and_count_failures(run: Run, model: str) -> None:
    metrics = run.metrics(model)
    rows = metrics["fold_results"]
    assert [(row["repeat"], row["fold"]) for row in rows] == [
        (r, k) for r in (0, 1) for k in range(3)
    ]
    for row in rows:
        assert 0 <= row["test_f1"] <= 1
        assert 0 <= row["test_accuracy"] <= 1
        assert 0 <= row["val_roc_auc"] <= 1
    assert sum(row["test_n_sources"] for row in rows) == 2 * 24
    assert sum(row["test_n_scored"] for row in rows) == 2 * 23
    aggregate = metrics["aggregate"]
    assert aggregate["coverage"] == pytest.approx(23 / 24)
    assert aggregate["roc_auc"] == pytest.approx(np.mean([row["test_roc_auc"] for row in rows]))
    assert metrics["complete"]
    assert metrics["simulated"]
    assert metrics["split"]["hash"] == split_hash(pl.read_parquet(run.workspace.folds))
    kinds = [row["augmentation"] for row in metrics["robustness"]]
    assert kinds == ["blur", "noise"]
    assert all(row["n_clips"] == row["n_sources"] == 23 for row in metrics["robustness"])


def test_the_fold_files_agree_with_the_whole(run: Run) -> None:
    folder = run.workspace.model("logistic_regression")
    whole = read_table(folder / "predictions.parquet").filter(pl.col("repeat") == 0)
    parts = pl.concat([read_table(folder / f"fold_{k}" / "predictions.parquet") for k in range(3)])
    assert parts.sort("source").equals(whole.sort("source"))
    for k in range(3):
        own = json.loads((folder / f"fold_{k}" / "metrics.json").read_text())
        search = own.pop("search")
        assert own == run.metrics("logistic_regression")["fold_results"][k]
        assert len(search) == 2


def test_a_fold_model_gives_its_folds_scores(run: Run) -> None:
    folds = pl.read_parquet(run.workspace.folds)
    sources = Sources.from_folds(folds, 1)
    clips = read_clips(run.workspace, (2, 4), sources)
    for k in range(3):
        folder = run.workspace.fold("svm", k)
        scores = read_table(folder / "predictions.parquet").drop_nulls("score").sort("source")
        tested = clips.original & (sources.fold[0][clips.source] == k)
        detector = load_detector(folder / "model.joblib", trust=True)
        np.testing.assert_allclose(
            detector.predict_proba(clips.X[tested])[:, 1], scores["score"].to_numpy()
        )


def test_an_alias_is_a_copy_under_its_own_name(run: Run) -> None:
    alias, original = (
        run.metrics(name) for name in ("logistic_regression_stage2_stage4", "logistic_regression")
    )
    assert alias["model"] == "logistic_regression_stage2_stage4"
    assert alias["alias_of"] == "logistic_regression"
    assert alias["aggregate"] == original["aggregate"]
    card = read_card(run.workspace.model("logistic_regression_stage2_stage4"))
    assert card["model"] == "logistic_regression_stage2_stage4"


def test_the_card_says_what_to_expect(run: Run) -> None:
    folder = run.workspace.model("logistic_regression")
    card = read_card(folder)
    metrics = run.metrics("logistic_regression")
    assert card["expected_performance"]["roc_auc"] == metrics["aggregate"]["roc_auc"]
    assert card["split_hash"] == metrics["split"]["hash"]
    assert card["trained_on"]["n_sources"] == 23
    detector = load_detector(folder)
    assert card["feature_names"] == detector.feature_names_
    assert card["feature_names"][0] == "f0"
    assert card["feature_names"][6] == "scaled_e0"
    first = card["features"]["f0"]
    assert first["fake"]["quantiles"]["0.5"] > first["real"]["quantiles"]["0.5"]
    assert first["fake"]["n"] + first["real"]["n"] == 23
    assert card["versions"]["scikit-learn"]


def test_the_query_of_the_notebook_runs_as_printed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run.workspace.root)
    analytics = DuckDBAnalytics()
    analytics.register_parquet("results", "data/stage5/{model_type}/metrics.json")
    result = analytics.query("""
    SELECT 
        fold,
        AVG(test_f1) as avg_f1,
        STDDEV(test_f1) as std_f1
    FROM results
    GROUP BY fold
""")  # noqa: W291
    assert sorted(result["fold"]) == [0, 1, 2]
    assert result["avg_f1"].is_between(0.5, 1).all()
    analytics.register_parquet("one", "data/stage5/svm/metrics.json")
    assert analytics.query("SELECT count(*) AS n FROM one")["n"][0] == 6


def test_what_has_not_changed_is_kept(run: Run, small_grid: str) -> None:
    path = run.workspace.model("svm") / "metrics.json"
    before = path.stat().st_mtime_ns
    again = stage5_train_models(
        run.workspace.root,
        model_types=("svm",),
        n_splits=3,
        repeats=2,
        grid=small_grid,
        workers=1,
    )
    assert [outcome.status for outcome in again.models] == ["kept"]
    assert again.exit_code == 0
    assert path.stat().st_mtime_ns == before


def test_a_run_has_a_log(run: Run) -> None:
    text = (run.workspace.root / run.report.log).read_text()
    assert "svm: trained" in text
    assert "x3d: not available in this version" in text


def test_other_folds_than_those_there_are_refused(run: Run) -> None:
    with pytest.raises(StaleError, match="--delete-existing"):
        stage5_train_models(run.workspace.root, model_types=("svm",), n_splits=4)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"model_types": ("x3d", "slowfast")}, NotAvailableError, "x3d: not available.*slowfast: "),
        ({"model_types": ("svmm",)}, OptionError, "did you mean 'svm'"),
        ({"model_types": ("q*",)}, OptionError, "no available model"),
        ({"model_types": ()}, OptionError, "no model"),
        ({"n_splits": 1}, OptionError, "2 or more"),
        ({"repeats": 0}, OptionError, "1 or more"),
        ({"grid": "nowhere.yaml"}, MissingInputError, "nowhere"),
        ({}, MissingInputError, "fvc setup"),
    ],
)
def test_what_cannot_be_done_is_said_before_any_work(
    tmp_path: Path, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        stage5_train_models(tmp_path, **arguments)
    assert not (tmp_path / "data").exists()


def test_too_few_groups_say_what_would_do(
    tmp_path: Path, simulated: Callable[..., Workspace]
) -> None:
    workspace = simulated(tmp_path, sources=7)
    with pytest.raises(TooFewGroupsError, match="--n-splits 3"):
        stage5_train_models(workspace.root, model_types=("svm",))


def test_a_missing_stage_is_named_with_its_command(
    tmp_path: Path, simulated: Callable[..., Workspace]
) -> None:
    workspace = simulated(tmp_path)
    workspace.stage4.table("arrow").unlink()
    with pytest.raises(MissingInputError, match="fvc scaled-features"):
        stage5_train_models(workspace.root, model_types=("svm",), workers=1)


@pytest.mark.slow
def test_ten_sources_are_enough_and_a_new_index_makes_the_folds_stale(
    tmp_path: Path, simulated: Callable[..., Workspace]
) -> None:
    workspace = simulated(tmp_path, sources=10, format="csv")
    asked: dict[str, Any] = {"model_types": ("svm",), "repeats": 1, "workers": 1}
    report = stage5_train_models(workspace.root, **asked)
    assert report.exit_code == 0
    assert report.models[0].n_scored == 10
    index = read_table(workspace.index_csv)
    write_table(index.head(9), workspace.index_csv)
    with pytest.raises(StaleError, match="the index has changed"):
        stage5_train_models(workspace.root, **asked)
    again = stage5_train_models(workspace.root, n_splits=4, delete_existing=True, **asked)
    assert again.models[0].status == "trained"
    assert again.models[0].n_sources == 9


def test_a_model_is_trained_by_one_run_at_a_time(run: Run) -> None:
    asked: dict[str, Any] = {"n_splits": 3, "repeats": 2, "workers": 1}
    with (
        held(run.workspace.model("svm"), "svm"),
        pytest.raises(LockedError, match="the training of svm is being run by process"),
    ):
        stage5_train_models(run.workspace.root, model_types=("svm",), **asked)


def test_importing_the_room_imports_no_learning_library() -> None:
    code = "import sys, fvc.training; print({'sklearn', 'polars', 'duckdb'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
