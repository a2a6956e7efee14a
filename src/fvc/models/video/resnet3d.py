"""The blocks of the 3D residual networks, under the names of PyTorchVideo's checkpoints."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

Kernel = tuple[int, int, int]


def conv3d(
    inputs: int, outputs: int, kernel: Kernel, stride: Kernel = (1, 1, 1), groups: int = 1
) -> nn.Conv3d:
    """Make a convolution that keeps the size but for its stride, without bias."""
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    return nn.Conv3d(
        inputs, outputs, kernel, stride=stride, padding=padding, groups=groups, bias=False
    )


class Stem(nn.Module):
    """Convolution, batch norm, ReLU, and a spatial maximum where the network has one."""

    def __init__(self, conv: nn.Module, channels: int, *, pool: bool) -> None:
        super().__init__()
        self.conv = conv
        self.norm = nn.BatchNorm3d(channels)
        self.pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)) if pool else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, 3, T, H, W)``."""
        out: Tensor = self.pool(torch.relu(self.norm(self.conv(x))))
        return out


class Bottleneck(nn.Module):
    """1×1×1 or k×1×1, then 1×3×3, then 1×1×1, each with batch norm."""

    def __init__(
        self, inputs: int, inner: int, outputs: int, *, temporal: int, spatial_stride: int
    ) -> None:
        super().__init__()
        self.conv_a = conv3d(inputs, inner, (temporal, 1, 1))
        self.norm_a = nn.BatchNorm3d(inner)
        self.conv_b = conv3d(inner, inner, (1, 3, 3), (1, spatial_stride, spatial_stride))
        self.norm_b = nn.BatchNorm3d(inner)
        self.conv_c = conv3d(inner, outputs, (1, 1, 1))
        self.norm_c = nn.BatchNorm3d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, inputs, T, H, W)``; the sum and the last ReLU are the block's."""
        x = torch.relu(self.norm_a(self.conv_a(x)))
        x = torch.relu(self.norm_b(self.conv_b(x)))
        out: Tensor = self.norm_c(self.conv_c(x))
        return out


class ResBlock(nn.Module):
    """A residual block: ``relu(shortcut(x) + branch2(x))``."""

    def __init__(self, branch2: nn.Module, inputs: int, outputs: int, spatial_stride: int) -> None:
        super().__init__()
        self.branch1_conv: nn.Module | None = None
        self.branch1_norm: nn.Module | None = None
        if inputs != outputs or spatial_stride > 1:
            stride = (1, spatial_stride, spatial_stride)
            self.branch1_conv = conv3d(inputs, outputs, (1, 1, 1), stride)
        if inputs != outputs:
            self.branch1_norm = nn.BatchNorm3d(outputs)
        self.branch2 = branch2

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, inputs, T, H, W)``."""
        short = x if self.branch1_conv is None else self.branch1_conv(x)
        if self.branch1_norm is not None:
            short = self.branch1_norm(short)
        return torch.relu(short + self.branch2(x))


class ResStage(nn.Module):
    """Residual blocks, one after the other."""

    def __init__(self, blocks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.res_blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, inputs, T, H, W)``."""
        for block in self.res_blocks:
            x = block(x)
        return x


def bottleneck_stage(
    depth: int,
    inputs: int,
    inner: int,
    outputs: int,
    *,
    temporal: Sequence[int],
    spatial_stride: int,
) -> ResStage:
    """Make a stage of bottlenecks; the kernels in time repeat over its blocks."""
    blocks = []
    for index in range(depth):
        before, stride = (inputs, spatial_stride) if index == 0 else (outputs, 1)
        kernel = temporal[index % len(temporal)]
        branch = Bottleneck(before, inner, outputs, temporal=kernel, spatial_stride=stride)
        blocks.append(ResBlock(branch, before, outputs, stride))
    return ResStage(blocks)


class Projection(nn.Module):
    """The published classifier, where a number of classes is given; else nothing."""

    def __init__(self, inputs: int, classes: int | None) -> None:
        super().__init__()
        self.proj = nn.Identity() if classes is None else nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(…, inputs)`` to ``(…, classes)``."""
        out: Tensor = self.proj(x)
        return out


def initialise(module: nn.Module) -> None:
    """Draw the weights of convolutions as for residual networks (He et al. 2015)."""
    for each in module.modules():
        if isinstance(each, nn.Conv2d | nn.Conv3d):
            nn.init.kaiming_normal_(each.weight, mode="fan_out", nonlinearity="relu")
            if each.bias is not None:
                nn.init.zeros_(each.bias)


def without(state: dict[str, Tensor], *prefixes: str) -> dict[str, Tensor]:
    """Leave out what begins with one of some prefixes."""
    return {key: value for key, value in state.items() if not key.startswith(prefixes)}
