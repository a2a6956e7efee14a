"""What a score rests on is found where it was planted."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from planted import planted
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from fvc.cli.app import run
from fvc.errors import DataError, MissingInputError, NotAvailableError, OptionError, StaleError
from fvc.models import get_model
from fvc.tables import read_table, write_table
from fvc.training import stage5_train_models
from fvc.training.explaining import coefficients, permuted_drop, tree_contributions
from fvc.training.feature_families import families, family_of
from fvc.training.importance import ImportanceReport, model_importance
from fvc.workspace import Workspace

pytestmark = pytest.mark.slow

GRID = "logistic_regression: {C: [0.1]}\ngradient_boosting: {n_estimators: [20], max_depth: [2]}\n"
MODELS = ("logistic_regression", "gradient_boosting")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("planted")
    workspace = planted(root, family="dct")
    (root / "grid.yaml").write_text(GRID)
    stage5_train_models(
        root, model_types=MODELS, repeats=2, grid=str(root / "grid.yaml"), workers=1
    )
    return workspace


@pytest.fixture(scope="module")
def reports(project: Workspace) -> dict[str, ImportanceReport]:
    return {
        name: model_importance(
            project.root, model=name, repeats=2, permutations=5, resamples=200, workers=1
        )
        for name in MODELS
    }


@pytest.mark.parametrize("model", MODELS)
def test_the_planted_family_is_found_by_permutation_and_by_ablation(
    reports: dict[str, ImportanceReport], model: str
) -> None:
    document = reports[model].document
    families_found = {row["family"]: row for row in document["families"]}
    dct = families_found.pop("DCT")
    families_found.pop("all of stage 2"), families_found.pop("all of stage 4")
    assert dct["drop"] > 0.2
    assert dct["drop_low"] > 0
    assert dct["without_low"] > 0
    assert dct["without_roc_auc"] < 0.65
    assert dct["only_roc_auc"] > document["roc_auc"] - 0.05 > 0.75
    for row in families_found.values():
        assert abs(row["drop"]) < 0.1
        assert row["only_roc_auc"] < 0.7
        assert row["without_low"] <= 0
    assert document["features"][0]["family"] == "DCT"
    assert any("DCT" in line for line in document["verdict"])


def test_coefficients_and_contributions_go_to_the_models_that_have_them(
    reports: dict[str, ImportanceReport],
) -> None:
    linear = {row["feature"]: row for row in reports["logistic_regression"].document["features"]}
    trees = {row["feature"]: row for row in reports["gradient_boosting"].document["features"]}
    assert linear["dct_high_ratio"]["coefficient"] > 3 * abs(linear["noise_mad"]["coefficient"])
    assert linear["dct_high_ratio"]["folds_kept"] == 10
    assert linear["dct_high_ratio"]["contribution"] is None
    assert trees["dct_high_ratio"]["contribution"] > 2 * trees["noise_mad"]["contribution"]
    assert trees["dct_high_ratio"]["coefficient"] is None


def test_the_files_say_what_the_report_says(
    project: Workspace, reports: dict[str, ImportanceReport]
) -> None:
    document = reports["gradient_boosting"].document
    for file in document["files"]:
        assert project.absolute(file).is_file()
    folder = project.importances / "gradient_boosting"
    assert {path.suffix for path in folder.iterdir()} == {
        ".json",
        ".parquet",
        ".csv",
        ".png",
        ".svg",
    }
    table = read_table(folder / "features.parquet")
    assert table["feature"].to_list() == [row["feature"] for row in document["features"]]
    assert json.loads((folder / "importance.json").read_text()) == json.loads(json.dumps(document))
    assert reports["gradient_boosting"].exit_code == 0
    assert "simulated" in document["notes"][0]


def test_the_base_score_is_that_of_the_training(
    project: Workspace, reports: dict[str, ImportanceReport]
) -> None:
    for name in MODELS:
        metrics = json.loads((project.model(name) / "metrics.json").read_text())
        assert reports[name].document["roc_auc"] == pytest.approx(metrics["aggregate"]["roc_auc"])


def test_changed_features_are_not_explained_as_if_trained(
    project: Workspace, tmp_path: Path
) -> None:
    import shutil

    shutil.copytree(project.root, tmp_path / "copy")
    copy = Workspace(tmp_path / "copy")
    path = copy.stage2.table("parquet")
    write_table(read_table(path).with_columns(pl.col("dct_ac_energy").reverse()), path)
    with pytest.raises(StaleError, match="have changed since"):
        model_importance(copy.root, model="logistic_regression", permutations=1, workers=1)
    metrics = copy.model("logistic_regression") / "metrics.json"
    document = json.loads(metrics.read_text())
    document["fold_results"][3] |= {"status": "failed", "reason": "no memory"}
    metrics.write_text(json.dumps(document))
    with pytest.raises(DataError, match="no memory"):
        model_importance(copy.root, model="logistic_regression", permutations=1, workers=1)
    document["split"]["hash"] = "other"
    document["fold_results"][3]["status"] = "ok"
    metrics.write_text(json.dumps(document))
    with pytest.raises(StaleError, match="other folds"):
        model_importance(copy.root, model="logistic_regression", permutations=1, workers=1)


def test_what_is_missing_is_named(project: Workspace, tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="fvc train --model-types svm"):
        model_importance(project.root, model="svm")
    with pytest.raises(MissingInputError):
        model_importance(tmp_path, model="gradient_boosting")
    with pytest.raises(NotAvailableError, match="its members"):
        model_importance(project.root, model="ensemble")
    with pytest.raises(OptionError):
        model_importance(project.root, model="svm", permutations=0)
    assert run(["importance", "svm", "--project", str(tmp_path)]) == 3


class _First:
    """Scores by the first column."""

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return np.column_stack([1 - X[:, 0], X[:, 0]])


def test_permutation_against_a_loop() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3)).astype(np.float32)
    y = (X[:, 0] + rng.normal(size=30) > 0).astype(int)
    found = permuted_drop(_First(), X, y, [0], 40, np.random.default_rng(1))
    again, losses = np.random.default_rng(1), []
    for _ in range(40):
        order = again.permutation(30)
        losses.append(roc_auc_score(y, X[:, 0]) - roc_auc_score(y, X[order, 0]))
    assert found == pytest.approx(np.mean(losses))
    assert permuted_drop(_First(), X, y, [1, 2], 5, again) == 0
    assert np.isnan(permuted_drop(_First(), X, np.zeros(30), [0], 2, again))


def test_contributions_add_up_to_the_score_and_coefficients_are_standardised() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4)).astype(np.float32) * [1, 10, 1, 1]
    X = X.astype(np.float32)
    y = (X[:, 0] + X[:, 1] / 10 + 0.3 * rng.normal(size=200) > 0).astype(int)
    trees = get_model("gradient_boosting").build().fit(X, y)
    found = tree_contributions(trees, X)
    assert found is not None
    assert found[:2].min() > 5 * found[2:].max()
    assert coefficients(trees) is None
    assert tree_contributions(trees, X[:1]).shape == (4,)
    X[:40, 3] = np.nan
    linear = get_model("logistic_regression").build().fit(X, y)
    values = coefficients(linear)
    assert values is not None
    assert "x3_missing" in values
    assert values["x0"] == pytest.approx(values["x1"], rel=0.25)
    svm = get_model("svm").build().fit(X, y)
    by_hand = np.argsort(np.argsort([abs(v) for v in coefficients(svm).values()]))
    assert sorted(rankdata(by_hand)[:2]) == [4, 5]


def test_every_feature_has_its_family() -> None:
    from fvc.features.names import FEATURE_NAMES, SCALED_FEATURE_NAMES

    names = [*FEATURE_NAMES, *(f"scaled_{name}" for name in SCALED_FEATURE_NAMES)]
    sizes = {name: len(columns) for name, columns in families(names).items()}
    assert sizes == {
        **{"noise": 10, "DCT": 6, "blur": 4, "boundary": 4, "codec": 6, "scaled-only": 8},
        **{"all of stage 2": 15, "all of stage 4": 23},
    }
    assert family_of("my_own") == "other"
    assert families(["noise_mad", "my_own"]) == {"noise": [0], "other": [1]}
