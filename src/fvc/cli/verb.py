"""A public function as a verb: its signature and docstring are the options and their help."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

from cyclopts import App, Parameter

from fvc import __version__
from fvc.cli.output import OutputOptions, logging_to_terminal, print_report, show_summary
from fvc.stages import RunOptions
from fvc.tables import atomic_write
from fvc.workspace import Workspace

# Of these `--quiet` stands among the options of what is printed.
_RUN_FIELDS = {field.name: field for field in fields(RunOptions) if field.name != "quiet"}
# An address may hold credentials, as `--tracking-uri https://user:token@host` does.
UNRECORDED = frozenset({"password", "password_file", "tracking_uri", "delete_existing", "project"})

# A later value of an option wins over an earlier one, so that the command line wins over a file.
EVERY_OPTION = Parameter(negative=(), allow_repeating=True)


def verb(
    function: Callable[..., Any],
    *,
    name: str,
    example: str,
    results: Callable[[Workspace], Path],
    show: Callable[[Any, Workspace], None] = show_summary,
    positional: str | None = None,
) -> App:
    """Make the verb of a public function.

    Every parameter becomes an option of the same name with the same default and the help text of
    the docstring; the options of what is printed are added.

    Parameters
    ----------
    function
        A public function that takes ``project`` and returns a report.
    name
        The verb.
    example
        One command line, shown below the help.
    results
        The folder of the results, in which the options that were in effect are written down.
    show
        Prints the report for people.
    positional
        The parameter that may be given without its flag; a tuple takes all values there are.
    """
    parameters = options_of(function)
    if positional is not None:
        bare = inspect.Parameter.POSITIONAL_OR_KEYWORD
        # Those without a flag stand first in a signature.
        parameters = [
            *(p.replace(kind=bare) for p in parameters if p.name == positional),
            *(p for p in parameters if p.name != positional),
        ]
    return report_verb(function, parameters, name=name, example=example, results=results, show=show)


def report_verb(
    function: Callable[..., Any],
    parameters: list[inspect.Parameter],
    *,
    name: str,
    example: str,
    results: Callable[[Workspace], Path],
    show: Callable[[Any, Workspace], None] = show_summary,
) -> App:
    """Make a verb like `verb`, with the parameters given."""
    output = inspect.Parameter(
        "output",
        inspect.Parameter.KEYWORD_ONLY,
        default=OutputOptions(),
        annotation=Annotated[OutputOptions, Parameter(name="*", group="Output")],
    )

    @functools.wraps(function)
    def call(*bare: Any, **given: Any) -> int:
        given |= dict(zip((p.name for p in parameters), bare, strict=False))
        shown = given.pop("output", OutputOptions())
        options = bind(function, given, shown)
        with logging_to_terminal(shown):
            report = function(**options)
        workspace = Workspace(options.get("project", "."))
        write_options(results(workspace) / f"{name}.yaml", name, parameters, given)
        print_report(report, shown, workspace, show)
        return int(report.exit_code)

    return app_of(call, [*parameters, output], name=name, example=example)


def app_of(
    call: Callable[..., Any], parameters: list[inspect.Parameter], *, name: str, example: str
) -> App:
    """Make a verb of a callable that takes keyword options as the parameters say."""
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in parameters}
    # Else Cyclopts would look through the wrapper at the function's own signature.
    vars(call).pop("__wrapped__", None)
    app = App(
        name=name,
        help_epilogue=f"Example: `{example}`",
        help_format="markdown",
        default_parameter=EVERY_OPTION,
    )
    app.default(call)
    return app


def options_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Give a public function's parameters as keyword options for Cyclopts.

    A `RunOptions` parameter becomes one option a field; `bind` puts them together again.
    """
    hints = get_type_hints(function, include_extras=True)
    options = []
    for parameter in inspect.signature(function).parameters.values():
        hint = hints[parameter.name]
        if hint is RunOptions:
            options += _run_options()
        else:
            kind = inspect.Parameter.KEYWORD_ONLY
            options.append(parameter.replace(kind=kind, annotation=_annotation(hint)))
    return options


def bind(
    function: Callable[..., Any], given: dict[str, Any], shown: OutputOptions
) -> dict[str, Any]:
    """Give the arguments of `function` from the options of `options_of` that were given."""
    if "run" not in inspect.signature(function).parameters:
        # Options such as ``workers`` are then the function's own.
        return dict(given)
    run = {key: value for key, value in given.items() if key in _RUN_FIELDS}
    arguments = {key: value for key, value in given.items() if key not in run}
    return {**arguments, "run": RunOptions(**run, quiet=shown.quiet or shown.json)}


def _run_options() -> list[inspect.Parameter]:
    hints, texts = get_type_hints(RunOptions), documented(RunOptions)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=Annotated[
                hints[field.name], Parameter(group="Running", help=texts[field.name])
            ],
        )
        for field in _RUN_FIELDS.values()
    ]


def _annotation(hint: Any) -> Any:
    if str(hint).startswith("tuple"):
        # `--model-types x3d slowfast`: several values after one flag.
        return Annotated[hint, Parameter(consume_multiple=True, show_default=_listed)]
    return hint


def _listed(values: tuple[Any, ...]) -> str:
    return " ".join(map(str, values))


def documented(function: Callable[..., Any]) -> dict[str, str]:
    """Give the text that the docstring has for each parameter."""
    from docstring_parser import parse_from_object

    return {p.arg_name: p.description or "" for p in parse_from_object(function).params}


def write_options(
    path: Path, verb: str, parameters: list[inspect.Parameter], given: dict[str, Any]
) -> None:
    """Write the options in effect in the form that ``--config`` reads.

    Left out are secrets, and ``delete-existing``, which a second run from this file must not do.
    """
    import yaml

    effective = {_flag(p): given.get(p.name, p.default) for p in parameters}
    section = {
        name.replace("_", "-"): _plain(value)
        for name, value in effective.items()
        if name not in UNRECORDED and value is not None
    }
    with atomic_write(path) as temporary:
        text = yaml.safe_dump({verb: section}, sort_keys=False, allow_unicode=True)
        temporary.write_text(f"# fvc {__version__}\n{text}", encoding="utf-8")


def _flag(parameter: inspect.Parameter) -> str:
    """Give an option's own flag where it has one beside its name, as the options of `run` do."""
    for note in getattr(parameter.annotation, "__metadata__", ()):
        if isinstance(note, Parameter) and note.name:
            return next(iter(note.name)).removeprefix("--")
    return parameter.name


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return value.as_posix()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
