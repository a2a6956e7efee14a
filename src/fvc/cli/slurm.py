"""``fvc slurm``: the stages as jobs of a cluster."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

from cyclopts import App, Parameter

from fvc.batch import cancel_on_slurm, slurm_status, submit_to_slurm, write_slurm_scripts
from fvc.batch.submission import SubmitReport
from fvc.cli.output import OutputOptions, logging_to_terminal, print_report
from fvc.cli.run import stage_options
from fvc.cli.verb import app_of, options_of, report_verb
from fvc.workspace import Workspace

_OF_SLURM = (
    *("workers", "shard", "start_idx", "end_idx", "delete_existing", "strict"),
    *("engine", "scheduler"),
)

command = App(
    name="slurm",
    help_epilogue="Example: `fvc slurm submit --partition main && fvc slurm status`",
    help_format="markdown",
)


def _submit() -> App:
    own = [p for p in options_of(submit_to_slurm) if p.name not in ("options", *_OF_SLURM)]
    of_stages = stage_options()

    @functools.wraps(submit_to_slurm)
    def submit(**given: Any) -> SubmitReport:
        by_verb: dict[str, dict[str, Any]] = {}
        for key in of_stages.keys() & given.keys():
            verb, _ = of_stages[key]
            name = key.removeprefix(verb.replace("-", "_") + "_")
            by_verb.setdefault(verb, {})[name] = given.pop(key)
        return submit_to_slurm(**given, options=by_verb)

    return report_verb(
        submit,
        [*own, *(parameter for _, parameter in of_stages.values())],
        name="submit",
        example="fvc slurm submit --partition main --time 02:00:00 --num-augmentations 5",
        results=lambda workspace: workspace.slurm,
    )


def _plain(function: Callable[..., Any], name: str, example: str) -> App:
    """Make a verb that leaves no options behind: it changes no result."""
    output = inspect.Parameter(
        "output",
        inspect.Parameter.KEYWORD_ONLY,
        default=OutputOptions(),
        annotation=Annotated[OutputOptions, Parameter(name="*", group="Output")],
    )

    @functools.wraps(function)
    def call(*, output: OutputOptions = OutputOptions(), **given: Any) -> int:
        with logging_to_terminal(output):
            report = function(**given)
        print_report(report, output, Workspace(given.get("project", ".")))
        return int(report.exit_code)

    return app_of(call, [*options_of(function), output], name=name, example=example)


command.command(_submit())
command.command(_plain(slurm_status, "status", "fvc slurm status --json"))
command.command(_plain(cancel_on_slurm, "cancel", "fvc slurm cancel"))
command.command(_plain(write_slurm_scripts, "scripts", "fvc slurm scripts --folder jobs"))
