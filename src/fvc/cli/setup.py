"""``fvc setup``: step 0."""

from typing import Annotated, Any

from cyclopts import Parameter

from fvc.cli.verb import options_of, report_verb
from fvc.dataset import setup_dataset

parameters = {parameter.name: parameter for parameter in options_of(setup_dataset)}
# `--password -` asks for the password: a value that looks like an option.
password: Any = Annotated[parameters["password"].annotation, Parameter(allow_leading_hyphen=True)]
parameters["password"] = parameters["password"].replace(annotation=password)

command = report_verb(
    setup_dataset,
    list(parameters.values()),
    name="setup",
    example="fvc setup --corpus my-clips --project my-project",
    results=lambda workspace: workspace.data,
)
