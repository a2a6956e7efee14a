"""A temporal head that is fitted on tokens, kept as plain arrays."""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fvc.models.video.heads import GRUHead, TemporalHead, TransformerHead

_BATCH = 64
_CHUNK = 512


@dataclass
class FittedHead:
    """A fitted GRU or transformer over the tokens of a frozen backbone.

    Parameters
    ----------
    kind
        ``"gru"`` or ``"transformer"``.
    token_size, hidden
        Numbers of a token, and of the features.
    state
        The weights, by name.
    """

    kind: Literal["gru", "transformer"]
    token_size: int
    hidden: int
    state: dict[str, NDArray[np.float32]]

    @classmethod
    def fit(
        cls,
        kind: Literal["gru", "transformer"],
        tokens: NDArray[np.float32],
        y: NDArray[np.integer],
        weight: NDArray[np.float64],
        *,
        hidden: int,
        epochs: int,
        lr: float,
        dropout: float,
        seed: int,
    ) -> Self:
        """Fit a head by AdamW on the weighted cross-entropy; the same on every run.

        Parameters
        ----------
        tokens : (n, T', D) float32
            One clip a row.
        y : (n,) int
            0 real, 1 fake.
        weight : (n,) float
            Weights of the clips.
        hidden, epochs, lr, dropout, seed
            Size, passes over the clips, learning rate, dropout before the linear unit, and the
            seed of weights, order and dropout.
        """
        weight = weight / weight.mean()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            head = _make(kind, tokens.shape[2], hidden, dropout)
            optimiser = torch.optim.AdamW(head.parameters(), lr=lr, weight_decay=1e-2)
            head.train()
            for _ in range(epochs):
                order = torch.randperm(len(tokens)).numpy()
                for at in np.array_split(order, -(-len(order) // _BATCH)):
                    logits = head(torch.from_numpy(tokens[at])).squeeze(-1)
                    loss = nn.functional.binary_cross_entropy_with_logits(
                        logits,
                        torch.from_numpy(y[at].astype(np.float32)),
                        weight=torch.from_numpy(weight[at].astype(np.float32)),
                    )
                    optimiser.zero_grad()
                    torch.autograd.backward(loss)
                    nn.utils.clip_grad_norm_(head.parameters(), 1.0)
                    optimiser.step()
        state = {key: value.detach().numpy().copy() for key, value in head.state_dict().items()}
        return cls(kind, tokens.shape[2], hidden, state)

    def features(self, tokens: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the head's features (n, hidden) of tokens (n, T', D)."""
        head = self._module()
        out = np.empty((len(tokens), self.hidden), dtype=np.float32)
        with torch.no_grad():
            for start in range(0, len(tokens), _CHUNK):
                rows = slice(start, start + _CHUNK)
                out[rows] = head.features(torch.from_numpy(tokens[rows])).numpy()
        return out

    def _module(self) -> TemporalHead:
        head = _make(self.kind, self.token_size, self.hidden, 0.0)
        head.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in self.state.items()})
        head.eval()
        return head


def _make(kind: str, token_size: int, hidden: int, dropout: float) -> TemporalHead:
    make = GRUHead if kind == "gru" else TransformerHead
    return make(token_size, dropout, hidden)
