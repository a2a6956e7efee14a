"""Scores of altered clips by the detectors of the folds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fvc.models import ModelSpec
from fvc.training.clips import Sources
from fvc.training.refitting import FoldDetectors
from fvc.training.running import usable_cores
from fvc.training.trained import check_weights, options_of
from fvc.training.video.alterations import Alteration, Streams, alterations
from fvc.training.video.cache import read_frames
from fvc.training.video.clips import read_video_clips
from fvc.training.video.device import threads
from fvc.training.video.embedding import Backbone, open_backbone
from fvc.training.video.reading import frame_settings
from fvc.workspace import Workspace


@dataclass(frozen=True)
class _OnStreams:
    """A net's detector of streams that are in memory."""

    detector: Any

    def predict_proba(self, X: Sequence[Streams]) -> NDArray[np.float64]:
        fake = np.array([self.detector.score(streams) for streams in X])
        return np.column_stack([1 - fake, fake])


@dataclass(frozen=True)
class _OnTokens:
    """An embedding model's detector of streams that are in memory."""

    detector: Any
    backbone: Backbone
    threads: int

    def predict_proba(self, X: Sequence[Streams]) -> NDArray[np.float64]:
        with threads(self.threads):
            tokens = [self.backbone.tokens(streams["frames"]).reshape(-1) for streams in X]
        found: NDArray[np.float64] = self.detector.predict_proba(np.stack(tokens))
        return found


def score_altered(
    workspace: Workspace,
    spec: ModelSpec,
    detectors: FoldDetectors,
    sources: Sources,
    *,
    draws: int,
    seed: int,
    done: Callable[[int], None],
) -> tuple[list[Alteration], pl.DataFrame]:
    """Alter the unaugmented clip of each source, and score it by who has not seen its group.

    Parameters
    ----------
    workspace
        The project.
    spec
        A model that looks at frames.
    detectors
        Of the folds.
    sources
        Of the split.
    draws
        How often what is random is drawn for each clip; its score is the mean.
    seed
        Of the draws.
    done
        Called with 1 for each clip.

    Returns
    -------
    (list of Alteration, polars.DataFrame)
        What was done, and ``source, group, label, fold, alteration, score, plain``.

    Raises
    ------
    LeakageError
        A detector has seen the group of a source that it was to score.
    StaleError
        The backbone has other weights than the model was trained with.
    """
    options = options_of(spec, detectors.trained)
    form = options.form(spec)
    clips = read_video_clips(
        workspace, sources, frame_settings(form), options, workers=usable_cores()
    )
    wrap: Callable[[Any], Any] = _OnStreams
    if spec.embedding is not None:
        backbone = open_backbone(spec.embedding.backbone, form, options)
        check_weights(spec, detectors.trained, backbone.digest)
        wrap = lambda detector: _OnTokens(detector, backbone, options.threads)  # noqa: E731
    by_fold = {one.fold: replace(one, detector=wrap(one.detector)) for one in detectors}
    steps = alterations(flow="flow" in clips.files)
    rows: list[dict[str, Any]] = []
    for row in np.flatnonzero(clips.original):
        i = int(clips.source[row])
        streams = {name: np.array(read_frames(paths[row])) for name, paths in clips.files.items()}
        name, fold = sources.names[i], int(sources.fold[0, i])

        def score(what: Mapping[str, NDArray[np.uint8]], name: str = name, fold: int = fold) -> Any:
            # A list stands for an array of one: streams of clips differ in size.
            return by_fold[fold].score(pl.Series([name]), [what])[0]

        plain = score(streams)
        for step in steps:
            rng = np.random.default_rng((seed, i))
            times = draws if step.random else 1
            scores = [score(step.apply(streams, rng)) for _ in range(times)]
            rows.append({
                "source": name,
                "group": str(sources.groups[i]),
                "label": int(sources.labels[i]),
                "fold": fold,
                "alteration": step.name,
                "score": float(np.mean(scores)),
                "plain": plain,
            })  # fmt: skip
        done(1)
    return steps, pl.DataFrame(rows)
