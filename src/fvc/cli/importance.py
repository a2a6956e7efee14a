"""``fvc importance``: what a trained detector's score rests on."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fvc.cli.verb import verb
from fvc.training.importance import ImportanceReport, model_importance
from fvc.workspace import Workspace

_SHOWN = 12


def show_importance(report: ImportanceReport, workspace: Workspace) -> None:
    """Print features, families and the verdict."""
    console, document = Console(highlight=False), report.document
    made_up = " · SIMULATED DATA" if document["simulated"] else ""
    console.print(
        f"{document['model']}, AUC {document['roc_auc']:.2f} · {document['n_sources']} sources in "
        f"{document['n_groups']} groups · test sides of {document['n_splits']} grouped folds × "
        f"{document['repeats']} repeats{made_up}",
        soft_wrap=True,
    )
    console.print(_features(document["features"]))
    hidden = len(document["features"]) - _SHOWN
    if hidden > 0:
        console.print(f"[dim]and {hidden} more[/]")
    console.print("\nFamilies, the model retrained on the same folds:")
    console.print(_families(document["families"]))
    for line in document["verdict"]:
        console.print(f"[bold]{escape(line)}[/]", soft_wrap=True)
    for note in document["notes"]:
        console.print(f"[yellow]![/] {escape(note)}", soft_wrap=True)
    where = workspace.importances / document["model"]
    console.print(f"Tables, picture and all numbers: {where}", soft_wrap=True)


def _features(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("feature", no_wrap=True)
    for heading in ("AUC drop", "interval", "sd"):
        table.add_column(heading, justify="right", no_wrap=True)
    linear = any(row["coefficient"] is not None for row in rows)
    trees = any(row["contribution"] is not None for row in rows)
    if linear:
        table.add_column("coefficient", justify="right", no_wrap=True)
    if trees:
        table.add_column("|SHAP|", justify="right", no_wrap=True)
    for row in rows[:_SHOWN]:
        cells = [
            row["feature"],
            _signed(row["drop"]),
            _between(row, "drop"),
            _plain(row["drop_sd"]),
        ]
        if linear:
            sd = "" if row["coefficient_sd"] is None else f" ± {row['coefficient_sd']:.2f}"
            value = row["coefficient"]
            cells.append("left out" if value is None else f"{value:+.2f}{sd}")
        if trees:
            cells.append(_plain(row["contribution"]))
        table.add_row(*cells)
    return table


def _families(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("family", no_wrap=True)
    for heading in ("features", "permuted", "without", "loss, interval", "only"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row["family"],
            str(row["n_features"]),
            _signed(row["drop"]),
            _plain(row["without_roc_auc"]),
            _between(row, "without"),
            _plain(row["only_roc_auc"]),
        )
    return table


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}"


def _plain(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _between(row: dict[str, Any], name: str) -> str:
    low = row[f"{name}_low"]
    return "" if low is None else f"{low:+.3f} to {row[f'{name}_high']:+.3f}"


command = verb(
    model_importance,
    name="importance",
    example="fvc importance gradient_boosting",
    results=lambda workspace: workspace.importances,
    show=show_importance,
    positional="model",
)
