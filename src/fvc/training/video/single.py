"""Scoring one clip with a net, outside of any fit."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fvc.models.video_spec import VideoInput
from fvc.training.video.fitting import probabilities
from fvc.training.video.frames import FLOW_ZERO
from fvc.training.video.loading import Pictures
from fvc.training.video.picture import fit_pictures, flow_scale, layout
from fvc.training.video.steps import as_clips


def score_one(net: Any, streams: Mapping[str, NDArray[np.uint8]], form: VideoInput) -> float:
    """Give a clip's probability of being fake.

    Parameters
    ----------
    net
        In evaluation mode, on any device.
    streams
        ``"frames"``, and ``"flow"`` where the net takes it, as `take_frames` gives them.
    form
        What the net is given.
    """
    frames = streams["frames"]
    height, width = frames.shape[1:3]
    place = layout(height, width, form)
    flow = None
    if "flow" in streams:
        flow = torch.from_numpy(fit_pictures(streams["flow"], place, fill=FLOW_ZERO))[None]
    pictures = Pictures(
        frames=torch.from_numpy(fit_pictures(frames, place))[None],
        boxes=torch.tensor([place.box]),
        flow=flow,
        scale=torch.tensor([flow_scale(height, width, place)], dtype=torch.float32),
        places=torch.zeros(1, dtype=torch.int64),
    )
    device = next(net.parameters()).device
    with torch.no_grad():
        clips, motion = as_clips(pictures.to(device), form)
        logit = net(clips) if motion is None else net(clips, motion)
    return float(probabilities(logit.double().cpu().numpy())[0])
