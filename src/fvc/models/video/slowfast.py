"""SlowFast: one pathway sees few frames with many channels, the other many frames with few."""

from typing import Literal

import torch
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
ALPHA = 4
"""The fast pathway sees so many frames for each one of the slow pathway."""

BETA = 8
"""The slow pathway has so many channels for each one of the fast pathway."""

Maps = list[tuple[Tensor, Tensor]]


class SlowFast(Backbone):
    """SlowFast-R50 8×8 of PyTorchVideo (``SLOWFAST_8x8_R50.pyth``): 34.6 M parameters.

    The fast pathway sees all T frames, the slow one T / 4 of them, both ends included, as the
    published weights were trained.

    Parameters
    ----------
    width
        Channels of the slow stem; 64 is the published form.
    depths
        Blocks of the four stages.
    classes
        Classes of the published classifier; None leaves it out.
    output
        What ``forward`` returns: ``"pooled"``, one token ``(B, 1, D)`` with the means of both
        pathways; or ``"maps"``, what `maps` returns.

    References
    ----------
    Feichtenhofer, Fan, Malik & He 2019, SlowFast networks for video recognition.
    """

    def __init__(
        self,
        width: int = 64,
        depths: tuple[int, int, int, int] = DEPTHS,
        classes: int | None = None,
        output: Literal["pooled", "maps"] = "pooled",
    ) -> None:
        super().__init__()
        self.output = output
        fast = width // BETA
        stems = (
            Stem(conv3d(3, width, (1, 7, 7), (1, 2, 2)), width, pool=True),
            Stem(conv3d(3, fast, (5, 7, 7), (1, 2, 2)), fast, pool=True),
        )
        blocks: list[nn.Module] = [Pathways(*stems, FastToSlow(fast))]
        inputs, before = width + 2 * fast, fast
        self.channels: list[tuple[int, int]] = []
        for index, depth in enumerate(depths):
            inner = width * 2**index
            outputs, stride = 4 * inner, 1 if index == 0 else 2
            slow_stage = bottleneck_stage(
                depth,
                inputs,
                inner,
                outputs,
                temporal=(1,) if index < 2 else (3,),
                spatial_stride=stride,
            )
            fast_stage = bottleneck_stage(
                depth, before, inner // BETA, outputs // BETA, temporal=(3,), spatial_stride=stride
            )
            last = index == len(depths) - 1
            fusion = None if last else FastToSlow(outputs // BETA)
            blocks.append(Pathways(slow_stage, fast_stage, fusion))
            inputs, before = outputs + 2 * outputs // BETA, outputs // BETA
            self.channels.append((outputs, outputs // BETA))
        self.token_size = sum(self.channels[-1])
        # The place of the published pooling, which has no parameters.
        self.blocks = nn.ModuleList([*blocks, nn.Identity(), Projection(self.token_size, classes)])
        initialise(self)

    def forward(self, clips: Tensor) -> Tensor | Maps:
        """Return one token ``(B, 1, D)``, or the feature maps."""
        maps = self.maps(clips)
        return maps if self.output == "maps" else pooled(maps[-1])[:, None]

    def maps(self, clips: Tensor) -> Maps:
        """Return the slow and the fast feature map of each stage, before they are fused.

        Of clips ``(B, 3, T, H, W)`` they are ``(B, C, T / 4, h, w)`` and ``(B, C / 8, T, h, w)``.
        """
        steps = clips.shape[2]
        # As the published weights were trained: from the first frame to the last.
        taken = torch.linspace(0, steps - 1, max(1, steps // ALPHA), device=clips.device).long()
        slow, fast = clips.index_select(2, taken), clips
        maps = []
        for block in list(self.blocks)[:-2]:
            slow, fast, before = self.run(block, slow, fast)
            maps.append((before, fast))
        return maps[1:]

    def classify(self, clips: Tensor) -> Tensor:
        """Return the published classifier's logits."""
        logits: Tensor = self.blocks[-1](pooled(self.maps(clips)[-1]))
        return logits

    def renamed(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Drop the classifier."""
        return without(state, "blocks.6.proj.")


def pooled(maps: tuple[Tensor, Tensor]) -> Tensor:
    """Return the means ``(B, D)`` of both pathways' maps, slow first."""
    return torch.cat([each.mean(dim=(2, 3, 4)) for each in maps], dim=1)


class Pathways(nn.Module):
    """One stage of both pathways, and the way from the fast to the slow one after it."""

    def __init__(self, slow: nn.Module, fast: nn.Module, fusion: nn.Module | None) -> None:
        super().__init__()
        self.multipathway_blocks = nn.ModuleList([slow, fast])
        self.multipathway_fusion = fusion

    def forward(self, slow: Tensor, fast: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the fused slow map, the fast map, and the slow map before it was fused."""
        before = self.multipathway_blocks[0](slow)
        fast = self.multipathway_blocks[1](fast)
        if self.multipathway_fusion is None:
            return before, fast, before
        return torch.cat([before, self.multipathway_fusion(fast)], dim=1), fast, before


class FastToSlow(nn.Module):
    """A convolution with a stride in time that brings the fast map to the slow one's frames."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_fast_to_slow = conv3d(channels, 2 * channels, (7, 1, 1), (ALPHA, 1, 1))
        self.norm = nn.BatchNorm3d(2 * channels)

    def forward(self, fast: Tensor) -> Tensor:
        """Map ``(B, C, T, h, w)`` to ``(B, 2 C, T / 4, h, w)``."""
        return torch.relu(self.norm(self.conv_fast_to_slow(fast)))
