"""Origins held out: what only tells the origin is worth nothing on a new one."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from planted import planted
from sklearn.metrics import roc_auc_score

from fvc.cli.app import run
from fvc.errors import (
    LeakageError,
    MissingInputError,
    NotAvailableError,
    OptionError,
    TooFewGroupsError,
)
from fvc.models import get_model
from fvc.tables import read_table, write_table
from fvc.training import stage5_train_models
from fvc.training.held_out import HoldoutTask, run_holdout
from fvc.training.protocols import hold_out
from fvc.workspace import Workspace

MODEL = ("logistic_regression",)


@pytest.fixture(scope="module")
def origin_only(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("origin")
    workspace = planted(root, family=None, collection="noise", collections=8, variants=1)
    stage5_train_models(root, model_types=MODEL, repeats=1, grid="none", workers=1)
    return workspace


def test_a_signal_of_the_collection_alone_is_gone_when_collections_are_held_out(
    origin_only: Workspace,
) -> None:
    report = hold_out(
        origin_only.root, model_types=MODEL, grid="none", inner_splits=2, resamples=200, workers=1
    )
    document = report.document
    model = document["models"][0]
    assert model["grouped"]["roc_auc"] > 0.9
    pooled = model["pooled"]["pair"]
    assert pooled["n_sets"] == 16
    assert pooled["n_values"] == 8
    assert pooled["roc_auc_low"] < 0.5 < pooled["roc_auc_high"]
    assert "goes when the collection is new" in document["verdict"][0]
    assert report.exit_code == 0
    assert document["simulated"]
    scores = read_table(origin_only.holdouts / "collection" / "scores.parquet")
    for row in document["sets"]:
        own = scores.filter(model=row["model"], set=row["set"])
        assert set(own["value"]) == set(row["values"])
        assert row["roc_auc"] == pytest.approx(roc_auc_score(own["label"], own["score"]))
        called = own["score"] >= own["threshold"]
        real = own["label"] == 0
        assert row["recall_real"] == pytest.approx(1 - called.filter(real).mean())
    mean = np.mean([r["roc_auc"] for r in document["sets"] if r["model"] == MODEL[0]])
    assert pooled["roc_auc"] == pytest.approx(mean)
    names = {model["model"] for model in document["models"]}
    assert names == {"logistic_regression", "only all file properties together"}
    for file in document["files"]:
        assert origin_only.absolute(file).is_file()


def test_a_signal_of_the_label_survives(tmp_path: Path) -> None:
    planted(tmp_path, family="dct", variants=0)
    document = hold_out(
        tmp_path, model_types=MODEL, most=4, grid="none", inner_splits=2, resamples=200, workers=1
    ).document
    assert document["models"][0]["pooled"]["all"]["roc_auc"] > 0.8
    assert document["models"][0]["grouped"] is None
    assert any(note.startswith("A sample: 4 of 16") for note in document["notes"])
    again = hold_out(
        tmp_path, model_types=MODEL, most=4, grid="none", inner_splits=2, resamples=200, workers=1
    ).document
    assert json.dumps(again) == json.dumps(document)
    by = {row["value"]: row for row in document["values"] if row["model"] == MODEL[0]}
    held = {value for row in document["sets"] for value in row["values"]}
    for value, row in by.items():
        rate = row["true_positive_rate" if row["kind"] == "fake" else "false_positive_rate"]
        assert (rate is not None) == (value in held)


def test_groups_that_span_are_on_neither_side(tmp_path: Path) -> None:
    workspace = planted(tmp_path, family="dct", variants=0)
    index = read_table(workspace.index_csv)
    # One group of real sources reaches from collection c0 into c2.
    spanning = index.filter(pl.col("collection").is_in(["simulated c0", "simulated c2"]))
    chosen = spanning.group_by("collection").agg(pl.col("source").first())["source"].to_list()
    index = index.with_columns(
        group=pl.when(pl.col("source").is_in(chosen)).then(pl.lit("both")).otherwise("group")
    )
    write_table(index, workspace.index_csv)
    document = hold_out(
        tmp_path, model_types=MODEL, grid="none", inner_splits=2, resamples=200, workers=1
    ).document
    for row in document["sets"]:
        spans = len({"simulated c0", "simulated c2"} & set(row["values"])) == 1
        assert row["n_dropped"] == (1 if spans else 0)
    assert any("reach beyond" in note for note in document["notes"])


def test_a_torn_group_is_never_fitted(tmp_path: Path) -> None:
    train, test = np.array([True, True, False, False]), np.array([False, False, True, True])
    task = HoldoutTask(get_model("logistic_regression"), [{}], 0, "a + b", train, test, 2, 0)
    groups = np.array(["g", "h", "h", "i"], dtype=object)
    with pytest.raises(LeakageError, match="'h'"):
        run_holdout(
            task,
            np.zeros((4, 1), dtype=np.float32),
            np.arange(4, dtype=np.int32),
            np.ones(4, dtype=bool),
            np.array([0, 1, 0, 1], dtype=np.int8),
            groups,
            ["x"],
        )


def test_what_cannot_be_held_out_is_said(origin_only: Workspace, tmp_path: Path) -> None:
    with pytest.raises(TooFewGroupsError, match="1 value"):
        hold_out(origin_only.root, by="platform", model_types=MODEL)
    with pytest.raises(OptionError, match="the index has bitrate"):
        hold_out(origin_only.root, by="colour", model_types=MODEL)
    with pytest.raises(OptionError):
        hold_out(origin_only.root, by="label", model_types=MODEL)
    with pytest.raises(OptionError):
        hold_out(origin_only.root, most=0, model_types=MODEL)
    with pytest.raises(NotAvailableError):
        hold_out(origin_only.root, model_types=("ensemble",))
    with pytest.raises(MissingInputError, match="fvc setup"):
        hold_out(tmp_path, model_types=MODEL)
    assert run(["holdout", "--project", str(origin_only.root), "--by", "platform"]) == 4
