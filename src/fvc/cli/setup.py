"""``fvc setup``: step 0."""

from fvc.cli.verb import verb
from fvc.dataset import setup_dataset

command = verb(
    setup_dataset,
    name="setup",
    example="fvc setup --corpus my-clips --project my-project",
    results=lambda workspace: workspace.data,
)
