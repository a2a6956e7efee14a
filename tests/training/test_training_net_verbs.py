"""Verbs beside training, on nets, embedding models and ensembles in their tiny forms."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from net_project import make_clips, prepare, train

from fvc.errors import NotAvailableError, StaleError
from fvc.models import get_model
from fvc.stages import RunOptions
from fvc.tables import read_table
from fvc.workspace import Workspace
from quick_boards import quick_boards

NET, EMBEDDING = "naive_cnn", "xgboost_r2plus1d"
# With fewer rows the trees have no branch, and every score is the same.
SOURCES, VARIANTS = 24, 2
QUIET = RunOptions(quiet=True, workers=1)
NETS: dict[str, Any] = {
    "tiny": True, "weights": "none", "max_epochs": 1, "device": "cpu", "workers": 1,
}  # fmt: skip

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with quick_boards():
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, make_video: Callable[..., Path]) -> Workspace:
    workspace = prepare(
        tmp_path_factory.mktemp("verbs"), make_video, sources=SOURCES, variants=VARIANTS
    )
    train(workspace.root, NET, EMBEDDING, ensemble=True)
    return workspace


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, make_video: Callable[..., Path]) -> Path:
    return make_clips(tmp_path_factory.mktemp("elsewhere"), make_video, sources=6, first=100)


@pytest.mark.parametrize("model", [NET, EMBEDDING, "ensemble"])
def test_another_corpus_is_scored_as_predict_judges_its_files(
    project: Workspace, elsewhere: Path, model: str
) -> None:
    import fvc
    from fvc.training.elsewhere import evaluate_model

    # One folder of the other corpus for all models: its clips and frames are made once.
    other = project.root / "other"
    report = evaluate_model(
        project.root, model=model, corpus=elsewhere, other=other, resamples=100, run=QUIET
    )
    document = report.document
    assert report.exit_code == 0
    assert document["metrics"]["n_scored"] == document["metrics"]["n_sources"] == 6
    assert "random at the beginning" in " ".join(document["notes"])
    (path,) = [Path(name) for name in document["files"] if name.endswith("scores.parquet")]
    scores = dict(read_table(project.absolute(str(path))).select("source", "score").iter_rows())
    index = read_table(Workspace(other).index_csv).sort("source").head(3)
    files = [Workspace(other).absolute(name) for name in index["video_path"]]
    answers = fvc.load(model, project=project.root).predict(files, workers=1)
    for source, answer in zip(index["source"], answers, strict=True):
        assert answer.error is None
        assert scores[source] == pytest.approx(answer.score, abs=1e-5)


@pytest.mark.parametrize("model", [NET, EMBEDDING, "ensemble"])
def test_after_platforms_each_clip_is_scored_by_the_fold_that_has_not_seen_it(
    project: Workspace, model: str
) -> None:
    from fvc.inference.robustness import platform_robustness, robustness
    from fvc.transcoding.platforms import PLATFORMS

    coarse = next(t for t in PLATFORMS if t.name == "h264-35")
    spec = get_model(model)
    report = platform_robustness(
        project, spec, sources=6, transformations=(coarse,), resamples=100, run=QUIET
    )
    assert report.exit_code == 0
    folder = project.robustness / model / "platforms"
    assert {path.suffix for path in folder.iterdir()} == {
        *(".parquet", ".csv", ".json", ".png", ".svg")
    }
    scores = read_table(folder / "scores.parquet")
    assert scores["score"].null_count() == 0
    written = read_table(project.model(model) / "predictions.parquet")
    both = scores.join(written.select("source", "fold", written="score"), on=["source", "fold"])
    assert both.height == 6
    assert both["plain"].to_numpy() == pytest.approx(both["written"].to_numpy(), abs=1e-4)
    assert not [note for note in report.document["notes"] if "otherwise now" in note]
    if model == NET:
        _check_by_hand(project, scores)
    variants = robustness(project.root, model=model, resamples=100).document
    assert variants["n_clips"] == SOURCES * VARIANTS
    assert "random at the beginning" in " ".join(variants["notes"])


def _check_by_hand(project: Workspace, scores: pl.DataFrame) -> None:
    """The net of each fold, on the stored frames: the score is that of the source's own fold."""
    from fvc.training.refitting import fold_detectors

    (table,) = (project.stage5 / "platforms" / "frames").glob("*/*.arrow")
    frames = read_table(table)
    detectors = fold_detectors(project, get_model(NET)).detectors
    for row in scores.iter_rows(named=True):
        own = frames.filter(clip=row["clip"])["frames_path"][0]
        X = np.array([[str(project.absolute(own))]], dtype=object)
        by_fold = [float(one.detector.predict_proba(X)[0, 1]) for one in detectors]
        assert row["score"] == pytest.approx(by_fold[row["fold"]], abs=1e-6)
        assert abs(by_fold[0] - by_fold[1]) > 1e-6


def test_a_member_that_was_trained_anew_is_noticed(project: Workspace) -> None:
    import fvc
    from fvc.training.trained import members_of

    path = project.model("ensemble") / "final" / "card.json"
    card = json.loads(path.read_text())
    assert [spec.name for spec in members_of(project, card)] == [
        member["model"] for member in card["members"]
    ]
    card["members"][0]["fingerprint"] = "another"
    with pytest.raises(StaleError, match="trained anew"):
        members_of(project, card)
    whole = path.read_text()
    path.write_text(json.dumps(card))
    with pytest.raises(StaleError, match="trained anew"):
        fvc.load("ensemble", project=project.root)
    path.write_text(whole)
    fvc.load("ensemble", project=project.root)


def test_held_out_sets_of_nets_are_kept_and_a_fit_that_was_ended_goes_on(
    project: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fvc.training.protocols import hold_out
    from fvc.training.video import fitting, held_out

    options = {"by": "width", "model_types": (NET, EMBEDDING), "resamples": 100, "grid": "none"}
    real, calls = fitting.score, []

    def interrupted(*arguments: Any, **more: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments, **more)

    with monkeypatch.context() as patch:
        # In the second set, after its first epoch.
        patch.setattr(fitting, "score", interrupted)
        with pytest.raises(KeyboardInterrupt):
            hold_out(project.root, **options, **NETS)
    kept = project.holdout("width") / ".fits" / NET
    assert len(list(kept.glob("*.json"))) == 1
    report = hold_out(project.root, **options, **NETS)
    assert report.exit_code == 0
    assert not list(kept.glob("*.fit"))
    document = report.document
    assert [row["model"] for row in document["models"]][:2] == [NET, EMBEDDING]
    sets = [row for row in document["sets"] if row["model"] == NET]
    assert sorted(value for row in sets for value in row["values"]) == ["48", "64"]
    for row in sets:
        assert row["n_scored"] == row["n"]
        assert row["n_train"] + row["n"] + row["n_dropped"] == SOURCES
    assert document["nets"]["tiny"]

    shutil.rmtree(kept)
    assert hold_out(project.root, **options, **NETS).document == document

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("fitted again")

    monkeypatch.setattr(held_out, "choose_net", never)
    assert hold_out(project.root, **options, **NETS).document == document
    with pytest.raises(NotAvailableError, match="Hold its members out"):
        hold_out(project.root, model_types=("ensemble",))


def test_the_audit_of_an_embedding_model_stands_at_chance_on_permuted_labels(
    project: Workspace,
) -> None:
    from fvc.audit import audit_model

    document = audit_model(
        project.root, target=EMBEDDING, permutations=20, repeats=1, resamples=100, **NETS
    ).to_dict()
    rows = {(row["folds"], row["labels"]): row for row in document["rows"]}
    permuted = rows["grouped", "permuted"]
    assert permuted["permutations"] == 20
    # Of twenty draws with a spread of 0.2 each: three standard errors.
    assert abs(permuted["auc"] - 0.5) < 0.15
    # Where clips of a source are on both sides the same model remembers them.
    assert rows["row-wise", "permuted"]["auc"] > permuted["auc"] + 0.15
    assert not [said for said in document["cannot"] if "permutation" in said]


def test_the_audit_of_a_net_keeps_its_fits_and_says_how_few_they_are(
    project: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fvc.audit import audit_model
    from fvc.training.video import refits

    options: dict[str, Any] = {"target": NET, "permutations": 2, "resamples": 100, **NETS}
    report = audit_model(project.root, **options)
    document = report.to_dict()
    assert report.exit_code == 0
    assert [row["n"] for row in document["rows"]] == [24, 24, 24, 24, 72, 72]
    assert all(0 <= row["auc"] <= 1 for row in document["rows"])
    assert "too few to say" in document["verdict"]
    assert any(said.startswith("Only 2 permutation(s)") for said in document["cannot"])
    assert len(list((project.audit(NET) / ".fits").glob("*.json"))) == 3 * (1 + 2) * 2

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("fitted again")

    monkeypatch.setattr(refits, "choose_net", never)
    again = audit_model(project.root, **options).to_dict()
    again["seconds"] = document["seconds"]
    assert again == document
    with pytest.raises(NotAvailableError, match="--trained"):
        audit_model(project.root, target="ensemble")


@pytest.mark.parametrize("model", [NET, EMBEDDING])
def test_importance_takes_things_away_from_clips_that_were_not_seen(
    project: Workspace, model: str
) -> None:
    from fvc.training.importance import model_importance

    document = model_importance(project.root, model=model, permutations=2, resamples=100).document
    for name in document["files"]:
        assert project.absolute(name).stat().st_size > 100
    names = [row["alteration"] for row in document["alterations"]]
    assert names[:5] == ["shuffled", "still", "no colour", "no fine detail", "fine detail alone"]
    assert len(names) == 5 + 9
    folder = project.importances / model
    scores = read_table(folder / "scores.parquet")
    written = read_table(project.model(model) / "predictions.parquet")
    both = scores.join(written.select("source", "fold", written="score"), on=["source", "fold"])
    assert both.height == SOURCES * len(names)
    assert both["plain"].to_numpy() == pytest.approx(both["written"].to_numpy(), abs=1e-4)
    changed = scores.group_by("alteration").agg((pl.col("score") - pl.col("plain")).abs().max())
    assert dict(changed.iter_rows())["fine detail alone"] > 1e-5
    if model == NET:
        _check_grey_by_hand(project, scores)
    with pytest.raises(NotAvailableError, match="its members"):
        model_importance(project.root, model="ensemble")


def _check_grey_by_hand(project: Workspace, scores: pl.DataFrame) -> None:
    from fvc.training.refitting import fold_detectors
    from fvc.training.video.frames import FrameSetting

    detectors = fold_detectors(project, get_model(NET)).detectors
    form = get_model(NET).tiny_video
    setting = FrameSetting(form.num_frames, form.frame_rate)
    table = read_table(project.frame_store(setting.name).table("arrow"))
    row = scores.filter(alteration="no colour").row(0, named=True)
    clip = table.filter(clip=f"{row['source']}_original").row(0, named=True)
    frames = np.load(project.absolute(clip["frames_path"]))
    luma = np.rint(frames @ [0.299, 0.587, 0.114]).astype(np.uint8)
    grey = np.stack([luma] * 3, axis=-1)
    expected = detectors[row["fold"]].detector.score({"frames": grey})
    assert row["score"] == pytest.approx(expected, abs=1e-6)


def test_an_embedding_model_is_refitted_on_resamples_of_groups(project: Workspace) -> None:
    from fvc.training.interval import model_interval

    document = model_interval(
        project.root, model=EMBEDDING, refit=20, resamples=100, workers=1
    ).document
    assert document["refits"]["done"] == 20
    (row,) = [
        row for row in document["rows"] if (row["method"], row["metric"]) == ("refitted", "roc_auc")
    ]
    assert row["low"] < row["high"]
    with pytest.raises(NotAvailableError, match="cheap enough"):
        model_interval(project.root, model=NET, refit=20)


@pytest.mark.parametrize("model", [NET, EMBEDDING])
def test_a_stranger_loads_a_net_from_the_registry_and_judges_files(
    project: Workspace, tmp_path: Path, model: str
) -> None:
    import fvc
    from fvc.tracking import sync_tracking
    from fvc.tracking.publishing import default_name

    sync_tracking(project.root)
    index = read_table(project.index_csv).sort("source").head(2)
    files = [str(project.absolute(name)) for name in index["video_path"]]
    name = f"{default_name(project)}-files"
    script = tmp_path / "stranger.py"
    script.write_text(f"""
import json, os, mlflow, pandas
if __name__ == "__main__":
    mlflow.set_tracking_uri("sqlite:///{project.mlflow_database}")
    client = mlflow.MlflowClient()
    versions = client.search_model_versions("name = '{name}'")
    version = next(v for v in versions if v.tags["fvc.model"] == {model!r})
    address = f"models:/{name}/{{version.version}}"
    model = mlflow.pyfunc.load_model(address)
    rows = model.predict(pandas.DataFrame({{"path": {[*files, str(tmp_path / "none.mp4")]!r}}}))
    path = mlflow.artifacts.download_artifacts(address)
    print("RESULT" + json.dumps({{
        "score": rows["score"].tolist()[:2],
        "error": rows["error"].fillna("").tolist(),
        "inputs": model.metadata.signature.inputs.input_names(),
        "files": [f for _, _, found in os.walk(path) for f in found],
    }}))
""")
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    told = json.loads(line.removeprefix("RESULT"))
    expected = fvc.load(model, project=project.root).predict(files, workers=1)
    assert told["score"] == pytest.approx([one.score for one in expected], abs=1e-6)
    assert told["error"][:2] == ["", ""]
    assert told["error"][2]
    assert told["inputs"] == ["path"]
    assert not [file for file in told["files"] if file.endswith((".pt", ".pkl", ".joblib"))]
