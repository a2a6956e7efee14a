"""What all video models share: a backbone, a head, and how the two are trained."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from fvc.models.video_spec import LoadedWeights, VideoModelSettings

RANDOM = LoadedWeights("none")


class VideoClassifier(nn.Module):
    """A backbone and a head that turn a batch of clips into logits of *fake*.

    Parameters
    ----------
    backbone
        Makes features of clips ``(B, 3, T, H, W)``; the part that weights are loaded into.
    head
        Makes ``(B, 1)`` of what the backbone returns; everything that is new.

    Attributes
    ----------
    loaded_weights : LoadedWeights
        What the backbone's weights were when the module was built.
    """

    loaded_weights: LoadedWeights

    def __init__(self, backbone: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.loaded_weights = RANDOM
        self._frozen = False

    def forward(self, clips: Tensor, flow: Tensor | None = None) -> Tensor:
        """Return logits ``(B,)``; `flow` is for models that take it."""
        logits: Tensor = self.head(self.backbone(clips))
        return logits.squeeze(-1)

    def backbone_parameters(self) -> Iterator[nn.Parameter]:
        """Parameters of the backbone."""
        return self.backbone.parameters()

    def head_parameters(self) -> Iterator[nn.Parameter]:
        """Parameters of everything that is not the backbone."""
        return self.head.parameters()

    def parameter_groups(self, settings: VideoModelSettings) -> list[dict[str, Any]]:
        """Return the optimiser's groups, head first.

        A backbone with random weights learns at the head's rate: 5e-6 would leave it random.
        Parameters that do not learn (frozen batch norm) are in no group.
        """
        slow = settings.head_lr if self.loaded_weights.random else settings.backbone_lr
        groups = (
            ("head", self.head_parameters(), settings.head_lr),
            ("backbone", self.backbone_parameters(), slow),
        )
        return [
            {"name": name, "params": learning, "lr": rate, "weight_decay": settings.weight_decay}
            for name, parameters, rate in groups
            if (learning := [p for p in parameters if p.requires_grad])
        ]

    def freeze_batch_norm(self, frozen: bool = True) -> None:
        """Let batch norm of a pretrained backbone keep its statistics, and neither scale learn.

        Without effect where the backbone's weights are random.
        """
        self._frozen = frozen and not self.loaded_weights.random
        for norm in _batch_norms(self.backbone):
            for parameter in norm.parameters(recurse=False):
                parameter.requires_grad_(not self._frozen)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Set training mode; frozen batch norm stays in evaluation mode."""
        super().train(mode)
        if self._frozen:
            for norm in _batch_norms(self.backbone):
                norm.eval()
        return self

    def checkpoint_gradients(self, on: bool = True) -> None:
        """Compute the backbone's activations again in the backward pass instead of keeping them."""
        for module in self.backbone.modules():
            foreign: Any = module
            if isinstance(module, Checkpointed):
                module.checkpointing = on
            elif hasattr(module, "set_grad_checkpointing"):
                foreign.set_grad_checkpointing(on)
            elif on and hasattr(module, "gradient_checkpointing_enable"):
                foreign.gradient_checkpointing_enable({"use_reentrant": False})
            elif hasattr(module, "gradient_checkpointing_disable"):
                foreign.gradient_checkpointing_disable()


class TokenBackbone(nn.Module):
    """A frozen backbone that turns clips into tokens ``(B, T', D)``.

    Attributes
    ----------
    token_size : int
        D.
    loaded_weights : LoadedWeights
        What its weights are.
    """

    token_size: int
    loaded_weights: LoadedWeights

    def __init__(self, backbone: nn.Module, token_size: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.token_size = token_size
        self.loaded_weights = RANDOM

    def forward(self, clips: Tensor) -> Tensor:
        """Return the tokens of clips ``(B, 3, T, H, W)``."""
        tokens: Tensor = self.backbone(clips)
        return tokens


class Checkpointed(nn.Module):
    """A module that can run its stages with their activations computed again when needed."""

    checkpointing: bool = False

    def run(self, stage: Callable[..., Any], *inputs: Any) -> Any:
        """Run one stage."""
        if not (self.checkpointing and self.training and torch.is_grad_enabled()):
            return stage(*inputs)

        def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
            return nullcontext(), _statistics_kept(self)

        return checkpoint(stage, *inputs, use_reentrant=False, context_fn=contexts)


@contextmanager
def _statistics_kept(module: nn.Module) -> Iterator[None]:
    """Keep batch norm from counting a batch twice when a stage runs again."""
    norms = [norm for norm in _batch_norms(module) if norm.training and norm.track_running_stats]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True


def _batch_norms(module: nn.Module) -> Iterator[_BatchNorm]:
    return (m for m in module.modules() if isinstance(m, _BatchNorm))


def new_head(size: int, dropout: float) -> nn.Sequential:
    """Make the usual head: dropout, and one linear unit."""
    return nn.Sequential(nn.Dropout(dropout), nn.Linear(size, 1))
