"""Publication figures of a project: all of them, or some, in a journal's style."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from matplotlib.figure import Figure

from fvc.errors import DataError, MissingInputError, NothingLeftError, OptionError, TableError
from fvc.reporting.figures import corpus, findings, results, tables
from fvc.reporting.figures.material import Material
from fvc.reporting.figures.style import (
    STYLES,
    Columns,
    StyleName,
    drawing,
    installed_font,
    save,
)
from fvc.tables import atomic_write, write_json_atomic
from fvc.workspace import Workspace

FigureName = Literal[
    "pipeline",
    "corpus",
    "leaderboard",
    "roc_pr",
    "calibration",
    "robustness",
    "audit",
    "importance",
    "alterations",
    "critical_difference",
]

_PIPELINE_CAPTION = (
    "The pipeline: a source becomes an unaugmented copy and its variants, each clip gives features "
    "as it is and scaled, and detectors are trained and scored in folds that keep groups whole."
)

FIGURES: dict[FigureName, tuple[Callable[[Material, float], Figure], Callable[[Material], str]]] = {
    "pipeline": (corpus.pipeline, lambda _: _PIPELINE_CAPTION),
    "corpus": (corpus.corpus, corpus.corpus_caption),
    "leaderboard": (results.leaderboard, results.leaderboard_caption),
    "roc_pr": (results.roc_pr, results.roc_pr_caption),
    "calibration": (results.calibration, results.calibration_caption),
    "robustness": (findings.robustness, findings.robustness_caption),
    "audit": (findings.audit, findings.audit_caption),
    "importance": (findings.importance, findings.importance_caption),
    "alterations": (findings.alterations, findings.alterations_caption),
    "critical_difference": (results.critical_difference, results.critical_difference_caption),
}

TABLES: dict[str, Callable[[Material], tables.PaperTable]] = {
    "leaderboard": tables.leaderboard_table,
    "metadata": tables.metadata_table,
    "audit": tables.audit_table,
    "robustness": tables.robustness_table,
}


@dataclass(frozen=True)
class FigureReport:
    """What was drawn, and what could not be for want of a result."""

    style: str
    font: str
    figures: tuple[dict[str, Any], ...]
    tables: tuple[dict[str, Any], ...]
    left_out: tuple[dict[str, str], ...]
    exit_code: int = field(default=0)

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain JSON types."""
        return {
            "style": self.style,
            "font": self.font,
            "figures": list(self.figures),
            "tables": list(self.tables),
            "left_out": list(self.left_out),
        }

    def summary(self) -> str:
        """Give the report in a few lines for people."""
        names = ", ".join(dict.fromkeys(str(item["name"]) for item in self.figures))
        lines = [f"Figures ({self.style}, {self.font}): {names or 'none'}"]
        if self.tables:
            lines.append("Tables: " + ", ".join(str(item["name"]) for item in self.tables))
        lines += [f"Left out: {item['name']}: {item['reason']}" for item in self.left_out]
        return "\n".join(lines)


def generate_figures(
    project: Path = Path("."),
    *,
    style: StyleName = "plain",
    columns: tuple[Columns, ...] = ("one", "two"),
    only: tuple[FigureName, ...] = (),
    model: str | None = None,
) -> FigureReport:
    """Draw a project's results for a paper, at print size, and write its tables.

    Every figure is written as PDF and SVG (letters embedded) and as PNG at 300 dpi, with a caption
    that says unit, number of sources and split. What needs a result that is not there yet is left
    out, and the report says which verb makes it.

    Parameters
    ----------
    project
        Folder of the project.
    style
        The journal whose widths and type are followed.
    columns
        Widths to draw: of one column, of two, or both.
    only
        Draw these figures alone, and no tables; by default everything.
    model
        The model in figures of one model (calibration, robustness, importance, alterations); by
        default the leaderboard's first, of those that the figure can be drawn of.

    Returns
    -------
    FigureReport
        Files, captions, and what was left out and why.

    Raises
    ------
    OptionError
        An unknown style, width or figure, or a model that is not trained.
    NothingLeftError
        Not one figure could be drawn.
    OutputError
        The folder cannot be written.
    """
    if style not in STYLES:
        raise OptionError(f"--style {style}: one of {', '.join(STYLES)}")
    if unknown := set(only) - set(FIGURES):
        raise OptionError(f"--only {sorted(unknown)[0]}: one of {', '.join(FIGURES)}")
    workspace = Workspace(project)
    if model is not None and not workspace.model(model).is_dir():
        raise OptionError(f"--model {model}: not trained here. fvc leaderboard lists what is")
    material = Material(workspace, model)
    looks = STYLES[style]
    drawn: list[dict[str, Any]] = []
    left_out: list[dict[str, str]] = []
    with drawing(looks):
        for name in only or tuple(FIGURES):
            draw, caption = FIGURES[name]
            try:
                pictures = {wide: draw(material, looks.width(wide)) for wide in columns}
                text = caption(material)
            except (MissingInputError, DataError) as error:
                left_out.append({"name": name, "reason": str(error)})
                continue
            for wide, picture in pictures.items():
                files = save(picture, workspace.figures / f"{name}_{wide}_column")
                drawn.append(
                    {
                        "name": name,
                        "columns": wide,
                        "width_inches": round(looks.width(wide), 2),
                        "caption": text,
                        "files": [workspace.relative(path) for path in files],
                    }
                )
    written = [] if only else _write_tables(material, left_out)
    if not drawn:
        reasons = "; ".join(f"{item['name']}: {item['reason']}" for item in left_out)
        raise NothingLeftError(f"no figure could be drawn: {reasons}")
    report = FigureReport(
        style, installed_font(looks), tuple(drawn), tuple(written), tuple(left_out)
    )
    write_json_atomic(workspace.figures / "figures.json", report.to_dict())
    with atomic_write(workspace.figures / "captions.md") as temporary:
        temporary.write_text(_captions(report), encoding="utf-8")
    return report


def _write_tables(material: Material, left_out: list[dict[str, str]]) -> list[dict[str, Any]]:
    written = []
    folder = material.workspace.figures
    for name, make in TABLES.items():
        try:
            table = make(material)
        except (MissingInputError, TableError) as error:
            if all(item["name"] != name for item in left_out):
                left_out.append({"name": name, "reason": str(error)})
            continue
        files = []
        for ending, text in (("tex", table.latex()), ("md", table.markdown())):
            path = folder / f"table_{name}.{ending}"
            with atomic_write(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
            files.append(material.workspace.relative(path))
        written.append({"name": name, "caption": table.caption, "files": files})
    return written


def _captions(report: FigureReport) -> str:
    captions = {item["name"]: item["caption"] for item in report.figures}
    return "\n".join(f"**{name}**: {caption}\n" for name, caption in captions.items())
