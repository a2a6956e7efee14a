"""R(2+1)D-18: 3D convolutions taken apart into space and time."""

from torch import Tensor, nn

from fvc.models.video.classifier import Backbone
from fvc.models.video.resnet3d import without


class R2Plus1D(Backbone):
    """torchvision's R(2+1)D-18 without its classifier (31.5 M parameters with 400 classes).

    Tokens are the last feature map, averaged over space: an eighth as many as frames.

    References
    ----------
    Tran, Wang, Torresani, Ray, LeCun & Paluri 2018, A closer look at spatiotemporal convolutions
    for action recognition.
    """

    def __init__(self, *, tiny: bool = False) -> None:
        super().__init__()
        from torchvision.models.video import (  # type: ignore[import-untyped]
            resnet as library,
        )

        self.stem: nn.Module
        if tiny:
            self.stem = nn.Sequential(
                nn.Conv3d(3, 8, (1, 7, 7), (1, 4, 4), (0, 3, 3), bias=False),
                nn.BatchNorm3d(8),
                nn.ReLU(),
                nn.Conv3d(8, 16, (3, 1, 1), 1, (1, 0, 0), bias=False),
                nn.BatchNorm3d(16),
                nn.ReLU(),
            )
            convolution = library.Conv2Plus1D(16, 16, 16, 2)
            self.layer1: nn.Module = nn.Sequential(convolution, nn.BatchNorm3d(16), nn.ReLU())
            self.stages: tuple[str, ...] = ("stem", "layer1")
            self.token_size = 16
            return
        whole = library.r2plus1d_18(weights=None)
        self.stem = whole.stem
        self.layer1, self.layer2 = whole.layer1, whole.layer2
        self.layer3, self.layer4 = whole.layer3, whole.layer4
        self.stages = ("stem", "layer1", "layer2", "layer3", "layer4")
        self.token_size = 512

    def forward(self, clips: Tensor) -> Tensor:
        """Return tokens ``(B, T / 8, D)``."""
        x = clips
        for name in self.stages:
            x = self.run(getattr(self, name), x)
        return x.mean(dim=(3, 4)).transpose(1, 2)

    def renamed(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Drop the classifier."""
        return without(state, "fc.")
