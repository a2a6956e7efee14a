"""``fvc lock``: sources that are set aside before anything is trained."""

from fvc.cli.verb import verb
from fvc.evaluation.locked import lock_sources

command = verb(
    lock_sources,
    name="lock",
    example="fvc lock --fraction 0.2",
    results=lambda workspace: workspace.stage5,
)
