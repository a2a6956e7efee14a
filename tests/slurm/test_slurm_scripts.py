"""The job scripts: one template, and what it does around the command, without a cluster."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from fvc.cli.app import run
from fvc.engines.slurm import JOBS, client, read_config, render_script, resources_of
from fvc.engines.slurm.client import Dependency, TaskState
from fvc.engines.slurm.resources import read_resources
from fvc.errors import MissingInputError, NotAvailableError, OptionError

REPOSITORY = Path(__file__).parents[2]
STAGE_1 = JOBS[0]


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.script)
def test_the_scripts_of_the_repository_are_those_of_the_package(job: Any) -> None:
    path = REPOSITORY / "scripts" / "slurm_jobs" / job.script
    assert path.read_text() == render_script(job, resources_of(job.name)), (
        "run `fvc slurm scripts` in the repository"
    )
    assert os.access(path, os.X_OK)


def test_no_other_script_lies_there() -> None:
    there = {path.name for path in (REPOSITORY / "scripts" / "slurm_jobs").iterdir()}
    assert there == {job.script for job in JOBS}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose path needs care, and programs that write down how they are called."""
    root = tmp_path / "a project's $(folder)"
    root.mkdir()
    (tmp_path / "fvc").write_text(
        "#!/usr/bin/env bash\n"
        'printf "%s\\n" "$OMP_NUM_THREADS" "$@" >> calls\n'
        'trap "exit 143" TERM\n'
        "code=$(head -n 1 codes 2>/dev/null); sed -i 1d codes 2>/dev/null\n"
        '[ "$code" != hang ] || { touch hanging; sleep 30 & wait; }\n'
        'exit "${code:-0}"\n'
    )
    (tmp_path / "scontrol").write_text(
        '#!/usr/bin/env bash\necho "$@" > scontrol\nkill -TERM $PPID\n'
    )
    for name in ("fvc", "scontrol"):
        (tmp_path / name).chmod(0o755)
    return root


def start(project: Path, *words: str, **environment: str) -> "subprocess.Popen[bytes]":
    path = project.parent / "job.sh"
    path.write_text(render_script(STAGE_1, resources_of("augment")))
    known = {
        "PATH": f"{project.parent}:{os.environ['PATH']}",
        "SLURM_JOB_ID": "7",
        "SLURM_JOB_NAME": "fvc-1-augment",
        "SLURM_SUBMIT_DIR": str(project),
        "FVC_WAIT_SECONDS": "0",
    }
    return subprocess.Popen(["bash", str(path), *words], env={**known, **environment})


def array(task: int, first: int, last: int, step: int = 1) -> dict[str, str]:
    return {
        "SLURM_ARRAY_JOB_ID": "5",
        "SLURM_ARRAY_TASK_ID": str(task),
        "SLURM_ARRAY_TASK_MIN": str(first),
        "SLURM_ARRAY_TASK_MAX": str(last),
        "SLURM_ARRAY_TASK_STEP": str(step),
    }


def calls(project: Path) -> list[str]:
    return (project / "calls").read_text().splitlines()


@pytest.mark.parametrize(
    ("environment", "shard"),
    [
        ({}, []),
        (array(1, 1, 8), ["--shard", "1/8"]),
        (array(0, 0, 3), ["--shard", "1/4"]),
        (array(9, 1, 9, 4), ["--shard", "3/3"]),
        ({**array(3, 3, 3), "FVC_SHARDS": "8"}, ["--shard", "3/8"]),
    ],
)
def test_a_task_does_its_shard(
    project: Path, environment: dict[str, str], shard: list[str]
) -> None:
    words = ("--num-augmentations", "2; touch harm")
    assert start(project, *words, **environment).wait() == 0
    assert calls(project) == ["1", "augment", f"--project={project}", *shard, *words]
    assert sorted(path.name for path in project.iterdir()) == ["calls", "logs"]
    (log,) = (project / "logs" / "slurm").iterdir()
    expected = (
        f"fvc-1-augment-5_{environment['SLURM_ARRAY_TASK_ID']}" if shard else "fvc-1-augment-7"
    )
    assert log.name == f"{expected}.log"
    assert "exit code 0" in log.read_text()


@pytest.mark.parametrize(
    ("codes", "environment", "code", "attempts"),
    [
        ("5", {}, 0, 1),
        ("5", {"FVC_SOME_FAILED": "5"}, 5, 1),
        ("6", {}, 6, 1),
        ("2", {}, 2, 1),
        ("137 1 0", {}, 0, 3),
        ("7 7 7 0", {}, 7, 3),
        ("1 1 0", {"FVC_ATTEMPTS": "2"}, 1, 2),
    ],
)
def test_exit_codes(
    project: Path, codes: str, environment: dict[str, str], code: int, attempts: int
) -> None:
    (project / "codes").write_text(codes.replace(" ", "\n") + "\n")
    assert start(project, **environment).wait() == code
    assert calls(project).count("augment") == attempts


@pytest.mark.parametrize(("restarts", "queued"), [("0", True), ("20", False)])
def test_a_task_whose_time_is_up_stops_its_command_and_queues_again(
    project: Path, restarts: str, queued: bool
) -> None:
    (project / "codes").write_text("hang\n")
    with start(project, SLURM_RESTART_COUNT=restarts) as process:
        while not (project / "hanging").exists():
            time.sleep(0.02)
        process.send_signal(signal.SIGUSR1)
        code = process.wait()
    assert (project / "scontrol").is_file() is queued
    if queued:
        assert (project / "scontrol").read_text() == "requeue 7\n"
    assert code == (143 if queued else 1)


def test_a_cancelled_task_stops_its_command_and_stays_stopped(project: Path) -> None:
    (project / "codes").write_text("hang\n")
    with start(project) as process:
        while not (project / "hanging").exists():
            time.sleep(0.02)
        process.terminate()
        assert process.wait() == 143
    assert not (project / "scontrol").exists()
    assert calls(project).count("augment") == 1


def test_later_layers_win(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(
        "workers: 4\n"
        "slurm:\n"
        "  all: {partition: main, mem: 8G}\n"
        "  augment: {time: 4:00:00, tasks: 16, parallel: 4, sbatch: [--exclusive, --nice=5]}\n"
    )
    resources = resources_of("augment", read_config(path), {"all": {"partition": "gpu"}})
    text = render_script(STAGE_1, resources)
    lines = [line.removeprefix("#SBATCH ") for line in text.splitlines() if "#SBATCH " in line]
    assert lines == [
        "--job-name=fvc-1-augment",
        "--array=1-16%4",
        "--cpus-per-task=4",
        "--partition=gpu",
        "--time=4:00:00",
        "--mem=8G",
        "--signal=B:USR1@120",
        "--requeue",
        "--output=/dev/null",
        "--exclusive",
        "--nice=5",
    ]
    assert "--array" not in render_script(STAGE_1, resources, array=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("agment: {time: 1}", "did you mean 'augment'"),
        ("augment: {tme: 1}", "did you mean 'time'"),
        ("augment: {tasks: 0}", "from 1 up"),
        ("augment: {time: '1\\n#SBATCH --uid=0'}", "cannot be"),
        ('augment: {partition: "main\\n"}', "cannot be"),
        ("augment: {sbatch: ['x\\ny']}", "sbatch takes options"),
        ("augment: 5", "holds options"),
        ("[augment]", "a section a stage"),
        ("augment: {", "not YAML"),
    ],
)
def test_wrong_resources_are_refused(text: str, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        read_resources(text, "run.yaml")


def test_a_missing_file_of_options_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"no\.yaml"):
        read_config(tmp_path / "no.yaml")


def test_what_the_controller_says_is_read() -> None:
    text = (
        "JobId=12 ArrayJobId=12 ArrayTaskId=3-4,8%2 JobName=fvc-1-augment JobState=PENDING "
        "Reason=Dependency Restarts=0 ExitCode=0:0 NodeList= WorkDir=/a b\n"
        "JobId=13 ArrayJobId=12 ArrayTaskId=1 JobName=fvc-1-augment JobState=FAILED "
        "Reason=NonZeroExitCode Restarts=1 ExitCode=0:9 NodeList=n1\n"
        "JobId=14 JobName=x JobState=COMPLETED Reason=None Restarts=0 ExitCode=5:0 NodeList=n2\n"
    )
    assert list(client._of_controller(text)) == [
        *(TaskState("12", n, "PENDING", None, "", "Dependency", 0) for n in (3, 4, 8)),
        TaskState("12", 1, "FAILED", 137, "n1", "NonZeroExitCode", 1),
        TaskState("14", None, "COMPLETED", 5, "n2", "", 0),
    ]


def test_what_the_accounting_says_is_read() -> None:
    text = "12_1|COMPLETED|0:0|n1\n12_[2-3]|PENDING|0:0|None assigned\n13|CANCELLED by 0|0:15|n2\n"
    assert list(client._of_accounting(text)) == [
        TaskState("12", 1, "COMPLETED", 0, "n1"),
        TaskState("12", 2, "PENDING", None, ""),
        TaskState("12", 3, "PENDING", None, ""),
        TaskState("13", None, "CANCELLED", 143, "n2"),
    ]


def test_dependencies_are_words_for_sbatch(tmp_path: Path) -> None:
    words = client.sbatch_arguments(
        tmp_path / "job.sh", project=tmp_path, dependency=Dependency(("4",), ("2", "3"))
    )
    assert words[3:5] == [
        "--dependency=afterany:4,afterok:2,afterok:3",
        "--kill-on-invalid-dep=yes",
    ]
    alone = client.sbatch_arguments(tmp_path / "job.sh", project=tmp_path, dependency=Dependency())
    assert not any(word.startswith("--dep") for word in alone)


def test_without_slurm_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "video_index_input.csv").write_text("source,status\nx,ok\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(["slurm", "submit", "--project", str(tmp_path)]) == NotAvailableError.exit_code
    assert "login node" in capsys.readouterr().err
    assert run(["slurm", "status", "--project", str(tmp_path)]) == 0
    assert "Stage 1 augment" in capsys.readouterr().out


def test_a_dry_run_shows_the_chain_and_keeps_the_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "video_index_input.csv").touch()
    config = tmp_path / "run.yaml"
    config.write_text(
        "project: elsewhere\nworkers: 9\nformat: csv\nengine: dask\n"
        "augment: {num-augmentations: 3}\n"
        "train: {n-splits: 3, delete_existing: true}\nslurm: {train: {time: 60}}\n"
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    words = ["--config", str(config), "--model-types", "svm", "logistic_regression", "--json"]
    words += ["--stall-seconds", "9"]
    assert run(["slurm", "submit", "--project", str(tmp_path), "--dry-run", *words]) == 0
    jobs = json.loads(capsys.readouterr().out)["jobs"]
    depends = {
        job["name"]: next((w for w in job["command"] if w.startswith("--dependency=")), "")
        for job in jobs
    }
    names = list(depends)
    assert names[::2] == [job.job_name for job in JOBS[:5]]
    assert depends["fvc-1-augment"] == ""
    assert depends["fvc-3-scale"] == "--dependency=afterok:<fvc-1-augment-finish>"
    assert depends["fvc-2-features"] == "--dependency=afterok:<fvc-1-augment-finish>"
    assert depends["fvc-4-scaled-features"] == "--dependency=afterok:<fvc-3-scale-finish>"
    assert depends["fvc-5-train"] == (
        "--dependency=afterok:<fvc-2-features-finish>,afterok:<fvc-4-scaled-features-finish>"
    )
    assert depends["fvc-4-scaled-features-finish"] == (
        "--dependency=afterany:<fvc-4-scaled-features>,afterok:<fvc-3-scale-finish>"
    )
    # Two models in three folds; the file's time.
    script = (tmp_path / jobs[8]["script"]).read_text()
    assert "#SBATCH --array=1-6\n" in script
    assert "#SBATCH --time=60\n" in script
    options = (tmp_path / jobs[0]["script"]).parent / "options.yaml"
    assert yaml.safe_load(options.read_text()) == {
        "augment": {"format": "csv", "stall-seconds": 9.0, "num-augmentations": 3},
        "train": {"n-splits": 3, "model-types": ["svm", "logistic_regression"]},
        "features": {"format": "csv", "stall-seconds": 9.0},
        "scale": {"format": "csv", "stall-seconds": 9.0},
        "scaled-features": {"format": "csv", "stall-seconds": 9.0},
    }


@pytest.mark.parametrize(
    "words",
    [["--only-stage", "6"], ["--tasks", "0"], ["--time", "1 hour"], ["--config", "no.yaml"]],
)
def test_wrong_options_are_refused_before_anything_is_submitted(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "video_index_input.csv").touch()
    assert run(["slurm", "submit", "--project", str(tmp_path), *words]) in (2, 3)
    assert not (tmp_path / "logs" / "slurm").exists()


def test_a_project_without_an_index_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["slurm", "submit", "--project", str(tmp_path)]) == 3
    assert "fvc setup" in capsys.readouterr().err


def test_the_command_line_of_slurm_imports_no_heavy_library() -> None:
    code = (
        "import sys; from fvc.cli.app import run; run(['slurm', 'scripts', '--help']);"
        "print(sorted({'torch', 'mlflow', 'sklearn', 'xgboost', 'dask'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
