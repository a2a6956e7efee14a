"""``fvc evaluate``: a finished detector on the locked set, or on another corpus."""

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fvc.errors import DataError, MissingInputError, OptionError, StaleError
from fvc.evaluation import is_simulated, roc_pr_curves
from fvc.evaluation.calibrators import calibrator_from_dict
from fvc.evaluation.locked import split_locked
from fvc.evaluation.single_set import expected_range, score_set
from fvc.evaluation.verdict_report import VerdictReport
from fvc.evaluation.weights import weights_notes
from fvc.models import ModelSpec, get_model
from fvc.models.loading import read_card
from fvc.stages import RunOptions
from fvc.tables import read_table, write_json_atomic, write_table
from fvc.training.clips import Sources
from fvc.training.final_scores import inputs_of, score_sources
from fvc.training.locked_scores import record_scoring
from fvc.training.other_corpus import (
    check_same_settings,
    make_features,
    open_other,
    shared_sources,
)
from fvc.training.split import Split, project_split, read_index
from fvc.workspace import Workspace

EVALUATION_VERSION = 1

_NATIVE = (
    *("final/model.skops", "final/model.json", "final/model.safetensors", "final/ensemble.json"),
    *("model.skops", "model.json"),
)
_RESULTS = (
    *("n_sources", "n_scored", "n_groups", "n_real", "n_fake"),
    *("roc_auc", "roc_auc_low", "roc_auc_high", "balanced_accuracy", "f1", "brier"),
)


class EvaluationReport(VerdictReport):
    """What a finished detector scores on videos from elsewhere.

    Attributes
    ----------
    document
        As it is written to ``evaluation.json``.
    exit_code
        5 where some sources could not be scored.
    """


def evaluate_model(
    project: Path = Path("."),
    *,
    model: str,
    corpus: Path | None = None,
    other: Path | None = None,
    locked: bool = False,
    threshold: float = 0.5,
    resamples: int = 2000,
    seed: int = 0,
    run: RunOptions = RunOptions(),
) -> EvaluationReport:
    """Score a finished detector on the locked set, or on a corpus from elsewhere.

    Parameters
    ----------
    project
        Folder of the project that the detector was trained in.
    model
        The trained model, whose final detector scores.
    corpus
        Another corpus: a folder with ``real`` and ``fake`` sub-folders, or a CSV, as for
        ``fvc setup``. Its features are made with the settings of the detector's own.
    other
        A project of another corpus whose stages have run. With --corpus, where to make it.
    locked
        Score the sources that ``fvc lock`` set aside. It is recorded and counted.
    threshold
        A score of at least this much is called fake, in 0…1.
    resamples
        Bootstrap resamples of groups, at least 100.
    seed
        Seed of the bootstrap.
    run
        How the stages are run on another corpus.

    Returns
    -------
    EvaluationReport
        Metrics with intervals over groups, what was to be expected, a verdict; exit code 5 where
        sources could not be scored.

    Raises
    ------
    OptionError
        Not exactly one set is named, or a value that an option cannot take.
    MissingInputError
        The model was not trained, nothing is locked, or the other project has no index.
    StaleError
        The model was trained before the lock, or on other folds.
    DataError
        Features were made otherwise, or nothing is left to score.
    """
    if locked == (corpus is not None or other is not None):
        raise OptionError("on what? --locked, --corpus FOLDER or --other PROJECT")
    if resamples < 100 or not 0 <= threshold <= 1:
        raise OptionError("resamples are 100 or more, the threshold lies in 0…1")
    spec = get_model(model)
    workspace = Workspace(project)
    card = read_card(workspace.model(spec.name))
    notes: list[str] = []
    left_out: dict[str, int] = {}
    if locked:
        _check_trained_after_lock(workspace, spec, card)
        name, space = "locked", workspace
        index = split_locked(read_index(workspace), workspace)[1]
    else:
        name, space, index, left_out, notes = _elsewhere(workspace, spec, card, corpus, other, run)
    scores = _scores(workspace, spec, card, space, index, run)
    folder = workspace.evaluations / name / spec.name
    document = _document(workspace, spec, scores, threshold, resamples, seed)
    document |= {
        "set": name,
        "left_out": left_out,
        "simulated": is_simulated(index),
        "model_hash": _model_hash(workspace, spec),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    document["verdict"] = [_verdict(document)]
    document["notes"] = notes + _notes(document) + weights_notes(card)
    if locked:
        record = {key: document["metrics"][key] for key in _RESULTS}
        taken = record_scoring(workspace, {
            "model": spec.name,
            "model_hash": document["model_hash"],
            "time": document["time"],
            **record,
        })  # fmt: skip
        document["scoring"] = taken
        document["verdict"].append(taken["said"])
    _write(document, scores, folder, workspace)
    unscored = document["metrics"]["n_sources"] > document["metrics"]["n_scored"]
    return EvaluationReport(document, exit_code=5 if unscored else 0)


def _check_trained_after_lock(workspace: Workspace, spec: ModelSpec, card: dict[str, Any]) -> None:
    if not workspace.locked.is_file():
        raise MissingInputError(
            "nothing is locked",
            path=workspace.locked,
            remedy="Run `fvc lock` before anything is trained",
        )
    if card["split_hash"] != project_split(workspace).block["hash"]:
        raise StaleError(
            f"{spec.name} was trained on other folds than those without the locked sources",
            path=workspace.model(spec.name),
            remedy=f"Run `fvc train --model-types {spec.name}` again",
        )


def _elsewhere(
    workspace: Workspace,
    spec: ModelSpec,
    card: dict[str, Any],
    corpus: Path | None,
    other: Path | None,
    run: RunOptions,
) -> tuple[str, Workspace, pl.DataFrame, dict[str, int], list[str]]:
    """Open another corpus, without what the training corpus has too."""
    notes = []
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", (corpus or other or Path()).resolve().name) or "other"
    space = Workspace(other or workspace.evaluations / name / "project")
    if space.root == workspace.root:
        raise OptionError("the other project is this one: its sources were trained on")
    inputs, tables = inputs_of(workspace, spec, card)
    if corpus is not None:
        assumed = make_features(space, corpus, inputs, run)
        if assumed:
            notes.append(
                f"The card does not say how {', '.join(assumed)} ran for the detector: defaults."
            )
    else:
        open_other(space)
        check_same_settings(space, inputs, tables)
    own, index = read_index(workspace), read_index(space)
    shared, groups, missing = shared_sources(own, workspace, index, space)
    kept = index.filter(~pl.col("group").is_in(sorted(groups)))
    left_out = {
        "shared_sources": len(shared),
        "sources_of_their_groups": len(index) - len(kept) - len(shared),
        "training_files_not_compared": missing,
        "groups_of_the_same_name": len(set(own["group"]) & set(kept["group"])),
    }
    if kept.is_empty():
        raise DataError(f"{name}: all {len(index)} sources are in the training corpus too")
    return name, space, kept, left_out, notes


def _scores(
    workspace: Workspace,
    spec: ModelSpec,
    card: dict[str, Any],
    space: Workspace,
    index: pl.DataFrame,
    run: RunOptions,
) -> pl.DataFrame:
    """Score the unaugmented copies; null where a stage failed."""
    index = index.sort("source")
    sources = Sources(
        names=tuple(index["source"]),
        labels=index["label"].to_numpy().astype(np.int8),
        groups=np.array(index["group"].to_list(), dtype=object),
        fold=np.zeros((1, len(index)), dtype=np.int32),
    )
    folds = index.select("source", "group", "label", repeat=pl.lit(0), fold=pl.lit(0))
    split = Split(folds, {}, is_simulated(index), made=False)
    score = score_sources(workspace, spec, card, space, sources, split, run=run)
    table = index.select("source", "group", "label", "collection", "platform").with_columns(
        score=pl.Series(score).fill_nan(None)
    )
    calibrated = np.full(len(index), np.nan)
    if card["calibrator"].get("method") is not None:
        known = np.isfinite(score)
        calibrator = calibrator_from_dict(card["calibrator"])
        calibrated[known] = calibrator.predict(score[known])
    return table.with_columns(calibrated=pl.Series(calibrated).fill_nan(None))


def _document(
    workspace: Workspace,
    spec: ModelSpec,
    scores: pl.DataFrame,
    threshold: float,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    settings: dict[str, Any] = {"resamples": resamples, "seed": seed}
    metrics = score_set(scores, threshold=threshold, **settings)
    calibrated = None
    if scores["calibrated"].null_count() == scores["score"].null_count():
        by = scores.drop("score").rename({"calibrated": "score"})
        found = score_set(by, threshold=threshold, **settings)
        keys = ("brier", "log_loss", "calibration_slope", "calibration_intercept")
        calibrated = {key: found.get(key) for key in (*keys, "calibration_error", "accuracy")}
    predictions = read_table(workspace.model(spec.name) / "predictions.parquet")
    return {
        "model": spec.name,
        "metrics": metrics,
        "calibrated": calibrated,
        "expected": expected_range(predictions, new_groups=metrics["n_groups"], **settings),
        "unit": "source",
        "threshold": threshold,
        "version": EVALUATION_VERSION,
        **settings,
    }


def _verdict(document: dict[str, Any]) -> str:
    metrics, expected = document["metrics"], document["expected"]
    if metrics["roc_auc"] is None:
        reason = metrics["undefined"]["roc_auc"]
        return f"{document['model']} on {document['set']}: no AUC ({reason})."
    said = (
        f"{document['model']} on {document['set']}: AUC {metrics['roc_auc']:.2f} "
        f"({metrics['roc_auc_low']:.2f}–{metrics['roc_auc_high']:.2f}), "
        f"{metrics['n_scored']} of {metrics['n_sources']} sources in {metrics['n_groups']} groups"
    )
    if expected["low"] is None:
        return f"{said}."
    where = (
        "below it: this set is not like the training corpus to the model"
        if metrics["roc_auc"] < expected["low"]
        else "above it"
        if metrics["roc_auc"] > expected["high"]
        else "within it"
    )
    return (
        f"{said}. Of a set of so many groups from the training population "
        f"{expected['low']:.2f}–{expected['high']:.2f} was to be expected (mean "
        f"{expected['roc_auc']:.2f}); the score lies {where}."
    )


def _notes(document: dict[str, Any]) -> list[str]:
    notes = []
    if document["simulated"]:
        notes.append("The corpus is simulated: these numbers say nothing about real videos.")
    left = document["left_out"]
    if left.get("shared_sources"):
        notes.append(
            f"{left['shared_sources']} source(s) are in the training corpus too; they were left "
            f"out, with {left['sources_of_their_groups']} more of their groups."
        )
    if left.get("training_files_not_compared"):
        notes.append(
            f"{left['training_files_not_compared']} raw file(s) of the training corpus are not "
            "there any more and could not be compared."
        )
    if left.get("groups_of_the_same_name"):
        notes.append(
            f"{left['groups_of_the_same_name']} group(s) have a name that the training corpus has "
            "too. If they are the same scenes, the score holds memory of them."
        )
    unscored = document["metrics"]["n_sources"] - document["metrics"]["n_scored"]
    if unscored:
        notes.append(f"{unscored} source(s) could not be read by the detector and have no score.")
    return notes


def _model_hash(workspace: Workspace, spec: ModelSpec) -> str:
    folder = workspace.model(spec.name)
    for name in _NATIVE:
        if (folder / name).is_file():
            return hashlib.sha256((folder / name).read_bytes()).hexdigest()
    raise MissingInputError(
        "no trained detector", path=folder, remedy=f"Run `fvc train --model-types {spec.name}`"
    )


def _write(
    document: dict[str, Any], scores: pl.DataFrame, folder: Path, workspace: Workspace
) -> None:
    files = []
    plain = {k: v for k, v in document["metrics"].items() if not isinstance(v, dict)}
    for name, table in (("scores", scores), ("metrics", pl.DataFrame([plain]))):
        for ending in ("parquet", "csv"):
            files.append(folder / f"{name}.{ending}")
            write_table(table, files[-1])
    if document["metrics"]["roc_auc"] is not None:
        files += [folder / f"roc_pr_curves.{ending}" for ending in ("png", "svg")]
        roc_pr_curves(
            scores.with_columns(repeat=pl.lit(0), fold=pl.lit(0)),
            files[-2],
            svg=files[-1],
            model=document["model"],
            split=f"the set {document['set']}",
            simulated=document["simulated"],
        )
    path = folder / "evaluation.json"
    document["files"] = [workspace.relative(file) for file in (*files, path)]
    write_json_atomic(path, document)
