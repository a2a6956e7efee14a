"""The jobs of a submission: which waits for which, and the record of what was submitted."""

import contextlib
import json
import os
import shutil
import sys
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fvc.batch.task_options import models_times_folds
from fvc.engines.slurm import JOBS, Dependency, Job, render_script, resources_of, submit
from fvc.engines.slurm.client import sbatch_arguments, submit_and_wait
from fvc.engines.slurm.resources import Resources
from fvc.tables import atomic_write, write_json_atomic
from fvc.workspace import Workspace

AFTER = {1: (), 2: (1,), 3: (1,), 4: (3,), 5: (2, 4)}
"""The stages that must have ended well before each stage."""

STAGE_JOBS = tuple(job for job in JOBS if job.stage.isdecimal())


@dataclass(frozen=True)
class Submitted:
    """One job of the chain.

    Parameters
    ----------
    name
        As `squeue` shows it.
    stage
        Number of the stage.
    role
        ``"array"``: one task a part. ``"finish"``: does what is left, and writes the table.
    job
        SLURM's id; empty when it was not submitted.
    script
        Its script, relative to the project.
    tasks
        Tasks of the array.
    command
        The command line that submits it.
    """

    name: str
    stage: int
    role: str
    job: str
    script: str
    tasks: int
    command: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give the job in plain JSON types."""
        return {**asdict(self), "command": list(self.command)}


class Chain:
    """Submits jobs one by one, and writes down each at once."""

    def __init__(
        self,
        workspace: Workspace,
        name: str,
        layers: list[dict[str, Resources]],
        options: Path,
        *,
        dry_run: bool,
    ) -> None:
        self.workspace = workspace
        self.folder = workspace.slurm / name
        self.name = name
        self.layers = layers
        self.options = options
        self.dry_run = dry_run
        self.jobs: list[Submitted] = []
        self.ends: dict[int, str] = {}
        self.exit_code = 0

    def add(self, job: Job, *, wait: bool) -> None:
        """Submit a stage: its array, and the task that ends it."""
        stage = int(job.stage)
        resources = resources_of(job.name, *self.layers)
        if stage == 5 and not any("tasks" in layer.get(s, {}) for layer in self.layers
                                  for s in ("all", job.name)):  # fmt: skip
            resources["tasks"] = models_times_folds(self.options)
        before = tuple(self.ends[s] for s in AFTER[stage] if s in self.ends)
        array = self._submit(job, resources, "array", Dependency(succeeded=before))
        # With `before` once more: an array that is cancelled has ended, too.
        after = Dependency(ended=(array,), succeeded=before)
        self.ends[stage] = self._submit(job, resources, "finish", after, wait=wait)

    def _submit(
        self,
        job: Job,
        resources: Resources,
        role: str,
        dependency: Dependency,
        *,
        wait: bool = False,
    ) -> str:
        is_array = role == "array"
        name = job.job_name + ("" if is_array else "-finish")
        path = self.folder / (job.script if is_array else job.script.replace(".sh", "-finish.sh"))
        text = render_script(
            job,
            resources,
            array=is_array,
            name=name,
            project=self.workspace.root,
            fvc=fvc_command(),
            options=(f"--config={self.options}",),
        )
        with atomic_write(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
        project = self.workspace.root
        command = sbatch_arguments(path, project=project, dependency=dependency)
        plan = Submitted(
            name=name,
            stage=int(job.stage),
            role=role,
            job="" if not self.dry_run else f"<{name}>",
            script=self.workspace.relative(path),
            tasks=int(resources["tasks"]) if is_array else 0,
            command=tuple(command),
        )

        def record(number: str) -> None:
            self.jobs.append(Submitted(**{**asdict(plan), "job": number}))
            self._write()

        if self.dry_run:
            self.jobs.append(plan)
        elif wait:
            self.exit_code = submit_and_wait(
                path, project=project, dependency=dependency, submitted=record
            )
        else:
            record(submit(path, project=project, dependency=dependency))
        return self.jobs[-1].job

    def _write(self) -> None:
        document = {
            "name": self.name,
            "submitted": datetime.now().astimezone().isoformat(timespec="seconds"),
            "jobs": [job.to_dict() for job in self.jobs],
        }
        write_json_atomic(self.folder / "jobs.json", document)


def fvc_command() -> str:
    """Give the command that tasks call: ``FVC_COMMAND``, or that of this installation."""
    if given := os.environ.get("FVC_COMMAND"):
        return given
    beside = Path(sys.executable).with_name("fvc")
    return str(beside) if beside.is_file() else (shutil.which("fvc") or "fvc")


def submissions(workspace: Workspace) -> list[dict[str, Any]]:
    """Read the records of what was submitted, the latest first."""
    found = []
    for path in sorted(workspace.slurm.glob("*/jobs.json"), reverse=True):
        with contextlib.suppress(OSError, ValueError):
            found.append(json.loads(path.read_text(encoding="utf-8")))
    return found
