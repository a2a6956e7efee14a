"""The net that ships: refitted on all groups, with a card that says what to expect of it."""

import logging
from collections.abc import Sequence
from pathlib import Path
from statistics import median_low, mode
from typing import Any

import numpy as np
import polars as pl
import torch
from safetensors.torch import save_file

from fvc.errors import DataError
from fvc.models import ModelSpec
from fvc.tables import atomic_write
from fvc.training.card_page import write_card
from fvc.training.clips import Clips, Sources
from fvc.training.final import card
from fvc.training.fold import FoldResult
from fvc.training.inputs import input_settings
from fvc.training.kept_folds import KeptFolds
from fvc.training.request import Request
from fvc.training.selection import Choice
from fvc.training.video.chosen import frame_batches, net_seed
from fvc.training.video.clips import VideoClips
from fvc.training.video.curves_plot import training_curves
from fvc.training.video.device import loader_workers
from fvc.training.video.fitting import FitPlan
from fvc.training.video.fold import attempt_net
from fvc.training.video.job import Fitted, NetPlan, fit_job
from fvc.training.video.options import fit_settings

logger = logging.getLogger("fvc.training")

# Apart from the folds of any repeat.
_FINAL = 2**31 - 1


def describe(
    spec: ModelSpec,
    clips: Clips,
    results: Sequence[FoldResult],
    predictions: pl.DataFrame,
    folder: Path,
    request: Request,
) -> dict[str, Any]:
    """Give what ``metrics.json`` says of a net beside its scores, and draw its curves."""
    assert isinstance(clips, VideoClips)
    assert spec.training is not None
    curves = [{"repeat": r.repeat, "fold": r.fold, "epochs": r.history} for r in results]
    try:
        training_curves(
            [r.history for r in results if r.repeat == 0],
            folder / "plots" / "training_curves.png",
            model=spec.name,
            simulated=request.simulated,
        )
    except DataError as error:
        logger.warning("%s: training_curves.png is not drawn: %s", spec.name, error)
    random = any(r.extra.get("random_weights") for r in results)
    return {
        "training": fit_settings(spec.training, clips.options, {}).to_dict(),
        "nets": clips.options.to_dict(),
        "random_weights": random,
        "tiny": clips.options.tiny,
        "training_curves": curves,
    }


def choose_final(results: Sequence[FoldResult]) -> tuple[dict[str, Any], int, list[dict[str, Any]]]:
    """Choose settings and epochs for the final fit by what the inner parts of all folds say.

    Returns
    -------
    (dict, int, list of dict)
        The settings with the highest mean inner ROC AUC, of equals the first; the median of their
        best epochs; and one row a candidate. Where a search tried other settings in other folds
        there is no such mean: then the settings are what is typical of the folds' choices, and the
        rows are these.

    Raises
    ------
    ValueError
        Every fold failed.
    """
    done = [result for result in results if not result.failure and result.search]
    if not done:
        raise ValueError("every fold failed")
    tried = list(zip(*(result.search for result in done), strict=False))
    if any(row["settings"] != found[0]["settings"] for found in tried for row in found):
        rows = [
            _over_folds([row])
            for result in done
            for row in result.search
            if row["settings"] == result.settings
        ]
        epochs = [epoch for row in rows for epoch in row["best_epochs"]]
        return typical([result.settings for result in done]), median_low(epochs), rows
    rows = [row for found in tried if (row := _over_folds(found))["best_epochs"]]
    scores = [-1.0 if row["val_roc_auc"] is None else row["val_roc_auc"] for row in rows]
    best = max(range(len(rows)), key=lambda i: (round(scores[i], 9), -i))
    return rows[best]["settings"], median_low(rows[best]["best_epochs"]), rows


def _over_folds(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put together what folds say of the same settings."""
    known = [row["val_roc_auc"] for row in found if row["val_roc_auc"] is not None]
    return {
        "settings": found[0]["settings"],
        "val_roc_auc": float(np.mean(known)) if known else None,
        "best_epochs": [row["best_epoch"] for row in found if "refused" not in row],
    }


def typical(choices: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Give what is typical of several settings: medians of numbers, else what is most frequent.

    Examples
    --------
    >>> typical([{"rate": 0.1, "norm": True}, {"rate": 0.4, "norm": True}, {"rate": 0.2}])
    {'rate': 0.1, 'norm': True}
    """
    names = mode(tuple(choice) for choice in choices)
    alike = [choice for choice in choices if tuple(choice) == names]
    found = {}
    for name in names:
        values = [choice[name] for choice in alike]
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        found[name] = median_low(values) if numbers else mode(values)
    return found


def final_net(
    request: Request,
    spec: ModelSpec,
    clips: Clips,
    sources: Sources,
    results: Sequence[FoldResult],
    aggregate: dict[str, Any],
    predictions: pl.DataFrame,
    folds: KeptFolds,
) -> str | None:
    """Write the final net and its card; return why there is none, if there is none."""
    assert isinstance(clips, VideoClips)
    found, failure = attempt_net(
        lambda: _refit(request, spec, clips, sources, results, folds.folder / "final.fit")
    )
    if found is None:
        logger.warning("%s: the final net could not be fitted: %s", spec.name, failure)
        return f"final detector: {failure}"
    fitted, choice, plan = found
    document = card(
        spec,
        choice,
        fitted.net,
        clips,
        sources,
        aggregate=aggregate,
        predictions=predictions,
        split=request.split,
        inputs=input_settings(request.workspace, spec.tables),
    )
    document |= {
        "simulated": request.simulated,
        "settings_chosen_by": "inner parts of the outer folds: mean ROC AUC on sources (where a "
        "search tried other settings in other folds, what is typical of its choices), and the "
        "median best epoch",
        "video": clips.options.form(spec).to_dict(),
        "net": {
            "tiny": clips.options.tiny,
            "dropout": plan.settings.dropout,
            "parameters": sum(p.numel() for p in fitted.net.parameters()),
        },
        "weights": fitted.loaded.to_dict(),
        "random_weights": fitted.loaded.random,
        "training": {
            **plan.settings.to_dict(),
            "epochs_done": fitted.progress.epoch,
            "micro_batch": fitted.progress.micro_batch,
            "memory": _memory_words(fitted, plan, results),
            "seed": list(plan.seed),
        },
    }
    write_net(fitted.net, folds.model / "final")
    write_card(folds.model / "final", document)
    return None


def _memory_words(fitted: Fitted, plan: FitPlan, results: Sequence[FoldResult]) -> str | None:
    asked = min(plan.settings.batch_size, plan.settings.effective_batch_size)
    sizes = [fitted.progress.micro_batch]
    sizes += [r.extra["micro_batch"] for r in results if "micro_batch" in r.extra]
    if min(sizes) >= asked:
        return None
    return (
        f"memory ran out with {asked} clips a step: down to {min(sizes)} were taken, in more steps "
        f"to the same {plan.settings.effective_batch_size} an update"
    )


def _refit(
    request: Request,
    spec: ModelSpec,
    clips: VideoClips,
    sources: Sources,
    results: Sequence[FoldResult],
    work: Path,
) -> tuple[Fitted, Choice, FitPlan]:
    assert spec.training is not None
    chosen, epochs, rows = choose_final(results)
    settings = fit_settings(spec.training, clips.options, chosen)
    everything = np.arange(len(clips.source))
    plan = FitPlan(
        batches=frame_batches(
            dict(clips.files),
            sources.labels[clips.source],
            clips.source,
            clips.options.form(spec),
            everything,
        ),
        train=everything,
        inner=None,
        settings=settings,
        seed=(request.seed, _FINAL),
        epochs=epochs,
        loader_workers=loader_workers(clips.options),
        name=f"{spec.name}, final",
    )
    net = NetPlan(spec.name, clips.options, settings, net_seed(*plan.seed))
    fitted = fit_job(net, plan, work)
    return fitted, Choice(chosen, rows, {}), plan


def write_net(net: torch.nn.Module, folder: Path) -> None:
    """Write a net's state dict: ``model.pt``, and safetensors, which is what is loaded."""
    state = {key: value.detach().cpu().contiguous() for key, value in net.state_dict().items()}
    with atomic_write(folder / "model.pt") as temporary:
        torch.save(state, temporary)
    with atomic_write(folder / "model.safetensors") as temporary:
        # Tensors that share memory cannot stand in such a file: each gets its own.
        save_file({key: value.clone() for key, value in state.items()}, temporary)
