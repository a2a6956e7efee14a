"""An ensemble of trained models: fitted on scores of inner folds, scored on the outer ones.

For each outer fold::

    training side  | inner 1 | inner 2 | inner 3 |     test side
    each member    scored by models that were fitted to   scored by the member's own
                   the other inner parts of this side     model of this fold
    the ensemble   learns its weights here             →  is scored here, once

So no score that the ensemble learns from comes from a model that has seen the source's group, and
nothing that is fitted has seen a group of the test side. Of a net, whose fits are dear, there is
one inner part: the one that ended its fit.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fvc.errors import MissingInputError
from fvc.evaluation import (
    check_no_leakage,
    compute_classification_metrics,
    summarise_folds,
)
from fvc.models import MODEL_CONFIGS, ModelSpec, training_weights
from fvc.tables import read_table
from fvc.training.card_page import write_card
from fvc.training.clips import Clips, Sources
from fvc.training.final import card
from fvc.training.fold import FoldResult, FoldTask, attempt
from fvc.training.kept_folds import KeptFolds
from fvc.training.model import Request
from fvc.training.parallel import spread
from fvc.training.results import predictions_table
from fvc.training.selection import VAL_METRICS, Choice, Part, fit_detector, inner_folds
from fvc.workspace import Workspace

INNER = "inner.parquet"
"""In a fold's folder of a net: scores of its inner part."""

FEWEST = 2
"""Members that an ensemble has at least."""


@dataclass(frozen=True)
class Member:
    """A trained model of an ensemble.

    Attributes
    ----------
    spec
        Its entry.
    document
        Its ``metrics.json``.
    """

    spec: ModelSpec
    document: dict[str, Any]

    def settings(self, repeat: int, fold: int) -> dict[str, Any]:
        """Give the settings that its inner folds chose in a fold."""
        for row in self.document["fold_results"]:
            if (row["repeat"], row["fold"]) == (repeat, fold):
                found: dict[str, Any] = row["settings"]
                return found
        raise MissingInputError(f"{self.spec.name} has no repeat {repeat}, fold {fold}",
                                remedy="Train it again")  # fmt: skip


@dataclass(frozen=True)
class EnsembleClips(Clips):
    """The clips that every member has scored out of fold, and the members.

    Attributes
    ----------
    members
        The trained models.
    reader
        Reads what a member is fitted to.
    request
        What the run was asked for.
    """

    members: tuple[Member, ...] = ()
    reader: Callable[[ModelSpec], Clips] | None = None
    request: Request | None = None

    def digest(self) -> str:
        """Hash of everything that training reads."""
        prints = [f"{m.spec.name}:{m.document['fingerprint']}" for m in self.members]
        return hashlib.sha256("\0".join(prints).encode()).hexdigest()[:32]

    @property
    def names(self) -> list[str]:
        """Names of the members."""
        return [member.spec.name for member in self.members]


def read_ensemble(
    request: Request,
    sources: Sources,
    asked: Sequence[ModelSpec],
    reader: Callable[[ModelSpec], Clips],
) -> EnsembleClips:
    """Collect the members of an ensemble, and the clips that all of them have scored.

    Parameters
    ----------
    request
        What the run was asked for.
    sources
        The sources of the split.
    asked
        The models of this run; where there is none, all complete models of the project.
    reader
        Reads what a member is fitted to.

    Raises
    ------
    MissingInputError
        There are fewer than two complete members.
    """
    workspace = request.workspace
    wanted = [spec for spec in asked if spec.family != "ensemble"]
    if not wanted:
        folders = sorted(workspace.stage5.glob("*/metrics.json"))
        wanted = [MODEL_CONFIGS[p.parent.name] for p in folders if p.parent.name in MODEL_CONFIGS]
    wanted = [s for s in wanted if s.family != "ensemble" and s.alias_of is None]
    members, left_out = [], {}
    for spec in wanted:
        document = _document(workspace, spec.name)
        reason = _unfit(document, request)
        if reason is None:
            members.append(Member(spec, document))
        else:
            left_out[spec.name] = reason
    if len(members) < FEWEST:
        raise MissingInputError(
            f"an ensemble needs {FEWEST} models that are trained and complete, and there are "
            f"{len(members)}",
            path=workspace.stage5,
            remedy="Train some first: `fvc train --ensemble --model-types …`",
        )
    notes = {"members": [m.spec.name for m in members], "left_out": left_out}
    return _clips(members, workspace, sources, notes, reader, request)


def _document(workspace: Workspace, name: str) -> dict[str, Any]:
    try:
        text = (workspace.model(name) / "metrics.json").read_text(encoding="utf-8")
        document: dict[str, Any] = json.loads(text)
    except (OSError, ValueError):
        return {}
    return document


def _unfit(document: dict[str, Any], request: Request) -> str | None:
    if not document:
        return "it is not trained"
    if not document.get("complete"):
        return "it is not complete"
    if document["split"]["hash"] != request.split["hash"]:
        return "it was trained on other folds"
    return None


def _clips(
    members: Sequence[Member],
    workspace: Workspace,
    sources: Sources,
    notes: dict[str, Any],
    reader: Callable[[ModelSpec], Clips],
    request: Request,
) -> EnsembleClips:
    joined: pl.DataFrame | None = None
    for number, member in enumerate(members):
        table = read_table(workspace.model(member.spec.name) / "robustness.parquet")
        score = pl.col("score").alias(f"score{number}")
        if joined is None:
            joined = table.select("clip", "source", "augmentation", "is_original", score)
        else:
            joined = joined.join(table.select("clip", score), on="clip", how="inner")
    assert joined is not None
    position = {name: i for i, name in enumerate(sources.names)}
    joined = joined.with_columns(
        position=pl.col("source").replace_strict(position, return_dtype=pl.Int32)
    ).sort("position", "is_original", "clip", descending=[False, True, False])
    columns = [f"score{number}" for number in range(len(members))]
    return EnsembleClips(
        X=joined.select(columns).to_numpy().astype(np.float32),
        feature_names=notes["members"],
        source=joined["position"].to_numpy().astype(np.int32),
        original=joined["is_original"].to_numpy(),
        clip=joined["clip"],
        kind=joined["augmentation"],
        notes=notes,
        members=tuple(members),
        reader=reader,
        request=request,
    )


@dataclass(frozen=True)
class _Scores:
    """Scores of the members by source: outer ones by repeat, inner ones by repeat and fold."""

    clips: EnsembleClips
    sources: Sources
    tasks: Sequence[FoldTask]
    inner: dict[tuple[int, int], NDArray[np.float64]] = field(default_factory=dict)

    @cached_property
    def outer(self) -> NDArray[np.float64]:
        """Out-of-fold scores, shape (repeats, sources, members); NaN where there is none."""
        request = self.clips.request
        assert request is not None
        repeats = 1 + max(task.repeat for task in self.tasks)
        members = self.clips.members
        found = np.full((repeats, len(self.sources.names), len(members)), np.nan)
        position = {name: i for i, name in enumerate(self.sources.names)}
        for number, member in enumerate(members):
            path = request.workspace.model(member.spec.name) / "predictions.parquet"
            for row in read_table(path).drop_nulls("score").iter_rows(named=True):
                if row["repeat"] < repeats:
                    found[row["repeat"], position[row["source"]], number] = row["score"]
        return found

    def learn(self) -> None:
        """Score the training sides by inner folds, one member after the other."""
        shape = (len(self.sources.names), len(self.clips.members))
        for task in self.tasks:
            self.inner[task.repeat, task.fold] = np.full(shape, np.nan)
        for number, member in enumerate(self.clips.members):
            read = _inner_of_net if member.spec.family == "video" else _inner_of_rows
            for (repeat, fold), scores in read(member, self.clips, self.sources, self.tasks):
                self.inner[repeat, fold][:, number] = scores


def _inner_of_net(
    member: Member, clips: EnsembleClips, sources: Sources, tasks: Sequence[FoldTask]
) -> Iterator[tuple[tuple[int, int], NDArray[np.float64]]]:
    request = clips.request
    assert request is not None
    position = {name: i for i, name in enumerate(sources.names)}
    for task in tasks:
        scores = np.full(len(sources.names), np.nan)
        path = request.workspace.model(member.spec.name) / f"fold_{task.fold}" / INNER
        if task.repeat == 0 and path.is_file():
            table = read_table(path)
            scores[[position[name] for name in table["source"]]] = table["score"].to_numpy()
        yield (task.repeat, task.fold), scores


def _inner_of_rows(
    member: Member, clips: EnsembleClips, sources: Sources, tasks: Sequence[FoldTask]
) -> Iterator[tuple[tuple[int, int], NDArray[np.float64]]]:
    assert clips.reader is not None
    assert clips.request is not None
    read = clips.reader(member.spec)
    places = [(task, member.settings(task.repeat, task.fold)) for task in tasks]
    shared = (member.spec, read, sources)
    yield from spread(_inner_scores, places, shared, clips.request.workers)


def _inner_scores(
    place: tuple[FoldTask, dict[str, Any]], spec: ModelSpec, clips: Clips, sources: Sources
) -> tuple[tuple[int, int], NDArray[np.float64]]:
    """Score the sources of a training side, each by a model that has not seen its group."""
    task, settings = place
    scores = np.full(len(sources.names), np.nan)
    train = np.flatnonzero(~task.test[clips.source])
    part = Part(
        clips.X[train],
        sources.labels[clips.source[train]],
        clips.source[train],
        clips.original[train],
        sources.groups[clips.source[train]],
        clips.feature_names,
    )
    where = f"{spec.name} for the ensemble, repeat {task.repeat}, fold {task.fold}"
    seed = (task.seed, task.repeat, task.fold)
    for number, (seen, held) in enumerate(inner_folds(part, task.inner_splits, seed, where)):
        own = part.rows(seen)
        calibration = inner_folds(own, task.inner_splits, (*seed, number), where)
        detector = fit_detector(spec, settings, own, calibration)
        scored = held[part.original[held]]
        scores[part.source[scored]] = detector.predict_proba(part.X[scored])[:, 1]
    return (task.repeat, task.fold), scores


def run_ensemble_folds(
    tasks: Sequence[FoldTask], clips: EnsembleClips, sources: Sources
) -> Iterator[FoldResult]:
    """Fit the ensemble of each fold.

    Raises
    ------
    LeakageError
        A group stands on both sides.
    OutputError
        The disk is full or cannot be written.
    """
    if not tasks:
        return
    scores = _Scores(clips, sources, tasks)
    scores.learn()
    for task in tasks:
        begun = time.perf_counter()
        result = FoldResult(task.repeat, task.fold)
        _, result.failure = attempt(partial(_fit, task, clips, sources, scores, result))
        if result.failure is not None:
            result.rows, result.scores = np.empty(0, dtype=np.int64), np.empty(0)
        result.seconds = time.perf_counter() - begun
        yield result


def _fit(
    task: FoldTask, clips: EnsembleClips, sources: Sources, scores: _Scores, result: FoldResult
) -> None:
    Z = scores.inner[task.repeat, task.fold]
    known = np.flatnonzero(~np.isnan(Z).any(axis=1))
    check_no_leakage(sources.groups[known], sources.groups[task.test], where=task.where)
    if not len(known):
        raise ValueError("no source has inner scores of all members")
    part = Part(
        Z[known].astype(np.float32),
        sources.labels[known],
        known.astype(np.int32),
        np.ones(len(known), dtype=np.bool_),
        sources.groups[known],
        clips.names,
    )
    result.n_train_sources = result.n_train_clips = len(known)
    choice = _choose(task, part)
    result.settings, result.search = choice.settings, choice.search
    result.val, result.note = choice.val, choice.note
    ensemble = fit_ensemble(task.spec, choice.settings, part)
    average = fit_ensemble(task.spec, {"method": "average"}, part)
    if task.repeat == 0:
        rows = np.flatnonzero(task.test[clips.source])
        X = clips.X[rows].astype(np.float64)
    else:
        rows = np.flatnonzero(task.test[clips.source] & clips.original)
        X = scores.outer[task.repeat, clips.source[rows]]
    whole = ~np.isnan(X).any(axis=1)
    result.rows = rows[whole]
    result.scores = ensemble.predict_proba(X[whole])[:, 1]
    original = clips.original[result.rows]
    labels = sources.labels[clips.source[result.rows[original]]]
    plain = average.predict_proba(X[whole][original])[:, 1]
    result.extra = {
        "member_weights": dict(zip(clips.names, ensemble.coef_.tolist(), strict=True)),
        "average_roc_auc": compute_classification_metrics(labels, plain)["roc_auc"],
    }
    if task.save_to is not None:
        ensemble.save(task.save_to)


def fit_ensemble(spec: ModelSpec, settings: dict[str, Any], part: Part) -> Any:
    """Fit the weights of the members to their scores, sources and classes weighing equally."""
    ensemble = spec.build(**settings)
    weight = training_weights(part.source, part.y)
    return ensemble.fit(part.X, part.y, sample_weight=weight, feature_names=part.feature_names)


def _choose(task: FoldTask, part: Part) -> Choice:
    """Choose settings by grouped folds of the sources that the ensemble learns from."""
    seed = (task.seed, task.repeat, task.fold)
    folds = inner_folds(part, task.inner_splits, seed, f"{task.where}, inner")
    undefined: dict[str, float | None] = {f"val_{name}": None for name in VAL_METRICS}
    if not folds:
        note = "too few groups with inner scores: the first settings are used"
        return Choice(task.candidates[0], [], undefined, note)
    found = []
    for candidate in task.candidates:
        score = np.full(len(part.y), np.nan)
        aucs = []
        for seen, held in folds:
            ensemble = fit_ensemble(task.spec, candidate, part.rows(seen))
            score[held] = ensemble.predict_proba(part.X[held])[:, 1]
            aucs.append(compute_classification_metrics(part.y[held], score[held])["roc_auc"])
        known = [auc for auc in aucs if auc is not None]
        mean = float(np.mean(known)) if known else None
        metrics = compute_classification_metrics(part.y, score)
        val = {f"val_{name}": metrics[name] for name in VAL_METRICS} | {"val_roc_auc": mean}
        found.append((val, {"settings": candidate, "val_roc_auc": mean, "folds": aucs}))
    best = max(range(len(found)), key=lambda i: (round(found[i][0]["val_roc_auc"] or -1.0, 9), -i))
    return Choice(task.candidates[best], [row for _, row in found], found[best][0])


def final_ensemble(
    request: Request,
    spec: ModelSpec,
    clips: Clips,
    sources: Sources,
    results: Sequence[FoldResult],
    aggregate: dict[str, Any],
    predictions: pl.DataFrame,
    folds: KeptFolds,
) -> str | None:
    """Fit the ensemble that ships to all out-of-fold scores of its members; write it and its card.

    Returns
    -------
    str or None
        Why there is none, if there is none.
    """
    assert isinstance(clips, EnsembleClips)
    rows = np.flatnonzero(clips.original)
    part = Part(
        clips.X[rows],
        sources.labels[clips.source[rows]],
        clips.source[rows],
        clips.original[rows],
        sources.groups[clips.source[rows]],
        clips.names,
    )
    chosen = [json.dumps(r.settings, sort_keys=True) for r in results if not r.failure]
    if not chosen:
        return "final detector: every fold failed"
    settings = json.loads(max(sorted(set(chosen)), key=chosen.count))
    ensemble, failure = attempt(lambda: fit_ensemble(spec, settings, part))
    if ensemble is None:
        return f"final detector: {failure}"
    document = card(
        spec,
        Choice(settings),
        ensemble,
        clips,
        sources,
        aggregate=aggregate,
        predictions=predictions,
        split=request.split,
        inputs={},
    )
    document |= {
        "simulated": request.simulated,
        "settings_chosen_by": "most frequent choice of the outer folds; weights fitted to all "
        "out-of-fold scores of the members",
        "members": [
            {
                "model": member.spec.name,
                "folder": f"../../{member.spec.name}/final",
                "fingerprint": member.document["fingerprint"],
                "weight": float(weight),
            }
            for member, weight in zip(clips.members, ensemble.coef_, strict=True)
        ],
        "random_weights": _any_random(clips),
    }
    ensemble.save(folds.model / "final")
    write_card(folds.model / "final", document)
    return None


def _any_random(clips: EnsembleClips) -> bool:
    return any(bool(member.document.get("random_weights")) for member in clips.members)


def describe_ensemble(
    spec: ModelSpec,
    clips: Clips,
    results: Sequence[FoldResult],
    sources: Sources,
) -> dict[str, Any]:
    """Give what ``metrics.json`` says beside the scores: members, and what their mean comes to."""
    assert isinstance(clips, EnsembleClips)
    rows = [r for r in results if r.repeat == 0 and not r.failure]
    averages = []
    for result in rows:
        mean = clips.X[result.rows].mean(axis=1, dtype=np.float64)
        averages.append(FoldResult(result.repeat, result.fold, rows=result.rows, scores=mean))
    plain = summarise_folds(predictions_table(averages, clips, sources.first(1)))
    names = ("roc_auc", "roc_auc_low", "roc_auc_high", "f1", "balanced_accuracy", "brier")
    return {
        "members": clips.names,
        "left_out": clips.notes["left_out"],
        "random_weights": _any_random(clips),
        "average": {
            "what": "the plain mean of the members' scores on the same folds, repeat 0",
            **{name: plain[name] for name in names},
        },
    }
