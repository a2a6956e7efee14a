"""``fvc leaderboard``: the detectors that were trained, beside what metadata alone give away."""

import json as json_format
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fvc.cli.output import Report, print_json, show_summary
from fvc.cli.verb import app_of, options_of
from fvc.errors import MissingInputError
from fvc.evaluation.matched_boards import NOT_MATCHED, boards_beside
from fvc.pipeline import PipelineReport
from fvc.workspace import Workspace

SHOWN_BASELINES = 3


def leaderboard(project: Path = Path("."), *, json: bool = False) -> None:
    """Show the detectors that were trained, beside what metadata alone give away.

    Parameters
    ----------
    project
        The project's folder.
    json
        Print one JSON document on standard output.
    """
    workspace = Workspace(project)
    path = workspace.leaderboard_json
    if not path.is_file():
        raise MissingInputError("no leaderboard", path=path, remedy="Run `fvc train` first")
    board = json_format.loads(path.read_text(encoding="utf-8"))
    board["beside"] = boards_beside(workspace)
    if json:
        print_json(board)
    else:
        print_leaderboard(board, workspace)


def print_leaderboard(board: dict[str, Any], workspace: Workspace) -> None:
    """Draw a leaderboard document as tables, with its warnings and where its pictures are."""
    console = Console(highlight=False)
    split, models = board["split"], board["models"]
    console.print(
        f"{split['n_sources']} sources in {split['n_groups']} groups · {split['n_splits']} grouped "
        f"folds · scores on sources, 95 % intervals",
        soft_wrap=True,
    )
    beside, matching = boards_beside(workspace), board.get("matching")
    if matching is not None:
        console.print(f"[bold]Matched: {escape(matching['words'])}[/]", soft_wrap=True)
    elif beside:
        console.print(f"[bold]{NOT_MATCHED.capitalize()}[/]")
    console.print(_table(board))
    for other in beside:
        folds = "" if other["same_folds"] else ", on other folds"
        console.print(
            f"\n[bold]The same sources, {escape(other['label'])}[/]{folds} ({other['project']})",
            soft_wrap=True,
        )
        console.print(_table(other))
    selection = board.get("selection") or {}
    if selection.get("corrected") is not None and len(selection["candidates"]) > 1:
        console.print(
            f"The best of {len(selection['candidates'])}: {selection['winner']}, AUC "
            f"{selection['naive']:.2f}; corrected for the choice {selection['corrected']:.2f}",
            soft_wrap=True,
        )
    for note in [*board["notes"], *(m["warning"] for m in models[:1] if m.get("warning"))]:
        console.print(f"[yellow]![/] {note}", soft_wrap=True)
    if models:
        folder = workspace.model(models[0]["model"])
        plots = folder / "plots" if (folder / "plots").is_dir() else folder
        console.print(f"Plots, in each model's folder: {plots}", soft_wrap=True)
    console.print(f"All numbers: {workspace.leaderboard_json}", soft_wrap=True)


def _table(board: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    # Of a name with a remark the remark goes to a second line, and no number is cut.
    table.add_column("model", overflow="fold")
    for heading in ("ROC AUC", "interval", "F1", "bal. acc.", "scored"):
        table.add_column(heading, justify="right", no_wrap=True)
    for model in board["models"]:
        scored = f"{model['n_scored']}/{model['n_sources']}"
        name = model["model"] + ("" if model["complete"] else " (incomplete)")
        name += " (random weights)" if model.get("random_weights") else ""
        table.add_row(name, *_scores(model), scored)
    baselines = [b for b in board["baselines"] if b["roc_auc"] is not None and b["columns"]]
    baselines.sort(key=lambda b: -b["roc_auc"])
    table.add_section()
    for row in baselines[:SHOWN_BASELINES]:
        scored = f"{row['n_scored']}/{row['n_sources']}"
        table.add_row(f"[dim]{_label(row['baseline'])}[/]", *_scores(row), scored)
    return table


def show_training(report: Report, workspace: Workspace) -> None:
    """Show what a run that may have trained came to: what is not there, then the leaderboard."""
    last: Any = report
    if isinstance(report, PipelineReport):
        last = report.stages.get("train")
    if last is None or not last.leaderboard.get("models"):
        show_summary(report, workspace)
        return
    console = Console(highlight=False)
    for outcome in last.models:
        if outcome.status in ("incomplete", "not available"):
            why = f": {outcome.reason}" if outcome.reason else ""
            console.print(f"[red]![/] {outcome.name} is {outcome.status}{escape(why)}")
    print_leaderboard(last.leaderboard, workspace)
    if isinstance(report, PipelineReport) and report.failed:
        failed = ", ".join(report.failed)
        console.print(f"[red]![/] some clips failed in {failed}: {workspace.failures}")


def _scores(row: dict[str, Any]) -> tuple[str, ...]:
    low, high = row.get("roc_auc_low"), row.get("roc_auc_high")
    interval = "" if low is None or high is None else f"{low:.2f}–{high:.2f}"
    return (
        _decimal(row["roc_auc"]),
        interval,
        _decimal(row.get("f1")),
        _decimal(row.get("balanced_accuracy")),
    )


def _label(baseline: str) -> str:
    """Name a baseline shortly: ``all metadata``, ``only frame rate``."""
    return baseline.removesuffix(" together") if "all " in baseline else f"only {baseline}"


def _decimal(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


command = app_of(
    leaderboard,
    options_of(leaderboard),
    name="leaderboard",
    example="fvc leaderboard --project my-project",
)
