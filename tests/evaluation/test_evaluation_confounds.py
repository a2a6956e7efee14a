"""What metadata give away, against direct computation."""

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats.contingency import association
from sklearn.metrics import roc_auc_score

from fvc.cli.app import run
from fvc.errors import DataError, MissingInputError, OptionError
from fvc.evaluation import make_folds, metadata_baselines, summarise_folds
from fvc.evaluation.association import cramers_v, fifths, number_auc
from fvc.evaluation.baselines import baseline_predictions, file_scores
from fvc.evaluation.confounds import associations, confound_report, one_class
from fvc.tables import write_json_atomic, write_table
from fvc.workspace import Workspace


def _index(n: int = 60, *, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    label = np.arange(n) % 2
    return pl.DataFrame({
        "source": [f"s{i:03}" for i in range(n)],
        "video_path": ["x"] * n,
        "label": label,
        "raw_label": ["x"] * n,
        "group": [f"g{i // 2 * 2 + i % 2:03}" for i in range(n)],
        "group_source": ["own"] * n,
        # The collection is the label, but for one that holds both classes.
        "collection": [f"c{i % 4}" if i < 48 else "mixed" for i in range(n)],
        "platform": [None] * n,
        "subset": [None] * n,
        "video_id": ["x"] * n,
        "width": rng.integers(100, 200, n),
        "height": rng.integers(100, 200, n),
        "fps": [25.0] * n,
        "frame_count": [10] * n,
        "duration_sec": np.exp(rng.normal(size=n) + label),
        "codec_name": rng.choice(["h264", "vp9"], n),
        "bitrate": rng.integers(1, 100, n),
        "pixel_format": ["x"] * n,
        "has_audio": rng.random(n) < 0.5,
        "file_size_bytes": rng.integers(1, 100, n),
        "status": ["ok"] * n,
    }, schema_overrides={"platform": pl.String, "subset": pl.String})  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("confounds"))
    write_table(_index(), workspace.index_csv)
    return workspace


def _add_model(workspace: Workspace, name: str, strength: float) -> None:
    folds = make_folds(_index())
    rng = np.random.default_rng(1)
    predictions = folds.select("source", "group", "label", "repeat", "fold").with_columns(
        score=pl.Series(rng.random(len(folds)) + strength * folds["label"].to_numpy())
    )
    report = json.loads((workspace.confounds / "confounds.json").read_text())
    write_table(predictions, workspace.model(name) / "predictions.parquet")
    write_json_atomic(
        workspace.model(name) / "metrics.json",
        {"aggregate": summarise_folds(predictions), "split": {"hash": report["split"]["hash"]}},
    )


@pytest.mark.slow
def test_before_training_metadata_are_reported_alone(project: Workspace) -> None:
    report = confound_report(project.root, resamples=200)
    document = report.document
    assert document["best"] is None
    assert not document["split"]["saved"]
    by = {row["baseline"]: row for row in document["baselines"]}
    assert by["collection"]["roc_auc"] > 0.85
    assert by["platform"]["roc_auc"] is None
    assert "collection" in document["verdict"][0] or "all metadata" in document["verdict"][0]
    assert any("4 of 5 values of collection" in line for line in document["verdict"])
    assert any("platform (no source has a value)" in note for note in document["notes"])
    for file in document["files"]:
        assert project.absolute(file).stat().st_size > 100
    assert json.loads((project.confounds / "confounds.json").read_text()) == json.loads(
        json.dumps(document)
    )


@pytest.mark.slow
def test_a_weak_model_has_rivals_and_a_strong_one_none(
    project: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    confound_report(project.root, resamples=200)
    _add_model(project, "weak", 0.2)
    document = confound_report(project.root, resamples=200).document
    by = {row["baseline"]: row for row in document["baselines"]}
    assert by["collection"]["rival"]
    assert by["collection"]["model_ahead_high"] < 0
    last = document["verdict"][-1]
    assert re.match(r"weak, with an AUC of 0\.\d\d \(0\.\d\d–0\.\d\d\), is worse than", last)
    _add_model(project, "strong", 5.0)
    document = confound_report(project.root, resamples=200).document
    assert document["best"]["model"] == "strong"
    assert not any(
        row.get("rival") for row in document["baselines"] if row["roc_auc"] and row["roc_auc"] < 0.9
    )
    model, rival = document["best"], by["duration"]
    again = {row["baseline"]: row for row in document["baselines"]}["duration"]
    assert again["model_ahead"] == pytest.approx(model["roc_auc"] - rival["roc_auc"])
    assert (
        run(["confounds", "weak", "--project", str(project.root), "--resamples", "200", "--json"])
        == 0
    )
    assert json.loads(capsys.readouterr().out)["best"]["model"] == "weak"


def test_what_is_missing_is_named(project: Workspace, tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="fvc setup"):
        confound_report(tmp_path)
    with pytest.raises(MissingInputError, match="fvc train --model-types svm"):
        confound_report(project.root, model="svm")
    with pytest.raises(OptionError):
        confound_report(project.root, resamples=10)


def test_baseline_predictions_are_those_of_the_table() -> None:
    index = _index()
    folds = make_folds(index, repeats=2)
    table = {row["baseline"]: row for row in metadata_baselines(index, folds, resamples=0)}
    for name in ("duration", "all metadata together", "all file properties together"):
        predictions = baseline_predictions(index, folds, name)
        found = summarise_folds(predictions, resamples=0)["roc_auc"]
        assert found == pytest.approx(table[name]["roc_auc"])
    with pytest.raises(DataError, match="platform"):
        baseline_predictions(index, folds, "platform")


def test_scores_by_file_properties_on_one_split_are_those_of_the_folds() -> None:
    index = _index().sort("source")
    folds = make_folds(index, repeats=1)
    expected = baseline_predictions(index, folds, "all file properties together")
    test = np.flatnonzero(folds["fold"].to_numpy() == 2)
    train = np.flatnonzero(folds["fold"].to_numpy() != 2)
    found = file_scores(index, train, test)
    assert found == pytest.approx(expected.filter(fold=2)["score"].to_numpy())


def test_cramers_v_against_its_formula_and_scipy() -> None:
    rng = np.random.default_rng(0)
    label, value = rng.integers(0, 2, 5000), rng.integers(0, 4, 5000)
    value = np.where(rng.random(5000) < 0.5, label, value)
    table = np.array([[((label == a) & (value == b)).sum() for b in range(4)] for a in range(2)])
    # With many rows the correction vanishes.
    assert cramers_v(label, value) == pytest.approx(association(table, method="cramer"), abs=2e-3)
    phi = association(table, method="cramer") ** 2
    corrected = phi - 3 / 4999
    columns = 4 - 9 / 4999
    rows = 2 - 1 / 4999
    by_hand = np.sqrt(corrected / (min(columns, rows) - 1))
    assert cramers_v(label, value) == pytest.approx(by_hand)
    # Without association and with many values, the uncorrected V is far from 0.
    few, many = rng.integers(0, 2, 60), rng.integers(0, 15, 60)
    assert cramers_v(few, many) < 0.25
    assert cramers_v(few, np.zeros(60)) == 0


def test_a_number_as_a_score() -> None:
    rng = np.random.default_rng(0)
    label, group = np.arange(80) % 2, np.arange(80) // 2 * 2 + np.arange(80) % 2
    values = rng.normal(size=80) + label
    values[::9] = np.nan
    known = np.isfinite(values)
    found = number_auc(label, group, values, resamples=300, seed=0)
    assert found["auc"] == pytest.approx(roc_auc_score(label[known], values[known]))
    assert found["auc_low"] < found["auc"] < found["auc_high"]
    assert number_auc(np.zeros(80), group, values, resamples=10, seed=0)["auc"] is None
    assert set(fifths(values)) == {-1, 0, 1, 2, 3, 4}


def test_columns_and_values() -> None:
    rows = {row["column"]: row for row in associations(_index(), resamples=100)}
    assert rows["platform"]["reason"] == "no source has a value"
    assert rows["frame rate"]["reason"] == "all sources have the value 25.0"
    assert rows["collection"]["cramers_v"] > 0.8
    assert rows["collection"]["auc"] is None
    assert rows["duration"]["auc"] > 0.6
    found = one_class(_index(), "collection")
    assert (found["n_values"], found["n_one_class"]) == (5, 4)
    assert found["share_of_sources"] == pytest.approx(48 / 60)
    assert one_class(_index(), "platform")["share_of_sources"] is None
