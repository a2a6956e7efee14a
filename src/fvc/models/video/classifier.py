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


class Backbone(Checkpointed):
    """Turns clips into tokens: ``forward((B, 3, T, H, W)) -> (B, T', D)``, with `token_size` D."""

    token_size: int

    def renamed(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Turn a published state dict into one of this module: its names, without its classifier.

        The default fits modules that have the published names, and drops nothing.
        """
        return state


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

    def __init__(self, backbone: Backbone, head: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.loaded_weights = RANDOM
        self._frozen = False

    def forward(self, clips: Tensor, flow: Tensor | None = None) -> Tensor:
        """Return logits ``(B,)``; `flow` is for models that take it."""
        given = (clips,) if flow is None else (clips, flow)
        logits: Tensor = self.head(self.backbone(*given))
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
            if isinstance(module, Checkpointed):
                module.checkpointing = on
            _foreign_checkpointing(module, on)


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

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone
        self.token_size = backbone.token_size
        self.loaded_weights = RANDOM
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode: tokens must not depend on what else is in a batch."""
        return super().train(False)

    def forward(self, clips: Tensor) -> Tensor:
        """Return the tokens of clips ``(B, 3, T, H, W)``."""
        tokens: Tensor = self.backbone(clips)
        return tokens


@contextmanager
def _statistics_kept(module: nn.Module) -> Iterator[None]:
    """Keep batch norm from counting a batch twice when a stage runs again."""
    norms = [norm for norm in _batch_norms(module) if norm.training and norm.track_running_stats]
    before = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        # No momentum moves no statistic; the counter is turned back.
        norm.momentum = 0.0
        norm.num_batches_tracked = _copy(norm.num_batches_tracked)
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count


def _copy(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.clone()


def _foreign_checkpointing(module: Any, on: bool) -> None:
    """Ask a module of timm or Transformers, which have names of their own for it."""
    if hasattr(module, "set_grad_checkpointing"):
        module.set_grad_checkpointing(on)
        return
    # Transformers gave it the first name in a release of the fifth series.
    for kind in ("activation", "gradient"):
        if hasattr(module, f"{kind}_checkpointing_enable"):
            if on:
                getattr(module, f"{kind}_checkpointing_enable")({"use_reentrant": False})
            else:
                getattr(module, f"{kind}_checkpointing_disable")()
            return


def _batch_norms(module: nn.Module) -> Iterator[_BatchNorm]:
    return (m for m in module.modules() if isinstance(m, _BatchNorm))
