"""On a real cluster: whatever happens to tasks, the result is that of a run without one."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
from slurm_cluster import Cluster, wait_until

from fvc.batch.chain import submissions
from fvc.tables import find_table, read_table
from fvc.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

FVC = Path(sys.executable).with_name("fvc")
SCRIPTS = Path(__file__).parents[2] / "scripts" / "slurm_jobs"
SOURCES = 12
STAGES = ("--num-augmentations=2", "--model-types", "logistic_regression", "sklearn_logreg")
TRAINING = ("--n-splits=2", "--repeats=1", "--grid=none")
SMALL = ("--tasks=2", "--cpus-per-task=1", "--mem-per-cpu=500M", "--time=10")


class Task(NamedTuple):
    script: psutil.Process
    command: psutil.Process


# Calls the command, but does harm to the shards that a file names.
TROUBLE = """#!/usr/bin/env bash
trouble="{folder}/$1"
for word in "$@"; do
    case $previous in --shard) trouble=$trouble-${{word%%/*}} ;; esac
    previous=$word
done
if [ -e "$trouble" ]; then echo "trouble: $trouble"; exit 1; fi
exec {fvc} "$@"
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, make_video: Callable[..., Path]) -> Path:
    """A project with an index of short clips, one of which was damaged since."""
    root = tmp_path_factory.mktemp("prepared")
    for number in range(SOURCES):
        label = ("real", "fake")[number % 2]
        path = root / "clips" / label / f"{number}.mp4"
        make_video(path, frames=120, width=320, height=240, seed=number)
    call([FVC, "setup", f"--project={root}", f"--corpus={root / 'clips'}"])
    (root / "clips" / "fake" / "3.mp4").write_bytes(b"not a video" * 100)
    return root


def call(command: list[Any], codes: tuple[int, ...] = (0,), **more: Any) -> str:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, **more
    )
    assert done.returncode in codes, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def project(prepared: Path, tmp_path: Path) -> Path:
    shutil.copytree(prepared, tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture(scope="module")
def plain(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run without a cluster gives."""
    root = tmp_path_factory.mktemp("plain") / "project"
    shutil.copytree(prepared, root)
    call([FVC, "run", f"--project={root}", "--workers=1", *STAGES, *TRAINING], (5,))
    return contents(root)


def contents(root: Path) -> dict[str, Any]:
    """Tables, failures, scores and names of all results."""
    workspace = Workspace(root)
    found: dict[str, Any] = {"failures": workspace.failures.read_text()}
    for files in workspace.stages:
        table = find_table(files)
        if table is not None:
            found[files.command] = read_table(table).to_dicts()
    for path in sorted(workspace.stage5.rglob("*")):
        if path.is_file() and ".locks" not in path.parts and path.suffix != ".yaml":
            name = path.relative_to(workspace.stage5).as_posix()
            found[name] = read_table(path).to_dicts() if path.suffix == ".parquet" else None
    return found


def submit(cluster: Cluster, project: Path, *options: str, **environment: str) -> dict[str, Any]:
    command = [FVC, "slurm", "submit", f"--project={project}", "--json", *SMALL, *options]
    given = {"FVC_WAIT_SECONDS": "0", **environment}
    document: dict[str, Any] = json.loads(call(command, env={**cluster.environment, **given}))
    return document


def status(cluster: Cluster, project: Path) -> dict[str, Any]:
    command = [FVC, "slurm", "status", f"--project={project}", "--json"]
    document: dict[str, Any] = json.loads(call(command, env=cluster.environment))
    return document


def task_of(document: dict[str, Any], name: str, number: int | None) -> dict[str, Any]:
    (job,) = (job for job in document["jobs"] if job["name"] == name)
    (task,) = (task for task in job["tasks"] if task["task"] == number)
    return dict(task)


def trouble(tmp_path: Path, *shards: str) -> str:
    """Give a command that fails on the shards named, as in ``augment-2``."""
    folder = tmp_path / "trouble"
    folder.mkdir()
    for shard in shards:
        (folder / shard).touch()
    path = tmp_path / "fvc-in-trouble"
    path.write_text(TROUBLE.format(folder=folder, fvc=FVC))
    path.chmod(0o755)
    return str(path)


def in_the_middle(cluster: Cluster, project: Path, array: dict[str, Any], task: int) -> Task:
    """Halt a task of stage 1 when it has done a clip and has more to do."""
    journal = Workspace(project).stage1.folder / ".journal" / f"{task}of2.ndjson"

    def done() -> int:
        return journal.read_bytes().count(b'"_part":2')

    # The processes first: looking for them takes as long as a clip.
    wait_until(journal.is_file, journal.name, every=0.01)
    script, command, *_ = cluster.processes_of(array["job"], task)
    wait_until(lambda: done() > 0, "the first clip", every=0.01)
    command.suspend()
    if done() >= SOURCES // 2 - 1:
        command.resume()
        raise AssertionError("not in the middle")
    return Task(script, command)


def test_a_chain_in_which_tasks_fail_gives_what_a_plain_run_gives(
    cluster: Cluster, project: Path, tmp_path: Path, plain: dict[str, Any]
) -> None:
    command = trouble(tmp_path, "augment-2", "scale-1", "train-2")
    options = (*STAGES, *TRAINING)
    jobs = submit(cluster, project, *options, FVC_COMMAND=command, FVC_ATTEMPTS="2")["jobs"]
    assert [(job["stage"], job["role"], job["tasks"]) for job in jobs] == [
        *((1, "array", 2), (1, "finish", 0), (2, "array", 2), (2, "finish", 0)),
        *((3, "array", 2), (3, "finish", 0), (4, "array", 2), (4, "finish", 0)),
        *((5, "array", 2), (5, "finish", 0)),
    ]
    cluster.wait_for_jobs(400)
    assert contents(project) == plain
    now = status(cluster, project)
    failed = task_of(now, "fvc-1-augment", 2)
    assert (failed["state"], failed["exit_code"]) == ("FAILED", 1)
    log = (project / failed["log"]).read_text()
    assert log.count("trouble: ") == 2
    assert task_of(now, "fvc-1-augment", 1)["state"] == "COMPLETED"
    assert task_of(now, "fvc-5-train-finish", None)["state"] == "COMPLETED"
    assert [stage["failed"] for stage in now["stages"]] == [1, 0, 0, 0, 0]
    assert [row["unit"] for row in now["stages"][0]["failures"]] == ["fake_3"]
    finished = [(stage["finished"], stage["units"]) for stage in now["stages"]]
    clips = 3 * (SOURCES - 1)
    assert finished == [(SOURCES - 1, SOURCES), *[(clips, clips)] * 3, (2, 2)]


STAGE_1 = ("--only-stage=1", "--num-augmentations=2")


def is_as_plain(project: Path, plain: dict[str, Any]) -> None:
    found = contents(project)
    assert found["augment"] == plain["augment"]
    assert found["failures"] == plain["failures"]


def test_a_task_that_is_killed_in_the_middle(
    cluster: Cluster, project: Path, plain: dict[str, Any]
) -> None:
    array, finish = submit(cluster, project, *STAGE_1)["jobs"]
    for process in in_the_middle(cluster, project, array, 1):
        process.kill()
    cluster.wait_for_jobs()
    is_as_plain(project, plain)
    now = status(cluster, project)
    assert task_of(now, array["name"], 1)["state"] == "FAILED"
    assert task_of(now, array["name"], 1)["exit_code"] == 128 + 9
    log = (project / task_of(now, finish["name"], None)["log"]).read_text()
    done, resumed = numbers(log)
    assert done > 0
    assert resumed > SOURCES // 2 - 1


def numbers(log: str) -> tuple[int, int]:
    """Read how many units a run did, and how many it found done."""
    ((done, resumed),) = re.findall(r"augment: (\d+) done, (\d+) from earlier runs", log)
    return int(done), int(resumed)


def test_a_task_whose_time_is_up_queues_again_and_goes_on(
    cluster: Cluster, project: Path, plain: dict[str, Any]
) -> None:
    array, _ = submit(cluster, project, *STAGE_1)["jobs"]
    task = in_the_middle(cluster, project, array, 2)
    # What SLURM sends before the end of the time; a real end takes a minute at least.
    cluster.call("scancel", "--batch", "--signal=USR1", f"{array['job']}_2")
    task.command.resume()
    cluster.wait_for_jobs()
    is_as_plain(project, plain)
    task = task_of(status(cluster, project), array["name"], 2)
    assert (task["state"], task["restarts"]) == ("COMPLETED", 1)
    log = (project / task["log"]).read_text()
    assert "terminated; what is finished is kept" in log
    done, resumed = numbers(log)
    assert done > 0
    assert resumed > 0


def test_a_task_whose_node_goes_away_is_done_on_another(
    cluster: Cluster, project: Path, plain: dict[str, Any]
) -> None:
    array, _ = submit(cluster, project, *STAGE_1)["jobs"]
    in_the_middle(cluster, project, array, 1)
    node = task_of(status(cluster, project), array["name"], 1)["node"]
    other = {"n1": "n2", "n2": "n1"}[node]
    try:
        cluster.lose_node(node)
        cluster.wait_for_jobs()
    finally:
        cluster.start_node(node)
    is_as_plain(project, plain)
    task = task_of(status(cluster, project), array["name"], 1)
    assert (task["state"], task["node"], task["restarts"]) == ("COMPLETED", other, 1)


def test_a_stage_of_which_nothing_is_left_stops_the_chain(cluster: Cluster, project: Path) -> None:
    for clip in (project / "clips").rglob("*.mp4"):
        clip.write_bytes(b"not a video" * 100)
    submit(cluster, project, *STAGES, *TRAINING)
    cluster.wait_for_jobs()
    now = status(cluster, project)
    assert task_of(now, "fvc-1-augment-finish", None)["exit_code"] == 6
    states = {job["name"]: set(job["states"]) for job in now["jobs"]}
    for name in ("fvc-2-features", "fvc-3-scale-finish", "fvc-5-train-finish"):
        assert states[name] == {"CANCELLED"}, name
    assert now["stages"][0]["failed"] == SOURCES
    text = call([FVC, "slurm", "status", f"--project={project}"], env=cluster.environment)
    assert "failed in augment: clips/fake/1.mp4 (not_a_video)" in text


def test_waiting_gives_the_exit_code_and_a_signal_cancels(cluster: Cluster, project: Path) -> None:
    command = [FVC, "slurm", "submit", f"--project={project}", *SMALL, *STAGE_1, "--wait"]
    said = call(command, (5,), env=cluster.environment)
    assert "some clips failed" in said
    for folder in (Workspace(project).stage1.folder, Workspace(project).slurm):
        shutil.rmtree(folder)
    Workspace(project).slurm.mkdir()
    with subprocess.Popen([str(word) for word in command], env=cluster.environment) as process:
        (job, _) = waiting_for(project)
        in_the_middle(cluster, project, job, 1)
        process.terminate()
        assert process.wait() == 143
    cluster.wait_for_jobs()
    assert find_table(Workspace(project).stage1) is None


def waiting_for(project: Path) -> list[dict[str, Any]]:
    """Read the record of the latest submission, once it holds both jobs."""
    found: list[dict[str, Any]] = []

    def both() -> bool:
        records = submissions(Workspace(project))
        found[:] = records[0]["jobs"] if records else []
        return len(found) == 2

    wait_until(both, "both jobs are submitted")
    return found


def test_cancelled_jobs_keep_what_is_done(
    cluster: Cluster, project: Path, plain: dict[str, Any]
) -> None:
    array, _ = submit(cluster, project, *STAGE_1)["jobs"]
    in_the_middle(cluster, project, array, 1)
    call([FVC, "slurm", "cancel", f"--project={project}"], env=cluster.environment)
    cluster.wait_for_jobs()
    submit(cluster, project, *STAGE_1)
    cluster.wait_for_jobs()
    is_as_plain(project, plain)


def test_scripts_are_submitted_by_hand_as_the_documents_print_it(
    cluster: Cluster, project: Path, plain: dict[str, Any]
) -> None:
    folder = project / "scripts" / "slurm_jobs"
    shutil.copytree(SCRIPTS, folder)
    options = {"1_augmentation": ["--num-augmentations=2"], "5_training": [*TRAINING]}
    options["5_training"] += ["--model-types", "logistic_regression", "sklearn_logreg"]
    environment = {**cluster.environment, "FVC_COMMAND": str(FVC)}
    for stage in ("1_augmentation", "2_features", "3_scaling", "4_scaled_features", "5_training"):
        script = f"scripts/slurm_jobs/slurm_stage{stage}.sh"
        size = ["--array=1-2", "--cpus-per-task=1", "--mem-per-cpu=500M"]
        # Without --wait, which asks ever more seldom.
        command = ["sbatch", "--parsable", *size, script, *options.get(stage, [])]
        call(command, cwd=project, env=environment)
        cluster.wait_for_jobs()
    found = contents(project)
    assert {name: found[name] for name in plain} == plain
    # A job that waits is seen without a record of its submission.
    command = ["sbatch", "--parsable", "--hold", "scripts/slurm_jobs/slurm_stage5alpha.sh"]
    number = call(command, cwd=project, env=environment).strip()
    (job,) = status(cluster, project)["jobs"]
    assert (job["job"], job["states"]) == (number, {"PENDING": 5})
    cluster.call("scancel", number)


def test_a_refusal_of_slurm_is_shown(cluster: Cluster, project: Path) -> None:
    command = [FVC, "slurm", "submit", f"--project={project}", "--partition=nowhere"]
    done = subprocess.run(
        command, env=cluster.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "invalid partition" in done.stderr
    assert not cluster.waiting()


def test_a_controller_that_does_not_answer_is_named(project: Path, cluster: Cluster) -> None:
    conf = project / "slurm.conf"
    text = cluster.conf.read_text()
    dead = re.sub(r"SlurmctldPort=\d+", "SlurmctldPort=1", text) + "MessageTimeout=2\n"
    conf.write_text(dead)
    command = [FVC, "slurm", "submit", f"--project={project}"]
    environment = {**cluster.environment, "SLURM_CONF": str(conf)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 8
    assert "SLURM does not answer" in done.stderr
