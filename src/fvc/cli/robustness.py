"""``fvc robustness``: what happens to a detector's scores when a video is altered."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fvc.cli.verb import verb
from fvc.evaluation.robustness import RobustnessReport
from fvc.inference.robustness import robustness
from fvc.workspace import Workspace


def show_robustness(report: RobustnessReport, workspace: Workspace) -> None:
    """Print kinds, strengths and the verdict."""
    console, document = Console(highlight=False), report.document
    if document.get("after") == "platforms":
        _show_platforms(console, document, workspace)
        return
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
    _say(console, document, workspace.robustness / document["model"])


def _say(console: Console, document: dict[str, Any], where: Path) -> None:
    for line in document["verdict"]:
        console.print(f"[bold]{escape(line)}[/]", soft_wrap=True)
    for note in document["notes"]:
        console.print(f"[yellow]![/] {escape(note)}", soft_wrap=True)
    console.print(f"Tables, curves and all numbers: {where}", soft_wrap=True)


def _show_platforms(console: Console, document: dict[str, Any], workspace: Workspace) -> None:
    made_up = " · SIMULATED DATA" if document["simulated"] else ""
    console.print(
        f"{document['model']} · after what platforms do · {document['n_sources']} sources in "
        f"{document['n_groups']} groups, each scored by a detector that has not seen its group "
        f"({document['n_splits']} grouped folds){made_up}",
        soft_wrap=True,
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("after", no_wrap=True)
    failed = ("failed",) if document["n_failed"] else ()
    for heading in ("AUC", "change", "interval", "real", "fake", "flips", *failed):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in document["transformations"]:
        flips = row["decisions_changed"]
        table.add_row(
            row["words"],
            _plain(row["roc_auc"]),
            _signed(row["change_of_auc"]),
            _interval(row),
            _signed(row["change_real"]),
            _signed(row["change_fake"]),
            "–" if flips is None else f"{flips:.0%}",
            *(str(row["n_failed"] or "") for _ in failed),
        )
    console.print(table)
    _say(console, document, workspace.robustness / document["model"] / document["after"])


def _plain(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}"


def _interval(row: dict[str, Any]) -> str:
    low = row["change_of_auc_low"]
    return "" if low is None else f"{low:+.2f} to {row['change_of_auc_high']:+.2f}"


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
        table.add_row(
            *cells,
            str(row["n_sources"]),
            _plain(row["roc_auc"]),
            _signed(row["change_of_auc"]),
            _interval(row),
            f"{row['absolute_change']:.2f}",
            f"{row['decisions_changed']:.0%}",
        )
    return table


command = verb(
    robustness,
    name="robustness",
    example="fvc robustness gradient_boosting --after platforms",
    results=lambda workspace: workspace.robustness,
    show=show_robustness,
    positional="model",
)
