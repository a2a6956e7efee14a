"""Tables for papers, in LaTeX (booktabs) and Markdown, with intervals and significance marks."""

from collections.abc import Sequence
from dataclasses import dataclass

from fvc.errors import MissingInputError
from fvc.reporting.figures.findings import audit_caption
from fvc.reporting.figures.material import Material
from fvc.reporting.figures.results import split_in_words

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "–": "--",
        "−": "$-$",
        "×": r"$\times$",
        "†": r"$\dagger$",
        "…": r"\ldots{}",
    }
)
_MARKDOWN = str.maketrans({"|": r"\|", "_": r"\_", "*": r"\*", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True)
class PaperTable:
    """A table as text.

    Parameters
    ----------
    name
        Stem of its files, and label in LaTeX (``tab:<name>``).
    caption
        What it shows: unit, n, split.
    heading
        Column names; the first column is aligned left, the others right.
    rows
        Cells, as many in a row as there are headings.
    """

    name: str
    caption: str
    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def latex(self) -> str:
        """Write the table for LaTeX; it needs the package booktabs."""
        lines = [
            "% Needs \\usepackage{booktabs}",
            "\\begin{table}",
            "\\centering",
            f"\\caption{{{self.caption.translate(_LATEX)}}}",
            f"\\label{{tab:{self.name}}}",
            f"\\begin{{tabular}}{{l{'r' * (len(self.heading) - 1)}}}",
            "\\toprule",
            _latex_row(self.heading),
            "\\midrule",
            *(_latex_row(row) for row in self.rows),
            "\\bottomrule",
            "\\end{tabular}",
            "\\end{table}",
        ]
        return "\n".join(lines) + "\n"

    def markdown(self) -> str:
        """Write the table for Markdown, the caption below."""
        rule = ["---", *["---:"] * (len(self.heading) - 1)]
        lines = [
            _markdown_row(self.heading),
            "| " + " | ".join(rule) + " |",
            *(_markdown_row(row) for row in self.rows),
            "",
            self.caption.translate(_MARKDOWN),
        ]
        return "\n".join(lines) + "\n"


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(cell.translate(_LATEX) for cell in cells) + r" \\"


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.translate(_MARKDOWN) for cell in cells) + " |"


def leaderboard_table(material: Material) -> PaperTable:
    """Make the table of models; a dagger marks those that differ from the first."""
    board = material.leaderboard
    worse, told = _worse_than_first(material)
    rows = []
    for row in board["models"]:
        mark = "†" if row["model"] in worse else ""
        whole = "" if row["complete"] else " (incomplete)"
        whole += " (random weights)" if row.get("random_weights") else ""
        rows.append(
            (
                f"{row['model']}{whole}{mark}",
                f"{row['n_scored']}/{row['n_sources']}",
                _with_interval(row, "roc_auc"),
                _with_interval(row, "f1"),
                _number(row["balanced_accuracy"]),
                _number(row["average_precision"]),
                _number(row["brier"]),
            )
        )
    heading = ("Model", "scored", "ROC AUC", "F1", "balanced acc.", "avg. precision", "Brier")
    caption = f"Models with 95 % intervals. {told} {split_in_words(material)}"
    return PaperTable("leaderboard", caption, heading, tuple(rows))


def _worse_than_first(material: Material) -> tuple[set[str], str]:
    first = str(material.leaderboard["models"][0]["model"])
    try:
        comparison = material.comparison
    except MissingInputError:
        return set(), "Differences were not tested."
    worse = set()
    for pair in comparison["pairs"]:
        if pair["significant"] and first in (pair["a"], pair["b"]):
            worse.add(pair["b"] if pair["a"] == first else pair["a"])
    test = comparison["tests"][comparison["deciding_test"]]
    if not worse:
        return worse, f"None differs significantly from the first ({test}; Holm)."
    return worse, f"†: differs from the first, p < {comparison['alpha']:g} ({test}; Holm)."


def metadata_table(material: Material) -> PaperTable:
    """Make the table of what metadata alone reach."""
    rows = [
        (str(row["baseline"]), str(row["n_scored"]), _with_interval(row, "roc_auc"))
        for row in material.leaderboard["baselines"]
        if row["roc_auc"] is not None
    ]
    caption = f"Predicting the label from metadata alone. {split_in_words(material)}"
    return PaperTable("metadata", caption, ("Metadata", "scored", "ROC AUC"), tuple(rows))


def audit_table(material: Material) -> PaperTable:
    """Make the table of the audits."""
    rows = tuple(
        (
            str(document["target"]),
            row["folds"],
            row["labels"],
            f"{row['n']} {row['unit']}s",
            _with_interval(row, "auc"),
            _number(row["f1"]),
        )
        for document in material.audits
        for row in document["rows"]
    )
    heading = ("Model", "folds", "labels", "n", "ROC AUC", "F1")
    return PaperTable("audit", audit_caption(material), heading, rows)


def robustness_table(material: Material) -> PaperTable:
    """Make the table of scores on altered videos."""
    rows = tuple(
        (
            str(row["augmentation"]).replace("_", " "),
            str(row["n_sources"]),
            _with_interval(row, "roc_auc"),
            _number(row["roc_auc_unaugmented"]),
            _with_interval(row, "change_of_auc", signed=True),
            _number(row["decisions_changed"]),
        )
        for row in material.robustness["kinds"]
    )
    heading = ("Alteration", "sources", "ROC AUC", "unaltered", "difference", "decisions changed")
    model = material.robustness["model"]
    caption = f"{model} on altered videos, 95 % intervals. {split_in_words(material, str(model))}"
    return PaperTable("robustness", caption, heading, rows)


def _number(value: float | None, *, signed: bool = False) -> str:
    if value is None:
        return "n/a"
    return f"{value:+.2f}".replace("-", "−") if signed else f"{value:.2f}"


def _with_interval(row: dict[str, float | None], key: str, *, signed: bool = False) -> str:
    middle = _number(row[key], signed=signed)
    low, high = row.get(f"{key}_low"), row.get(f"{key}_high")
    if row[key] is None or low is None or high is None:
        return middle
    joint = " to " if signed else "–"
    return f"{middle} ({_number(low, signed=signed)}{joint}{_number(high, signed=signed)})"
