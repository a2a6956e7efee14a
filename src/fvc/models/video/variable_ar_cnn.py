"""A residual network that reads frames of any shape."""

import torch
from torch import Tensor, nn

from fvc.models.video.frames import FrameNetwork
from fvc.models.video.resnet3d import initialise


def variable_ar_cnn(*, tiny: bool = False) -> FrameNetwork:
    """Make a residual network for clips at their own aspect ratio.

    Bars and squashed faces are regularities that a network can learn instead of the question: a bar
    tells a phone's upright clip from a broadcast, and so, often, its label. This one gets neither.
    It is convolutions and a pyramid of means over the whole and the four quarters of whatever shape
    comes; norms are over groups of channels, since a batch of one shape is often a batch of one.

    References
    ----------
    He, Zhang, Ren & Sun 2015, Spatial pyramid pooling in deep convolutional networks for visual
    recognition. Wu & He 2018, Group normalization.
    """
    widths = (8, 16) if tiny else (32, 64, 128, 256)
    layers: list[nn.Module] = [
        nn.Conv2d(3, widths[0], 5, stride=2, padding=2, bias=False),
        nn.GroupNorm(8, widths[0]),
        nn.ReLU(),
    ]
    inputs = widths[0]
    for width in widths:
        layers.append(Residual(inputs, width))
        inputs = width
    net = nn.Sequential(*layers, Pyramid())
    initialise(net)
    return FrameNetwork(net, 5 * inputs)


class Residual(nn.Module):
    """Two 3×3 convolutions with group norm, beside a shortcut; halves the size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
        self.first_norm = nn.GroupNorm(8, outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.second_norm = nn.GroupNorm(8, outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride=2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, inputs, H, W)`` to ``(N, outputs, ⌈H / 2⌉, ⌈W / 2⌉)``."""
        out = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(self.second_norm(self.second(out)) + self.shortcut(x))


class Pyramid(nn.Module):
    """Means over the whole and over each quarter: ``(N, C, H, W) -> (N, 5 C)``."""

    def forward(self, x: Tensor) -> Tensor:
        """Map a feature map of any size of at least 1×1."""
        levels = [nn.functional.adaptive_avg_pool2d(x, side).flatten(1) for side in (1, 2)]
        return torch.cat(levels, dim=1)
