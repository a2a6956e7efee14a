"""Heads: from a clip's tokens ``(B, T', D)`` to one logit."""

import math

import torch
from torch import Tensor, nn


class MeanHead(nn.Module):
    """The mean of the tokens, dropout, and one linear unit.

    A linear unit commutes with the mean, so this is also the mean of the frames' own logits.
    """

    def __init__(self, token_size: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(token_size, 1)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits ``(B, 1)``."""
        logits: Tensor = self.linear(self.dropout(tokens.mean(dim=1)))
        return logits


class TemporalHead(nn.Module):
    """What the heads over time share: normalised tokens in, features, dropout, a linear unit."""

    def __init__(self, token_size: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(token_size)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden, 1)

    def features(self, tokens: Tensor) -> Tensor:
        """Return the features ``(B, hidden)`` that the linear unit reads."""
        raise NotImplementedError

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits ``(B, 1)``."""
        logits: Tensor = self.linear(self.dropout(self.features(tokens)))
        return logits


class GRUHead(TemporalHead):
    """A gated recurrent unit over time; its last state is what the linear unit reads.

    References
    ----------
    Cho et al. 2014, Learning phrase representations using RNN encoder-decoder.
    """

    def __init__(self, token_size: int, dropout: float, hidden: int = 256) -> None:
        super().__init__(token_size, hidden, dropout)
        self.gru = nn.GRU(token_size, hidden, batch_first=True)

    def features(self, tokens: Tensor) -> Tensor:
        """Return the last state ``(B, hidden)``."""
        _, last = self.gru(self.norm(tokens))
        state: Tensor = last[-1]
        return state


class TransformerHead(TemporalHead):
    """A small transformer encoder over time with a class token.

    Places in time are sines and cosines, so that any number of tokens can be read.

    References
    ----------
    Vaswani et al. 2017, Attention is all you need. Neimark et al. 2021, Video transformer network.
    """

    def __init__(
        self, token_size: int, dropout: float, hidden: int = 256, layers: int = 2, heads: int = 4
    ) -> None:
        super().__init__(token_size, hidden, dropout)
        self.project = nn.Linear(token_size, hidden)
        self.class_token = nn.Parameter(torch.randn(1, 1, hidden) * 0.02)
        layer = nn.TransformerEncoderLayer(
            hidden, heads, 2 * hidden, dropout=0.1, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.last_norm = nn.LayerNorm(hidden)

    def features(self, tokens: Tensor) -> Tensor:
        """Return the class token ``(B, hidden)`` after the last layer."""
        x = self.project(self.norm(tokens))
        x = x + places(x.shape[1], x.shape[2]).to(x)
        x = torch.cat([self.class_token.expand(len(x), -1, -1), x], dim=1)
        state: Tensor = self.last_norm(self.encoder(x)[:, 0])
        return state


def places(count: int, size: int) -> Tensor:
    """Make the sines and cosines ``(count, size)`` that tell places apart; `size` is even."""
    rate = torch.exp(torch.arange(0, size, 2) * (-math.log(10_000.0) / size))
    angle = torch.arange(count)[:, None] * rate
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)
