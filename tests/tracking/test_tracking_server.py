"""Tracking against a real MLflow server on loopback."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tracked import MODELS, SPLITS, Server, free_port, train

from fvc.models import load_detector
from fvc.tracking import create_mlflow_tracker, sync_tracking
from fvc.tracking import sending as sending_module
from fvc.tracking.outbox import Outbox
from fvc.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(600)]


def client(uri: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def name_of(workspace: Workspace) -> str:
    return f"fvc-{workspace.root.name}"


def runs(uri: str, name: str) -> list[Any]:
    found = client(uri).get_experiment_by_name(name)
    if found is None:
        return []
    return list(client(uri).search_runs([found.experiment_id], max_results=500))


def content(uri: str, workspace: Workspace) -> dict[str, Any]:
    """All that a reader of the server sees of a project, without ids and times."""
    ask = client(uri)
    rows = {}
    for run in runs(uri, name_of(workspace)):
        name = run.info.run_name
        assert name not in rows, "a run is there twice"
        history = {
            metric: sorted(
                (m.step, m.value) for m in ask.get_metric_history(run.info.run_id, metric)
            )
            for metric in run.data.metrics
        }
        tags = {k: v for k, v in run.data.tags.items() if k.startswith("fvc.")}
        files = sorted(file.path for file in ask.list_artifacts(run.info.run_id))
        models = len(run.outputs.model_outputs) if run.outputs else 0
        rows[name] = (run.info.status, run.data.params, history, tags, files, models)
    versions = ask.search_model_versions(f"name = '{name_of(workspace)}'")
    return {"runs": rows, "versions": Counter(v.tags["fvc.model"] for v in versions)}


def outbox(workspace: Workspace) -> Outbox:
    return Outbox(workspace.outbox)


def test_a_training_is_there_once_with_its_folds_and_a_champion_that_predicts(
    trained: Workspace, tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    train(trained.root)
    seen = content(server.uri, trained)
    names = {*MODELS, *(f"{model} fold {k}" for model in MODELS for k in range(SPLITS))}
    assert seen["runs"].keys() == names
    by_name = {run.info.run_name: run for run in runs(server.uri, name_of(trained))}
    for model in MODELS:
        parent = by_name[model]
        document = json.loads((trained.model(model) / "metrics.json").read_text())
        aggregate = document["aggregate"]
        assert parent.data.metrics["test_roc_auc"] == aggregate["roc_auc"]
        assert parent.data.metrics["test_roc_auc_low"] == aggregate["roc_auc_low"]
        assert parent.data.metrics["test_acc"] == aggregate["accuracy"]
        assert parent.data.tags["fvc.split_hash"] == document["split"]["hash"]
        assert parent.data.params["n_splits"] == str(SPLITS)
        assert (
            parent.inputs.dataset_inputs[0].dataset.digest
            == (document["split"]["index_fingerprint"])
        )
        history = seen["runs"][model][2]["fold_test_f1"]
        assert [step for step, _ in history] == list(range(2 * SPLITS))
        files = seen["runs"][model][4]
        assert {"metrics.json", "card.json", "predictions.parquet", "plots"} <= set(files)
        assert "environment.txt" in files
        for fold in range(SPLITS):
            child = by_name[f"{model} fold {fold}"]
            assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
            rows = [r for r in document["fold_results"] if r["fold"] == fold]
            told = dict(seen["runs"][f"{model} fold {fold}"][2]["test_f1"])
            assert told == {r["repeat"]: r["test_f1"] for r in rows}
    assert seen["versions"] == Counter(MODELS)
    assert not outbox(trained).pending()

    train(trained.root)
    sync_tracking(trained.root)
    assert content(server.uri, trained) == seen

    champion = client(server.uri).get_model_version_by_alias(name_of(trained), "champion")
    winner = json.loads(trained.leaderboard_json.read_text())["selection"]["winner"]
    assert champion.tags["fvc.model"] == winner
    features = np.random.default_rng(0).normal(size=(7, 38)).astype(np.float32)
    features[0, 3] = np.nan
    detector = load_detector(trained.model(winner))
    names_of = detector.feature_names_
    np.save(tmp_path / "X.npy", features)
    (tmp_path / "names.json").write_text(json.dumps(names_of))
    told = _predict_elsewhere(server.uri, name_of(trained), tmp_path)
    assert told["score"] == pytest.approx(detector.predict_proba(features)[:, 1], abs=1e-12)
    assert told["inputs"] == names_of
    assert told["example_rows"] == 2
    assert not [name for name in told["files"] if name.endswith((".joblib", ".pkl"))]


def _predict_elsewhere(uri: str, name: str, folder: Path) -> dict[str, Any]:
    """Load the champion as a stranger would, in a process that has only MLflow's address."""
    script = f"""
import json, os, numpy, pandas, mlflow
mlflow.set_tracking_uri({uri!r})
names = json.load(open({str(folder / "names.json")!r}))
X = numpy.load({str(folder / "X.npy")!r})
model = mlflow.pyfunc.load_model("models:/{name}@champion")
frame = model.predict(pandas.DataFrame(X.astype("float64"), columns=names))
path = mlflow.artifacts.download_artifacts("models:/{name}@champion")
files = [f for _, _, found in os.walk(path) for f in found]
print("RESULT" + json.dumps({{
    "score": frame["score"].tolist(),
    "inputs": model.metadata.signature.inputs.input_names(),
    "example_rows": len(model.metadata.load_input_example(path)),
    "files": files,
}}))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    return dict(json.loads(line.removeprefix("RESULT")))


class Hole:
    """A server that takes connections and never answers."""

    def __init__(self) -> None:
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen()
        self.port = self.socket.getsockname()[1]
        self.taken: list[socket.socket] = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                self.taken.append(self.socket.accept()[0])
            except OSError:
                return


@pytest.mark.parametrize("silent", [False, True])
def test_a_dead_server_costs_one_warning_and_all_is_sent_later(
    trained: Workspace,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    silent: bool,
) -> None:
    hole = Hole()
    port = hole.port if silent else free_port()
    monkeypatch.setattr(sending_module, "_PROBE_SECONDS", (0.5, 0.5))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:s3cret@127.0.0.1:{port}?token=t0ken")
    with caplog.at_level(logging.DEBUG):
        report: Any = train(trained.root)
    assert [outcome.status for outcome in report.models] == ["kept"] * len(MODELS)
    warnings = [r for r in caplog.records if r.name == "fvc.tracking" and r.levelno >= 30]
    assert len(warnings) == 1
    assert "fvc track sync" in warnings[0].getMessage()
    assert len(hole.taken) <= 2
    waiting = outbox(trained).pending()
    assert len(waiting) == len(MODELS)
    written = b"".join(p.read_bytes() for r in waiting for p in r.folder.rglob("*") if p.is_file())
    for secret in ("s3cret", "t0ken"):
        assert secret not in caplog.text
        assert secret.encode() not in written

    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    first = sync_tracking(trained.root)
    assert first.exit_code == 0
    assert first.sent == len(MODELS)
    seen = content(server.uri, trained)
    assert sum(seen["versions"].values()) == len(MODELS)
    assert not outbox(trained).pending()
    assert sync_tracking(trained.root).exit_code == 0
    assert content(server.uri, trained) == seen


def test_a_server_that_dies_in_the_middle_gets_the_rest_later(
    trained: Workspace,
    tmp_path: Path,
    server: Server,
    make_server: Callable[..., Server],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    dies = make_server(tmp_path / "server")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", dies.uri)
    apply = sending_module.Sender._apply
    done = Counter[str]()

    def dying(self: Any, ask: Any, experiment: str, record: Any, event: Any, sent: Any) -> None:
        done["events"] += 1
        if done["events"] == 7:
            dies.stop(signal.SIGKILL)
        apply(self, ask, experiment, record, event, sent)

    monkeypatch.setattr(sending_module.Sender, "_apply", dying)
    report: Any = train(trained.root)
    assert report.exit_code == 0
    warnings = [r for r in caplog.records if r.name == "fvc.tracking" and r.levelno >= 30]
    assert len(warnings) == 1
    assert len(outbox(trained).pending()) == len(MODELS)
    assert done["events"] == 7

    dies.start()
    assert sync_tracking(trained.root).exit_code == 0
    assert sync_tracking(trained.root, tracking_uri=server.uri).exit_code == 0
    assert content(dies.uri, trained) == content(server.uri, trained)


def test_mlflow_ui_in_the_project_shows_what_is_there(
    trained: Workspace, make_server: Callable[..., Server]
) -> None:
    train(trained.root, track="on")
    assert trained.mlflow_database.is_file()
    before = sorted(path.name for path in trained.root.iterdir())
    shown = make_server(trained.root, "ui", "--host", "127.0.0.1", "--workers", "1")
    assert content(shown.uri, trained)["versions"] == Counter(MODELS)
    ask = client(shown.uri)
    for run in runs(shown.uri, name_of(trained)):
        if "mlflow.parentRunId" not in run.data.tags:
            path = ask.download_artifacts(run.info.run_id, "metrics.json")
            original = trained.model(run.info.run_name) / "metrics.json"
            assert Path(path).read_text() == original.read_text()
    assert before == ["data", "logs", "mlartifacts", "mlflow.db"]


DOCUMENTED = """
import sys
from lib.mlops.mlflow_tracker import create_mlflow_tracker
with create_mlflow_tracker("mine", project=sys.argv[1], run_name="x3d") as tracker:
    tracker.log_params({"learning_rate": 1e-3, "batch_size": 8, "optimizer": {"name": "adamw"}})
    for fold in range(2):
        with tracker.child(f"fold {fold}") as run:
            for epoch in range(3):
                run.log_metrics({"train_loss": 1 / (epoch + 1), "val_acc": None}, step=epoch)
            run.log_metrics({"test_f1": 0.5, "test_accuracy": 0.25})
    tracker.log_artifact(sys.argv[2], "configs")
"""


def test_ones_own_run_with_children_under_the_documented_name(
    tmp_path: Path, server: Server
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("a: 1")
    repository = Path(__file__).parent.parent.parent
    subprocess.run(
        [sys.executable, "-c", DOCUMENTED, str(tmp_path / "project"), str(file)],
        cwd=repository,
        env={**os.environ, "MLFLOW_TRACKING_URI": server.uri},
        check=True,
    )
    found = {run.info.run_name: run for run in runs(server.uri, "mine")}
    assert found.keys() == {"x3d", "fold 0", "fold 1"}
    parent = found["x3d"]
    assert parent.data.params == {
        "learning_rate": "0.001", "batch_size": "8", "optimizer.name": "adamw"
    }  # fmt: skip
    child = found["fold 1"]
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert child.data.metrics == {"train_loss": 1 / 3, "test_f1": 0.5, "test_acc": 0.25}
    history = client(server.uri).get_metric_history(child.info.run_id, "train_loss")
    assert [(m.step, m.value) for m in history] == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
    paths = [a.path for a in client(server.uri).list_artifacts(parent.info.run_id, "configs")]
    assert paths == ["configs/config.yaml"]
    assert {run.info.status for run in found.values()} == {"FINISHED"}


def test_runs_that_fail_or_are_killed_say_so(tmp_path: Path) -> None:
    project = tmp_path / "corpus"
    with (
        pytest.raises(ZeroDivisionError),
        create_mlflow_tracker(project=project, run_name="fails") as tracker,
    ):
        tracker.log_metric("train_loss", 1 / 0)
    script = (
        "import os, sys; from fvc.tracking import create_mlflow_tracker\n"
        "t = create_mlflow_tracker(project=sys.argv[1], run_name='killed')\n"
        "t.log_metric('train_loss', 0.5); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(project)], check=False)
    workspace = Workspace(project)
    assert len(outbox(workspace).pending()) == 1
    assert sync_tracking(project).exit_code == 0
    uri = f"sqlite:///{workspace.mlflow_database}"
    status = {run.info.run_name: run.info.status for run in runs(uri, "fvc-corpus")}
    assert status == {"fails": "FAILED", "killed": "KILLED"}


def test_sending_may_stop_after_any_event(
    trained: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after the server did something and before it is written down, again and again."""
    save = sending_module.Record.save_sent
    calls = Counter[str]()

    def stops(self: Any, sent: Any) -> None:
        calls["n"] += 1
        if calls["n"] % 2:
            raise OSError("stopped")
        save(self, sent)

    disturbed = f"sqlite:///{tmp_path}/disturbed.db"
    with monkeypatch.context() as patch:
        patch.setattr(sending_module.Record, "save_sent", stops)
        for _ in range(200):
            if sync_tracking(trained.root, tracking_uri=disturbed).exit_code == 0:
                break
    plain = f"sqlite:///{tmp_path}/plain.db"
    assert sync_tracking(trained.root, tracking_uri=plain).exit_code == 0
    assert content(disturbed, trained) == content(plain, trained)


def test_the_champion_stays_where_the_difference_is_not_honest(trained: Workspace) -> None:
    sync_tracking(trained.root)
    name = name_of(trained)
    uri = f"sqlite:///{trained.mlflow_database}"
    ask = client(uri)
    board = json.loads(trained.leaderboard_json.read_text())
    versions = {v.tags["fvc.model"]: v for v in ask.search_model_versions(f"name = '{name}'")}
    winner = board["selection"]["winner"]
    other = next(model for model in MODELS if model != winner)

    def holder() -> str:
        return str(ask.get_model_version_by_alias(name, "champion").tags["fvc.model"])

    assert holder() == winner
    ask.set_registered_model_alias(name, "champion", versions[other].version)
    held = json.loads(versions[other].tags["test_roc_auc"])
    board["selection"]["corrected"] = held - 0.001
    trained.leaderboard_json.write_text(json.dumps(board))
    assert "left where it is" in str(sync_tracking(trained.root).champion)
    assert holder() == other
    board["selection"]["corrected"] = held + 0.001
    trained.leaderboard_json.write_text(json.dumps(board))
    sync_tracking(trained.root)
    assert holder() == winner
    ask.delete_model_version_tag(name, versions[winner].version, "fvc.split_hash")
    ask.set_registered_model_alias(name, "champion", versions[winner].version)
    assert "by hand" in str(sync_tracking(trained.root).champion)
