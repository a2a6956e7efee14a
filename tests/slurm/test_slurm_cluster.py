"""On a real cluster: whatever happens to tasks, the result is that of a run without one."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from slurm_cluster import Cluster, wait_until

from fvc.tables import find_table, read_table
from fvc.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

FVC = Path(sys.executable).with_name("fvc")
SOURCES = 12
STAGES = ("--num-augmentations=2", "--model-types", "logistic_regression", "sklearn_logreg")
TRAINING = ("--n-splits=2", "--repeats=1", "--grid=none")
SMALL = ("--tasks=2", "--cpus-per-task=1", "--mem-per-cpu=500M", "--time=10")

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
        make_video(path, frames=40, width=320, height=240, seed=number)
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


def in_the_middle(project: Path, shard: str) -> None:
    """Wait until a shard of stage 1 has done a clip, and has more to do."""
    journal = Workspace(project).stage1.folder / ".journal" / f"{shard}.ndjson"
    wait_until(lambda: journal.is_file() and journal.read_bytes().count(b'"_part":2') > 0, shard)


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
