"""The members of an ensemble, and what they have scored: outer folds, and parts within them.

Inner scores of a member come from models that were fitted to the other inner parts of a training
side. Of a net, whose fits are dear, there is one inner part: the one that ended its fit.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fvc.errors import MissingInputError
from fvc.models import MODEL_CONFIGS, ModelSpec
from fvc.tables import read_table
from fvc.training.clips import Clips, Sources
from fvc.training.fold import FoldTask
from fvc.training.parallel import spread
from fvc.training.request import Request
from fvc.training.selection import Part, fit_detector, inner_folds
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
class MemberScores:
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
