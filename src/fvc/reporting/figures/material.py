"""What figures are drawn from: the files that other verbs wrote, read as they are."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from fvc.errors import MissingInputError, TableError
from fvc.models import MODEL_CONFIGS
from fvc.tables import read_table
from fvc.workspace import Workspace


@dataclass(frozen=True)
class Material:
    """The results of a project, each read when it is first asked for.

    Every attribute raises `MissingInputError`, with the verb that makes the file, where it is not
    there, and `TableError` where it cannot be read.

    Parameters
    ----------
    workspace
        The project.
    model
        The model for figures of one model; by default the leaderboard's best complete one.
    """

    workspace: Workspace
    model: str | None = None

    @cached_property
    def index(self) -> pl.DataFrame:
        """The index, one row a source."""
        path = self.workspace.index_csv
        if not path.exists():
            raise _missing("no index", path, "fvc setup")
        return read_table(path)

    @cached_property
    def leaderboard(self) -> dict[str, Any]:
        """The leaderboard, best model first."""
        board = self._document(self.workspace.leaderboard_json, "fvc train")
        if not board["models"]:
            raise _missing("no trained model", self.workspace.leaderboard_json, "fvc train")
        return board

    @property
    def simulated(self) -> bool:
        """Whether the corpus is made up."""
        return bool(self.leaderboard["simulated"])

    @cached_property
    def shown(self) -> str:
        """The model that figures of one model show."""
        if self.model is not None:
            return self.model
        rows = self.leaderboard["models"]
        return str(next((row for row in rows if row["complete"]), rows[0])["model"])

    def predictions(self, model: str) -> pl.DataFrame:
        """Read a model's out-of-fold predictions."""
        path = self.workspace.model(model) / "predictions.parquet"
        if not path.exists():
            raise _missing(f"{model} is not trained", path, f"fvc train --model-types {model}")
        return read_table(path)

    def metrics(self, model: str) -> dict[str, Any]:
        """Read what training says of a model."""
        path = self.workspace.model(model) / "metrics.json"
        return self._document(path, f"fvc train --model-types {model}")

    @cached_property
    def comparison(self) -> dict[str, Any]:
        """The comparison of all models."""
        return self._document(self.workspace.comparison / "comparison.json", "fvc compare")

    @cached_property
    def audits(self) -> list[dict[str, Any]]:
        """All audits, in the order of their names."""
        found = sorted(self.workspace.audits.glob("*/audit.json"))
        if not found:
            raise _missing("no audit", self.workspace.audits, f"fvc audit {self.shown}")
        return [self._document(path, "fvc audit") for path in found]

    @cached_property
    def importance(self) -> dict[str, Any]:
        """The importance of features for the model shown, by default the best that reads them."""
        model = self._best(("tabular",), "fvc train")
        path = self.workspace.importances / model / "importance.json"
        return self._document(path, f"fvc importance {model}")

    @cached_property
    def alterations(self) -> dict[str, Any]:
        """What the model shown loses with parts of its clips, by default the best net."""
        model = self._best(("video", "embedding"), "fvc train --model-types naive_cnn")
        path = self.workspace.importances / model / "alterations.json"
        return self._document(path, f"fvc importance {model}")

    def _best(self, families: tuple[str, ...], command: str) -> str:
        """Name the model shown, or the best of some families where none was asked for."""
        if self.model is not None:
            return self.model
        rows = [row for row in self.leaderboard["models"] if _family(row["model"]) in families]
        if not rows:
            raise _missing("no trained model for it", self.workspace.leaderboard_json, command)
        return str(next((row for row in rows if row["complete"]), rows[0])["model"])

    @cached_property
    def robustness(self) -> dict[str, Any]:
        """The robustness of the model shown."""
        path = self.workspace.robustness / self.shown / "robustness.json"
        return self._document(path, f"fvc robustness {self.shown}")

    def _document(self, path: Path, command: str) -> dict[str, Any]:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise _missing("no such result yet", path, command) from None
        except (OSError, ValueError) as error:
            raise TableError(
                path, f"cannot be read ({error}); make it again with: {command}"
            ) from error
        if not isinstance(document, dict):
            raise TableError(path, f"is not a JSON object; make it again with: {command}")
        return document


def _family(model: str) -> str:
    return MODEL_CONFIGS[model].family if model in MODEL_CONFIGS else "tabular"


def _missing(what: str, path: Path, command: str) -> MissingInputError:
    return MissingInputError(what, path=path, remedy=f"Run: {command}")
