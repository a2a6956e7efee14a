"""Detectors of the folds, fitted again as they were trained, to score what was made since."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fvc.errors import (
    DataError,
    LeakageError,
    MissingInputError,
    NotAvailableError,
    StaleError,
)
from fvc.evaluation import check_no_leakage
from fvc.models import ModelSpec
from fvc.tables import read_table
from fvc.training.clips import Clips, Sources
from fvc.training.parts import read_clips
from fvc.training.running import one_thread
from fvc.training.selection import Part, fit_detector, inner_folds
from fvc.training.split import trained_split
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
        Its columns.
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

    def score(self, sources: pl.Series, X: "np.typing.NDArray[np.float32]") -> pl.Series:
        """Score clips of sources that it has not seen.

        Parameters
        ----------
        sources
            The source of each clip, length n.
        X
            Shape (n, p), columns as in `feature_names`.

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
    """

    detectors: tuple[FoldDetector, ...]
    split: dict[str, Any]
    simulated: bool

    def __iter__(self) -> Iterator[FoldDetector]:
        return iter(self.detectors)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Columns of the detectors."""
        return self.detectors[0].feature_names


def refit_folds(workspace: Workspace, spec: ModelSpec) -> FoldDetectors:
    """Fit the detectors of repeat 0 again, with the settings that their inner folds chose.

    That takes seconds for tabular models, and no pickle has to be trusted. The scores have to be
    those that training wrote down.

    Raises
    ------
    NotAvailableError
        The model is not a tabular one.
    MissingInputError
        It was not trained.
    StaleError
        Folds or feature tables have changed since.
    DataError
        A fold had failed.
    """
    if spec.family != "tabular":
        raise NotAvailableError(f"{spec.name}: only folds of tabular models can be fitted again")
    trained = _trained(workspace, spec)
    split = trained_split(workspace, spec.name, trained)
    sources = Sources.from_folds(split.folds, 1)
    clips = read_clips(workspace, spec.tables, sources)
    chosen = {r["fold"]: r["settings"] for r in trained["fold_results"] if r["repeat"] == 0}
    with one_thread():
        fitted = tuple(
            _refit(spec, trained["settings"], chosen[fold], fold, clips, sources)
            for fold in range(int(split.block["n_splits"]))
        )
    found = FoldDetectors(fitted, split.block, split.simulated)
    _check_same(workspace, spec, found, clips, sources)
    return found


def _trained(workspace: Workspace, spec: ModelSpec) -> dict[str, Any]:
    path = workspace.model(spec.name) / "metrics.json"
    if not path.is_file():
        raise MissingInputError(
            f"{spec.name} was not trained",
            path=path,
            remedy=f"Run `fvc train --model-types {spec.name}` first",
        )
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for row in document["fold_results"]:
        if row["repeat"] == 0 and row["status"] != "ok":
            raise DataError(
                f"{spec.name}: fold {row['fold']} had failed ({row['reason']}); all folds of "
                "repeat 0 are needed"
            )
    return document


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
    return FoldDetector(
        fold=fold,
        detector=fit_detector(spec, settings, part, inner),
        feature_names=tuple(clips.feature_names),
        train_groups=frozenset(map(str, sources.groups[~test])),
        test_groups={sources.names[i]: str(sources.groups[i]) for i in np.flatnonzero(test)},
    )


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
