"""An ensemble of trained models: fitted on scores of inner folds, scored on the outer ones.

For each outer fold::

    training side  | inner 1 | inner 2 | inner 3 |     test side
    each member    scored by models that were fitted to   scored by the member's own
                   the other inner parts of this side     model of this fold
    the ensemble   learns its weights here             →  is scored here, once

So no score that the ensemble learns from comes from a model that has seen the source's group, and
nothing that is fitted has seen a group of the test side.
"""

import json
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from fvc.evaluation import (
    check_no_leakage,
    compute_classification_metrics,
    summarise_folds,
)
from fvc.models import ModelSpec, training_weights
from fvc.training.card_page import write_card
from fvc.training.clips import Clips, Sources
from fvc.training.ensemble_members import EnsembleClips, MemberScores
from fvc.training.final import card
from fvc.training.fold import FoldResult, FoldTask, attempt
from fvc.training.kept_folds import KeptFolds
from fvc.training.request import Request
from fvc.training.results import predictions_table
from fvc.training.selection import VAL_METRICS, Choice, Part, inner_folds


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
    scores = MemberScores(clips, sources, tasks)
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
    task: FoldTask, clips: EnsembleClips, sources: Sources, scores: MemberScores, result: FoldResult
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
