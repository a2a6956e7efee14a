"""In a real Airflow: the DAG is parsed, tested, scheduled, and run on SLURM."""

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow_service import Airflow, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

FVC = Path(sys.executable).with_name("fvc")

# Writes down how it is called, and ends with the code that a file of the verb's name holds.
FAKE = """#!/usr/bin/env bash
verb=$1
[ "$verb" != slurm ] || verb=$3
printf '%s\\n' "$*" >> "{folder}/calls"
code=$(cat "{folder}/$verb" 2>/dev/null || echo 0)
echo "$verb says something" >&2
echo "{{\\"exit_code\\": $code}}"
exit "$code"
"""

# The real command on a small corpus; features fail the first time.
REAL = """#!/usr/bin/env bash
printf '%s\\n' "$1" >> "{folder}/calls"
case $1 in
    setup) more=("--corpus={corpus}") ;;
    augment) more=(--num-augmentations=1) ;;
    features)
        more=()
        if [ ! -e "{folder}/tried" ]; then touch "{folder}/tried"; exit 1; fi ;;
    train) more=(--model-types=logistic_regression --n-splits=2 --repeats=1 --grid=none) ;;
    *) more=() ;;
esac
exec {fvc} "$@" "${{more[@]}}"
"""

TASKS = [
    *("setup", "stage1_augment", "stage2_features", "stage3_scale", "stage4_scaled_features"),
    *("stage5_train", "notebooks"),
]

RUN = """
import json, os
from sqlalchemy import select
from airflow.dag_processing.dagbag import DagBag
from airflow.models import DagRun, TaskInstance
from airflow.utils.session import create_session
DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]).dags["fvc_pipeline"].test(run_conf={conf!r})
with create_session() as session:
    name = session.scalars(select(DagRun.run_id).order_by(DagRun.id.desc())).first()
    rows = session.scalars(select(TaskInstance).where(TaskInstance.run_id == name))
    states = {{one.task_id: [str(one.state), one.try_number] for one in rows}}
print(json.dumps(states))
"""


def program(folder: Path, text: str, **names: Any) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "fvc"
    path.write_text(text.format(folder=folder, fvc=FVC, **names))
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return program(tmp_path_factory.mktemp("fake") / "bin", FAKE)


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory, fake: Path) -> Airflow:
    return Airflow(
        tmp_path_factory.mktemp("airflow"),
        FVC_COMMAND=str(fake),
        FVC_AIRFLOW_RETRY_SECONDS="0",
        FVC_AIRFLOW_RETRIES="1",
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, make_video: Callable[..., Path]) -> Path:
    root = tmp_path_factory.mktemp("corpus")
    for number in range(8):
        make_video(root / ("real", "fake")[number % 2] / f"{number}.mp4", frames=8, seed=number)
    return root


def test_the_dag_has_the_right_edges_and_every_option(airflow: Airflow) -> None:
    found = airflow.python(
        "import json, os\n"
        "from airflow.dag_processing.dagbag import DagBag\n"
        "bag = DagBag(os.environ['AIRFLOW__CORE__DAGS_FOLDER'])\n"
        "assert not bag.import_errors, bag.import_errors\n"
        "dag = bag.dags['fvc_pipeline']\n"
        "edges = [[t.task_id, sorted(t.downstream_task_ids)] for t in dag.tasks]\n"
        "retries = sorted({(t.retries, t.retry_delay.total_seconds()) for t in dag.tasks})\n"
        "params = {n: dag.params.get_param(n).description for n in dag.params}\n"
        "print(json.dumps([sorted(bag.dags), edges, retries, params, dag.schedule]))"
    )
    dags, edges, retries, params, schedule = found
    assert dags == ["fvc_pipeline"]
    assert dict(edges) == {
        "setup": ["stage1_augment"],
        "stage1_augment": ["stage2_features", "stage3_scale"],
        "stage2_features": ["stage5_train"],
        "stage3_scale": ["stage4_scaled_features"],
        "stage4_scaled_features": ["stage5_train"],
        "stage5_train": ["notebooks"],
        "notebooks": [],
    }
    assert retries == [[1, 0.0]]
    assert schedule is None
    assert {"project", "augment_num_augmentations", "train_n_splits", "workers"} < set(params)
    assert all(params.values())


def run(airflow: Airflow, **conf: Any) -> dict[str, list[Any]]:
    states: dict[str, list[Any]] = airflow.python(RUN.format(conf=conf))
    return states


def test_clips_that_fail_turn_a_task_red_only_if_asked(
    airflow: Airflow, fake: Path, project: Path
) -> None:
    (fake.parent / "features").write_text("5")
    states = run(airflow, project=str(project), workers=3)
    assert {name: state[0] for name, state in states.items()} == dict.fromkeys(TASKS, "success")
    calls = (fake.parent / "calls").read_text().splitlines()
    assert f"features --project={project} --json --workers=3" in calls
    states = run(airflow, project=str(project), fail_on_clip_failures=True)
    (fake.parent / "features").unlink()
    assert states["stage2_features"] == ["failed", 1]
    assert states["stage4_scaled_features"][0] == "success"
    assert states["stage5_train"][0] == "upstream_failed"


def test_a_total_failure_is_red_at_once_and_a_crash_is_tried_again(
    airflow: Airflow, fake: Path, project: Path
) -> None:
    (fake.parent / "features").write_text("6")
    (fake.parent / "scale").write_text("1")
    (fake.parent / "calls").unlink(missing_ok=True)
    states = run(airflow, project=str(project))
    for name in ("features", "scale"):
        (fake.parent / name).unlink()
    assert states["stage2_features"] == ["failed", 1]
    assert states["stage3_scale"][0] == "failed"
    calls = (fake.parent / "calls").read_text().splitlines()
    assert [call.split()[0] for call in calls].count("scale") == 2
    assert [call.split()[0] for call in calls].count("features") == 1


def test_dags_test_from_the_command_line(airflow: Airflow, project: Path) -> None:
    conf = {"project": str(project), "train_grid": "$(touch harm); 'x", "executor": "slurm"}
    done = airflow.call("dags", "test", "fvc_pipeline", "-c", json.dumps(conf))
    assert "DagRun Finished" in done.stdout + done.stderr
    assert "state=success" in done.stdout + done.stderr
    calls = (Path(airflow.environment["FVC_COMMAND"]).parent / "calls").read_text()
    assert f"--project={project} --json --train.grid=$(touch harm); 'x\n" in calls
    assert not list(airflow.home.parent.rglob("harm"))


def test_parameters_are_checked(airflow: Airflow) -> None:
    for conf in ({}, {"project": "relative"}, {"project": "/p", "executor": "elsewhere"}):
        done = airflow.call("dags", "test", "fvc_pipeline", "-c", json.dumps(conf), check=False)
        assert done.returncode != 0
        assert "ParamValidationError" in done.stdout + done.stderr


def test_a_scheduled_run_succeeds_on_the_second_attempt(
    tmp_path: Path, project: Path, corpus: Path
) -> None:
    command = program(tmp_path / "bin", REAL, corpus=corpus)
    airflow = Airflow(
        tmp_path,
        FVC_COMMAND=str(command),
        FVC_PROJECT=str(project),
        FVC_AIRFLOW_SCHEDULE="* * * * *",
        FVC_AIRFLOW_RETRIES="1",
        FVC_AIRFLOW_RETRY_SECONDS="1",
        OMP_NUM_THREADS="1",
    )
    with airflow.running():
        wait_for(lambda: airflow.rest("/dags/fvc_pipeline"), "the DAG is known", 300)
        airflow.rest("/dags/fvc_pipeline", {"is_paused": False}, "PATCH")
        ended = wait_for(lambda: _ended(airflow), "a run has ended", 700)
        path = f"/dags/fvc_pipeline/dagRuns/{ended['dag_run_id']}/taskInstances"
        tasks = {one["task_id"]: one for one in airflow.rest(path)["task_instances"]}
        links = airflow.rest(f"{path}/stage1_augment/links")["extra_links"]
        log = json.dumps(airflow.rest(f"{path}/stage2_features/logs/2"))
    assert ended["state"] == "success", tasks
    assert ended["run_type"] == "scheduled"
    assert {name: task["state"] for name, task in tasks.items()} == dict.fromkeys(TASKS, "success")
    tries = {name: task["try_number"] for name, task in tasks.items()}
    assert tries == {**dict.fromkeys(TASKS, 1), "stage2_features": 2}
    table = project / "data" / "augmented_videos" / "augmented_metadata.arrow"
    assert links["Table"] == table.as_uri()
    assert links["Log file"].startswith((project / "logs" / "stage1").as_uri())
    assert "features_metadata.arrow" in log
    assert (project / "data" / "stage5" / "logistic_regression" / "metrics.json").is_file()


def _ended(airflow: Airflow) -> Any:
    runs = (airflow.rest("/dags/fvc_pipeline/dagRuns") or {}).get("dag_runs", [])
    return next((one for one in runs if one["state"] in ("success", "failed")), None)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Any]:
    path = Path(__file__).parents[1] / "slurm" / "slurm_cluster.py"
    spec = importlib.util.spec_from_file_location("slurm_cluster", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    missing = module.missing_programs()
    if missing:
        pytest.fail(f"{', '.join(missing)} not found: run scripts/install_services.sh")
    folder = tmp_path / "slurm"
    folder.mkdir()
    cluster = module.Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def test_the_same_dag_runs_on_slurm(
    cluster: Any, tmp_path: Path, project: Path, corpus: Path
) -> None:
    airflow = Airflow(
        tmp_path,
        FVC_COMMAND=str(FVC),
        SLURM_CONF=str(cluster.conf),
        OMP_NUM_THREADS="1",
        FVC_AIRFLOW_RETRIES="0",
    )
    states = run(
        airflow,
        project=str(project),
        executor="slurm",
        setup_corpus=str(corpus),
        augment_num_augmentations=1,
        train_model_types=["logistic_regression"],
        train_n_splits=2,
        train_repeats=1,
        train_grid="none",
        slurm_tasks=2,
        slurm_cpus_per_task=1,
        slurm_mem_per_cpu="500M",
        slurm_time="10",
    )
    assert {name: state[0] for name, state in states.items()} == dict.fromkeys(TASKS, "success")
    assert (project / "data" / "stage5" / "logistic_regression" / "metrics.json").is_file()
    jobs = cluster.call("scontrol", "-o", "show", "job").splitlines()
    assert len(jobs) == 5 * (2 + 1)
    assert all("JobState=COMPLETED" in job for job in jobs)
