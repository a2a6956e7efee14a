"""Tracking without MLflow: names, secrets, the outbox, the champion's rule, what is recorded."""

import json
import logging
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fvc.cli.app import run
from fvc.errors import LockedError, MissingExtraError, MissingInputError, OptionError, TableError
from fvc.tracking import create_mlflow_tracker, tracking_of, tracking_status
from fvc.tracking import destination as destination_module
from fvc.tracking.champion import Contender, decide
from fvc.tracking.destination import Destination, default_name, find_destination
from fvc.tracking.outbox import Outbox
from fvc.tracking.results import ModelResult, flatten, metric_name
from fvc.workspace import Workspace


def test_training_brings_in_no_mlflow() -> None:
    code = (
        "import sys, fvc, fvc.training, fvc.tracking, fvc.cli.app\n"
        "from fvc.tracking import tracking_of\n"
        "sys.exit('mlflow' in sys.modules or 'duckdb' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "tok3n")
    there = Destination("https://me:s3cret@host:8443/path?key=abc123#frag")
    assert there.shown == "https://host:8443/path"
    assert there.is_server
    text = there.scrub("401 for https://me:s3cret@host with tok3n and abc123")
    assert not {"me:", "s3cret", "tok3n", "abc123"} & set(text.split())
    assert "s3cret" not in repr(there) + text
    assert "tok3n" not in text
    assert there.identity == Destination("https://you:other@host:8443/path").identity
    assert there.identity != Destination("https://host:8443/other").identity


def test_an_address_with_credentials_is_not_written_down(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = "http://me:s3cret@127.0.0.1:1"
    words = ["track", "status", "--project", str(tmp_path), "--tracking-uri", address]
    assert run(words) == 0
    said = capsys.readouterr()
    assert "http://127.0.0.1:1" in said.out
    assert "s3cret" not in said.out + said.err
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and b"s3cret" in p.read_bytes()]


def test_where_runs_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(tmp_path / "my project!")
    own = find_destination(workspace)
    assert own.uri == f"sqlite:///{workspace.root}/mlflow.db"
    assert own.artifacts == workspace.root / "mlartifacts"
    assert not own.is_server
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://a:5000")
    assert find_destination(workspace).uri == "http://a:5000"
    assert find_destination(workspace, "http://b:5000").uri == "http://b:5000"
    assert default_name(workspace) == "fvc-my-project-"


@pytest.mark.parametrize(
    ("corrected", "holder", "moves"),
    [
        (None, None, True),
        (0.71, None, True),
        (0.71, Contender("w", "split", 0.74), False),
        (0.71, Contender("h", "split", 0.72), False),
        (0.71, Contender("h", "split", 0.71), False),
        (0.73, Contender("h", "split", 0.72), True),
        (None, Contender("h", "split", 0.10), False),
        (0.50, Contender("h", "another split", 0.99), True),
    ],
)
def test_the_champion_moves_for_an_honest_difference_only(
    corrected: float | None, holder: Contender | None, moves: bool
) -> None:
    # Its plain score is above every holder's: that alone moves nothing.
    assert decide(Contender("w", "split", 0.74), corrected, holder).moves is moves


def test_metrics_have_the_documents_names() -> None:
    assert metric_name("val_accuracy") == "val_acc"
    assert metric_name("test_accuracy_low") == "test_acc_low"
    assert metric_name("train_accuracy") == "train_acc"
    assert metric_name("test_balanced_accuracy") == "test_balanced_accuracy"
    assert metric_name("test_f1") == "test_f1"
    assert flatten({"a": {"b": 1, "c": None}, "d": "x", "e,f": [1]}) == {
        "a.b": "1", "a.c": "null", "d": "x", "e_f": "[1]"
    }  # fmt: skip


def test_what_a_result_says(trained: Workspace) -> None:
    result = ModelResult(trained, "gradient_boosting")
    events = result.events("registered")
    assert next(e for e in events if e["op"] == "run")["key"] == result.key
    ended = [e["key"] for e in events if e["op"] == "end"]
    assert ended[-1] == result.key
    assert len(ended) == 4
    model = next(e for e in events if e["op"] == "model")
    assert model["register"] == "registered"
    assert model["inputs"] == result.card["feature_names"]
    assert {Path(place).name for place in model["files"]} == {"model.json", "card.json"}
    named = {e["file"] for e in events if e["op"] == "artifact"}
    assert named <= result.files().keys()
    assert not [place for place in result.files() if place.endswith(".joblib")]


def test_a_range_counts_as_many_candidates_as_it_has_trials(trained: Workspace) -> None:
    path = trained.model("gradient_boosting") / "metrics.json"
    document = json.loads(path.read_text())
    ranges = {"search": {"max_depth": {"low": 1, "high": 3, "log": False}}, "trials": 7}
    document["settings"]["candidates"] = [{"max_depth": 2}, ranges]
    path.write_text(json.dumps(document))
    events = ModelResult(trained, "gradient_boosting").events(None)
    assert next(e for e in events if e["op"] == "params")["values"]["n_candidates"] == "8"


def test_the_same_result_is_the_same_run_and_another_is_not(trained: Workspace) -> None:
    path = trained.model("gradient_boosting") / "metrics.json"
    before = ModelResult(trained, "gradient_boosting").key
    document = json.loads(path.read_text())
    document["fold_results"][0]["seconds"] += 1
    path.write_text(json.dumps(document))
    assert ModelResult(trained, "gradient_boosting").key == before
    document["aggregate"]["roc_auc"] += 1e-6
    path.write_text(json.dumps(document))
    assert ModelResult(trained, "gradient_boosting").key != before


def test_epochs_become_steps_and_an_incomplete_result_is_not_registered(
    trained: Workspace,
) -> None:
    own = trained.fold("gradient_boosting", 1) / "metrics.json"
    fold = json.loads(own.read_text())
    fold["history"] = [
        {"epoch": 0, "train_loss": 0.7, "val_accuracy": 0.5},
        {"epoch": 1, "train_loss": 0.6, "val_accuracy": None},
    ]
    own.write_text(json.dumps(fold))
    path = trained.model("gradient_boosting") / "metrics.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "complete": False}))
    events = ModelResult(trained, "gradient_boosting").events("registered")
    values = [tuple(v) for e in events if e["op"] == "metrics" for v in e["values"]]
    assert ("train_loss", 0.6, 1) in values
    assert ("val_acc", 0.5, 0) in values
    assert next(e for e in events if e["op"] == "model")["register"] is None
    assert events[-1]["status"] == "FAILED"


def test_what_is_no_result_is_refused(trained: Workspace) -> None:
    with pytest.raises(MissingInputError, match="fvc train"):
        ModelResult(trained, "svm")
    (trained.model("gradient_boosting") / "metrics.json").write_text('{"split": 1}')
    with pytest.raises(TableError, match=r"metrics\.json"):
        ModelResult(trained, "gradient_boosting")


def test_the_outbox_keeps_whole_records_once(tmp_path: Path) -> None:
    file = tmp_path / "plot.png"
    file.write_bytes(b"old")
    outbox = Outbox(tmp_path / "outbox")
    event = {"op": "end", "key": "k", "time": 1, "status": "FINISHED"}
    record = outbox.add("k", "experiment", [event], {"files/0/plot.png": file})
    again = outbox.add("k", "experiment", [event, event], {})
    assert len(again.events()) == 2
    assert [r.key for r in outbox.pending()] == ["k"]
    # Stage 5 replaces files as a whole: what is recorded stays as it was.
    new = tmp_path / "new"
    new.write_bytes(b"new")
    new.replace(file)
    assert record.file("files/0/plot.png").read_bytes() == b"old"
    with (record.folder / "events.ndjson").open("a") as torn:
        torn.write('{"op": "metr')
    assert len(record.events()) == 2
    with record.held(), pytest.raises(LockedError), record.held():
        pass
    record.remove()
    assert outbox.pending() == []
    assert not record.folder.exists()


def test_a_destination_of_its_own_begins_anew(tmp_path: Path) -> None:
    record = Outbox(tmp_path).add("k", "experiment", [], {})
    sent = record.sent("a")
    sent.events, sent.runs = 3, {"k": "1"}
    record.save_sent(sent)
    assert record.sent("a").events == 3
    assert record.sent("b").events == 0


@pytest.fixture
def no_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(destination_module, "find_spec", lambda name: None)


@pytest.mark.usefixtures("no_mlflow")
def test_without_mlflow_only_who_asks_for_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    workspace = Workspace(tmp_path)
    assert tracking_of(workspace, "auto") is None
    assert not caplog.records
    with pytest.raises(MissingExtraError, match=r'pip install "fvc\[mlops\]"'):
        tracking_of(workspace, "on")
    with pytest.raises(MissingExtraError):
        create_mlflow_tracker("experiment", project=tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:s3cret@localhost:1")
    with caplog.at_level(logging.WARNING):
        assert tracking_of(workspace, "auto") is None
    assert "fvc[mlops]" in caplog.text
    assert "s3cret" not in caplog.text
    assert tracking_of(workspace, "off") is None
    with pytest.raises(OptionError, match="auto, on or off"):
        tracking_of(workspace, "yes")  # type: ignore[arg-type]
    assert tracking_status(tmp_path).exit_code == 0


@pytest.mark.usefixtures("no_mlflow")
def test_a_tracker_that_is_switched_off_does_nothing_but_check(tmp_path: Path) -> None:
    wrong: Mapping[str, Any] = {"loss": "much"}
    with create_mlflow_tracker(project=tmp_path, use_mlflow=False) as tracker:
        tracker.log_param("a", 1)
        tracker.log_param("a", 1)
        with pytest.raises(OptionError, match="a is 1 already"):
            tracker.log_params({"a": 2})
        with pytest.raises(OptionError, match="loss is not a number"):
            tracker.log_metrics(wrong)
        with pytest.raises(MissingInputError):
            tracker.log_artifact(tmp_path / "none")
        with pytest.raises(OptionError, match="FINISHED, FAILED or KILLED"):
            tracker.end_run("DONE")
        with tracker.child("fold 0") as child:
            child.log_metric("train_loss", 0.5, step=3)
    with pytest.raises(OptionError, match="has ended"):
        tracker.log_param("b", 1)
    assert list(tmp_path.iterdir()) == []
