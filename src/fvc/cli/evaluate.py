"""``fvc evaluate``: a finished detector on the locked set, or on another corpus."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fvc.cli.verb import verb
from fvc.training.elsewhere import EvaluationReport, evaluate_model
from fvc.workspace import Workspace

_SHOWN = {
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "balanced_accuracy": "balanced accuracy",
    "f1": "F1",
    "brier": "Brier",
}


def show_evaluation(report: EvaluationReport, workspace: Workspace) -> None:
    """Print metrics, the verdict and what was left out."""
    console, document = Console(highlight=False), report.document
    metrics = document["metrics"]
    table = Table(box=None, pad_edge=False)
    table.add_column(f"{document['model']} on {document['set']}")
    table.add_column("", justify="right")
    table.add_column("interval", justify="right")
    for name, words in _SHOWN.items():
        value, low = metrics[name], metrics[f"{name}_low"]
        table.add_row(
            words,
            "–" if value is None else f"{value:.2f}",
            "" if low is None else f"{low:.2f}–{metrics[f'{name}_high']:.2f}",
        )
    console.print(table)
    for line in document["verdict"]:
        console.print(f"[bold]{escape(line)}[/]", soft_wrap=True)
    for note in document["notes"]:
        console.print(f"[yellow]![/] {escape(note)}", soft_wrap=True)
    where = workspace.evaluations / document["set"] / document["model"]
    console.print(f"Scores of each source, picture and all numbers: {where}", soft_wrap=True)


command = verb(
    evaluate_model,
    name="evaluate",
    example="fvc evaluate gradient_boosting --corpus ../other-clips",
    results=lambda workspace: workspace.evaluations,
    show=show_evaluation,
    positional="model",
)
