"""Where the jobs stand, beside how far the project is."""

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fvc.batch.chain import submissions
from fvc.batch.progress import StageProgress, stage_progress
from fvc.engines.slurm import TaskState, task_states
from fvc.engines.slurm.client import jobs_of
from fvc.errors import NotAvailableError
from fvc.pipeline import STAGES
from fvc.workspace import Workspace

GOOD = frozenset(
    {"PENDING", "RUNNING", "COMPLETED", "COMPLETING", "CONFIGURING", "REQUEUED", "SUSPENDED"}
)


@dataclass(frozen=True)
class JobStatus:
    """One job: its name, id, stage, folder of logs, and the state of each of its tasks."""

    name: str
    job: str
    stage: str
    logs: str
    tasks: tuple[TaskState, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many tasks are in each state."""
        return dict(sorted(Counter(task.state for task in self.tasks).items()))


@dataclass(frozen=True)
class StatusReport:
    """Where a project and its jobs stand.

    Parameters
    ----------
    submission
        Name of the latest submission; empty where there is none.
    jobs
        Its jobs, and others of this project that wait or run.
    stages
        How far each stage is, as the project's own files say.
    note
        Why the jobs are not known, if they are not.
    """

    submission: str
    jobs: tuple[JobStatus, ...]
    stages: tuple[StageProgress, ...]
    note: str = ""

    @property
    def exit_code(self) -> int:
        """Always 0: that some work failed is what is asked, not an error of asking."""
        return 0

    def to_dict(self) -> dict[str, Any]:
        """Give the report in plain JSON types."""
        return {
            "submission": self.submission,
            "note": self.note,
            "stages": [
                {**asdict(stage), "failures": list(stage.failures)} for stage in self.stages
            ],
            "jobs": [
                {
                    "name": job.name,
                    "job": job.job,
                    "stage": job.stage,
                    "states": job.counts,
                    "tasks": [{**asdict(task), "log": log_of(job, task)} for task in job.tasks],
                }
                for job in self.jobs
            ],
        }

    def summary(self) -> str:
        """Give the report in a few lines."""
        lines = [_stage_line(stage) for stage in self.stages]
        for stage in self.stages:
            lines += [
                f"  failed in {stage.verb}: {row['path'] or row['unit']} ({row['kind']}): "
                f"{row['reason']}"
                for row in stage.failures[:SHOWN]
            ]
            if len(stage.failures) > SHOWN:
                lines.append(f"  … and {len(stage.failures) - SHOWN} more: data/failures.csv")
        for job in self.jobs:
            states = ", ".join(f"{count} {state.lower()}" for state, count in job.counts.items())
            lines.append(f"{job.job:>8}  {job.name:<28} {states or 'not known any more'}")
            lines += [
                f"            task {task.task if task.task is not None else '–'}: "
                f"{task.state.lower()}, exit code {task.exit_code}"
                + (f", {task.reason}" if task.reason else "")
                + f": {log_of(job, task)}"
                for task in job.tasks
                if task.state not in GOOD
            ][:SHOWN]
        return "\n".join([*lines, *([self.note] if self.note else [])])


SHOWN = 5


def log_of(job: JobStatus, task: TaskState) -> str:
    """Give a task's log file, relative to the project."""
    number = "" if task.task is None else f"_{task.task}"
    return f"{job.logs}/{job.name}-{job.job}{number}.log"


def _stage_line(stage: StageProgress) -> str:
    of = "?" if stage.units is None else str(stage.units)
    text = f"Stage {stage.stage} {stage.verb:<16} {stage.finished} of {of} {stage.unit}s"
    if stage.failed:
        text += f", {stage.failed} failed"
    return text + (f"  {stage.table}" if stage.table else "")


def slurm_status(project: Path = Path(".")) -> StatusReport:
    """Show how far each stage is, which clips failed, and where the jobs on SLURM stand.

    Parameters
    ----------
    project
        Folder of the project.

    Returns
    -------
    StatusReport
        Stages, and jobs of the latest submission and of scripts that were submitted by hand.
    """
    workspace = Workspace(project)
    records = submissions(workspace)
    known: dict[str, str] = {}
    if records:
        known = {job["job"]: job["name"] for job in records[0]["jobs"]}
    note = ""
    states: list[TaskState] = []
    try:
        known |= {job: name for name, job in jobs_of(workspace.root, "fvc-") if job not in known}
        states = task_states(list(known))
    except NotAvailableError as error:
        note = str(error) if known else ""
    jobs = tuple(
        JobStatus(
            name=name,
            job=job,
            stage=name.split("-")[1],
            logs=workspace.relative(workspace.slurm),
            tasks=tuple(state for state in states if state.job == job),
        )
        for job, name in known.items()
    )
    stages = tuple(stage_progress(workspace, n) for n in range(1, len(STAGES) + 1))
    return StatusReport(records[0]["name"] if records else "", jobs, stages, note)
