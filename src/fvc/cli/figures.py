"""``fvc figures``: results as a paper prints them."""

from rich.console import Console
from rich.markup import escape

from fvc.cli.verb import verb
from fvc.reporting.figures.stage import FigureReport, generate_figures
from fvc.workspace import Workspace


def show_figures(report: FigureReport, workspace: Workspace) -> None:
    """Print what was drawn, and what is missing for the rest."""
    console = Console(highlight=False)
    names = ", ".join(dict.fromkeys(str(item["name"]) for item in report.figures))
    console.print(f"Drawn in the style {report.style}, set in {report.font}: {names}")
    if report.tables:
        made = ", ".join(str(item["name"]) for item in report.tables)
        console.print(f"Tables, LaTeX and Markdown: {made}")
    for item in report.left_out:
        text = f"{item['name']} is left out: {item['reason']}"
        console.print(f"[yellow]![/] {escape(text)}", soft_wrap=True)
    console.print(f"Figures, tables and captions: {workspace.figures}", soft_wrap=True)


command = verb(
    generate_figures,
    name="figures",
    example="fvc figures --style ieee",
    results=lambda workspace: workspace.figures,
    show=show_figures,
)
