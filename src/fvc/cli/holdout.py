"""``fvc holdout``: what is left of a score where the origin of the videos is new."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fvc.cli.verb import verb
from fvc.training.protocols import HoldoutReport, hold_out
from fvc.workspace import Workspace

# Longer lists are in the tables.
_SHOWN_VALUES = 20


def show_holdout(report: HoldoutReport, workspace: Workspace) -> None:
    """Print the pooled scores, the rates by value and the verdict."""
    console, document = Console(highlight=False), report.document
    made_up = " · SIMULATED DATA" if document["simulated"] else ""
    console.print(
        f"{document['n_sources']} sources in {document['n_groups']} groups · "
        f"{document['n_sets']} sets held out by {document['by']}, of "
        f"{sum(document['n_sets_possible'].values())} possible · unit: source{made_up}",
        soft_wrap=True,
    )
    console.print(_pooled(document["models"]))
    console.print(f"\nBy {document['by']}, false- and true-positive rates at the inner threshold:")
    console.print(_values(document))
    for row in document["sets"]:
        if row["reason"]:
            names = " + ".join(row["values"])
            console.print(
                f"[red]![/] {row['model']} without {escape(names)}: {escape(row['reason'])}",
                soft_wrap=True,
            )
    for line in document["verdict"]:
        console.print(f"[bold]{escape(line)}[/]", soft_wrap=True)
    for note in document["notes"]:
        console.print(f"[yellow]![/] {escape(note)}", soft_wrap=True)
    where = workspace.absolute(document["files"][-1]).parent
    console.print(f"Tables, picture and all numbers: {where}", soft_wrap=True)


def _pooled(models: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("", justify="right")
    table.add_column("model")
    table.add_column("held out", no_wrap=True)
    for heading in ("sets", "ROC AUC", "interval", "bal. acc.", "grouped"):
        table.add_column(heading, justify="right", no_wrap=True)
    for number, row in enumerate(models, 1):
        kinds = [kind for kind in row["pooled"] if kind != "all"]
        shown = ["all", *kinds] if len(kinds) > 1 else kinds
        for kind in shown:
            found = row["pooled"][kind]
            first = kind == shown[0]
            table.add_row(
                str(number) if first else "",
                row["model"] if first else "",
                kind,
                str(found["n_sets"]),
                _decimal(found["roc_auc"]),
                _between(found),
                _decimal(found["balanced_accuracy"]),
                _decimal(row["grouped"]["roc_auc"]) if row["grouped"] and first else "",
            )
    return table


def _values(document: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(document["by"])
    for heading in ("holds", "n"):
        table.add_column(heading, justify="right", no_wrap=True)
    names = [row["model"] for row in document["models"]]
    for number, _ in enumerate(names, 1):
        table.add_column(f"FPR/TPR of {number}", justify="right", no_wrap=True)
    by_value: dict[str, dict[str, dict[str, Any]]] = {}
    for row in document["values"]:
        by_value.setdefault(row["value"], {})[row["model"]] = row
    ordered = sorted(by_value.items(), key=lambda item: -item[1][names[0]]["n"])
    for value, rows in ordered[:_SHOWN_VALUES]:
        first = rows[names[0]]
        cells = [
            f"{_decimal(rows[name]['false_positive_rate'])}/"
            f"{_decimal(rows[name]['true_positive_rate'])}"
            for name in names
        ]
        table.add_row(escape(value), first["kind"].split()[0], str(first["n"]), *cells)
    if len(ordered) > _SHOWN_VALUES:
        table.add_row(f"[dim]and {len(ordered) - _SHOWN_VALUES} more[/]")
    return table


def _decimal(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _between(row: dict[str, Any]) -> str:
    low = row["roc_auc_low"]
    return "" if low is None else f"{low:.2f}–{row['roc_auc_high']:.2f}"


command = verb(
    hold_out,
    name="holdout",
    example="fvc holdout --by collection --model-types svm gradient_boosting",
    results=lambda workspace: workspace.holdouts,
    show=show_holdout,
)
