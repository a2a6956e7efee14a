"""The cluster's own commands: sbatch, scontrol, sacct, squeue, scancel."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fvc.errors import NotAvailableError, OptionError

_FIELD = re.compile(r"(\w+)=(\S*)")
_AWAY = re.compile(r"connect|communicat|timed out|timeout|zero bytes", re.IGNORECASE)


@dataclass(frozen=True)
class Dependency:
    """Jobs that must have ended, and jobs that must have ended well, before another may begin."""

    ended: tuple[str, ...] = ()
    succeeded: tuple[str, ...] = ()

    def __str__(self) -> str:
        ended = [f"afterany:{job}" for job in self.ended]
        return ",".join([*ended, *(f"afterok:{job}" for job in self.succeeded)])


@dataclass(frozen=True)
class TaskState:
    """What SLURM says of one task.

    Parameters
    ----------
    job, task
        Id of the job, and number in its array or None.
    state
        SLURM's word, such as ``RUNNING`` or ``NODE_FAIL``.
    exit_code
        Of the script; None while it has none. More than 128 is a signal.
    node, reason
        Where it runs or ran; why it waits or failed.
    restarts
        How often it was queued again.
    """

    job: str
    task: int | None
    state: str
    exit_code: int | None
    node: str = ""
    reason: str = ""
    restarts: int = 0


def sbatch_arguments(
    script: Path, *, project: Path, dependency: Dependency | None = None
) -> list[str]:
    """Give the command line that submits a script."""
    arguments = ["sbatch", "--parsable", f"--chdir={project}"]
    if dependency is not None and str(dependency):
        # Else a job whose turn can never come would wait for ever.
        arguments += [f"--dependency={dependency}", "--kill-on-invalid-dep=yes"]
    return [*arguments, str(script)]


def submit(script: Path, *, project: Path, dependency: Dependency | None = None) -> str:
    """Submit a script.

    Parameters
    ----------
    script
        Its file.
    project
        The folder in which it runs.
    dependency
        What it waits for.

    Returns
    -------
    str
        The job's id.

    Raises
    ------
    NotAvailableError
        There is no SLURM here, or it does not answer.
    OptionError
        SLURM refuses the job; the message is SLURM's.
    """
    output = _call(sbatch_arguments(script, project=project, dependency=dependency))
    return output.strip().split(";")[0]


def submit_and_wait(
    script: Path,
    *,
    project: Path,
    dependency: Dependency | None = None,
    submitted: Callable[[str], None],
) -> int:
    """Submit a script as `submit` does, and wait until the job has ended.

    Parameters
    ----------
    script, project, dependency
        As of `submit`.
    submitted
        Called with the job's id as soon as there is one.

    Returns
    -------
    int
        The job's exit code; 1 where it never ran, since what it depended on failed.
    """
    _require("sbatch")
    first, *rest = sbatch_arguments(script, project=project, dependency=dependency)
    with subprocess.Popen(
        [first, "--wait", *rest], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            line = process.stdout.readline().strip()
            if line:
                submitted(line.split(";")[0])
            errors = process.stderr.read()
            code = process.wait()
        except BaseException:
            process.terminate()
            raise
    if not line:
        raise _refusal("sbatch", errors)
    return code if code >= 0 else 1


def cancel(jobs: Sequence[str]) -> None:
    """Cancel jobs; those that have ended stay as they are.

    Raises
    ------
    NotAvailableError
        There is no SLURM here, or it does not answer.
    """
    if jobs:
        _call(["scancel", "--quiet", *jobs])


def task_states(jobs: Sequence[str]) -> list[TaskState]:
    """Ask how jobs stand, first the controller, then the accounting for what it has forgotten.

    Raises
    ------
    NotAvailableError
        There is no SLURM here.
    """
    _require("scontrol")
    found: list[TaskState] = []
    forgotten = []
    for job in jobs:
        done = _run(["scontrol", "--oneliner", "show", "job", job])
        states = list(_of_controller(done.stdout)) if done.returncode == 0 else []
        found += states
        if not states:
            forgotten.append(job)
    if forgotten and shutil.which("sacct"):
        columns = "--format=JobID,State,ExitCode,NodeList"
        # Without accounting it fails, and what is not known stays out.
        done = _run(["sacct", "-X", "-n", "-P", columns, f"--jobs={','.join(forgotten)}"])
        if done.returncode == 0:
            found += _of_accounting(done.stdout)
    return sorted(found, key=lambda state: (int(state.job), state.task or 0))


def jobs_of(project: Path, prefix: str) -> list[tuple[str, str]]:
    """List name and id of this user's waiting and running jobs of a project."""
    if shutil.which("squeue") is None:
        return []
    done = _run(["squeue", "--me", "--noheader", "--format=%F|%j|%Z"])
    found: dict[tuple[str, str], None] = {}
    for line in done.stdout.splitlines() if done.returncode == 0 else ():
        job, name, folder = line.split("|", 2)
        if name.startswith(prefix) and Path(folder) == project:
            found[name, job] = None
    return list(found)


def _of_controller(text: str) -> Iterable[TaskState]:
    for line in text.splitlines():
        fields: dict[str, str] = dict(_FIELD.findall(line))
        if "JobId" not in fields:
            continue
        for task in _tasks(fields.get("ArrayTaskId", "")):
            state = fields.get("JobState", "UNKNOWN")
            yield TaskState(
                job=fields.get("ArrayJobId", fields["JobId"]),
                task=task,
                state=state,
                exit_code=_code(fields.get("ExitCode", ""), state),
                node=_plain(fields.get("NodeList", "")),
                reason=_plain(fields.get("Reason", "")),
                restarts=int(fields.get("Restarts", "0") or 0),
            )


def _of_accounting(text: str) -> Iterable[TaskState]:
    for line in text.splitlines():
        name, state, code, nodes = line.split("|")[:4]
        job, _, task = name.partition("_")
        word = state.split()[0] if state else "UNKNOWN"
        for number in _tasks(task.strip("[]")):
            node = nodes if nodes != "None assigned" else ""
            yield TaskState(job, number, word, _code(code, word), node)


def _tasks(text: str) -> list[int | None]:
    """Read the numbers of array tasks, as in ``3`` or ``1,4-8:2%4``; none is one plain job."""
    numbers: list[int | None] = []
    for part in text.partition("%")[0].split(","):
        ends = re.fullmatch(r"(\d+)(?:-(\d+)(?::(\d+))?)?", part)
        if ends:
            first, last, step = ends.groups()
            numbers += range(int(first), int(last or first) + 1, int(step or 1))
    return numbers or [None]


def _code(text: str, state: str) -> int | None:
    code, _, signal = text.partition(":")
    if state in ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "REQUEUED"):
        return None
    if not code.isdecimal():
        return None
    return int(code) or (128 + int(signal) if signal.isdecimal() and int(signal) else 0)


def _plain(text: str) -> str:
    return "" if text in ("None", "(null)") else text


def _require(program: str) -> None:
    if shutil.which(program) is None:
        raise NotAvailableError(
            f"there is no {program} on the PATH: this is not a machine that can submit to SLURM. "
            "Log in to the cluster's login node, or run `fvc run` here"
        )


def _run(arguments: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


def _call(arguments: Sequence[str]) -> str:
    _require(arguments[0])
    done = _run(arguments)
    if done.returncode != 0:
        raise _refusal(arguments[0], done.stderr)
    return done.stdout


def _refusal(program: str, errors: str) -> OptionError | NotAvailableError:
    reason = " ".join(errors.split()) or "it gave no reason"
    if _AWAY.search(reason):
        return NotAvailableError(f"SLURM does not answer: {reason}")
    return OptionError(f"{program} refuses: {reason}")
