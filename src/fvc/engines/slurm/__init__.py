"""SLURM: job scripts, what they ask for, and the commands of the cluster.

A stage is an array of jobs, each of which does a shard; the stage itself does not know.
"""

from fvc.engines.slurm.client import Dependency, TaskState, cancel, submit, task_states
from fvc.engines.slurm.resources import read_config, resources_of
from fvc.engines.slurm.scripts import JOBS, Job, render_script

__all__ = [
    "JOBS",
    "Dependency",
    "Job",
    "TaskState",
    "cancel",
    "read_config",
    "render_script",
    "resources_of",
    "submit",
    "task_states",
]
