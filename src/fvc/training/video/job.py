"""A fit as something to send to a process: build the net, fit it, leave its weights on the disk."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric

from fvc.models import build_video_model
from fvc.models.video_spec import LoadedWeights, VideoModelSettings
from fvc.training.video.device import make_fabric, quiet, threads
from fvc.training.video.fitting import BEST, LAST, FitPlan, Progress, fit_net
from fvc.training.video.options import VideoOptions


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
        if self.settings.freeze_batch_norm:
            net.freeze_batch_norm()
        if self.settings.gradient_checkpointing:
            net.checkpoint_gradients()
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
            fabric = make_fabric(options, devices=options.devices)
            fabric.launch(partial(_fit, net_plan=net_plan, plan=plan, folder=folder))
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


def _fit(fabric: Fabric, net_plan: NetPlan, plan: FitPlan, folder: Path, net: Any = None) -> None:
    fit_net(fabric, net_plan.build() if net is None else net, plan, folder)
