"""The stand-alone function of the notebook document."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path

import joblib
import polars as pl
import pytest

from fvc.errors import MissingInputError, OptionError, StaleError
from fvc.tables import read_table, write_table
from fvc.training import train_sklearn_logreg
from fvc.workspace import Workspace


def test_the_signature_is_the_documented_one() -> None:
    assert list(inspect.signature(train_sklearn_logreg).parameters) == [
        "project_root",
        "scaled_metadata_path",
        "features_stage2_path",
        "features_stage4_path",
        "output_dir",
        "n_splits",
        "delete_existing",
    ]


def test_the_documented_call_writes_the_documented_files(
    tmp_path: Path,
    simulated: Callable[..., Workspace],
    monkeypatch: pytest.MonkeyPatch,
    pictures: None,
) -> None:
    workspace = simulated(tmp_path, sources=12, variants=0, signal=4.0)
    # A clip that was not scaled is not used.
    scaled = read_table(workspace.stage3.table("arrow"))
    write_table(scaled.filter(pl.col("source") != "s00003"), workspace.stage3.table("arrow"))
    folder = tmp_path / "data" / "stage5" / "sklearn_logreg"
    folder.mkdir(parents=True)
    (folder / "left_over.txt").write_text("from another time")
    monkeypatch.chdir(tmp_path)
    # The documents' paths; the tables lie in the folders that the stages write.
    results = train_sklearn_logreg(
        project_root=".",
        scaled_metadata_path="data/stage3/scaled_metadata.parquet",
        features_stage2_path="data/stage2/features_metadata.parquet",
        features_stage4_path=None,
        output_dir="data/stage5/sklearn_logreg",
        n_splits=3,
        delete_existing=True,
    )
    assert results == json.loads((folder / "metrics.json").read_text())
    assert not (folder / "left_over.txt").exists()
    names = {path.name for path in folder.iterdir()}
    assert {"model.joblib", "scaler.joblib", "metrics.json", "roc_pr_curves.png"} <= names
    assert results["settings"]["tables"] == [2]
    assert results["feature_names"] == [f"f{i}" for i in range(6)]
    assert (results["aggregate"]["n_sources"], results["aggregate"]["n_scored"]) == (12, 11)
    model = joblib.load(folder / "model.joblib")
    scaler = joblib.load(folder / "scaler.joblib")
    table = read_table(workspace.stage2.table("arrow"))
    X = table.select(results["feature_names"]).fill_null(float("nan")).to_numpy()
    assert model.predict_proba(scaler.transform(X)).shape == (12, 2)
    with pytest.raises(StaleError, match="n_splits 3, asked for is 4"):
        train_sklearn_logreg(n_splits=4)


def test_a_missing_table_is_named_with_its_command(
    tmp_path: Path, simulated: Callable[..., Workspace]
) -> None:
    workspace = simulated(tmp_path, sources=12)
    workspace.stage2.table("arrow").unlink()
    with pytest.raises(MissingInputError, match="fvc features"):
        train_sklearn_logreg(tmp_path)


@pytest.mark.parametrize("output", [".", "data", "data/stage5", "data/features_stage2", ".."])
def test_a_folder_of_other_things_is_not_started_afresh(
    tmp_path: Path, simulated: Callable[..., Workspace], output: str
) -> None:
    simulated(tmp_path, sources=12)
    with pytest.raises(OptionError, match="not a folder of one model"):
        train_sklearn_logreg(tmp_path, output_dir=output, delete_existing=True)
