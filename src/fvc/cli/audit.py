"""``fvc audit``: what a claimed score is worth."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fvc.audit.report import AuditReport
from fvc.audit.stage import audit_model
from fvc.cli.verb import verb
from fvc.workspace import Workspace


def show_audit(report: AuditReport, _workspace: Workspace) -> None:
    """Print an audit: the table, the verdict, and what could not be computed."""
    console, document = Console(highlight=False), report.document
    made_up = " · SIMULATED DATA" if document["simulated"] else ""
    console.print(f"{document['target']}: {document['kind']}{made_up}", soft_wrap=True)
    console.print(_table(document["rows"]))
    for row in document["rows"]:
        if row["reason"]:
            console.print(
                f"[red]![/] {row['folds']}, {row['labels']}: {escape(row['reason'])}",
                soft_wrap=True,
            )
    if document.get("unscored"):
        console.print(f"[red]![/] {document['unscored']} without a score, not counted above")
    console.print(f"[bold]{escape(document['verdict'])}[/]", soft_wrap=True)
    for note in document["cannot"]:
        console.print(f"[yellow]![/] {escape(note)}", soft_wrap=True)
    console.print(f"Table, picture and all numbers: {report.folder}", soft_wrap=True)


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("folds", "labels", "unit"):
        table.add_column(heading, no_wrap=True)
    for heading in ("n", "groups", "ROC AUC", "interval", "F1", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        if row["labels"] == "true" and row is not rows[0]:
            table.add_section()
        table.add_row(
            row["folds"],
            row["labels"] if row["labels"] == "true" else f"permuted ×{row['permutations']}",
            row["unit"],
            f"{row['n']}",
            f"{row['n_groups']}",
            _decimal(row["auc"]),
            "" if row["auc"] is None else f"{row['auc_low']:.2f}–{row['auc_high']:.2f}",
            _decimal(row["f1"]),
            "" if row["p_value"] is None else f"{row['p_value']:.3f}",
            style="" if row["labels"] == "true" else "dim",
        )
    return table


def _decimal(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


command = verb(
    audit_model,
    name="audit",
    example="fvc audit gradient_boosting",
    results=lambda workspace: workspace.audits,
    show=show_audit,
    positional="target",
)
