"""On a real scheduler with real workers: what `LocalEngine` promises holds there, too."""

import itertools
import os
import pickle
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask_work
import engine_work as work
import numpy as np
import polars as pl
import psutil
import pytest
from dask_service import Service, wait_until

from fvc.augmentation import stage1_augment_videos
from fvc.dataset import setup_dataset
from fvc.engines import dask_cluster, dask_worker
from fvc.errors import FVCError, MissingExtraError, OptionError, OutputError
from fvc.stages import RunOptions
from fvc.tables import find_table, read_table
from fvc.workspace import Workspace

slow = pytest.mark.slow


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("dask"))
    try:
        yield service.start()
    finally:
        service.stop()


def engine(service: Service, **options: Any) -> Any:
    from fvc.engines import DaskEngine

    return DaskEngine(service.address, **options)


@slow
def test_hazards_fail_alone_and_spare_the_workers(service: Service, tmp_path: Path) -> None:
    wait_until(lambda: len(service.workers()) == 2, "two workers")
    before = {p.pid for p in service.workers()}
    units = ["segv", "hang", "eat", "video", "unloadable", "leave", *range(20)]
    ran = engine(service, stall_seconds=6, memory_limit_mib=300, folder=tmp_path)
    found = {outcome.unit: outcome for outcome in ran.submit(work.hazard, units)}
    assert {u: o.failure.kind for u, o in found.items() if o.failure} == {
        "segv": "crash",
        "hang": "stalled",
        "eat": "memory",
        "video": "no_frames",
        "unloadable": "error",
        "leave": "error",
    }
    assert [found[n].value for n in range(20)] == [n * n for n in range(20)]
    assert {p.pid for p in service.workers()} == before
    assert not list(tmp_path.iterdir())


@slow
def test_an_endless_source_is_read_as_the_work_goes_on(service: Service) -> None:
    taken = itertools.count()
    outcomes = engine(service).submit(work.square, taken)
    found = [next(outcomes).value for _ in range(300)]
    outcomes.close()
    assert len(set(found)) == 300
    # Two batches for each of two workers, and the one that is read out.
    assert next(taken) <= 300 + 5 * 32


@slow
def test_work_begins_in_the_callers_folder(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert [o.value for o in engine(service).submit(dask_work.where, [1])] == [str(tmp_path)]


@slow
def test_a_full_disk_ends_the_run(service: Service) -> None:
    with pytest.raises(OutputError, match="No space left"):
        list(engine(service).submit(work.fail_to_write, ["full", *map(str, range(50))]))


@slow
def test_giving_up_ends_what_is_at_work(service: Service, tmp_path: Path) -> None:
    outcomes = engine(service).submit(dask_work.wait_for, [(str(tmp_path), "a")])
    thread = threading.Thread(target=lambda: next(outcomes, None))
    thread.start()
    wait_until((tmp_path / "a.pid").exists, "the unit")
    at_work = psutil.Process(int((tmp_path / "a.pid").read_text()))
    (tmp_path / "go").touch()
    thread.join()
    outcomes.close()
    wait_until(lambda: not at_work.is_running(), "the end of its process")

    second = tmp_path / "second"
    second.mkdir()
    units = [(str(second), "b"), (str(tmp_path), "c")]
    outcomes = engine(service).submit(dask_work.wait_for, units)
    assert next(outcomes).unit == units[1]
    wait_until((second / "b.pid").exists, "the unit")
    at_work = psutil.Process(int((second / "b.pid").read_text()))
    outcomes.close()
    wait_until(lambda: not at_work.is_running(), "the death of its process")


@slow
def test_a_unit_that_kills_workers_fails_alone(service: Service) -> None:
    units = ["killer", *range(6)]
    found = {o.unit: o for o in engine(service).submit(dask_work.take_the_worker_along, units)}
    assert [found[n].value for n in range(6)] == list(range(6))
    failure = found["killer"].failure
    assert failure is not None
    assert failure.kind == "crash"
    assert "took down every Dask worker" in failure.reason
    # The nannies brought the workers back.
    assert [o.value for o in engine(service).submit(work.square, [3])] == [9]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory, make_video: Callable[..., Path]) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for number in range(6):
        side = ("real", "fake")[number % 2]
        make_video(folder / side / f"{number}.mp4", frames=60, width=160, height=120, seed=number)
    (folder / "fake" / "broken.mp4").write_bytes((folder / "fake" / "1.mp4").read_bytes()[:3000])
    return folder


def project(folder: Path, clips: Path) -> Workspace:
    setup_dataset(folder, corpus=clips, workers=1)
    return Workspace(folder)


def files(workspace: Workspace) -> dict[str, bytes]:
    folder = workspace.stage1.folder
    return {p.name: p.read_bytes() for p in folder.rglob("*.mp4")}


def table(workspace: Workspace) -> pl.DataFrame:
    return read_table(find_table(workspace.stage1))


@slow
def test_a_worker_killed_in_mid_run_loses_nothing(
    service: Service, tmp_path: Path, clips: Path
) -> None:
    plain, far = project(tmp_path / "plain", clips), project(tmp_path / "far", clips)
    stage1_augment_videos(plain.root, num_augmentations=2, run=RunOptions(workers=1, quiet=True))
    wait_until(lambda: len(service.workers()) == 2, "two workers")
    killed: list[int] = []

    def kill() -> None:
        # The first unit is done, so others are at work.
        wait_until(lambda: any(far.stage1.folder.rglob("*_original.mp4")), "the first clip")
        victim = service.workers()[0]
        os.kill(victim.pid, signal.SIGKILL)
        killed.append(victim.pid)

    killer = threading.Thread(target=kill)
    killer.start()
    run = RunOptions(engine="dask", scheduler=service.address, quiet=True)
    report = stage1_augment_videos(far.root, num_augmentations=2, run=run)
    killer.join()
    assert killed
    assert report.missing == 0
    assert table(far).equals(table(plain))
    assert files(far) == files(plain)
    assert far.failures.read_text() == plain.failures.read_text()


@slow
def test_what_is_done_outlives_the_scheduler(
    tmp_path: Path, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", 3.0)
    # So many that one worker has work left, however quick it is.
    for number, path in itertools.product(range(8), sorted(clips.rglob("?.mp4"))):
        copy = tmp_path / "many" / path.parent.name / f"{path.stem}-{number}.mp4"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    service = Service(tmp_path / "dask").start(workers=1)
    try:
        far = project(tmp_path / "far", tmp_path / "many")

        def journaled() -> bool:
            journals = (far.stage1.folder / ".journal").rglob("*")
            return any(p.read_bytes().count(b"\n") > 1 for p in journals if p.is_file())

        def kill() -> None:
            wait_until(journaled, "the first rows")
            service.kill_scheduler()

        killer = threading.Thread(target=kill)
        killer.start()
        run = RunOptions(engine="dask", scheduler=service.address, quiet=True)
        with pytest.raises(FVCError, match=r"cannot be reached .* run the same command"):
            stage1_augment_videos(far.root, num_augmentations=4, run=run)
        killer.join()
        with pytest.raises(FVCError, match="cannot be reached"):
            stage1_augment_videos(far.root, num_augmentations=4, run=run)
    finally:
        service.stop()
    here = RunOptions(workers=1, quiet=True)
    report = stage1_augment_videos(far.root, num_augmentations=4, run=here)
    assert report.resumed > 0
    assert report.done > 0
    assert report.missing == 0


@slow
def test_no_workers_is_an_error_in_time(tmp_path: Path) -> None:
    service = Service(tmp_path / "dask").start(workers=0)
    try:
        with pytest.raises(FVCError, match="no workers for"):
            list(engine(service, patience_seconds=3).submit(work.square, [1]))
    finally:
        service.stop()


@slow
def test_folds_are_those_of_this_machine(service: Service, tmp_path: Path) -> None:
    from fvc.models import MODEL_CONFIGS
    from fvc.training.clips import Clips, Sources
    from fvc.training.fold import FoldTask
    from fvc.training.running import run_folds

    rng = np.random.default_rng(0)
    n = 40
    labels = np.tile(np.array([0, 1], dtype=np.int8), n // 2)
    names = [f"s{i}" for i in range(n)]
    sources = Sources(
        names=names,
        groups=np.array(names, dtype=object),
        labels=labels,
        fold=np.arange(n).reshape(1, n) // 2 % 4,
    )
    clips = Clips(
        X=(rng.normal(size=(n, 5)) + labels[:, None]).astype(np.float32),
        feature_names=[f"f{i}" for i in range(5)],
        source=np.arange(n, dtype=np.int32),
        original=np.ones(n, dtype=bool),
        clip=pl.Series(names),
        kind=pl.Series(["original"] * n),
        notes={},
    )
    spec = MODEL_CONFIGS["gradient_boosting"]
    grid: list[dict[str, Any]] = [{"max_depth": 2}, {"max_depth": 3}]
    tasks = [FoldTask(spec, grid, 0, k, sources.fold[0] == k, 2, 0, None, False) for k in range(4)]
    run = RunOptions(engine="dask", scheduler=service.address)
    far = {r.fold: r for r in run_folds(tasks, clips, sources, 1, run=run, folder=tmp_path)}
    here = {r.fold: r for r in run_folds(tasks, clips, sources, 1)}
    assert far.keys() == here.keys() == set(range(4))
    for fold, one in here.items():
        assert far[fold].failure is None
        assert one.failure is None
        np.testing.assert_array_equal(far[fold].scores, one.scores)
        assert far[fold].settings == one.settings
    assert not list(tmp_path.iterdir())


@slow
def test_stages_and_embeddings_give_what_this_machine_gives(
    service: Service, tmp_path: Path, clips: Path
) -> None:
    from fvc.dataset import find_duplicates
    from fvc.features import stage2_extract_features, stage4_extract_scaled_features
    from fvc.scaling import stage3_scale_videos
    from fvc.training import stage5_train_models

    found: list[dict[str, Any]] = []
    for name in ("far", "plain"):
        workspace = project(tmp_path / name, clips)
        where: dict[str, Any] = {"workers": 1}
        if name == "far":
            where = {"engine": "dask", "scheduler": service.address}
        run = RunOptions(quiet=True, **where)
        stage1_augment_videos(workspace.root, num_augmentations=1, run=run)
        stage2_extract_features(workspace.root, run=run)
        stage3_scale_videos(workspace.root, target_size=64, run=run)
        stage4_extract_scaled_features(workspace.root, run=run)
        find_duplicates(workspace.root, run=run)
        models = ("logistic_regression", "xgboost_r2plus1d")
        report = stage5_train_models(
            workspace.root,
            model_types=models,
            n_splits=2,
            repeats=1,
            grid="none",
            tiny=True,
            device="cpu",
            **where,
        )
        assert report.exit_code == 0, report
        tables: dict[str, Any] = {s.command: read_table(find_table(s)) for s in workspace.stages}
        tables["pairs"] = pl.read_parquet(workspace.duplicate_pairs)
        for model in models:
            tables[model] = pl.read_parquet(workspace.model(model) / "predictions.parquet")
        (embeddings,) = (workspace.data / "embeddings").iterdir()
        tables["embeddings"] = {p.name: p.read_bytes() for p in embeddings.glob("*.npy")}
        assert tables["embeddings"]
        found.append(tables)
    far, plain = found
    assert far.pop("embeddings") == plain.pop("embeddings")
    for name, one in plain.items():
        assert far[name].equals(one), name


@slow
def test_required_encryption_is_not_left_out() -> None:
    import dask

    from fvc.engines import DaskEngine

    with (
        dask.config.set({"distributed.comm.require-encryption": True}),
        pytest.raises(OptionError, match="requires encryption"),
    ):
        DaskEngine("tcp://127.0.0.1:1")


@slow
def test_little_travels(service: Service, tmp_path: Path, clips: Path) -> None:
    workspace = project(tmp_path, clips)
    sent: list[int] = []
    plain = pickle.dumps

    class Counting:
        def submit(self, function: Any, units: Any) -> Iterator[Any]:
            sent.append(len(plain(function)))
            for unit in units:
                sent.append(len(plain(unit)))
                yield next(engine(service).submit(function, [unit]))

        workers = 1

    from fvc.stages import runner

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "create_engine", lambda *_, **__: Counting())
        run = RunOptions(quiet=True)
        stage1_augment_videos(workspace.root, num_augmentations=1, run=run)
    assert len(sent) > 4
    assert max(sent) < 8192


def job(**changes: Any) -> dask_worker.Job:
    given: dict[str, Any] = {
        "token": "t",
        "function": pickle.dumps(work.square),
        "folder": os.getcwd(),
        "marker": "",
        "stall_seconds": 60.0,
        "memory_limit_mib": 1024,
        "output_limit_mib": 1024,
        "address_space_mib": None,
    }
    return dask_worker.Job(**(given | changes))


def test_a_worker_of_another_version_or_file_system_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_worker, "_MARKER_SECONDS", 0.0)
    task = pickle.dumps(3)
    other = dask_worker.work(job(version="0.0.1"), task)
    assert other.fatal is not None
    assert "this machine has 0.0.1" in other.fatal.message
    unseen = dask_worker.work(job(marker=str(tmp_path / "not there")), task)
    assert unseen.fatal is not None
    assert f"does not see {tmp_path}" in unseen.fatal.message
    elsewhere = dask_worker.work(job(token="u", folder=str(tmp_path / "gone")), task)
    assert elsewhere.fatal is not None
    assert "same folders" in elsewhere.fatal.message
    dask_worker.end("u")


def test_a_process_is_kept_from_unit_to_unit_and_ends_with_the_run() -> None:
    one = job(token="kept", function=pickle.dumps(work.surroundings))
    answers = [dask_worker.work(one, pickle.dumps(n)) for n in range(2)]
    pids = [pickle.loads(a.value)["pid"] for a in answers if a.value is not None]
    assert len(pids) == 2
    assert pids[0] == pids[1] != os.getpid()
    dask_worker.end("kept")
    wait_until(lambda: not psutil.pid_exists(pids[0]), "the end of the process")
    late = dask_worker.work(one, pickle.dumps(1))
    assert late.failure is not None
    assert late.failure.reason == "the run has ended"


def test_a_process_that_waits_too_long_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_worker, "IDLE_SECONDS", 0.1)
    one = job(token="idle", function=pickle.dumps(work.surroundings))
    answer = dask_worker.work(one, pickle.dumps(1))
    assert answer.value is not None
    pid = pickle.loads(answer.value)["pid"]
    wait_until(lambda: not psutil.pid_exists(pid), "the end of the process")
    assert dask_worker.work(one, pickle.dumps(1)).failure is None
    dask_worker.end("idle")


@pytest.mark.parametrize("scheduler", [None, "nonsense"])
def test_a_scheduler_must_be_named(scheduler: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    from fvc.engines import DaskEngine

    with pytest.raises((OptionError, MissingExtraError), match=r"scheduler|optional part"):
        DaskEngine(scheduler)


def test_a_scheduler_is_for_dask_alone() -> None:
    with pytest.raises(OptionError, match="goes with engine 'dask'"):
        RunOptions(scheduler="tcp://127.0.0.1:1")
