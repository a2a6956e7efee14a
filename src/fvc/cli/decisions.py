"""``fvc decisions``: what each way to call videos real, fake or undecided comes to."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fvc.cli.verb import verb
from fvc.evaluation.decisions_report import DecisionsReport, model_decisions
from fvc.workspace import Workspace


def show_decisions(report: DecisionsReport, workspace: Workspace) -> None:
    """Print a row a rule, and the verdict."""
    console, document = Console(highlight=False), report.document
    made_up = " · SIMULATED DATA" if document["simulated"] else ""
    console.print(
        f"{document['model']} · {document['n_scored']} sources in {document['n_groups']} groups · "
        f"test sides of {document['n_splits']} grouped folds × {document['repeats']} "
        f"repeats{made_up}",
        soft_wrap=True,
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("rule", no_wrap=True)
    for heading in ("false alarms", "interval", "missed", "found", "open", "cost"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in document["rows"]:
        ends = [row[f"real_called_fake_{end}"] for end in ("low", "high")]
        table.add_row(
            _name(row),
            _percent(row["real_called_fake"]),
            f"{_percent(ends[0])}–{_percent(ends[1])}",
            _percent(row["fake_called_real"]),
            _percent(row["fake_called_fake"]),
            _percent(1 - row["decided"]),
            "" if row["cost"] is None else f"{row['cost']:.2f}",
        )
    console.print(table)
    for line in document["verdict"]:
        console.print(f"[bold]{escape(line)}[/]", soft_wrap=True)
    for note in document["notes"]:
        console.print(f"[yellow]![/] {escape(note)}", soft_wrap=True)
    where = workspace.decisions(document["model"])
    console.print(f"Table, picture and all numbers: {where}", soft_wrap=True)


def _name(row: dict[str, Any]) -> str:
    if row["rule"] == "costs":
        more = "" if row["cost_undecided"] is None else f", open {row['cost_undecided']:g}"
        return f"costs {row['cost_false_alarm']:g}:{row['cost_miss']:g}{more}"
    words = "error rate" if row["rule"] == "conformal" else "FPR"
    return f"{words} {100 * row['setting']:g}%"


def _percent(value: float) -> str:
    return f"{100 * value:.0f}%"


command = verb(
    model_decisions,
    name="decisions",
    example="fvc decisions logistic_regression --cost-false-alarm 10 --cost-undecided 0.5",
    results=lambda workspace: workspace.stage5,
    show=show_decisions,
    positional="model",
)
