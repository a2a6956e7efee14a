"""``fvc models``: the model types; ``fvc models show NAME``: one of them with its grid."""

from typing import Any

from cyclopts import App
from rich.console import Console
from rich.table import Table

from fvc.cli.output import print_json
from fvc.cli.verb import EVERY_OPTION
from fvc.models import MODEL_CONFIGS, find_model, list_models

command = App(
    name="models",
    help_format="markdown",
    help_epilogue="Example: `fvc models show logistic_regression`",
    default_parameter=EVERY_OPTION,
)


@command.default
def show_all(pattern: str = "*", *, json: bool = False) -> None:
    """List the model types, and what each of them needs.

    Parameters
    ----------
    pattern
        Only names that match, such as `svm*`.
    json
        Print one JSON document on standard output.
    """
    specs = [MODEL_CONFIGS[name] for name in list_models(pattern)]
    if json:
        print_json({"models": [spec.to_dict() for spec in specs]})
        return
    console = Console(highlight=False)
    for family in dict.fromkeys(spec.family for spec in specs):
        console.print(f"[bold]{family}[/]")
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(no_wrap=True)
        table.add_column()
        for spec in (s for s in specs if s.family == family):
            what = spec.description if spec.available else "[dim]not available in this version[/]"
            table.add_row(f"  {spec.name}", what)
        console.print(table)


@command.command(name="show")
def show_one(name: str, *, json: bool = False) -> None:
    """Show one model type: input, settings, grid, weights with licence, size and reference.

    Parameters
    ----------
    name
        The model type.
    json
        Print one JSON document on standard output.
    """
    entry = find_model(name).to_dict()
    if json:
        print_json(entry)
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for key, value in entry.items():
        if value not in (None, [], {}):
            table.add_row(key, _text(value))
    Console(highlight=False).print(table)


def _text(value: Any, between: str = "\n") -> str:
    """Write a value as a person would: one line a key, one line a grid, numbers side by side."""
    if isinstance(value, dict):
        pairs = ((key, each) for key, each in value.items() if each not in (None, ""))
        return between.join(f"{key} {_text(each)}" for key, each in pairs)
    if isinstance(value, list | tuple):
        grids = any(isinstance(each, dict) for each in value)
        return ("\n" if grids else ", ").join(_text(each, "; ") for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
