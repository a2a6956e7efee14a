"""Nets fitted without a held-out set, which they then score."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fvc.evaluation import check_no_leakage, compute_classification_metrics
from fvc.evaluation.protocols import equal_error_threshold
from fvc.training.clips import Sources
from fvc.training.held_out import HoldoutResult, HoldoutTask
from fvc.training.video.chosen import choose_net
from fvc.training.video.clips import VideoClips
from fvc.training.video.fold import attempt_net, part_of
from fvc.training.video.kept import KeptFits, digest_of

_KEPT = ("source", "score", "threshold", "threshold_note", "settings", "metrics", "n_train")


def run_net_holdouts(
    tasks: Sequence[HoldoutTask], clips: VideoClips, sources: Sources, folder: Path
) -> Iterator[HoldoutResult]:
    """Fit and score held-out sets one after the other: a net takes a whole device.

    Parameters
    ----------
    tasks
        Of one model.
    clips, sources
        The data.
    folder
        Where results are kept; sets that are there are not fitted again, and a fit that was ended
        goes on.

    Raises
    ------
    LeakageError
        A group stands on both sides.
    OptionError, MissingInputError
        What is asked for cannot be had; the message says what would do.
    """
    if not tasks:
        return
    kept = KeptFits(folder, tasks[0].spec, clips)
    for task in tasks:
        check_no_leakage(
            sources.groups[task.train], sources.groups[task.test], where=f"{task.name} held out"
        )
        result = HoldoutResult(task.number, task.spec.name)
        key = _key(kept, task, sources)
        found = kept.read(key)
        if found is None:
            found, result.failure = attempt_net(partial(_fit, task, clips, sources, kept.work(key)))
            if found is not None:
                kept.write(key, found)
        if found is not None:
            for name in _KEPT:
                setattr(result, name, found[name])
            result.source = np.array(found["source"], dtype=np.int32)
            result.score = np.array(found["score"], dtype=np.float64)
        yield result
    kept.tidy()


def _key(kept: KeptFits, task: HoldoutTask, sources: Sources) -> str:
    sides = digest_of(task.train, task.test, sources.labels, sources.groups)
    return kept.key(task.candidates, task.inner_splits, task.seed, task.number, sides)


def _fit(task: HoldoutTask, clips: VideoClips, sources: Sources, work: Path) -> dict[str, Any]:
    part = part_of(clips, sources, np.flatnonzero(task.train[clips.source]))
    tested = np.flatnonzero(task.test[clips.source] & clips.original)
    net = choose_net(
        task.spec,
        task.candidates,
        part,
        clips.options,
        inner_splits=task.inner_splits,
        # Apart from the folds of training.
        seed=(task.seed, 2**30 + task.number),
        where=f"{task.spec.name} without {task.name}",
        work=work,
    )
    threshold, note = None, "too few groups for an inner part: the threshold is 0.5"
    if net.sides.inner is not None:
        threshold = equal_error_threshold(part.y[net.sides.inner], net.inner_scores)
        note = "found on the inner part that ended the fit"
    score = net.predict_proba(clips.inputs[tested])[:, 1] if len(tested) else np.empty(0)
    source = clips.source[tested]
    threshold = 0.5 if threshold is None else float(threshold)
    return {
        "source": source.tolist(),
        "score": score.tolist(),
        "threshold": threshold,
        "threshold_note": note,
        "settings": net.settings,
        "metrics": compute_classification_metrics(
            sources.labels[source], score, threshold=threshold
        ),
        "n_train": len(np.unique(part.source)),
    }
