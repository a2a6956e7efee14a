"""``fvc robustness``: what happens to a detector's scores when a video is altered."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fvc.cli.verb import verb
from fvc.evaluation.robustness import RobustnessReport, model_robustness
from fvc.workspace import Workspace


def show_robustness(report: RobustnessReport, workspace: Workspace) -> None:
    """Print kinds, strengths and the verdict."""
    console, document = Console(highlight=False), report.document
    made_up = " · SIMULATED DATA" if document["simulated"] else ""
    console.print(
        f"{document['model']} · {document['n_clips']} variants of {document['n_sources']} sources "
        f"in {document['n_groups']} groups · test sides of {document['n_splits']} grouped "
        f"folds{made_up}",
        soft_wrap=True,
    )
    console.print(_table(document["kinds"], strengths=False))
    if document["strengths"]:
        console.print("\nBy strength, in thirds of each kind's variants:")
        console.print(_table(document["strengths"], strengths=True))
    for line in document["verdict"]:
        console.print(f"[bold]{escape(line)}[/]", soft_wrap=True)
    for note in document["notes"]:
        console.print(f"[yellow]![/] {escape(note)}", soft_wrap=True)
    where = workspace.robustness / document["model"]
    console.print(f"Tables, curves and all numbers: {where}", soft_wrap=True)


def _table(rows: list[dict[str, Any]], *, strengths: bool) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("variants", no_wrap=True)
    if strengths:
        table.add_column("strength", justify="right", no_wrap=True)
    headings = ("n", "AUC", "change", "interval", "|score|", "flips")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    previous = None
    for row in rows:
        shown = row["augmentation"] if row["augmentation"] != previous else ""
        previous = row["augmentation"]
        cells = [shown]
        if strengths:
            cells.append(f"{row['strength_low']:.2f}–{row['strength_high']:.2f}")
        low = row["change_of_auc_low"]
        interval = "" if low is None else f"{low:+.2f} to {row['change_of_auc_high']:+.2f}"
        change = row["change_of_auc"]
        table.add_row(
            *cells,
            str(row["n_sources"]),
            "–" if row["roc_auc"] is None else f"{row['roc_auc']:.2f}",
            "–" if change is None else f"{change:+.2f}",
            interval,
            f"{row['absolute_change']:.2f}",
            f"{row['decisions_changed']:.0%}",
        )
    return table


command = verb(
    model_robustness,
    name="robustness",
    example="fvc robustness gradient_boosting",
    results=lambda workspace: workspace.robustness,
    show=show_robustness,
    positional="model",
)
