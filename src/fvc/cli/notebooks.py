"""``fvc notebooks``: step 6, a notebook a model."""

from fvc.cli.verb import verb
from fvc.reporting.notebooks.stage import generate_model_notebooks

command = verb(
    generate_model_notebooks,
    name="notebooks",
    example="fvc notebooks --execute",
    results=lambda workspace: workspace.data,
)
