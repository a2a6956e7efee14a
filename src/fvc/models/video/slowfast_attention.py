"""SlowFast with attention between its pathways."""

import math

import torch
from torch import Tensor, nn

from fvc.models.video.slowfast import Maps, pooled


class PathwayAttention(nn.Module):
    """A head for SlowFast in which each pathway looks things up in the other.

    What it adds: SlowFast hands the fast pathway's motion to the slow one by convolutions, at the
    same place and within a few frames, and never the other way. Here every place and time of the
    last slow map asks all of the fast one and conversely, so that an appearance (a face, a
    caption) can be judged by motion elsewhere and at another time: lips against a head, a pasted
    object against the camera. Answers are averaged and stand beside the plain network's features,
    so nothing that SlowFast sees is lost. Tokens carry Fourier features of their relative time and
    place: without them attention could not tell simultaneous from unrelated.

    Parameters
    ----------
    channels
        Of the last slow and fast maps.
    dropout
        Share of the features that are dropped.
    size, heads
        Channels of the attention, and its heads.

    References
    ----------
    Feichtenhofer et al. 2019, SlowFast networks for video recognition. Vaswani et al. 2017,
    Attention is all you need. Wang, Girshick, Gupta & He 2018, Non-local neural networks. Chen,
    Fan & Panda 2021, CrossViT (attention between branches of two scales). Tancik et al. 2020,
    Fourier features.
    """

    def __init__(
        self, channels: tuple[int, int], dropout: float, size: int = 256, heads: int = 4
    ) -> None:
        super().__init__()
        self.project = nn.ModuleList([nn.Linear(each, size) for each in channels])
        self.place = nn.Linear(6 * OCTAVES, size)
        self.norms = nn.ModuleList([nn.LayerNorm(size) for _ in channels])
        self.attention = nn.ModuleList(
            [nn.MultiheadAttention(size, heads, batch_first=True) for _ in channels]
        )
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(sum(channels) + 2 * size, 1)

    def forward(self, maps: Maps) -> Tensor:
        """Return logits ``(B, 1)`` from SlowFast's maps."""
        last = maps[-1]
        tokens = [
            norm(project(each.flatten(2).transpose(1, 2)) + self.place(places_of(each)))
            for each, project, norm in zip(last, self.project, self.norms, strict=True)
        ]
        slow, fast = tokens
        seen = [
            attention(own, other, other, need_weights=False)[0].mean(dim=1)
            for attention, own, other in zip(
                self.attention, (slow, fast), (fast, slow), strict=True
            )
        ]
        logits: Tensor = self.linear(self.dropout(torch.cat([pooled(last), *seen], dim=1)))
        return logits


OCTAVES = 4


def places_of(feature_map: Tensor) -> Tensor:
    """Make Fourier features ``(T h w, 6 · OCTAVES)`` of time and place, each in 0…1."""
    sides = feature_map.shape[2:]
    axes = [(torch.arange(side, device=feature_map.device) + 0.5) / side for side in sides]
    place = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, 3)
    rate = math.pi * 2.0 ** torch.arange(OCTAVES, device=feature_map.device)
    angle = (place[:, :, None] * rate).flatten(1)
    return torch.cat([angle.sin(), angle.cos()], dim=1).to(feature_map.dtype)
