"""A trained model's files as a run with a child a fold, under the documents' names."""

import json
import math
from collections.abc import Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, TypeGuard

from fvc.errors import MissingInputError, TableError
from fvc.tracking.outbox import Event, key_of
from fvc.workspace import Workspace

LOADER = "fvc.training.served"
FILES_LOADER = "fvc.inference.served"

_NATIVE = ("model.skops", "model.json", "model.safetensors")
# An ensemble is made of other models' files.
_TAKES = {"tabular": "features", "embedding": "files", "video": "files"}
"""The module by which MLflow loads a detector; a name only, so that nothing is imported here."""

_RENAMED = {"accuracy": "acc"}
_INTERVALS = ("_low", "_high", "_sd")
_MOST_VALUE = 5000
_VARYING = {"seconds"}


class ModelResult:
    """What stage 5 wrote about one model.

    Parameters
    ----------
    workspace
        The project.
    name
        The model type.

    Raises
    ------
    MissingInputError
        It has not been trained.
    TableError
        Its ``metrics.json`` cannot be read.
    """

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.workspace, self.name = workspace, name
        self.folder = workspace.model(name)
        path = self.folder / "metrics.json"
        if not path.is_file():
            raise MissingInputError("no trained model", path=path, remedy="Run `fvc train` first")
        self.metrics = _read(path)
        self.final = self.folder / "final"
        if not (self.final / "card.json").is_file():
            self.final = self.folder
        card = self.final / "card.json"
        self.card = _read(card) if card.is_file() else {}
        try:
            self.split: dict[str, Any] = self.metrics["split"]
            self.rows: list[dict[str, Any]] = self.metrics["fold_results"]
            self.aggregate: dict[str, Any] = self.metrics["aggregate"]
            self.key = self._key()
        except (KeyError, TypeError, AttributeError) as error:
            raise TableError(path, f"is not what stage 5 writes: {error!r}") from error
        self.made = int(path.stat().st_mtime * 1000)

    def _key(self) -> str:
        """Identify the result: the same numbers from the same data are the same run."""
        rows = [{k: v for k, v in row.items() if k not in _VARYING} for row in self.rows]
        content = [
            *(self.name, self.metrics.get("fingerprint"), self.metrics.get("complete")),
            *(self.split["hash"], self.aggregate, rows),
        ]
        return key_of(content)

    @property
    def takes(self) -> str | None:
        """What its detector takes where it is served: ``features``, or ``files`` of videos.

        None where it cannot be read without a pickle, or from its own files alone.
        """
        native = any((self.final / name).is_file() for name in _NATIVE)
        if not native or "features" not in self.card:
            return None
        return _TAKES.get(str(self.card.get("family")))

    def registered_in(self, name: str) -> str:
        """Name the registered model of its kind: versions of one have one signature."""
        return f"{name}-files" if self.takes == "files" else name

    def tags(self) -> dict[str, str]:
        """Name data, split and code."""
        found = {
            "fvc.model": self.name,
            "fvc.alias_of": self.metrics.get("alias_of"),
            "fvc.family": self.metrics.get("family"),
            "fvc.complete": _word(self.metrics.get("complete")),
            "fvc.incomplete_reason": self.metrics.get("incomplete_reason"),
            "fvc.simulated": _word(self.metrics.get("simulated")),
            "fvc.unit": self.metrics.get("unit"),
            "fvc.split_hash": self.split["hash"],
            "fvc.index_fingerprint": self.split.get("index_fingerprint"),
            "fvc.data_fingerprint": self.metrics.get("fingerprint"),
            **{
                f"fvc.version.{name}": version
                for name, version in self.metrics.get("versions", {}).items()
            },
        }
        return {name: str(value)[:_MOST_VALUE] for name, value in found.items() if value}

    def scores(self) -> dict[str, str]:
        """Outer scores as a model version carries them, for whoever chooses between versions."""
        names = ("roc_auc", "roc_auc_low", "roc_auc_high", "coverage", "n_sources", "n_groups")
        known = {name: self.aggregate.get(name) for name in names}
        return {
            f"test_{name}": json.dumps(value) for name, value in known.items() if _number(value)
        }

    def files(self) -> dict[str, Path]:
        """List the files that are sent, by their place in the record."""
        found = {"files/0/metrics.json": self.folder / "metrics.json"}
        tables = ("predictions.parquet", "robustness.parquet", "roc_pr_curves.png")
        for path in [self.folder / name for name in tables]:
            if path.is_file():
                found[f"files/0/{path.name}"] = path
        for path in sorted((self.folder / "plots").glob("*.png")):
            found[f"files/plots/{path.name}"] = path
        if self.workspace.folds.is_file():
            found["files/split/folds.parquet"] = self.workspace.folds
        for name in ("card.json", *_NATIVE):
            if self.card and (self.final / name).is_file():
                found[f"files/detector/{name}"] = self.final / name
        return found

    def events(self, register: str | None) -> list[Event]:
        """Say all of it as events.

        Parameters
        ----------
        register
            Name of the registered model, as `registered_in` takes it; None registers nothing. Only
            the detector of a complete result is registered.
        """
        seconds = sum(float(row.get("seconds") or 0) for row in self.rows)
        begun = self.made - int(1000 * seconds)
        root = {"key": self.key, "time": self.made}
        files = self.files()
        events: list[Event] = [
            {"op": "run", "key": self.key, "name": self.name, "parent": None, "time": begun,
             "tags": {**self.tags(), "mlflow.note.content": self._note()}},
            {"op": "params", "key": self.key, "values": self._params()},
            {"op": "dataset", "key": self.key, **self._dataset()},
            {"op": "metrics", **root, "values": list(self._aggregate_metrics())},
            {"op": "metrics", **root, "values": list(self._fold_history())},
        ]  # fmt: skip
        for fold in sorted({int(row["fold"]) for row in self.rows}):
            events += self._fold(fold, begun)
        for place in files:
            inside = place.removeprefix("files/").partition("/")[0]
            if inside != "detector":
                to = "" if inside == "0" else inside
                events.append({"op": "artifact", "key": self.key, "file": place, "to": to})
        if "files/detector/card.json" in files:
            events.append(
                {"op": "artifact", "key": self.key, "file": "files/detector/card.json", "to": ""}
            )
        events.append(
            {"op": "text", "key": self.key, "name": "environment.txt", "text": environment(),
             "to": ""}
        )  # fmt: skip
        if self.takes is not None:
            events.append(self._model(files, register if self.metrics["complete"] else None))
        events.append({"op": "end", **root, "status": self._status()})
        return events

    def _status(self) -> str:
        return "FINISHED" if self.metrics.get("complete") else "FAILED"

    def _note(self) -> str:
        a = self.aggregate
        auc = "no ROC AUC"
        if _number(a.get("roc_auc")):
            auc = f"ROC AUC {a['roc_auc']:.3f}"
            if _number(a.get("roc_auc_low")) and _number(a.get("roc_auc_high")):
                auc += f" (95 % interval {a['roc_auc_low']:.3f} to {a['roc_auc_high']:.3f})"
        lines = [
            f"{self.metrics.get('description', self.name)}.",
            f"Outer folds, unit source: {auc}; {a.get('n_scored')} of {a.get('n_sources')} sources "
            f"scored, {a.get('n_groups')} groups.",
        ]
        if self.metrics.get("simulated"):
            lines.append("The corpus is simulated: these numbers say nothing about real videos.")
        if self.metrics.get("incomplete_reason"):
            lines.append(f"Incomplete: {self.metrics['incomplete_reason']}")
        return "\n\n".join(lines)

    def _params(self) -> dict[str, str]:
        settings = dict(self.metrics.get("settings", {}))
        candidates = settings.pop("candidates", None)
        entry = settings.pop("entry", {}) or {}
        chosen = self.card.get("settings", {})
        values = {
            "model": self.name,
            "family": self.metrics.get("family"),
            **entry,
            **chosen,
            **settings,
            "n_candidates": _count(candidates),
            "n_splits": self.split.get("n_splits"),
            "split_seed": self.split.get("seed"),
            "n_sources": self.split.get("n_sources"),
            "n_groups": self.split.get("n_groups"),
            "n_features": len(self.metrics.get("feature_names") or ()) or None,
        }
        return flatten({name: value for name, value in values.items() if value is not None})

    def _dataset(self) -> Event:
        a = self.aggregate
        profile = {name: a.get(name) for name in ("n_sources", "n_real", "n_fake", "n_groups")}
        return {
            "name": "sources",
            "digest": str(self.split.get("index_fingerprint", ""))[:36],
            "source": json.dumps({"path": self.workspace.relative(self.workspace.index_csv)}),
            "profile": json.dumps({**profile, "clips": self.metrics.get("data")}),
        }

    def _aggregate_metrics(self) -> Iterator[tuple[str, float, int]]:
        for name, value in self.aggregate.items():
            if _number(value):
                yield metric_name(f"test_{name}"), float(value), 0
        for name, value in self.aggregate.get("confusion_matrix", {}).items():
            if _number(value):
                yield f"test_confusion_{name}", float(value), 0
        for name, value in self.aggregate.get("pooled", {}).items():
            if _number(value):
                yield metric_name(f"test_pooled_{name}"), float(value), 0
        for row in self.metrics.get("robustness") or ():
            if _number(row.get("roc_auc")):
                yield f"robustness_roc_auc/{row['augmentation']}", float(row["roc_auc"]), 0

    def _fold_history(self) -> Iterator[tuple[str, float, int]]:
        n = int(self.split.get("n_splits", 1))
        for row in self.rows:
            step = int(row["repeat"]) * n + int(row["fold"])
            for name, value in row.items():
                if _number(value) and name.startswith(("test_", "val_")):
                    yield f"fold_{metric_name(name)}", float(value), step

    def _fold(self, fold: int, begun: int) -> list[Event]:
        """Make a fold's run: a step a repeat; epochs of the first repeat where there are any."""
        key = f"{self.key}.{fold}"
        rows = [row for row in self.rows if row["fold"] == fold]
        first = min(rows, key=lambda row: int(row["repeat"]))
        values: list[tuple[str, float, int]] = [
            (metric_name(name), float(value), int(row["repeat"]))
            for row in rows
            for name, value in row.items()
            if _number(value) and name not in ("fold", "repeat")
        ]
        values += self._epochs(fold)
        params = flatten({"model": self.name, "fold": fold, **(first.get("settings") or {})})
        failed = [row for row in rows if row.get("reason")]
        tags = {"fvc.model": self.name, "fvc.fold": str(fold)}
        if failed:
            tags["fvc.failure"] = str(failed[0]["reason"])[:_MOST_VALUE]
        status = "FAILED" if failed else "FINISHED"
        end = self.made
        return [
            {"op": "run", "key": key, "name": f"{self.name} fold {fold}", "parent": self.key,
             "time": begun, "tags": tags},
            {"op": "params", "key": key, "values": params},
            {"op": "metrics", "key": key, "time": end, "values": values},
            {"op": "end", "key": key, "time": end, "status": status},
        ]  # fmt: skip

    def _epochs(self, fold: int) -> Iterator[tuple[str, float, int]]:
        """Read ``history`` of a fold: rows with ``epoch`` and numbers such as ``train_loss``."""
        path = self.workspace.fold(self.name, fold) / "metrics.json"
        history = _read(path).get("history") if path.is_file() else None
        for number, row in enumerate(history if isinstance(history, list) else []):
            if not isinstance(row, dict):
                continue
            step = int(row["epoch"]) if _number(row.get("epoch")) else number
            for name, value in row.items():
                if name != "epoch" and _number(value):
                    yield metric_name(name), float(value), step

    def _model(self, files: Mapping[str, Path], register: str | None) -> Event:
        inputs, loader = self.card["feature_names"], LOADER
        example: list[list[Any]] = [
            [_median(self.card["features"].get(name, {}).get(word, {})) for name in inputs]
            for word in ("real", "fake")
        ]
        versions = dict(self.card.get("versions", {}))
        skip = ("python", "xgboost" if "xgboost-cpu" in versions else "")
        if self.takes == "files":
            inputs, loader, example = ["path"], FILES_LOADER, [["clip.mp4"]]
            if "fvc" in versions:
                versions = {"fvc[deep]": versions.pop("fvc"), **versions}
        return {
            "op": "model",
            "key": self.key,
            "id": self.key,
            "name": self.name,
            "type": "detector",
            "loader": loader,
            "takes": self.takes,
            "files": [place for place in files if place.startswith("files/detector/")],
            "inputs": inputs,
            "example": example,
            "requirements": [f"{n}=={v}" for n, v in versions.items() if n not in skip],
            "params": flatten(self.card.get("settings", {})),
            "tags": {**self.tags(), **self.scores()},
            "description": self._note(),
            "register": None if register is None else self.registered_in(register),
        }


def metric_name(name: str) -> str:
    """Write a metric as the documents do: ``test_accuracy`` and its kind become ``test_acc``."""
    for long, short in _RENAMED.items():
        for prefix in ("train_", "val_", "test_"):
            for suffix in ("", *_INTERVALS):
                if name == f"{prefix}{long}{suffix}":
                    return f"{prefix}{short}{suffix}"
    return name


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Make parameters of nested settings: ``{"a": {"b": 1}}`` becomes ``a.b``."""
    flat: dict[str, str] = {}
    for name, value in values.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{key}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            flat[safe_name(key)] = text[:_MOST_VALUE]
    return flat


def safe_name(name: str) -> str:
    """Replace what a name must not hold there."""
    return "".join(c if c.isalnum() or c in "_-. :/" else "_" for c in name)[:250] or "_"


def environment() -> str:
    """List every installed package with its version, one a line."""
    found = {d.name: d.version for d in distributions() if d.name}
    return "".join(f"{n}=={v}\n" for n, v in sorted(found.items(), key=lambda i: i[0].lower()))


def _count(candidates: Any) -> int | None:
    """Count the settings that a fold tried: a range among them stands for as many as its trials."""
    if not isinstance(candidates, list):
        return None
    return sum(each["trials"] if "search" in each else 1 for each in candidates)


def _median(classes: Mapping[str, Any]) -> float | None:
    value = (classes.get("quantiles") or {}).get("0.5")
    return float(value) if _number(value) else None


def _number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _word(value: Any) -> str:
    return "yes" if value else "no"


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TableError(path, f"cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise TableError(path, "is not an object")
    return document
