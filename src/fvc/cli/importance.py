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
    """Print features and families, or what was taken away from clips, and the verdict."""
    console, document = Console(highlight=False), report.document
    made_up = " · SIMULATED DATA" if document["simulated"] else ""
    console.print(
        f"{document['model']}, AUC {_short(document['roc_auc'])} · {document['n_sources']} "
        f"sources in {document['n_groups']} groups · test sides of {document['n_splits']} grouped "
        f"folds × {document['repeats']} repeats{made_up}",
        soft_wrap=True,
    )
    if "alterations" in document:
        console.print(_alterations(document["alterations"]))
    else:
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


def _alterations(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("taken away", no_wrap=True)
    for heading in ("AUC", "drop", "interval", "real", "fake", "flips"):
        table.add_column(heading, justify="right", no_wrap=True)
    kind = rows[0]["kind"]
    for row in rows:
        if row["kind"] != kind:
            table.add_section()
            kind = row["kind"]
        table.add_row(
            row["alteration"],
            _short(row["roc_auc"]),
            _signed(row["drop"]),
            _between(row, "drop"),
            _signed(row["change_real"]),
            _signed(row["change_fake"]),
            f"{row['decisions_changed']:.0%}",
        )
    return table


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


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
