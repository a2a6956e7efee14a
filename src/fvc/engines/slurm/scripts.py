"""The job scripts, all from one template."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from fvc.engines.slurm.resources import PLAIN, Resources

FOLDER = "scripts/slurm_jobs"


@dataclass(frozen=True)
class Job:
    """A stage as a SLURM job.

    Parameters
    ----------
    name
        Its section of the resources: the stage's verb.
    stage
        Number, ``"5"`` or ``"5alpha"``.
    script
        File name of its script.
    command
        What `fvc` is called with.
    """

    name: str
    stage: str
    script: str
    command: tuple[str, ...]

    @property
    def job_name(self) -> str:
        """What `squeue` shows, and its logs begin with."""
        return f"fvc-{self.stage}-{self.name}"


JOBS = (
    Job("augment", "1", "slurm_stage1_augmentation.sh", ("augment",)),
    Job("features", "2", "slurm_stage2_features.sh", ("features",)),
    Job("scale", "3", "slurm_stage3_scaling.sh", ("scale",)),
    Job("scaled-features", "4", "slurm_stage4_scaled_features.sh", ("scaled-features",)),
    Job("train", "5", "slurm_stage5_training.sh", ("train",)),
    Job(
        "sklearn-logreg",
        "5alpha",
        "slurm_stage5alpha.sh",
        ("train", "--model-types=sklearn_logreg"),
    ),
)

_LAST = {"train": "of a model finishes the model", "sklearn-logreg": "finishes the model"}


def render_script(
    job: Job,
    resources: Resources,
    *,
    array: bool = True,
    name: str = "",
    project: Path | None = None,
    fvc: str = "",
    options: Sequence[str] = (),
) -> str:
    """Write the script of a job.

    Parameters
    ----------
    job
        Which one.
    resources
        As from `resources_of`.
    array
        False gives one task that does all that is left.
    name
        Name of the job; by default the stage's.
    project, fvc
        The project's folder and the command; by default found when the job runs.
    options
        Options of the command.
    """
    text = (files(__package__) / "job.sh").read_text(encoding="utf-8")
    values = {
        "title": f"Stage {job.stage} (`fvc {' '.join(job.command)}`)",
        "path": f"{FOLDER}/{job.script}",
        "usage": f"fvc {job.command[0]}",
        "last": _LAST.get(job.name, "writes the table"),
        "directives": "\n".join(_directives(name or job.job_name, resources, array=array)),
        "project": shlex.quote(str(project)) if project else "''",
        "fvc": shlex.quote(fvc) if fvc else "''",
        "options": " ".join(shlex.quote(option) for option in options),
        "verb": " ".join(job.command),
    }
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


def _directives(name: str, resources: Resources, *, array: bool) -> list[str]:
    lines = [f"--job-name={name}"]
    if array:
        parallel = resources.get("parallel")
        lines.append(f"--array=1-{resources['tasks']}" + (f"%{parallel}" if parallel else ""))
    lines.append(f"--cpus-per-task={resources['cpus-per-task']}")
    lines += [f"--{key}={resources[key]}" for key in PLAIN if key in resources]
    lines.append(f"--signal=B:USR1@{resources['signal-seconds']}")
    # The script opens its own log, since SLURM would not make the folder.
    lines += ["--requeue", "--output=/dev/null", *resources.get("sbatch", ())]
    return [f"#SBATCH {line}" for line in lines]
