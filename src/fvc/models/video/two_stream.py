"""Two streams: what single frames show, and how things move."""

import torch
from torch import Tensor

from fvc.errors import OptionError
from fvc.models.video.classifier import Backbone
from fvc.models.video.frames import resnet18
from fvc.models.video.resnet3d import without

LARGEST_FLOW = 20.0
"""Pixels a frame; longer displacements are cut, as in the paper."""


class TwoStream(Backbone):
    """A ResNet-18 on frames and one on stacks of optical flow.

    Tokens are both networks' features side by side, one a frame: a linear unit on them, averaged
    over frames, is the mean of the two streams' scores, which is how the paper joins them. The flow
    is real optical flow, computed and cached by the data path (OpenCV's DIS); here each field loses
    its mean, which takes most of the camera's motion away, is cut at 20 pixels and divided by them.
    The flow network starts from the same published weights as the other: its first convolution
    takes the mean over R, G and B for each of its channels.

    Parameters
    ----------
    length
        Flow fields in a stack.
    tiny
        Two small networks.

    References
    ----------
    Simonyan & Zisserman 2014, Two-stream convolutional networks for action recognition in videos.
    Wang et al. 2016, Temporal segment networks (the first convolution; several places a clip).
    Kroeger, Timofte, Dai & Van Gool 2016, Fast optical flow using dense inverse search.
    """

    def __init__(self, *, length: int = 10, tiny: bool = False) -> None:
        super().__init__()
        self.length = length
        self.spatial = resnet18(tiny=tiny)
        self.temporal = resnet18(channels=2 * length, tiny=tiny)
        self.token_size = self.spatial.token_size + self.temporal.token_size

    def forward(self, clips: Tensor, flow: Tensor | None = None) -> Tensor:
        """Return tokens ``(B, T, D)`` of frames ``(B, 3, T, H, W)`` and flow ``(B, T, 2 L, H, W)``.

        Raises
        ------
        OptionError
            There is no flow, or it is of another shape.
        """
        frames = (len(clips), clips.shape[2], 2 * self.length, *clips.shape[3:])
        if flow is None or flow.shape != frames:
            given = None if flow is None else tuple(flow.shape)
            raise OptionError(f"two_stream takes optical flow of shape {frames}, not {given}")
        spatial: Tensor = self.spatial(clips)
        temporal: Tensor = self.temporal(centred(flow).transpose(1, 2))
        return torch.cat([spatial, temporal], dim=2)

    def renamed(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Give the published network to both streams."""
        kept = without(state, "fc.")
        first = kept["conv1.weight"].mean(dim=1, keepdim=True)
        # Each of the 2 L channels weighs as much less as there are more of them than colours.
        first = first.expand(-1, 2 * self.length, -1, -1) * (3 / (2 * self.length))
        moving = {**kept, "conv1.weight": first.clone()}
        return {
            **{f"spatial.net.{key}": value for key, value in kept.items()},
            **{f"temporal.net.{key}": value for key, value in moving.items()},
        }


def centred(flow: Tensor) -> Tensor:
    """Take each field's mean away, cut at `LARGEST_FLOW` and divide by it.

    Pixels in which a stack has no flow at all are bars: they stay 0, and count in no mean.

    Parameters
    ----------
    flow
        ``(B, T, 2 L, H, W)`` in pixels.
    """
    inside = (flow != 0).any(dim=2, keepdim=True).to(flow)
    count = inside.sum(dim=(3, 4), keepdim=True).clamp(min=1)
    mean = (flow * inside).sum(dim=(3, 4), keepdim=True) / count
    return ((flow - mean) * inside).clamp(-LARGEST_FLOW, LARGEST_FLOW) / LARGEST_FLOW
