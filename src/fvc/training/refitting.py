"""Detectors of the folds, opened or fitted again as they were, to score what was made since."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fvc.errors import LeakageError, StaleError
from fvc.evaluation import check_no_leakage
from fvc.evaluation.weights import is_tiny
from fvc.models import ModelSpec
from fvc.models.loading import load_detector
from fvc.tables import read_table
from fvc.training.clips import Clips, Sources
from fvc.training.running import one_thread
from fvc.training.selection import Part, fit_detector, inner_folds
from fvc.training.split import Split, trained_split
from fvc.training.trained import (
    check_folds,
    form_of,
    read_as_trained,
    read_trained,
)
from fvc.workspace import Workspace

# A detector fitted again gives the scores that were written down, up to rounding.
_SAME_SCORE = 1e-4


@dataclass(frozen=True)
class FoldDetector:
    """A detector that was fitted without the sources of a fold, and knows whom it has seen.

    Attributes
    ----------
    fold
        Number of the fold, of repeat 0.
    detector
        With ``predict_proba``.
    feature_names
        Its columns; the members of an ensemble; none for a net, which is given files of frames.
    train_groups
        Groups that it has seen.
    test_groups
        Group of each source that it may score.
    """

    fold: int
    detector: Any
    feature_names: tuple[str, ...]
    train_groups: frozenset[str]
    test_groups: dict[str, str]

    def score(self, sources: pl.Series, X: Any) -> pl.Series:
        """Score clips of sources that it has not seen.

        Parameters
        ----------
        sources
            The source of each clip, length n.
        X
            What the model is given of each clip, n rows.

        Raises
        ------
        LeakageError
            It has seen the group of one of them, or a source is not of its test side.
        """
        where = f"fold {self.fold}"
        foreign = sorted(set(sources) - self.test_groups.keys())
        if foreign:
            raise LeakageError(foreign, f"{where}: not of its test side")
        groups = [self.test_groups[source] for source in sources]
        check_no_leakage(sorted(self.train_groups), groups, where=where)
        with one_thread():
            return pl.Series(self.detector.predict_proba(X)[:, 1], dtype=pl.Float64)


@dataclass(frozen=True)
class FoldDetectors:
    """The detectors of all folds of repeat 0.

    Attributes
    ----------
    detectors
        One a fold, in order.
    split
        The ``split`` block of ``metrics.json``.
    simulated
        Whether the corpus is simulated.
    trained
        The model's ``metrics.json``.
    """

    detectors: tuple[FoldDetector, ...]
    split: dict[str, Any]
    simulated: bool
    trained: dict[str, Any]

    def __iter__(self) -> Iterator[FoldDetector]:
        return iter(self.detectors)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Columns of the detectors."""
        return self.detectors[0].feature_names


def fold_detectors(workspace: Workspace, spec: ModelSpec) -> FoldDetectors:
    """Open the detectors of repeat 0, or fit them again with the settings that were chosen.

    Models on features and on embeddings are fitted again: that takes seconds, no pickle has to be
    trusted, and the scores have to be those that training wrote down. Nets and ensembles were
    saved without one, and are opened.

    Parameters
    ----------
    workspace
        The project.
    spec
        The trained model. Detectors score the `fvc.training.clips.Clips.inputs` of its family;
        those of an ensemble the scores of its members.

    Raises
    ------
    MissingInputError
        It was not trained, or its nets are not there any more.
    StaleError
        Folds, feature tables or embeddings have changed since.
    DataError
        A fold had failed.
    """
    trained = read_trained(workspace, spec)
    check_folds(spec, trained)
    split = trained_split(workspace, spec.name, trained)
    sources = Sources.from_folds(split.folds, 1)
    if spec.family in ("video", "ensemble"):
        return _opened(workspace, spec, trained, split, sources)
    clips = read_as_trained(workspace, spec, trained, sources, split)
    chosen = {r["fold"]: r["settings"] for r in trained["fold_results"] if r["repeat"] == 0}
    with one_thread():
        fitted = tuple(
            _refit(spec, trained["settings"], chosen[fold], fold, clips, sources)
            for fold in range(int(split.block["n_splits"]))
        )
    found = FoldDetectors(fitted, split.block, split.simulated, trained)
    _check_same(workspace, spec, found, clips, sources)
    return found


def _opened(
    workspace: Workspace, spec: ModelSpec, trained: dict[str, Any], split: Split, sources: Sources
) -> FoldDetectors:
    found = []
    for fold in range(int(split.block["n_splits"])):
        folder = workspace.fold(spec.name, fold)
        if spec.family == "video":
            nets = importlib.import_module("fvc.training.video.saved")
            form = form_of(spec, trained)
            detector = nets.open_net(folder / "model.pt", spec.name, form, tiny=is_tiny(trained))
        else:
            detector = load_detector(folder)
        names = tuple(map(str, trained.get("members", ())))
        found.append(_fold_detector(fold, detector, names, sources))
    return FoldDetectors(tuple(found), split.block, split.simulated, trained)


def _fold_detector(
    fold: int, detector: Any, feature_names: tuple[str, ...], sources: Sources
) -> FoldDetector:
    test = sources.fold[0] == fold
    return FoldDetector(
        fold=fold,
        detector=detector,
        feature_names=feature_names,
        train_groups=frozenset(map(str, sources.groups[~test])),
        test_groups={sources.names[i]: str(sources.groups[i]) for i in np.flatnonzero(test)},
    )


def _refit(
    spec: ModelSpec,
    trained: dict[str, Any],
    settings: dict[str, Any],
    fold: int,
    clips: Clips,
    sources: Sources,
) -> FoldDetector:
    where = f"{spec.name}, repeat 0, fold {fold}"
    test = sources.fold[0] == fold
    check_no_leakage(sources.groups[~test], sources.groups[test], where=where)
    rows = np.flatnonzero(~test[clips.source])
    source = clips.source[rows]
    part = Part(
        clips.X[rows],
        sources.labels[source],
        source,
        clips.original[rows],
        sources.groups[source],
        clips.feature_names,
    )
    inner = inner_folds(part, int(trained["inner_splits"]), (int(trained["seed"]), 0, fold), where)
    detector = fit_detector(spec, settings, part, inner)
    return _fold_detector(fold, detector, tuple(clips.feature_names), sources)


def _check_same(
    workspace: Workspace, spec: ModelSpec, found: FoldDetectors, clips: Clips, sources: Sources
) -> None:
    path = workspace.model(spec.name) / "predictions.parquet"
    table = read_table(path).filter(pl.col("repeat") == 0)
    written = dict(table.select("source", "score").iter_rows())
    originals = np.flatnonzero(clips.original)
    names = pl.Series([sources.names[i] for i in clips.source[originals]])
    for one in found:
        own = names.is_in(list(one.test_groups)).to_numpy()
        scores = one.score(names.filter(pl.Series(own)), clips.X[originals[own]])
        for source, score in zip(names.filter(pl.Series(own)), scores, strict=True):
            before = written.get(source)
            if before is None or abs(before - score) > _SAME_SCORE:
                raise StaleError(
                    f"fitted again, {spec.name} scores {source} differently: the feature tables "
                    "have changed since it was trained",
                    path=path,
                    remedy=f"Run `fvc train --model-types {spec.name}` again",
                )
