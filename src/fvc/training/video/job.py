"""A fit as something to send to a process: build the net, fit it, leave its weights on the disk."""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch.multiprocessing.spawn import ProcessRaisedException

from fvc.errors import OptionError
from fvc.models import build_video_model
from fvc.models.video_spec import LoadedWeights, VideoModelSettings
from fvc.tables import write_json_atomic
from fvc.training.video.device import make_fabric, quiet, threads
from fvc.training.video.fitting import BEST, LAST, FitPlan, Progress, fit_net
from fvc.training.video.options import VideoOptions

# What one of several processes met, for the one that waits for them.
_TOLD = "error.json"
_KINDS: dict[str, type[Exception]] = {"option": OptionError, "value": ValueError}


@dataclass(frozen=True)
class NetPlan:
    """Which net.

    Attributes
    ----------
    name
        Of the model.
    options
        Weights, and whether it is tiny.
    settings
        Dropout, batch norm and checkpointing.
    seed
        Of what is random in the new net.
    """

    name: str
    options: VideoOptions
    settings: VideoModelSettings
    seed: int

    def build(self) -> Any:
        """Make the net.

        Raises
        ------
        MissingInputError
            The weights are not to be had; the message says which file to put where.
        OptionError
            The options do not go together.
        """
        net = build_video_model(
            self.name,
            weights=self.options.weights_source,
            tiny=self.options.tiny,
            seed=self.seed,
            dropout=self.settings.dropout,
        )
        net.freeze_batch_norm(self.settings.freeze_batch_norm)
        net.checkpoint_gradients(self.settings.gradient_checkpointing)
        return net


@dataclass(frozen=True)
class Fitted:
    """A fitted net.

    Attributes
    ----------
    net
        With the weights that score, in evaluation mode.
    progress
        Its history.
    loaded
        What its weights were at the beginning.
    """

    net: Any
    progress: Progress
    loaded: LoadedWeights


def fit_job(net_plan: NetPlan, plan: FitPlan, folder: Path) -> Fitted:
    """Fit a net on as many devices as the options say, or take up the fit that the folder holds.

    Raises
    ------
    MissingInputError, OptionError, ValueError
        As `NetPlan.build` and `fit_net`.
    """
    options = net_plan.options
    net = net_plan.build()
    loaded = net.loaded_weights
    with quiet(), threads(options.threads):
        if options.devices > 1:
            _fit_together(net_plan, plan, folder)
        else:
            _fit(make_fabric(options), net_plan, plan, folder, net)
    state = torch.load(folder / LAST, map_location="cpu", weights_only=True)
    weights = state["net"]
    if plan.inner is not None:
        weights = torch.load(folder / BEST, map_location="cpu", weights_only=True)
    net = net.to("cpu")
    net.load_state_dict(weights)
    net.eval()
    return Fitted(net, Progress(**state["progress"]), loaded)


def _fit_together(net_plan: NetPlan, plan: FitPlan, folder: Path) -> None:
    """Fit a net in several processes, and say what one of them met as if it had been met here."""
    told = folder / _TOLD
    told.unlink(missing_ok=True)
    fabric = make_fabric(net_plan.options, devices=net_plan.options.devices)
    try:
        fabric.launch(partial(_fit_in_process, net_plan=net_plan, plan=plan, folder=folder))
    except ProcessRaisedException as error:
        if not told.is_file():
            raise
        found = json.loads(told.read_text(encoding="utf-8"))
        told.unlink()
        raise _KINDS[found["kind"]](found["message"]) from error


def _fit_in_process(fabric: Fabric, net_plan: NetPlan, plan: FitPlan, folder: Path) -> None:
    # A new process has neither the filters nor the threads of the one that started it.
    options = net_plan.options
    try:
        with quiet(), threads(max(1, options.threads // options.devices)):
            _fit(fabric, net_plan, plan, folder)
    except tuple(_KINDS.values()) as error:
        kind = next(name for name, each in _KINDS.items() if isinstance(error, each))
        write_json_atomic(folder / _TOLD, {"kind": kind, "message": str(error)})
        raise


def _fit(fabric: Fabric, net_plan: NetPlan, plan: FitPlan, folder: Path, net: Any = None) -> None:
    fit_net(fabric, net_plan.build() if net is None else net, plan, folder)
