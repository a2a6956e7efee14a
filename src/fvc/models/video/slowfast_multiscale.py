"""SlowFast with features of several scales."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fvc.models.video.slowfast import Maps, pooled


class MultiScaleHead(nn.Module):
    """A head for SlowFast that reads three stages instead of the last alone.

    What it adds: after the last stage one value stands for 32×32 pixels, and what an edit leaves
    behind (a seam, another noise, a blurred patch) is often smaller. A feature pyramid brings the
    last stage's meaning down to the finer maps of the two stages before, in space; the fast
    pathway's maps are averaged to the slow one's frames and added, so that each level knows motion
    too. The levels' means and maxima stand beside the plain network's features: a maximum, since
    a seam fills little of a frame.

    Parameters
    ----------
    channels
        Slow and fast channels of all stages; the last three are read.
    dropout
        Share of the features that are dropped.
    size
        Channels of the pyramid, a multiple of 8.

    References
    ----------
    Feichtenhofer et al. 2019, SlowFast networks for video recognition. Lin, Dollár, Girshick, He,
    Hariharan & Belongie 2017, Feature pyramid networks for object detection. Yang, Xu, Shi, Dai &
    Zhou 2020, Temporal pyramid network for action recognition.
    """

    def __init__(
        self, channels: Sequence[tuple[int, int]], dropout: float, size: int = 128
    ) -> None:
        super().__init__()
        read = channels[-LEVELS:]
        self.slow = nn.ModuleList([nn.Conv3d(slow, size, 1) for slow, _ in read])
        self.fast = nn.ModuleList([nn.Conv3d(fast, size, 1) for _, fast in read])
        self.smooth = nn.ModuleList(
            [
                nn.Sequential(
                    nn.Conv3d(size, size, (1, 3, 3), padding=(0, 1, 1), bias=False),
                    nn.GroupNorm(8, size),
                    nn.ReLU(),
                )
                for _ in read
            ]
        )
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(sum(channels[-1]) + 2 * LEVELS * size, 1)

    def forward(self, maps: Maps) -> Tensor:
        """Return logits ``(B, 1)`` from SlowFast's maps."""
        features = [pooled(maps[-1])]
        above: Tensor | None = None
        for index in reversed(range(LEVELS)):
            slow, fast = maps[index - LEVELS]
            steps = nn.functional.adaptive_avg_pool3d(fast, (slow.shape[2], *fast.shape[3:]))
            level = self.slow[index](slow) + self.fast[index](steps)
            if above is not None:
                level = level + nn.functional.interpolate(above, size=level.shape[2:])
            above = level
            smooth = self.smooth[index](level)
            features += [smooth.mean(dim=(2, 3, 4)), smooth.amax(dim=(2, 3, 4))]
        logits: Tensor = self.linear(self.dropout(torch.cat(features, dim=1)))
        return logits


LEVELS = 3
