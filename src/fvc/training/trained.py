"""A model that is trained: what it says of itself, what it reads, and its final detector."""

import importlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fvc.errors import DataError, MissingInputError, StaleError
from fvc.evaluation.weights import is_tiny
from fvc.models import ModelSpec, get_model
from fvc.models.loading import load_detector
from fvc.models.video_spec import VideoInput
from fvc.stages import RunOptions
from fvc.training.clips import Clips, Sources
from fvc.training.reading import ClipReader
from fvc.training.request import Request
from fvc.training.running import usable_cores, worker_count
from fvc.training.split import Split
from fvc.training.video.options import VideoOptions
from fvc.workspace import Workspace


def read_trained(workspace: Workspace, spec: ModelSpec) -> dict[str, Any]:
    """Read the ``metrics.json`` of a trained model.

    Raises
    ------
    MissingInputError
        It was not trained.
    """
    path = workspace.model(spec.name) / "metrics.json"
    if not path.is_file():
        raise MissingInputError(
            f"{spec.name} was not trained",
            path=path,
            remedy=f"Run `fvc train --model-types {spec.name}` first",
        )
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def check_folds(spec: ModelSpec, trained: Mapping[str, Any]) -> None:
    """Make sure that all folds of repeat 0 are there.

    Raises
    ------
    DataError
        One had failed.
    """
    for row in trained["fold_results"]:
        if row["repeat"] == 0 and row["status"] != "ok":
            raise DataError(
                f"{spec.name}: fold {row['fold']} had failed ({row['reason']}); all folds of "
                "repeat 0 are needed"
            )


def form_of(spec: ModelSpec, described: Mapping[str, Any]) -> VideoInput:
    """Say what a trained model is given of a clip."""
    return VideoOptions(weights="none", tiny=is_tiny(described)).form(spec)


def options_of(
    spec: ModelSpec, described: Mapping[str, Any], *, device: str = "auto"
) -> VideoOptions:
    """Say how a trained model's frames were taken and embedded.

    Parameters
    ----------
    spec
        The model.
    described
        Its ``metrics.json`` or its card.
    device
        Where a backbone works now.
    """
    weights = "none"
    if spec.family == "embedding":
        # A net that is fitted has its own weights; a frozen backbone's are read again.
        made = described["weights"]
        weights = str(made["source"]) if made["kind"] == "file" else str(made["kind"])
    return VideoOptions(
        weights=weights, tiny=is_tiny(described), device=device, threads=usable_cores()
    )


def read_as_trained(
    workspace: Workspace,
    spec: ModelSpec,
    described: Mapping[str, Any],
    sources: Sources,
    split: Split,
    *,
    run: RunOptions = RunOptions(),
) -> Clips:
    """Read clips as a trained model reads them; frames and embeddings come from their caches.

    Parameters
    ----------
    workspace
        The project of the clips, which may be another one than the model's.
    spec
        A model of any family but the ensemble, which reads what its members read.
    described
        Its ``metrics.json`` or its card.
    sources, split
        Whose clips.
    run
        How what is not there yet is made.

    Raises
    ------
    MissingInputError
        An earlier stage has not run, or a backbone's weights are missing.
    StaleError
        The backbone's weights are not those that the model was trained with.
    MissingExtraError
        torch is not installed, and the model needs it.
    """
    request = Request(
        workspace=workspace,
        split=split.block,
        folds=split.folds,
        simulated=split.simulated,
        workers=worker_count(run.workers),
        nets=options_of(spec, described) if spec.family != "tabular" else VideoOptions(),
        run=replace(run, shard=None),
    )
    clips = ClipReader(request, sources)(spec)
    if spec.family == "embedding":
        check_weights(spec, described, str(clips.notes["embedding"]["weights_hash"]))
    return clips


def check_weights(spec: ModelSpec, described: Mapping[str, Any], digest: str) -> None:
    """Make sure that a backbone has the weights that a model was trained with.

    Raises
    ------
    StaleError
        It has others.
    """
    made = described["embedding"]
    if digest != made["weights_hash"]:
        raise StaleError(
            f"the weights of {made['backbone']} are not those that {spec.name} was trained with "
            f"({made['weights_hash'][:8]}…)",
            remedy=f"Put these weights back, or run `fvc train --model-types {spec.name}` again",
        )


def members_of(workspace: Workspace, card: Mapping[str, Any]) -> list[ModelSpec]:
    """Look up the members of a trained ensemble, in its order.

    Parameters
    ----------
    workspace
        The project.
    card
        The card of the ensemble.

    Raises
    ------
    MissingInputError
        One is not there any more.
    StaleError
        One was trained anew since the ensemble was.
    """
    found = []
    for member in card["members"]:
        spec = get_model(member["model"])
        if read_trained(workspace, spec)["fingerprint"] != member["fingerprint"]:
            raise StaleError(
                f"{spec.name} was trained anew since the ensemble was",
                path=workspace.model(spec.name) / "metrics.json",
                remedy="Run `fvc train --model-types ensemble` again",
            )
        found.append(spec)
    return found


def final_detector(workspace: Workspace, spec: ModelSpec, card: Mapping[str, Any]) -> Any:
    """Open the final detector: it scores what the model reads of a clip, the inputs of `Clips`.

    That of an ensemble scores the scores of its members.

    Raises
    ------
    MissingInputError
        It is not there.
    DataError
        Its files are damaged, or do not fit its card.
    """
    if spec.family != "video":
        return load_detector(workspace.model(spec.name))
    nets = importlib.import_module("fvc.training.video.saved")
    return nets.open_net(
        workspace.model(spec.name) / "final" / "model.safetensors",
        spec.name,
        form_of(spec, card),
        tiny=is_tiny(card),
    )
