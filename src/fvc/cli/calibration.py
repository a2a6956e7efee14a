"""``fvc calibration``: how far a model's probabilities can be taken at their word."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fvc.cli.verb import verb
from fvc.evaluation.calibration_report import CalibrationReport, model_calibration
from fvc.workspace import Workspace

_WORDS = {
    "brier": "Brier",
    "log_loss": "log loss",
    "slope": "slope (wanted 1)",
    "intercept": "intercept (0)",
    "calibration_error": "calibration error (0)",
}


def show_calibration(report: CalibrationReport, workspace: Workspace) -> None:
    """Print measures before and after, and the verdict."""
    console, document = Console(highlight=False), report.document
    made_up = " · SIMULATED DATA" if document["simulated"] else ""
    console.print(
        f"{document['model']} · {document['n_scored']} sources in {document['n_groups']} groups · "
        f"test sides of {document['n_splits']} grouped folds × {document['repeats']} "
        f"repeats{made_up}",
        soft_wrap=True,
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("measure", no_wrap=True)
    for heading in ("as scored", "interval", "calibrated", "interval"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, words in _WORDS.items():
        before, after = (document[when][name] for when in ("before", "after"))
        table.add_row(words, *_cells(before), *_cells(after))
    console.print(table)
    for line in document["verdict"]:
        console.print(f"[bold]{escape(line)}[/]", soft_wrap=True)
    for note in document["notes"]:
        console.print(f"[yellow]![/] {escape(note)}", soft_wrap=True)
    where = workspace.calibration(document["model"])
    console.print(f"Reliability curve, tables and all numbers: {where}", soft_wrap=True)


def _cells(one: dict[str, Any]) -> tuple[str, str]:
    if one["value"] is None:
        return "–", ""
    ends = ["?" if one[end] is None else f"{one[end]:.2f}" for end in ("low", "high")]
    return f"{one['value']:.2f}", f"{ends[0]} to {ends[1]}"


command = verb(
    model_calibration,
    name="calibration",
    example="fvc calibration logistic_regression --prevalence 0.1",
    results=lambda workspace: workspace.stage5,
    show=show_calibration,
    positional="model",
)
