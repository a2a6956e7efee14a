"""The plain network to compare others with: four convolutions on single frames."""

from torch import nn

from fvc.models.video.frames import FrameNetwork
from fvc.models.video.resnet3d import initialise


def naive_cnn(*, tiny: bool = False) -> FrameNetwork:
    """Make four times convolution, batch norm, ReLU and maximum; then the mean over space.

    It sees no motion and knows nothing beforehand: what it scores, single frames and some hundred
    sources give away.

    References
    ----------
    Karpathy et al. 2014, Large-scale video classification with convolutional neural networks
    (the single-frame baseline).
    """
    widths = (8, 16) if tiny else (32, 64, 128, 256)
    layers: list[nn.Module] = []
    inputs = 3
    for width in widths:
        layers += [
            nn.Conv2d(inputs, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
        inputs = width
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    initialise(net)
    return FrameNetwork(net, inputs)
