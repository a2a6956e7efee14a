"""``fvc confounds``: how well the label can be told without looking at a single pixel."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fvc.cli.verb import verb
from fvc.evaluation.confounds import ConfoundReport, confound_report
from fvc.workspace import Workspace


def show_confounds(report: ConfoundReport, workspace: Workspace) -> None:
    """Print baselines, associations and the verdict."""
    console, document = Console(highlight=False), report.document
    split = document["split"]
    made_up = " · SIMULATED DATA" if document["simulated"] else ""
    console.print(
        f"{split['n_sources']} sources in {split['n_groups']} groups · {split['n_splits']} grouped "
        f"folds × {split['repeats']} repeats · unit: source{made_up}",
        soft_wrap=True,
    )
    console.print(_baselines(document))
    console.print("\nAssociation with the label over the whole corpus, without a model:")
    console.print(_associations(document["associations"]))
    for line in document["verdict"]:
        console.print(f"[bold]{escape(line)}[/]", soft_wrap=True)
    for note in document["notes"]:
        console.print(f"[yellow]![/] {escape(note)}", soft_wrap=True)
    console.print(f"Tables, picture and all numbers: {workspace.confounds}", soft_wrap=True)


def _baselines(document: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("predicting with", no_wrap=True)
    for heading in ("ROC AUC", "interval", "best model ahead by", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    best = document["best"]
    if best is not None:
        table.add_row(
            f"[bold]{best['model']}[/]", f"{best['roc_auc']:.2f}", _between(best, "roc_auc")
        )
        table.add_section()
    scored = [row for row in document["baselines"] if row["roc_auc"] is not None]
    for row in sorted(scored, key=lambda row: -row["roc_auc"]):
        ahead = row.get("model_ahead")
        table.add_row(
            row["baseline"],
            f"{row['roc_auc']:.2f}",
            _between(row, "roc_auc"),
            ""
            if ahead is None
            else f"{ahead:+.2f} ({row['model_ahead_low']:+.2f} to {row['model_ahead_high']:+.2f})",
            "[red]rival[/]" if row.get("rival") else "",
        )
    return table


def _associations(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("column", no_wrap=True)
    for heading in ("values", "Cramér's V", "AUC", "interval"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        if row["cramers_v"] is not None:
            auc = "" if row["auc"] is None else f"{row['auc']:.2f}"
            table.add_row(
                row["column"],
                str(row["n_values"]),
                f"{row['cramers_v']:.2f}",
                auc,
                _between(row, "auc"),
            )
    return table


def _between(row: dict[str, Any], name: str) -> str:
    low = row.get(f"{name}_low")
    return "" if low is None else f"{low:.2f}–{row[f'{name}_high']:.2f}"


command = verb(
    confound_report,
    name="confounds",
    example="fvc confounds --project my-project",
    results=lambda workspace: workspace.confounds,
    show=show_confounds,
    positional="model",
)
