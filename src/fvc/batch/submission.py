"""Submit the stages to SLURM, and cancel what was submitted."""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fvc.batch.chain import STAGE_JOBS, Chain, Submitted, submissions
from fvc.batch.task_options import write_task_options
from fvc.engines.slurm import cancel
from fvc.engines.slurm.resources import check_resources, read_config
from fvc.errors import EXIT_SOME_FAILED, MissingInputError, OptionError
from fvc.stages import RunOptions
from fvc.workspace import Workspace


@dataclass(frozen=True)
class SubmitReport:
    """The jobs that were submitted, or would be.

    Parameters
    ----------
    name
        Of the submission, and of its folder among the logs.
    jobs
        The jobs, in their order.
    dry_run, waited
        Whether nothing was submitted, and whether all was waited for.
    exit_code, table
        How the jobs ended and the last stage's table, if they were waited for.
    """

    name: str
    jobs: tuple[Submitted, ...]
    dry_run: bool = False
    waited: bool = False
    exit_code: int = 0
    table: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give the report in plain JSON types."""
        return {**asdict(self), "jobs": [job.to_dict() for job in self.jobs]}

    def summary(self) -> str:
        """Give the report in a few lines."""
        if self.dry_run:
            lines = [" ".join(job.command) for job in self.jobs]
            return "\n".join([*lines, "Nothing was submitted."])
        lines = [
            f"{job.job:>8}  {job.name:<28} {f'{job.tasks} tasks' if job.tasks else '1 task'}"
            for job in self.jobs
        ]
        if self.waited:
            how = {0: "done", EXIT_SOME_FAILED: "done; some clips failed"}
            return "\n".join([*lines, how.get(self.exit_code, f"exit code {self.exit_code}")])
        return "\n".join([*lines, "`fvc slurm status` shows how they stand."])


def submit_to_slurm(
    project: Path = Path("."),
    *,
    only_stage: int | None = None,
    tasks: int | None = None,
    parallel: int | None = None,
    cpus_per_task: int | None = None,
    mem_per_cpu: str | None = None,
    time: str | None = None,
    partition: str | None = None,
    account: str | None = None,
    qos: str | None = None,
    gres: str | None = None,
    config: Path | None = None,
    wait: bool = False,
    dry_run: bool = False,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    run: RunOptions = RunOptions(),
) -> SubmitReport:
    """Submit stages 1 to 5 to SLURM as arrays that wait for each other, 2 beside 3.

    Each stage is an array of tasks, and one task that then does what tasks which failed have left,
    writes the table, and lets the next stages begin. Clips that fail do not stop the chain; a stage
    in which every clip fails cancels those that build on it. Submitted again, it goes on.

    Parameters
    ----------
    project
        Folder of the project, on a file system that all nodes see. `fvc setup` must have run.
    only_stage
        Submit this stage alone, 1 to 5.
    tasks
        Tasks of a stage; by default 8 or 4, of stage 5 one a model and fold.
    parallel
        Tasks of an array that run at the same time, at most.
    cpus_per_task
        Cores of a task, each with a process of one thread; by default 4, in stage 5 one.
    mem_per_cpu
        Memory a core, such as ``2G``.
    time
        Time limit of a task, such as ``04:00:00``. A task that needs more queues again.
    partition
        Partition of the cluster; by default its own default.
    account
        Account that is charged.
    qos
        Quality of service.
    gres
        Other things that a task needs, such as ``gpu:1``.
    config
        File of options by stage, as ``--config`` of all verbs; its section ``slurm`` holds what the
        jobs ask for, by stage.
    wait
        Wait until all is done, and end with its exit code.
    dry_run
        Show what would be submitted, with its scripts, and submit nothing.
    options
        Options of the stages by verb, such as ``{"augment": {"num_augmentations": 5}}``.
    run
        How the work is run. The parts and the processes are SLURM's; engine and shard are not used.

    Returns
    -------
    SubmitReport
        The jobs, and with `wait` the exit code: 5 where clips failed and all else is done.

    Raises
    ------
    MissingInputError
        There is no index: `fvc setup` has not run.
    NotAvailableError
        There is no SLURM here, or it does not answer.
    OptionError
        SLURM refuses a job, or an option cannot take its value.
    """
    workspace = Workspace(project)
    if only_stage is not None and not 1 <= only_stage <= len(STAGE_JOBS):
        raise OptionError(f"--only-stage takes 1 to {len(STAGE_JOBS)}, not {only_stage}")
    if run.delete_existing or run.shard is not None or run.start_idx or run.end_idx is not None:
        raise OptionError(
            "parts are SLURM's, and a task that queues again must keep what is done: use --tasks, "
            "and `fvc augment --delete-existing` or the like before submitting"
        )
    if not workspace.index_csv.is_file():
        raise MissingInputError(
            "there is no index of sources", path=workspace.index_csv, remedy="Run `fvc setup` first"
        )
    given = {
        "tasks": tasks,
        "parallel": parallel,
        "cpus-per-task": cpus_per_task,
        "mem-per-cpu": mem_per_cpu,
        "time": time,
        "partition": partition,
        "account": account,
        "qos": qos,
        "gres": gres,
    }
    layers = [
        read_config(config) if config else {},
        check_resources({"all": {k: v for k, v in given.items() if v is not None}}, "options"),
    ]
    name = f"{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}"
    folder = workspace.slurm / name
    stage_options = write_task_options(folder / "options.yaml", config, options or {}, run)
    chain = Chain(workspace, name, layers, stage_options, dry_run=dry_run)
    chosen = [job for job in STAGE_JOBS if only_stage in (None, int(job.stage))]
    try:
        for job in chosen:
            chain.add(job, wait=wait and job is chosen[-1])
    except BaseException:
        # Half a chain, or one that nobody waits for any more, is of no use to anyone.
        with contextlib.suppress(Exception):
            cancel([job.job for job in chain.jobs if job.job])
        raise
    code = chain.exit_code
    waited = wait and not dry_run
    table = None
    if waited:
        failed, table = _outcome(workspace, [int(job.stage) for job in chosen])
        code = code or (EXIT_SOME_FAILED if failed else 0)
    return SubmitReport(name, tuple(chain.jobs), dry_run, waited, code, table)


def _outcome(workspace: Workspace, stages: list[int]) -> tuple[int, str | None]:
    """Count what failed in some stages, and give the table of the last one."""
    from fvc.batch.progress import stage_progress

    found = [stage_progress(workspace, number) for number in stages]
    table = found[-1].table
    path = None if table is None else str(workspace.absolute(table))
    return sum(stage.failed for stage in found), path


@dataclass(frozen=True)
class CancelReport:
    """The jobs that were cancelled, or had ended before."""

    jobs: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """Always 0: what goes wrong is raised."""
        return 0

    def to_dict(self) -> dict[str, Any]:
        """Give the report in plain JSON types."""
        return {"jobs": list(self.jobs)}

    def summary(self) -> str:
        """Give the report in a line."""
        jobs = ", ".join(self.jobs)
        return f"cancelled: {jobs}; `fvc slurm submit` goes on" if jobs else "nothing to cancel"


def cancel_on_slurm(project: Path = Path(".")) -> CancelReport:
    """Cancel the jobs of the latest `fvc slurm submit`; what is finished is kept.

    Parameters
    ----------
    project
        Folder of the project.

    Returns
    -------
    CancelReport
        The jobs.

    Raises
    ------
    NotAvailableError
        There is no SLURM here, or it does not answer.
    """
    records = submissions(Workspace(project))
    jobs = tuple(job["job"] for job in records[0]["jobs"]) if records else ()
    cancel(jobs)
    return CancelReport(jobs)
