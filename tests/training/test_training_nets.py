"""Nets, embeddings and ensembles through stage 5, in their tiny forms on tiny clips."""

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
from net_project import SOURCES, prepare, train

from fvc.errors import DataError, OptionError
from fvc.models import list_models
from fvc.tables import PredictionSchema, check, read_table
from fvc.workspace import Workspace

VIDEO, EMBEDDING = list_models(family="video"), list_models(family="embedding")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def prepared(
    tmp_path_factory: pytest.TempPathFactory, make_video: Callable[..., Path]
) -> Workspace:
    """A project with scaled clips of two shapes; two of the groups hold two sources."""
    return prepare(tmp_path_factory.mktemp("nets"), make_video)


def metrics(workspace: Workspace, model: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((workspace.model(model) / "metrics.json").read_text())
    return found


@pytest.fixture
def copy(prepared: Workspace, tmp_path: Path) -> Workspace:
    """A project of its own with the same clips and folds, and no model."""
    train(prepared.root, "naive_cnn")
    shutil.copytree(prepared.root, tmp_path / "copy")
    made = Workspace(tmp_path / "copy")
    for folder in made.stage5.iterdir():
        if folder.is_dir():
            shutil.rmtree(folder)
    return made


@pytest.mark.parametrize("model", VIDEO)
def test_a_tiny_net_is_trained_with_all_its_files(prepared: Workspace, model: str) -> None:
    import torch

    report = train(prepared.root, model)
    assert [outcome.status for outcome in report.models] in (["trained"], ["kept"])
    folder = prepared.model(model)
    for fold in range(2):
        names = {path.name for path in (folder / f"fold_{fold}").iterdir()}
        assert {"model.pt", "metrics.json", "predictions.parquet"} <= names
        state = torch.load(folder / f"fold_{fold}" / "model.pt", weights_only=True)
        assert all(torch.is_tensor(value) for value in state.values())
    final = {path.name for path in (folder / "final").iterdir()}
    assert final == {"model.pt", "model.safetensors", "card.json", "card.md"}
    assert (folder / "plots" / "training_curves.png").is_file()
    assert not (folder / ".folds").exists()
    table = check(read_table(folder / "predictions.parquet"), PredictionSchema, folder)
    assert table.height == SOURCES
    assert table["score"].null_count() == 0
    document = metrics(prepared, model)
    assert document["random_weights"]
    assert document["tiny"]
    assert [len(curve["epochs"]) for curve in document["training_curves"]] == [1, 1]
    for row in document["fold_results"]:
        assert row["best_epoch"] == 1
        assert 0 <= row["val_roc_auc"] <= 1
        assert 0 <= row["test_roc_auc"] <= 1
    board = {row["model"]: row for row in report.leaderboard["models"]}
    assert board[model]["random_weights"]
    card = json.loads((folder / "final" / "card.json").read_text())
    assert card["weights"]["random"]
    assert card["training"]["epochs_done"] == 1
    assert card["trained_on"]["n_sources"] == SOURCES


def test_embeddings_are_made_once_and_shared(prepared: Workspace) -> None:
    report = train(prepared.root, *EMBEDDING)
    assert {outcome.status for outcome in report.models} == {"trained"}
    stores = sorted(path for path in (prepared.data / "embeddings").iterdir())
    assert len(stores) == 4
    before = {path: path.stat().st_mtime_ns for path in prepared.data.glob("embeddings/*/*.npy")}
    assert len(before) == 4 * 2 * SOURCES
    train(prepared.root, *EMBEDDING, seed=0, grid="none", delete_existing=True)
    after = {path: path.stat().st_mtime_ns for path in prepared.data.glob("embeddings/*/*.npy")}
    assert before == after
    document = metrics(prepared, "xgboost_vit_gru")
    assert document["embedding"]["head"] == "gru"
    assert document["random_weights"]
    final = {path.name for path in (prepared.model("xgboost_vit_gru") / "final").iterdir()}
    assert {"model.safetensors", "card.json"} <= final


def test_an_embedding_is_what_the_backbone_makes_of_the_clip(prepared: Workspace) -> None:
    import torch

    from fvc.models import build_backbone, find_model
    from fvc.training.video.frames import FrameSetting, take_frames

    train(prepared.root, "xgboost_r2plus1d")
    (folder,) = prepared.data.glob("embeddings/r2plus1d_18-*")
    row = read_table(prepared.stage3.table("arrow")).row(0, named=True)
    form = find_model("xgboost_r2plus1d").tiny_video
    path = prepared.absolute(row["video_path"])
    frames = take_frames(path, FrameSetting(form.num_frames, form.frame_rate))
    height, width = frames.shape[1:3]
    clip = torch.zeros(1, 3, form.num_frames, 64, 64)
    mean, std = (torch.tensor(x).view(3, 1, 1, 1) for x in (form.mean, form.std))
    picture = torch.from_numpy(frames).permute(3, 0, 1, 2) / 255
    top, left = (64 - height) // 2, (64 - width) // 2
    clip[0, :, :, top : top + height, left : left + width] = (picture - mean) / std
    net = build_backbone("r2plus1d_18", weights="none", tiny=True, seed=0)
    with torch.no_grad():
        expected = net(clip)[0].numpy()
    stored = np.load(folder / f"{row['clip']}.npy")
    np.testing.assert_allclose(stored, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stop_at", [1, 4])
def test_a_fold_that_was_interrupted_goes_on_to_the_same_result(
    copy: Workspace, prepared: Workspace, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    import torch

    from fvc.training.video import fitting

    model, options = "naive_cnn", {"max_epochs": 3, "batch_size": 2}
    monkeypatch.setattr(fitting, "SAVE_SECONDS", 0.0)
    real, done = fitting.backward, 0

    def interrupted(*arguments: Any) -> float:
        nonlocal done
        done += 1
        if done == stop_at + 1:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(fitting, "backward", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(copy.root, model, **options)
    assert list(copy.model(model).glob(".folds/*/*.fit/candidate_0/last.pt"))
    assert not (copy.model(model) / "metrics.json").exists()
    taken_up = done
    train(copy.root, model, **options)
    monkeypatch.setattr(fitting, "backward", real)
    train(prepared.root, model, **options)
    assert taken_up == stop_at + 1
    one, other = (read_table(w.model(model) / "predictions.parquet") for w in (copy, prepared))
    assert one.equals(other)
    for name in ("fold_0", "fold_1", "final"):
        states = [
            torch.load(w.model(model) / name / "model.pt", weights_only=True)
            for w in (copy, prepared)
        ]
        assert states[0].keys() == states[1].keys()
        assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_memory_that_runs_out_makes_smaller_steps_of_the_same_update(
    copy: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import torch

    from fvc.models.video.classifier import VideoClassifier

    real, seen = VideoClassifier.forward, []

    def small(self: Any, clips: Any, flow: Any = None) -> Any:
        seen.append(len(clips))
        if len(clips) > 2:
            raise torch.OutOfMemoryError("simulated")
        return real(self, clips, flow)

    monkeypatch.setattr(VideoClassifier, "forward", small)
    # Group normalisation: no statistics of a batch.
    train(copy.root, "variable_ar_cnn", batch_size=8)
    assert max(seen) > 2
    assert "out of memory" in caplog.text
    card = json.loads((copy.model("variable_ar_cnn") / "final" / "card.json").read_text())
    assert "in more steps to the same 16 an update" in card["training"]["memory"]
    rows = metrics(copy, "variable_ar_cnn")["fold_results"]
    assert all(row["status"] == "ok" and row["micro_batch"] <= 2 for row in rows)


def _update(net: Any, size: int) -> tuple[Any, Any, Any]:
    import torch

    from fvc.models.video_spec import VideoInput
    from fvc.training.video.device import make_fabric
    from fvc.training.video.loading import Pictures, Update
    from fvc.training.video.options import VideoOptions

    drawn = np.random.default_rng(0).integers(0, 256, (size, 2, 8, 8, 3), dtype=np.uint8)
    pictures = Pictures(
        torch.from_numpy(drawn), torch.tensor([[0, 0, 8, 8]] * size), None,
        torch.ones(size, 2), torch.arange(size),
    )  # fmt: skip
    labels = torch.arange(size) % 2
    weights = torch.linspace(0.5, 1.5, size)
    update = Update([pictures], labels.float(), weights, torch.arange(size))
    fabric = make_fabric(VideoOptions(device="cpu"))
    return fabric, fabric.setup_module(net), (update, VideoInput(num_frames=2, size=8))


def test_gradients_do_not_depend_on_the_steps_of_an_update() -> None:
    import torch
    from torch import nn

    from fvc.training.video.steps import MicroBatch, backward

    class Net(nn.Module):
        fail_above = 99

        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3 * 2 * 8 * 8, 1)

        def forward(self, clips: Any) -> Any:
            if len(clips) > self.fail_above:
                raise torch.OutOfMemoryError("simulated")
            return self.linear(clips.flatten(1)).squeeze(-1)

    torch.manual_seed(0)
    net = Net()
    found = []
    for size, limit in ((8, 99), (1, 99), (8, 3)):
        net.fail_above = limit
        net.zero_grad()
        fabric, wrapped, (update, form) = _update(net, 8)
        micro = MicroBatch(size, size)
        loss = backward(fabric, wrapped, update, form, micro, (0,))
        found.append((loss, net.linear.weight.grad.clone()))
        assert micro.size == (2 if limit == 3 else size)
    x = (update.shapes[0].frames.float() / 255 - torch.tensor(form.mean)) / torch.tensor(form.std)
    logits = net.linear(x.permute(0, 4, 1, 2, 3).flatten(1)).squeeze(-1)
    losses = nn.functional.binary_cross_entropy_with_logits(
        logits, update.labels, weight=update.weights
    )
    for loss, gradient in found:
        assert loss == pytest.approx(losses.item(), rel=1e-5)
        torch.testing.assert_close(gradient, found[0][1], rtol=1e-4, atol=1e-6)


def test_memory_that_runs_out_stops_a_net_whose_batch_norm_learns() -> None:
    import torch
    from torch import nn

    from fvc.training.video.steps import MicroBatch, backward

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm3d(3)

        def forward(self, clips: Any) -> Any:
            raise torch.OutOfMemoryError("simulated")

    fabric, net, (update, form) = _update(Net(), 8)
    with pytest.raises(OptionError, match="--batch-size 4"):
        backward(fabric, net.train(), update, form, MicroBatch(8, 8), (0,))
    net.eval()
    with pytest.raises(OptionError, match="one clip alone"):
        backward(fabric, net, update, form, MicroBatch(8, 8), (0,))


def test_no_group_stands_on_two_sides_and_the_outer_side_changes_nothing(
    prepared: Workspace, tmp_path: Path
) -> None:
    from dataclasses import replace

    import torch

    from fvc.models import find_model
    from fvc.training.clips import Sources
    from fvc.training.fold import FoldTask
    from fvc.training.video.chosen import split_sides
    from fvc.training.video.fold import run_video_fold, train_part
    from fvc.training.video.options import VideoOptions
    from fvc.training.video.reading import frame_settings, read_video_clips

    train(prepared.root, "naive_cnn")
    sources = Sources.from_folds(pl.read_parquet(prepared.folds), 1)
    spec = find_model("naive_cnn")
    options = VideoOptions(weights="none", tiny=True, max_epochs=1, device="cpu")
    settings = frame_settings(options.form(spec))
    clips = read_video_clips(prepared, sources, settings, options, workers=1)
    task = FoldTask(
        spec=spec, candidates=[{}], repeat=0, fold=0, test=sources.fold[0] == 0, inner_splits=3,
        seed=0, save_to=tmp_path / "one", keep_variants=True,
    )  # fmt: skip
    part = train_part(task, clips, sources)
    sides = split_sides(part, task.inner_splits, (0, 0, 0), "a fold")
    groups = [
        set(part.groups[sides.train]),
        set(part.groups[sides.inner]),
        set(sources.groups[task.test]),
    ]
    assert all(groups)
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]
    assert part.original[sides.inner].all()
    assert not part.original[sides.train].all()
    first = run_video_fold(task, clips, sources)
    turned = np.where(task.test, 1 - sources.labels, sources.labels).astype(np.int8)
    again = run_video_fold(
        replace(task, save_to=tmp_path / "two"), clips, replace(sources, labels=turned)
    )
    assert first.failure is None
    np.testing.assert_array_equal(first.scores, again.scores)
    states = [torch.load(tmp_path / n / "model.pt", weights_only=True) for n in ("one", "two")]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_a_clip_that_cannot_be_read_is_counted_as_not_scored(
    copy: Workspace,
) -> None:
    shutil.rmtree(copy.data / "frames")
    row = read_table(copy.stage3.table("arrow")).filter(is_original=True).row(0, named=True)
    copy.absolute(row["video_path"]).write_bytes(b"not a video")
    train(copy.root, "naive_cnn")
    document = metrics(copy, "naive_cnn")
    assert document["aggregate"]["n_scored"] == SOURCES - 1
    assert document["aggregate"]["n_sources"] == SOURCES
    assert row["clip"] in copy.failures.read_text()


@pytest.mark.parametrize("on", [False, True])
def test_a_grid_turns_checkpointing_and_frozen_statistics_on_and_off(
    on: bool, tmp_path: Path
) -> None:
    from dataclasses import replace

    import torch

    from fvc.models import build_video_model, find_model
    from fvc.models.video.classifier import Checkpointed
    from fvc.training.video.job import NetPlan
    from fvc.training.video.options import VideoOptions

    # Statistics are frozen of weights that are loaded.
    torch.save(build_video_model("x3d", weights="none", tiny=True).state_dict(), tmp_path / "w.pt")
    options = VideoOptions(weights=str(tmp_path / "w.pt"), tiny=True, device="cpu")
    entry = find_model("x3d").training
    settings = replace(entry, gradient_checkpointing=on, freeze_batch_norm=on)
    net = NetPlan("x3d", options, settings, 0).build()
    stages = [each for each in net.backbone.modules() if isinstance(each, Checkpointed)]
    assert stages
    assert {each.checkpointing for each in stages} == {on}
    norms = [m for m in net.backbone.modules() if isinstance(m, torch.nn.BatchNorm3d)]
    assert {m.training for m in norms} == {not on}


def _small_fit(prepared: Workspace, **changes: Any) -> tuple[Any, Any, Any]:
    """Plan a fit of a net without batch norm or dropout to all but four clips."""
    from dataclasses import replace

    from fvc.models import find_model
    from fvc.training.clips import Sources
    from fvc.training.video.chosen import frame_batches
    from fvc.training.video.fitting import FitPlan
    from fvc.training.video.job import NetPlan
    from fvc.training.video.options import VideoOptions
    from fvc.training.video.reading import frame_settings, read_video_clips

    train(prepared.root, "naive_cnn")
    sources = Sources.from_folds(pl.read_parquet(prepared.folds), 1)
    spec = find_model("variable_ar_cnn")
    settings = replace(spec.training, dropout=0.0, **changes)
    options = VideoOptions(weights="none", tiny=True, device="cpu")
    form = options.form(spec)
    clips = read_video_clips(prepared, sources, frame_settings(form), options, workers=1)
    labels = sources.labels[clips.source]
    inner = np.concatenate([np.flatnonzero(clips.original & (labels == y))[:2] for y in (0, 1)])
    seen = np.setdiff1d(np.arange(len(clips.source)), inner)
    batches = frame_batches(dict(clips.files), labels, clips.source, form, seen)
    net = NetPlan(spec.name, options, settings, 0)
    return net, FitPlan(batches, seen, inner, settings, (0,)), clips.inputs[inner]


def test_the_weights_that_score_are_those_of_the_best_epoch(
    prepared: Workspace, tmp_path: Path
) -> None:
    from dataclasses import replace

    import torch

    from fvc.training.video.chosen import score_files
    from fvc.training.video.fitting import BEST, LAST
    from fvc.training.video.job import fit_job

    net, plan, files = _small_fit(prepared, epochs=6, head_lr=0.1, patience=6)
    # Turned round on the inner side, so that what is learned makes its scores worse.
    turned = plan.batches.labels.copy()
    turned[plan.inner] = 1 - turned[plan.inner]
    plan = replace(plan, batches=replace(plan.batches, labels=turned))
    fitted = fit_job(net, plan, tmp_path)
    progress = fitted.progress
    scored = [(row["val_roc_auc"], -row["val_loss"]) for row in progress.history]
    assert progress.best_epoch == 1 + scored.index(max(scored)) < len(scored) == 6
    fake = score_files(fitted, files, plan.batches.form, net.options)
    of_truth = np.where(plan.batches.labels[plan.inner] == 1, fake, 1 - fake)
    by_class = [-np.log(of_truth[plan.batches.labels[plan.inner] == y]).mean() for y in (0, 1)]
    assert np.mean(by_class) == pytest.approx(progress.history[progress.best_epoch - 1]["val_loss"])
    best, last = (torch.load(tmp_path / name, weights_only=True) for name in (BEST, LAST))
    assert not all(torch.equal(best[key], last["net"][key]) for key in best)
    assert all(torch.equal(best[key], value) for key, value in fitted.net.state_dict().items())


def test_two_processes_fit_the_net_that_one_fits(prepared: Workspace, tmp_path: Path) -> None:
    from dataclasses import replace

    import torch

    from fvc.training.video.job import fit_job

    # Group normalisation and no dropout: nothing but the order of sums depends on the share.
    net, plan, _ = _small_fit(prepared, epochs=2, head_lr=1e-3)
    two_processes = replace(net, options=replace(net.options, devices=2))
    one = fit_job(net, plan, tmp_path / "1")
    two = fit_job(two_processes, plan, tmp_path / "2")
    for row, other in zip(one.progress.history, two.progress.history, strict=True):
        assert other["val_loss"] == pytest.approx(row["val_loss"], rel=1e-4)
    for key, value in one.net.state_dict().items():
        torch.testing.assert_close(two.net.state_dict()[key], value, rtol=1e-3, atol=1e-5)
    # What one of them meets is said as if there were one.
    wild = replace(plan.settings, head_lr=1e30)
    with pytest.raises(ValueError, match="no longer a number: try a lower learning rate"):
        fit_job(
            replace(two_processes, settings=wild), replace(plan, settings=wild), tmp_path / "wild"
        )
    assert not (tmp_path / "wild" / "error.json").exists()


def test_a_net_is_searched_in_its_inner_part(copy: Workspace, tmp_path: Path) -> None:
    grid = tmp_path / "grid.yaml"
    # The last rate is one that no loss survives.
    grid.write_text(
        "naive_cnn:\n  trials: 5\n  dropout: {low: 0.0, high: 0.5}\n  head_lr: [1e-4, 1e-3, 1e30]\n"
    )
    report = train(copy.root, "naive_cnn", grid=str(grid))
    assert report.models[0].status == "trained"
    document = metrics(copy, "naive_cnn")
    rows = document["search"]
    first, second = ([row for row in rows if row["fold"] == fold] for fold in (0, 1))
    assert len(first) == 5
    assert [row["settings"] for row in first] == [row["settings"] for row in second]
    assert all((row["score"] is None) == (row["refused"] is not None) for row in rows)
    lost = [row for row in rows if row["settings"]["head_lr"] == 1e30]
    assert lost
    assert all("no longer a number" in row["refused"] for row in lost)
    assert [row["chosen"] for row in rows].count(True) == 2
    card = json.loads((copy.model("naive_cnn") / "final" / "card.json").read_text())
    assert card["settings"] in [row["settings"] for row in rows]
    assert card["training"]["dropout"] == card["settings"]["dropout"]
    before = (copy.model("naive_cnn") / "predictions.parquet").read_bytes()
    train(copy.root, "naive_cnn", grid=str(grid), delete_existing=True)
    assert (copy.model("naive_cnn") / "predictions.parquet").read_bytes() == before


def test_the_final_net_has_what_is_typical_of_searches_that_differ() -> None:
    from fvc.training.fold import FoldResult
    from fvc.training.video.final import choose_final

    def fold(number: int, *search: tuple[float, float | None, int], chosen: int) -> FoldResult:
        rows = [
            {"settings": {"head_lr": rate}, "val_roc_auc": auc, "best_epoch": epoch}
            if auc is not None
            else {"settings": {"head_lr": rate}, "val_roc_auc": None, "refused": "ValueError"}
            for rate, auc, epoch in search
        ]
        return FoldResult(0, number, settings=rows[chosen]["settings"], search=rows)

    same = [
        fold(0, (0.1, 0.5, 3), (0.2, 0.9, 5), (0.3, None, 0), chosen=1),
        fold(1, (0.1, 0.8, 4), (0.2, 0.7, 7), (0.3, None, 0), chosen=0),
    ]
    settings, epochs, rows = choose_final(same)
    assert (settings, epochs) == ({"head_lr": 0.2}, 5)
    assert [row["val_roc_auc"] for row in rows] == pytest.approx([0.65, 0.8])
    other = [
        fold(0, (0.1, 0.5, 3), (0.2, 0.9, 5), chosen=1),
        fold(1, (0.1, 0.8, 4), (0.4, 0.7, 7), chosen=0),
        fold(2, (0.1, 0.8, 4), (0.7, 0.9, 9), chosen=1),
    ]
    settings, epochs, rows = choose_final(other)
    assert (settings, epochs) == ({"head_lr": 0.2}, 5)
    assert [row["settings"]["head_lr"] for row in rows] == [0.2, 0.1, 0.7]


def test_an_ensemble_joins_nets_and_embeddings(prepared: Workspace) -> None:
    report = train(prepared.root, "xgboost_r2plus1d", "naive_cnn", ensemble=True)
    assert report.models[-1].name == "ensemble"
    assert report.models[-1].status == "trained"
    document = metrics(prepared, "ensemble")
    assert document["members"] == ["xgboost_r2plus1d", "naive_cnn"]
    assert document["random_weights"]
    assert 0 <= document["average"]["roc_auc"] <= 1
    card = json.loads((prepared.model("ensemble") / "final" / "card.json").read_text())
    assert [member["model"] for member in card["members"]] == document["members"]


def test_tabular_training_loads_no_torch(
    tmp_path: Path, simulated: Callable[..., Workspace]
) -> None:
    workspace = simulated(tmp_path, sources=16, variants=1)
    code = (
        "import sys; from fvc.training import stage5_train_models as t\n"
        f"t({str(workspace.root)!r}, model_types=('logistic_regression', 'svm_stage2'),"
        " n_splits=2, repeats=1, grid='none', workers=1, ensemble=True)\n"
        "print([m for m in ('torch', 'lightning', 'timm', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


@pytest.mark.usefixtures("pictures")
def test_a_net_has_the_pictures_of_every_model(copy: Workspace) -> None:
    train(copy.root, "naive_cnn")
    plots = {path.name for path in (copy.model("naive_cnn") / "plots").iterdir()}
    assert {"training_curves.png", "roc_pr_curves.png", "confusion_matrix.png"} <= plots


@pytest.mark.parametrize("model", ["two_stream", "xgboost_r2plus1d", "ensemble"])
def test_a_file_is_judged_as_the_final_detector_scores_its_clip(
    prepared: Workspace, model: str
) -> None:
    import fvc
    from fvc.inference.measuring import Measured
    from fvc.inference.nets import open_detector
    from fvc.training.video.cache import read_frames

    train(prepared.root, "two_stream", "xgboost_r2plus1d", "naive_cnn", ensemble=True)
    row = read_table(prepared.stage1.table("arrow")).filter(is_original=True).row(3, named=True)
    predictor = fvc.load(model, project=prepared.root)
    (answer,) = predictor.predict(prepared.absolute(row["original_video"]), workers=1)
    assert answer.error is None
    assert answer.unfamiliarity is None
    frames = {
        setting.name: read_frames(prepared.frame_store(setting.name).folder / f"{row['clip']}.npy")
        for setting in predictor.card.recipe.frames
    }
    detector = open_detector(prepared.model(model), predictor.card.document)
    expected = detector.score(Measured({}, {}, (), frames))
    assert answer.score == pytest.approx(expected, abs=1e-9)
    if model == "two_stream":
        from safetensors.torch import load_file, save_file

        path = prepared.model(model) / "final" / "model.safetensors"
        whole = path.read_bytes()
        state = load_file(path)
        state.pop(next(key for key in state if key.startswith("head")))
        save_file(state, path)
        with pytest.raises(DataError, match="does not hold the net of its card"):
            open_detector(prepared.model(model), predictor.card.document)
        path.write_bytes(whole)


@pytest.mark.parametrize("quiet", [True, False])
def test_quiet_training_says_nothing_of_frames_and_embeddings(
    copy: Workspace,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    quiet: bool,
) -> None:
    from fvc.cli.app import run

    for made in ("frames", "embeddings"):  # by tests before this one, or not
        shutil.rmtree(copy.data / made, ignore_errors=True)
    # Lines else come too seldom for so few clips.
    monkeypatch.setattr("fvc.stages.progress._LINE_SECONDS", 0.0)
    asked = [
        *("train", "--project", str(copy.root), "--model-types", "xgboost_vit_gru", "--tiny"),
        *("--n-splits", "2", "--repeats", "1", "--workers", "1", "--device", "cpu"),
    ]
    assert run([*asked, "--quiet"] if quiet else asked) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "stage 5 (" in line]
    assert any("embeddings" in line for line in told) is not quiet
    assert any("frames" in line for line in told) is not quiet
