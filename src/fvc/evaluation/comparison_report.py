"""``fvc compare``: trained models of a project, compared and written down."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import polars as pl

from fvc.errors import DataError, MissingInputError, OptionError, StaleError
from fvc.evaluation.comparison import compare_predictions
from fvc.evaluation.comparison_plot import critical_differences
from fvc.evaluation.folds import index_fingerprint, load_folds, split_hash
from fvc.evaluation.leaderboard import is_simulated
from fvc.tables import IndexSchema, check, read_table, write_json_atomic, write_table
from fvc.workspace import Workspace

REMEDY = "Run `fvc train` first"


@dataclass(frozen=True)
class ComparisonReport:
    """What a comparison came to.

    Attributes
    ----------
    document
        As `fvc.evaluation.comparison.compare_predictions` returns it, with ``simulated`` and
        ``files``.
    """

    document: dict[str, Any]
    exit_code: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Give the report in plain JSON types."""
        return self.document

    def summary(self) -> str:
        """Give the report in a few lines."""
        pairs = "\n".join(f"  {row['verdict']}" for row in self.document["pairs"])
        return f"{self.document['verdict']}\n{pairs}"


def compare_models(
    project: Path = Path("."),
    *,
    models: tuple[str, ...] = (),
    new_groups: tuple[int, ...] = (),
    alpha: float = 0.05,
    resamples: int = 2000,
    permutations: int = 2000,
    seed: int = 0,
) -> ComparisonReport:
    """Compare trained models on the folds they share, and say whether they differ at all.

    Parameters
    ----------
    project
        Folder of the project.
    models
        Trained models, by name or pattern such as ``svm*``; by default all that are complete.
    new_groups
        Sizes, in groups, of new sets of videos: gives the range in which each model's AUC on such
        a set is to be expected.
    alpha
        A difference is significant where its p, adjusted for the number of pairs, is below this.
    resamples
        Bootstrap resamples of groups, at least 100.
    permutations
        Random exchanges of groups between two models, at least 100.
    seed
        Seed of resamples and exchanges.

    Returns
    -------
    ComparisonReport
        Models, pairs, the winner's corrected score, prediction intervals and a verdict.

    Raises
    ------
    OptionError
        A value that an option cannot take, or fewer than two models.
    MissingInputError
        A model was not trained, or an earlier step has not run.
    StaleError
        A model was trained on other folds, or the index has changed.
    DataError
        A model is incomplete, or the models share no scored sources.
    """
    if not 0 < alpha < 1:
        raise OptionError(f"alpha is {alpha:g}; it lies between 0 and 1")
    if resamples < 100 or permutations < 100:
        raise OptionError("resamples and permutations are 100 or more")
    if any(n < 2 for n in new_groups):
        raise OptionError("new_groups are 2 or more, so that both classes can be there")
    workspace = Workspace(project)
    names = _asked(workspace, models)
    if len(names) < 2:
        raise OptionError(
            f"a comparison needs two trained models, here is {', '.join(names) or 'none'}"
        )
    predictions, simulated = _read(workspace, names)
    document = compare_predictions(
        predictions,
        new_groups=new_groups,
        alpha=alpha,
        resamples=resamples,
        permutations=permutations,
        seed=seed,
    )
    folder = workspace.comparison
    png, svg = folder / "critical_difference.png", folder / "critical_difference.svg"
    critical_differences(document, png, svg, simulated=simulated)
    pairs = pl.DataFrame(document["pairs"], infer_schema_length=None)
    write_table(pairs, folder / "comparison.parquet")
    write_table(pairs, folder / "comparison.csv")
    stems = ("comparison.json", "comparison.parquet", "comparison.csv", png.name, svg.name)
    document |= {
        "simulated": simulated,
        "files": [workspace.relative(folder / name) for name in stems],
    }
    write_json_atomic(folder / "comparison.json", document)
    return ComparisonReport(document)


def _asked(workspace: Workspace, models: Sequence[str]) -> list[str]:
    there = sorted(path.parent.name for path in workspace.stage5.glob("*/predictions.parquet"))
    if not there:
        raise MissingInputError("no trained model", path=workspace.stage5, remedy=REMEDY)
    if not models:
        return [name for name in there if _complete(workspace, name)]
    names: dict[str, None] = {}
    for asked in models:
        found = [name for name in there if fnmatchcase(name, asked)]
        if not found:
            raise MissingInputError(
                f"{asked} was not trained (there are {', '.join(there)})",
                path=workspace.model(asked),
                remedy=f"Run `fvc train --model-types {asked}` first",
            )
        names |= dict.fromkeys(found)
    for name in names:
        if not _complete(workspace, name):
            raise DataError(f"{name} is incomplete: a fold or the final detector failed")
    return list(names)


def _complete(workspace: Workspace, name: str) -> bool:
    path = workspace.model(name) / "metrics.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(document.get("complete", document.get("aggregate", {}).get("complete")))


def _read(workspace: Workspace, names: Sequence[str]) -> tuple[dict[str, pl.DataFrame], bool]:
    if not workspace.index_csv.is_file():
        raise MissingInputError(
            "there is no index", path=workspace.index_csv, remedy="Run `fvc setup` first"
        )
    index = check(read_table(workspace.index_csv), IndexSchema, workspace.index_csv)
    split = split_hash(load_folds(workspace.folds, fingerprint=index_fingerprint(index)))
    predictions = {}
    for name in names:
        path = workspace.model(name) / "metrics.json"
        if json.loads(path.read_text(encoding="utf-8"))["split"]["hash"] != split:
            raise StaleError(
                f"{name} was trained on other folds than those in {workspace.folds.name}",
                path=path,
                remedy=f"Run `fvc train --model-types {name}` again",
            )
        predictions[name] = read_table(workspace.model(name) / "predictions.parquet")
    return predictions, is_simulated(index)
