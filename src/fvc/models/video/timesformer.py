"""TimeSformer: attention over time and over space, one after the other."""

from typing import Any

from torch import Tensor

from fvc.models.video.classifier import Backbone
from fvc.models.video.frames import scaled_to
from fvc.models.video.resnet3d import without


class TimeSformer(Backbone):
    """Transformers' TimeSformer-B with divided space-time attention (121 M parameters).

    One token a clip: the class token.

    Parameters
    ----------
    frames, size
        Frames a clip, and the side of the square; other squares are scaled to it.
    tiny
        Two small layers.

    References
    ----------
    Bertasius, Wang & Torresani 2021, Is space-time attention all you need for video understanding?
    """

    def __init__(self, *, frames: int = 8, size: int = 224, tiny: bool = False) -> None:
        super().__init__()
        from transformers import TimesformerConfig, TimesformerModel

        more: dict[str, Any] = {}
        if tiny:
            more = {"hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 64}
            more["num_attention_heads"] = 2
        config = TimesformerConfig(image_size=size, num_frames=frames, **more)
        self.net: Any = TimesformerModel(config)
        self.size = size
        self.token_size = int(config.hidden_size)

    def forward(self, clips: Tensor) -> Tensor:
        """Return the class token ``(B, 1, D)``."""
        clips = scaled_to(clips, self.size)
        tokens: Tensor = self.net(clips.transpose(1, 2)).last_hidden_state
        return tokens[:, :1]

    def renamed(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Drop the classifier."""
        kept = without(state, "classifier.")
        return {f"net.{key.removeprefix('timesformer.')}": value for key, value in kept.items()}
