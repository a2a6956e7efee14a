"""X3D: a small network, expanded step by step in time, space, width and depth."""

import torch
from torch import Tensor, nn

from fvc.models.video.classifier import Backbone
from fvc.models.video.resnet3d import ResBlock, ResStage, Stem, conv3d, initialise, without

DEPTHS = (3, 5, 11, 7)


class X3D(Backbone):
    """X3D-M of PyTorchVideo (``X3D_M.pyth``): 3.8 M parameters with 400 classes.

    One token a clip: the published head has a ReLU after its pooling over time and space.

    Parameters
    ----------
    width
        Channels of the stem; 24 is the published form.
    depths
        Blocks of the four stages.
    head
        Channels of the head.
    classes
        Classes of the published classifier; None leaves it out.

    References
    ----------
    Feichtenhofer 2020, X3D: expanding architectures for efficient video recognition.
    """

    def __init__(
        self,
        width: int = 24,
        depths: tuple[int, int, int, int] = DEPTHS,
        head: int = 2048,
        classes: int | None = None,
    ) -> None:
        super().__init__()
        stem = Stem(FactorisedConv(width), width, pool=False)
        blocks: list[nn.Module] = [stem]
        inputs = width
        for index, depth in enumerate(depths):
            outputs = width * 2**index
            blocks.append(x3d_stage(depth, inputs, outputs))
            inputs = outputs
        self.token_size = head
        self.blocks = nn.ModuleList([*blocks, X3DHead(inputs, head, classes)])
        initialise(self)

    def forward(self, clips: Tensor) -> Tensor:
        """Return tokens ``(B, 1, D)``."""
        x = clips
        for block in self.blocks:
            x = self.run(block, x)
        return x[:, None]

    def classify(self, clips: Tensor) -> Tensor:
        """Return the published classifier's logits (its softmax left out)."""
        head: nn.Module = self.blocks[-1]
        assert isinstance(head, X3DHead)
        logits: Tensor = head.proj(self(clips)[:, 0])
        return logits

    def renamed(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Drop the classifier."""
        return without(state, "blocks.5.proj.")


class FactorisedConv(nn.Module):
    """The stem's convolution: 1×3×3, then a 5×1×1 of each channel by itself.

    The checkpoint calls the spatial one ``conv_t``.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_t = conv3d(3, width, (1, 3, 3), (1, 2, 2))
        self.conv_xy = conv3d(width, width, (5, 1, 1), groups=width)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, 3, T, H, W)``."""
        out: Tensor = self.conv_xy(self.conv_t(x))
        return out


class X3DBottleneck(nn.Module):
    """1×1×1, then 3×3×3 of each channel by itself with squeeze and excitation, then 1×1×1."""

    def __init__(self, inputs: int, outputs: int, stride: int, *, excite: bool) -> None:
        super().__init__()
        inner = int(2.25 * outputs)
        self.conv_a = conv3d(inputs, inner, (1, 1, 1))
        self.norm_a = nn.BatchNorm3d(inner)
        self.conv_b = conv3d(inner, inner, (3, 3, 3), (1, stride, stride), groups=inner)
        self.norm_b = nn.Sequential(
            nn.BatchNorm3d(inner), SqueezeExcitation(inner) if excite else nn.Identity()
        )
        self.conv_c = conv3d(inner, outputs, (1, 1, 1))
        self.norm_c = nn.BatchNorm3d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, inputs, T, H, W)``."""
        x = torch.relu(self.norm_a(self.conv_a(x)))
        x = nn.functional.silu(self.norm_b(self.conv_b(x)))
        out: Tensor = self.norm_c(self.conv_c(x))
        return out


class SqueezeExcitation(nn.Module):
    """Weigh channels by what their means say (Hu, Shen & Sun 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        reduced = squeezed(channels)
        self.block = nn.Sequential(
            nn.Conv3d(channels, reduced, 1),
            nn.ReLU(),
            nn.Conv3d(reduced, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, channels, T, H, W)``."""
        weight: Tensor = self.block(x.mean(dim=(2, 3, 4), keepdim=True))
        return x * weight


def squeezed(channels: int) -> int:
    """Return a sixteenth of the channels as a multiple of 8, at least 8, at most 10 % less."""
    wanted = channels / 16
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


def x3d_stage(depth: int, inputs: int, outputs: int) -> ResStage:
    """Make a stage: its first block halves the size, every second one excites channels."""
    blocks = []
    for index in range(depth):
        before, stride = (inputs, 2) if index == 0 else (outputs, 1)
        branch = X3DBottleneck(before, outputs, stride, excite=index % 2 == 0)
        blocks.append(ResBlock(branch, before, outputs, stride))
    return ResStage(blocks)


class X3DHead(nn.Module):
    """A wider 1×1×1, the mean over time and space, and a wider one again."""

    def __init__(self, inputs: int, outputs: int, classes: int | None) -> None:
        super().__init__()
        inner = int(2.25 * inputs)
        self.pool = ProjectedPool(inputs, inner, outputs)
        self.proj = nn.Identity() if classes is None else nn.Linear(outputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, inputs, T, H, W)`` to ``(B, outputs)``."""
        pooled: Tensor = self.pool(x)
        return pooled.flatten(1)


class ProjectedPool(nn.Module):
    """Convolution, norm and ReLU before the mean; convolution and ReLU after it."""

    def __init__(self, inputs: int, inner: int, outputs: int) -> None:
        super().__init__()
        self.pre_conv = conv3d(inputs, inner, (1, 1, 1))
        self.pre_norm = nn.BatchNorm3d(inner)
        self.post_conv = conv3d(inner, outputs, (1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, inputs, T, H, W)`` to ``(B, outputs, 1, 1, 1)``."""
        x = torch.relu(self.pre_norm(self.pre_conv(x)))
        return torch.relu(self.post_conv(x.mean(dim=(2, 3, 4), keepdim=True)))
