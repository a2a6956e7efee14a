"""``fvc compare``: whether trained detectors differ, and what the winner's score is worth."""

from typing import Any

from rich.console import Console
from rich.table import Table

from fvc.cli.verb import verb
from fvc.evaluation.comparison_report import ComparisonReport, compare_models
from fvc.workspace import Workspace

_HEADINGS = {
    "bootstrap": "bootstr.",
    "corrected_t": "t-test",
    "permutation": "permut.",
    "obuchowski": "Obuch.",
    "delong": "DeLong",
    "mcnemar": "McNemar",
}


def show_comparison(report: ComparisonReport, workspace: Workspace) -> None:
    """Print models, pairs, the winner's corrected score and prediction intervals."""
    console, document = Console(highlight=False), report.document
    made_up = " · SIMULATED DATA" if document["simulated"] else ""
    console.print(
        f"{document['n_scored']} of {document['n_sources']} sources scored by all, in "
        f"{document['n_groups']} groups · {document['n_splits']} grouped folds × "
        f"{document['repeats']} repeats · unit: source{made_up}",
        soft_wrap=True,
    )
    console.print(_models(document))
    console.print(_pairs(document))
    selection = document["selection"]
    if selection["corrected"] is not None:
        console.print(
            f"The best of {len(selection['candidates'])}: {selection['winner']}, naive AUC "
            f"{selection['naive']:.3f}, corrected for the choice {selection['corrected']:.3f}",
            soft_wrap=True,
        )
    for row in document["new_sets"]:
        console.print(
            f"{row['model']} on a new set of {row['new_groups']} groups: AUC between "
            f"{row['low']:.2f} and {row['high']:.2f} is to be expected "
            f"({1 - document['alpha']:.0%})",
            soft_wrap=True,
        )
    console.print(f"[bold]{document['verdict']}[/]", soft_wrap=True)
    console.print(f"Table, picture and all numbers: {workspace.comparison}", soft_wrap=True)


def _numbers(document: dict[str, Any]) -> dict[str, str]:
    """Give the models the numbers of the table's lines, as short names for pairs."""
    return {row["model"]: str(place) for place, row in enumerate(document["models"], 1)}


def _models(document: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("", justify="right")
    table.add_column("model", no_wrap=True)
    for heading in ("ROC AUC", "interval", "mean rank"):
        table.add_column(heading, justify="right", no_wrap=True)
    numbers = _numbers(document)
    for row in document["models"]:
        interval = f"{row['roc_auc_low']:.2f}–{row['roc_auc_high']:.2f}"
        table.add_row(
            numbers[row["model"]],
            row["model"],
            f"{row['roc_auc']:.3f}",
            interval,
            f"{row['rank']:.2f}",
        )
    return table


def _pairs(document: dict[str, Any]) -> Table:
    title = "Pairs, with p-values adjusted by Holm; the first test decides"
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    table.add_column("pair", no_wrap=True)
    table.add_column("AUC", justify="right", no_wrap=True)
    table.add_column("interval", justify="right", no_wrap=True)
    for test in document["tests"]:
        table.add_column(_HEADINGS[test], justify="right", no_wrap=True)
    numbers = _numbers(document)
    for row in document["pairs"]:
        name = f"{numbers[row['a']]} − {numbers[row['b']]}"
        values = [_p(row[f"p_{test}_holm"]) for test in document["tests"]]
        mark = "[bold]" if row["significant"] else ""
        table.add_row(
            f"{mark}{name}",
            f"{row['difference']:+.2f}",
            f"{row['low']:+.2f} to {row['high']:+.2f}",
            *values,
        )
    return table


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return "<.001" if value < 0.001 else f"{value:.3f}"


command = verb(
    compare_models,
    name="compare",
    example="fvc compare logistic_regression gradient_boosting --new-groups 50",
    results=lambda workspace: workspace.comparison,
    show=show_comparison,
    positional="models",
)
