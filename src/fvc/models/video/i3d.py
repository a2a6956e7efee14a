"""I3D: a ResNet-50 whose convolutions are inflated in time."""

from torch import Tensor, nn

from fvc.models.video.classifier import Backbone
from fvc.models.video.resnet3d import (
    Projection,
    Stem,
    bottleneck_stage,
    conv3d,
    initialise,
    without,
)

DEPTHS = (3, 4, 6, 3)
TEMPORAL = ((3,), (3, 1), (3, 1), (1, 3))


class I3D(Backbone):
    """I3D-R50 of PyTorchVideo (``I3D_8x8_R50.pyth``): 28.0 M parameters with 400 classes.

    Tokens are the last feature map, averaged over space: half as many as frames.

    Parameters
    ----------
    width
        Channels of the stem; 64 is the published form.
    depths
        Blocks of the four stages.
    classes
        Classes of the published classifier; None leaves it out.

    References
    ----------
    Carreira & Zisserman 2017, Quo vadis, action recognition? A new model and the Kinetics dataset.
    Wang, Girshick, Gupta & He 2018, Non-local neural networks (the ResNet-50 form).
    """

    def __init__(
        self,
        width: int = 64,
        depths: tuple[int, int, int, int] = DEPTHS,
        classes: int | None = None,
    ) -> None:
        super().__init__()
        stem = Stem(conv3d(3, width, (5, 7, 7), (1, 2, 2)), width, pool=True)
        blocks: list[nn.Module] = [stem]
        inputs = width
        for index, (depth, temporal) in enumerate(zip(depths, TEMPORAL, strict=True)):
            inner = width * 2**index
            stride = 1 if index == 0 else 2
            blocks.append(
                bottleneck_stage(
                    depth, inputs, inner, 4 * inner, temporal=temporal, spatial_stride=stride
                )
            )
            if index == 0:
                blocks.append(nn.MaxPool3d((2, 1, 1)))
            inputs = 4 * inner
        self.token_size = inputs
        self.blocks = nn.ModuleList([*blocks, Projection(inputs, classes)])
        initialise(self)

    def forward(self, clips: Tensor) -> Tensor:
        """Return tokens ``(B, T / 2, D)``."""
        x = clips
        for block in list(self.blocks)[:-1]:
            x = self.run(block, x)
        return x.mean(dim=(3, 4)).transpose(1, 2)

    def classify(self, clips: Tensor) -> Tensor:
        """Return the published classifier's logits."""
        logits: Tensor = self.blocks[-1](self(clips).mean(dim=1))
        return logits

    def renamed(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Drop the classifier."""
        return without(state, "blocks.6.proj.")
