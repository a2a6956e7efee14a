"""ViViT: a transformer on tubelets, blocks of a clip in space and time."""

from typing import Any

from torch import Tensor

from fvc.models.video.classifier import Backbone
from fvc.models.video.frames import scaled_to
from fvc.models.video.resnet3d import without

# Transformers 5 calls its layers otherwise than the published file does.
_NEW_NAMES = (
    ("encoder.layer.", "layers."),
    ("attention.attention.query", "attention.q_proj"),
    ("attention.attention.key", "attention.k_proj"),
    ("attention.attention.value", "attention.v_proj"),
    ("attention.output.dense", "attention.o_proj"),
    ("intermediate.dense", "mlp.fc1"),
    ("output.dense", "mlp.fc2"),
)


class ViViT(Backbone):
    """Transformers' ViViT-B 16×2, unfactorised (its model 1), with 32 frames (89 M parameters).

    One token a clip: the class token.

    Parameters
    ----------
    frames, size
        Frames a clip, and the side of the square; other squares are scaled to it.
    tiny
        Two small layers.

    References
    ----------
    Arnab, Dehghani, Heigold, Sun, Lučić & Schmid 2021, ViViT: a video vision transformer.
    """

    def __init__(self, *, frames: int = 32, size: int = 224, tiny: bool = False) -> None:
        super().__init__()
        from transformers import VivitConfig, VivitModel

        more: dict[str, Any] = {}
        if tiny:
            more = {"hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 64}
            more["num_attention_heads"] = 2
        config = VivitConfig(image_size=size, num_frames=frames, **more)
        self.net: Any = VivitModel(config, add_pooling_layer=False)
        self.size = size
        self.token_size = int(config.hidden_size)

    def forward(self, clips: Tensor) -> Tensor:
        """Return the class token ``(B, 1, D)``."""
        clips = scaled_to(clips, self.size)
        tokens: Tensor = self.net(clips.transpose(1, 2)).last_hidden_state
        return tokens[:, :1]

    def renamed(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Drop the classifier and the pooler, and use this library's names."""
        own = set(self.state_dict())
        renamed = {}
        for key, value in without(state, "classifier.", "vivit.pooler.").items():
            name = f"net.{key.removeprefix('vivit.')}"
            if name not in own:
                for old, new in _NEW_NAMES:
                    name = name.replace(old, new)
            renamed[name] = value
        return renamed
