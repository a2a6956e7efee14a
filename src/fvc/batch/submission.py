"""Stages as a chain of SLURM jobs, and the record of what was submitted."""

import contextlib
import inspect
import json
import logging
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fvc.engines.slurm import JOBS, Dependency, Job, cancel, render_script, resources_of, submit
from fvc.engines.slurm.client import sbatch_arguments, submit_and_wait
from fvc.engines.slurm.resources import Resources, check_resources, read_config
from fvc.errors import EXIT_SOME_FAILED, MissingInputError, OptionError
from fvc.pipeline import STAGES, stage_function
from fvc.stages import RunOptions
from fvc.tables import atomic_write, write_json_atomic
from fvc.workspace import Workspace

logger = logging.getLogger("fvc.batch")

_OF_TASKS = (
    *("project", "workers", "shard", "start-idx", "end-idx", "delete-existing"),
    *("engine", "scheduler"),
)
"""Options of a stage that each task sets itself, or that would undo what others have done."""

AFTER = {1: (), 2: (1,), 3: (1,), 4: (3,), 5: (2, 4)}
"""The stages that must have ended well before each stage."""

CHAIN = tuple(job for job in JOBS if job.stage.isdecimal())


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
        return {**asdict(self), "jobs": [_plain(job) for job in self.jobs]}

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
    if only_stage is not None and not 1 <= only_stage <= len(CHAIN):
        raise OptionError(f"--only-stage takes 1 to {len(CHAIN)}, not {only_stage}")
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
    stage_options = _options_file(folder / "options.yaml", config, options or {}, run)
    chain = _Chain(workspace, name, layers, stage_options, dry_run=dry_run)
    chosen = [job for job in CHAIN if only_stage in (None, int(job.stage))]
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


class _Chain:
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
            "jobs": [_plain(job) for job in self.jobs],
        }
        write_json_atomic(self.folder / "jobs.json", document)


def _plain(job: Submitted) -> dict[str, Any]:
    return {**asdict(job), "command": list(job.command)}


def models_times_folds(options: Path) -> int:
    """Count the tasks of stage 5: a model and fold each."""
    import yaml

    from fvc.training import stage5_train_models
    from fvc.training.parts import models_with_folds
    from fvc.training.stage import asked_models

    section = yaml.safe_load(options.read_text(encoding="utf-8")).get("train") or {}
    given = {str(key).replace("-", "_"): value for key, value in section.items()}
    defaults = inspect.signature(stage5_train_models).parameters
    models = given.get("model_types", defaults["model_types"].default)
    splits = given.get("n_splits", defaults["n_splits"].default)
    return max(1, len(models_with_folds(asked_models(models))) * int(splits))


def fvc_command() -> str:
    """Give the command that tasks call: ``FVC_COMMAND``, or that of this installation."""
    if given := os.environ.get("FVC_COMMAND"):
        return given
    beside = Path(sys.executable).with_name("fvc")
    return str(beside) if beside.is_file() else (shutil.which("fvc") or "fvc")


def _options_file(
    path: Path,
    config: Path | None,
    options: Mapping[str, Mapping[str, Any]],
    run: RunOptions,
) -> Path:
    """Write the options of all stages as the file that the tasks read with ``--config``."""
    import yaml

    document: dict[str, Any] = {}
    if config is not None:
        document = yaml.safe_load(config.read_text(encoding="utf-8")) or {}
    document = {str(key).replace("_", "-"): value for key, value in document.items()}
    top = {key: value for key, value in document.items() if not isinstance(value, dict)}
    kept = {}
    for verb in STAGES:
        takes = _options_of(verb) if top else set()
        shared = {key: value for key, value in top.items() if key in takes}
        kept[verb] = shared | (document.get(verb) or {})
    for verb, given in options.items():
        section = {str(k).replace("_", "-"): v for k, v in kept[verb].items()}
        kept[verb] = section | {k.replace("_", "-"): _value(v) for k, v in given.items()}
    for verb in STAGES:
        if verb != "train":
            how = {key: value for key, value in _how(run).items() if value is not None}
            kept[verb] |= how
    kept = {
        verb: {key: value for key, value in section.items() if key not in _OF_TASKS}
        for verb, section in kept.items()
    }
    kept = {verb: section for verb, section in kept.items() if section}
    with atomic_write(path) as temporary:
        text = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)
        temporary.write_text(text, encoding="utf-8")
    return path


def _options_of(verb: str) -> set[str]:
    """Name the options that a stage takes."""
    names = set(inspect.signature(stage_function(verb)).parameters)
    if "run" in names:
        names |= set(RunOptions.__dataclass_fields__)
    return {name.replace("_", "-") for name in names}


def _how(run: RunOptions) -> dict[str, Any]:
    """Give the options of running that differ from the defaults."""
    plain, given = asdict(RunOptions()), asdict(run)
    away = ("workers", "quiet", "engine", "scheduler")
    return {
        key.replace("_", "-"): value
        for key, value in given.items()
        if value != plain[key] and key not in away
    }


def _value(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _outcome(workspace: Workspace, stages: list[int]) -> tuple[int, str | None]:
    """Count what failed in some stages, and give the table of the last one."""
    from fvc.batch.progress import stage_progress

    found = [stage_progress(workspace, number) for number in stages]
    table = found[-1].table
    path = None if table is None else str(workspace.absolute(table))
    return sum(stage.failed for stage in found), path


def submissions(workspace: Workspace) -> list[dict[str, Any]]:
    """Read the records of what was submitted, the latest first."""
    found = []
    for path in sorted(workspace.slurm.glob("*/jobs.json"), reverse=True):
        with contextlib.suppress(OSError, ValueError):
            found.append(json.loads(path.read_text(encoding="utf-8")))
    return found


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
