"""``fvc predict``: what a trained detector says about videos, and what that is worth."""

import inspect
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fvc.cli.output import OutputOptions, logging_to_terminal, print_json
from fvc.cli.verb import app_of, options_of
from fvc.inference.asking import printable
from fvc.inference.report import PredictReport, predict_videos

_SHOWN_EVIDENCE = 2
_STYLES = {"fake": "red", "real": "green", "undecided": "yellow"}


def show_predictions(report: PredictReport) -> None:
    """Print answers as a table, with what they are worth below it."""
    console = Console(highlight=False)
    if report.predictions:
        console.print(_table(report))
    for prediction in report.predictions:
        if prediction.warning:
            console.print(
                f"[yellow]![/] {_safe(prediction.path)}: {escape(prediction.warning)}",
                soft_wrap=True,
            )
    console.print(_worth(report.model), soft_wrap=True)
    for warning in report.model["warnings"]:
        console.print(f"[yellow]![/] {escape(warning)}", soft_wrap=True)
    if report.output is not None or report.n_failed:
        console.print(escape(report.summary()), soft_wrap=True)


def _table(report: PredictReport) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("video", overflow="fold", ratio=2)
    table.add_column("P(fake)", justify="right", no_wrap=True)
    table.add_column("decision", no_wrap=True)
    table.add_column("why", overflow="fold", ratio=5)
    for p in report.predictions:
        if p.error is not None or p.probability is None:
            table.add_row(_safe(p.path), "–", "[dim]not judged[/]", _safe(p.error or ""))
            continue
        spoke = [
            f"{'+' if entry.speaks_for == 'fake' else '−'} {entry.words}"
            for entry in p.evidence[:_SHOWN_EVIDENCE]
            if entry.speaks_for
        ]
        style = _STYLES[p.decision or "undecided"]
        why = escape("\n".join([p.reason or "", *spoke]))
        table.add_row(_safe(p.path), f"{p.probability:.2f}", f"[{style}]{p.decision}[/]", why)
    return table


def _safe(text: str) -> str:
    return escape(printable(text))


def _worth(model: dict[str, Any]) -> str:
    expected = model["expected_performance"]
    auc = "no ROC AUC"
    if expected["roc_auc"] is not None:
        auc = f"ROC AUC {expected['roc_auc']:.2f}"
        if expected["roc_auc_low"] is not None:
            auc += f" ({expected['roc_auc_low']:.2f}–{expected['roc_auc_high']:.2f})"
    if expected["corrected_for_selection"] is not None:
        auc += f", {expected['corrected_for_selection']:.2f} corrected for the choice of model"
    made_up = ", SIMULATED DATA" if expected["simulated"] else ""
    return (
        f"[bold]{escape(model['model'])}[/] ({model['chosen_by']}): expected on new videos {auc}, "
        f"{expected['n_sources']} sources, {expected['split'] or 'grouped'} folds{made_up}"
    )


def _call(*bare: str, **given: Any) -> int:
    shown: OutputOptions = given.pop("shown", OutputOptions())
    paths = tuple(bare) or tuple(given.pop("paths", ()))
    given.pop("paths", None)
    with logging_to_terminal(shown):
        report = predict_videos(paths=paths, quiet=shown.quiet or shown.json, **given)
    if shown.json:
        print_json(report.to_dict())
    elif report.output is None and report.format != "table":
        print(report.text(), end="")
    elif not shown.quiet:
        show_predictions(report)
    return report.exit_code


def _parameters() -> list[inspect.Parameter]:
    options = [p for p in options_of(predict_videos) if p.name != "quiet"]
    paths = next(p for p in options if p.name == "paths")
    bare = paths.replace(
        kind=inspect.Parameter.VAR_POSITIONAL,
        annotation=Annotated[str, Parameter(allow_leading_hyphen=False)],
        default=inspect.Parameter.empty,
    )
    shown = inspect.Parameter(
        "shown",
        inspect.Parameter.KEYWORD_ONLY,
        default=OutputOptions(),
        annotation=Annotated[OutputOptions, Parameter(name="*", group="Output")],
    )
    return [bare, *(p for p in options if p.name != "paths"), shown]


_call.__doc__ = predict_videos.__doc__
command = app_of(
    _call,
    _parameters(),
    name="predict",
    example="fvc predict clip.mp4 --model logistic_regression --output answers.html",
)
