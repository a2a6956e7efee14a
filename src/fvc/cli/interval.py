"""``fvc interval``: how sure a trained model's score is."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fvc.cli.verb import verb
from fvc.training.interval import IntervalReport, model_interval
from fvc.workspace import Workspace


def show_interval(report: IntervalReport, workspace: Workspace) -> None:
    """Print intervals by method, and the verdict."""
    console, document = Console(highlight=False), report.document
    made_up = " · SIMULATED DATA" if document["simulated"] else ""
    console.print(
        f"{document['model']} · {document['n_scored']} sources in {document['n_groups']} groups · "
        f"test sides of {document['n_splits']} grouped folds × {document['repeats']} "
        f"repeats{made_up}",
        soft_wrap=True,
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("method")
    table.add_column("metric", no_wrap=True)
    for heading in ("value", "interval"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in document["rows"]:
        if row["value"] is not None:
            ends = "" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
            table.add_row(row["method"], row["metric"], f"{row['value']:.3f}", ends)
    console.print(table)
    for line in document["verdict"]:
        console.print(f"[bold]{escape(line)}[/]", soft_wrap=True)
    for note in document["notes"]:
        console.print(f"[yellow]![/] {escape(note)}", soft_wrap=True)
    where = workspace.interval(document["model"])
    console.print(f"Table, picture and all numbers: {where}", soft_wrap=True)


command = verb(
    model_interval,
    name="interval",
    example="fvc interval logistic_regression --refit 200 --new-groups 30 100",
    results=lambda workspace: workspace.stage5,
    show=show_interval,
    positional="model",
)
