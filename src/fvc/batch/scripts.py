"""The job scripts for submitting by hand."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fvc.engines.slurm.resources import read_config, resources_of
from fvc.engines.slurm.scripts import FOLDER, JOBS, render_script
from fvc.tables import atomic_write
from fvc.workspace import Workspace


@dataclass(frozen=True)
class ScriptsReport:
    """The scripts that were written."""

    scripts: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """Always 0: what goes wrong is raised."""
        return 0

    def to_dict(self) -> dict[str, Any]:
        """Give the report in plain JSON types."""
        return {"scripts": list(self.scripts)}

    def summary(self) -> str:
        """Give the report in a few lines."""
        return "\n".join(f"sbatch {script}" for script in self.scripts)


def write_slurm_scripts(
    project: Path = Path("."), *, folder: Path = Path(FOLDER), config: Path | None = None
) -> ScriptsReport:
    """Write the job scripts of all stages, to be submitted by hand with ``sbatch``.

    Parameters
    ----------
    project
        Folder of the project.
    folder
        Where to write, from the project's folder.
    config
        File whose section ``slurm`` says what the jobs ask for.

    Returns
    -------
    ScriptsReport
        The scripts.

    Raises
    ------
    OptionError
        The section is not of the right shape.
    OutputError
        The folder cannot be written.
    """
    given = read_config(config) if config else {}
    workspace = Workspace(project)
    written = []
    for job in JOBS:
        path = workspace.root / folder / job.script
        with atomic_write(path) as temporary:
            temporary.write_text(render_script(job, resources_of(job.name, given)), "utf-8")
            temporary.chmod(0o755)
        written.append(workspace.relative(path))
    return ScriptsReport(tuple(written))
