"""The scores that final detectors of any family give to the clips of a project."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvc.errors import DataError
from fvc.models import ModelSpec
from fvc.models.loading import read_card
from fvc.stages import RunOptions
from fvc.training.clips import Sources
from fvc.training.running import one_thread
from fvc.training.split import Split
from fvc.training.trained import final_detector, members_of, read_as_trained
from fvc.workspace import Workspace


def inputs_of(
    workspace: Workspace, spec: ModelSpec, card: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[int, ...]]:
    """Say how the clips were made that a detector reads, and which tables those are.

    Parameters
    ----------
    workspace
        The project that it was trained in.
    spec, card
        The model and its card; an ensemble reads what its members read.

    Returns
    -------
    (dict, tuple of int)
        Settings by verb, as `fvc.training.inputs.input_settings` gives them, and numbers of tables.

    Raises
    ------
    DataError
        Members of an ensemble were trained on clips that were made differently.
    """
    if spec.family != "ensemble":
        return dict(card["input"]), spec.tables
    inputs: dict[str, Any] = {}
    tables: set[int] = set()
    for member in members_of(workspace, card):
        own, numbers = inputs_of(workspace, member, read_card(workspace.model(member.name)))
        for verb, settings in own.items():
            if inputs.setdefault(verb, settings) != settings:
                raise DataError(
                    f"`fvc {verb}` ran otherwise for {member.name} than for the other members of "
                    "the ensemble: train them all again"
                )
        tables |= set(numbers)
    order = ("match", "augment", "features", "scale", "scaled-features")
    return {verb: inputs[verb] for verb in order if verb in inputs}, tuple(sorted(tables))


def score_sources(
    workspace: Workspace,
    spec: ModelSpec,
    card: Mapping[str, Any],
    space: Workspace,
    sources: Sources,
    split: Split,
    *,
    run: RunOptions = RunOptions(),
) -> NDArray[np.float64]:
    """Score the unaugmented copy of each source by a final detector.

    Parameters
    ----------
    workspace
        The project that it was trained in.
    spec, card
        The model and its card.
    space, sources, split
        The project whose clips are scored, and which sources.
    run
        How frames and embeddings are made that are not there yet.

    Returns
    -------
    (s,) float64
        Probabilities of being fake; NaN where a stage failed, and for an ensemble where a member
        has no score.

    Raises
    ------
    DataError
        The clips do not have the features that the model was trained on.
    StaleError
        A backbone has other weights, or a member was trained anew since the ensemble was.
    """
    detector = final_detector(workspace, spec, card)
    score = np.full(len(sources.names), np.nan)
    if spec.family == "ensemble":
        columns = [
            score_sources(
                *(workspace, member, read_card(workspace.model(member.name))),
                *(space, sources, split),
                run=run,
            )
            for member in members_of(workspace, card)
        ]
        scores = np.column_stack(columns)
        whole = np.flatnonzero(~np.isnan(scores).any(axis=1))
        if len(whole):
            score[whole] = detector.predict_proba(scores[whole])[:, 1]
        return score
    clips = read_as_trained(space, spec, card, sources, split, run=run)
    if spec.family == "tabular" and clips.feature_names != card["feature_names"]:
        raise DataError(
            f"{space.root}: the feature tables do not have the columns that {spec.name} was "
            "trained on"
        )
    rows = np.flatnonzero(clips.original)
    if len(rows):
        with one_thread():
            score[clips.source[rows]] = detector.predict_proba(clips.inputs[rows])[:, 1]
    return score
