"""``fvc audit`` on a simulated project: files, command, what is refused."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from fvc.audit import audit_model
from fvc.cli.app import run
from fvc.errors import MissingInputError, NotAvailableError, OptionError
from fvc.evaluation import load_folds, read_folds_info
from fvc.tables import write_table
from fvc.workspace import Workspace

QUICK: dict[str, Any] = {"permutations": 3, "repeats": 1, "resamples": 100, "workers": 1}


def _simulate() -> Callable[..., Workspace]:
    """Take the simulated project of the training's tests."""
    path = Path(__file__).parents[1] / "training" / "conftest.py"
    spec = importlib.util.spec_from_file_location("simulated_project", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.simulate  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return _simulate()(tmp_path_factory.mktemp("audited"), sources=60, per_group=2, variants=3)


def test_an_audit_is_a_table_two_pictures_and_a_document(project: Workspace) -> None:
    report = audit_model(project.root, target="logistic_regression", **QUICK)
    document = report.to_dict()
    assert report.exit_code == 0
    assert document["simulated"]
    assert document["target"] == "logistic_regression"
    folder = project.audit("logistic_regression")
    assert [project.absolute(name) for name in document["files"]] == [
        folder / f"audit.{end}" for end in ("json", "parquet", "csv", "png", "svg")
    ]
    assert json.loads((folder / "audit.json").read_text()) == document
    table = pl.read_parquet(folder / "audit.parquet")
    assert table["folds"].to_list() == ["grouped"] * 2 + ["source-wise"] * 2 + ["row-wise"] * 2
    assert table["auc"].to_list() == [row["auc"] for row in document["rows"]]
    assert table["n"].to_list() == [60] * 4 + [240] * 2
    with Image.open(folder / "audit.png") as picture:
        assert picture.width > 1000
    text = (folder / "audit.svg").read_text()
    for said in ("SIMULATED DATA", "60 sources in 30 groups", "240 clips scored", "permuted by"):
        assert said in text


def test_the_grouped_score_is_that_of_the_split_file(project: Workspace) -> None:
    """The same folds and settings as training: the same score."""
    from fvc.training import stage5_train_models

    audit = audit_model(project.root, target="logistic_regression_stage2", **QUICK).to_dict()
    info = read_folds_info(project.folds)
    assert load_folds(project.folds, fingerprint=info.fingerprint).height == 60 * 5
    trained = stage5_train_models(
        project.root, model_types=("logistic_regression_stage2",), grid="none", repeats=1, workers=1
    )
    assert audit["rows"][0]["auc"] == pytest.approx(trained.models[0].roc_auc)
    own = audit_model(project.root, target="logistic_regression_stage2", trained=True, **QUICK)
    row = own.to_dict()["rows"][0]
    assert row["auc"] == pytest.approx(trained.models[0].roc_auc)
    assert (row["folds"], row["unit"], row["n"]) == ("grouped", "source", 60)
    assert own.folder.name == "logistic_regression_stage2-trained"


def test_the_same_audit_gives_the_same_bytes(project: Workspace) -> None:
    def pictures() -> list[bytes]:
        folder = audit_model(project.root, target="svm_stage2", **QUICK).folder
        return [(folder / name).read_bytes() for name in ("audit.png", "audit.svg", "audit.csv")]

    assert pictures() == pictures()


def test_someones_scores_take_their_groups_from_the_index(project: Workspace) -> None:
    rng = np.random.default_rng(0)
    theirs = pl.DataFrame({
        "clip": [f"c{i}" for i in range(60)],
        "source": [f"s{i:05d}" for i in range(60)],
        "label": [(i // 2) % 2 for i in range(60)],
        "score": rng.random(60),
    })  # fmt: skip
    path = project.root / "theirs.csv"
    write_table(theirs, path)
    document = audit_model(project.root, predictions=path, **QUICK).to_dict()
    assert document["rows"][0]["n_groups"] == 30
    assert document["simulated"]
    assert "those of the project's index" in " ".join(document["cannot"])


@pytest.mark.slow
def test_the_command_prints_a_table_and_one_json_document(
    project: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["audit", "logistic_regression_stage2", "--project", str(project.root)]
    quick = ["--permutations", "1", "--repeats", "1", "--resamples", "100", "--workers", "1"]
    assert run([*base, *quick]) == 0
    shown = capsys.readouterr().out
    for said in ("SIMULATED DATA", "permuted ×1", "row-wise", "grouped:", "audit.png"[:5]):
        assert said in shown
    assert run([*base, *quick, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    row = document["rows"][0]
    assert (row["folds"], row["labels"]) == ("grouped", "true")
    assert row["auc_low"] < row["auc"] < row["auc_high"]
    assert document["verdict"]
    assert run(["audit", "--project", str(project.root)]) == 2
    assert "what is to be audited" in capsys.readouterr().err
    assert run(["audit", "logistic_regresion", "--project", str(project.root)]) == 2
    assert "did you mean 'logistic_regression'" in capsys.readouterr().err


def test_what_cannot_be_audited_is_refused(project: Workspace, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--trained needs"):
        audit_model(project.root, trained=True)
    with pytest.raises(OptionError, match="0 or more"):
        audit_model(project.root, target="svm", permutations=-1)
    with pytest.raises(MissingInputError, match="svm was not trained"):
        audit_model(project.root, target="svm", trained=True)
    with pytest.raises(MissingInputError, match="fvc setup"):
        audit_model(tmp_path, target="svm")
    with pytest.raises(NotAvailableError):
        audit_model(project.root, target="ensemble")
