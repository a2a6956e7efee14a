"""Dask's workers as jobs of a real SLURM, started by the command itself."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from slurm_cluster import Cluster, wait_until

from fvc.tables import find_table, read_table
from fvc.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FVC = str(Path(sys.executable).with_name("fvc"))
DASK = {
    "DASK_JOBQUEUE__SLURM__CORES": "1",
    "DASK_JOBQUEUE__SLURM__MEMORY": "500MB",
    "DASK_JOBQUEUE__SLURM__WALLTIME": "00:10:00",
    "DASK_JOBQUEUE__SLURM__INTERFACE": "lo",
    "DASK_JOBQUEUE__SLURM__SCHEDULER_OPTIONS": "{'host': '127.0.0.1', 'dashboard_address': None}",
}


def test_dask_workers_are_started_on_slurm_and_gone_afterwards(
    cluster: Cluster, tmp_path: Path, make_video: Callable[..., Path]
) -> None:
    for number in range(4):
        side = ("real", "fake")[number % 2]
        make_video(tmp_path / "clips" / side / f"{number}.mp4", frames=20, seed=number)
    logs = {"DASK_JOBQUEUE__SLURM__LOG_DIRECTORY": str(tmp_path)}
    environment = {**cluster.environment, **DASK, **logs}
    project = f"--project={tmp_path}"
    for command in (
        [FVC, "setup", project, f"--corpus={tmp_path / 'clips'}", "--workers=1"],
        [FVC, "augment", project, "--num-augmentations=1", "--engine=dask", "--scheduler=slurm"],
    ):
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr
    assert read_table(find_table(Workspace(tmp_path).stage1)).height == 8
    wait_until(lambda: not cluster.call("squeue", "-h"), "the end of Dask's jobs")
