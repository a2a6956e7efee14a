"""VideoMAE: a plain vision transformer on tubelets, pretrained to fill in what was masked."""

from typing import Any

from torch import Tensor, nn

from fvc.models.video.classifier import Backbone
from fvc.models.video.frames import scaled_to
from fvc.models.video.resnet3d import without

# Transformers 5 holds these two as biases of their layers; the published file is older.
_NEW_NAMES = (("attention.q_bias", "attention.query.bias"),
              ("attention.v_bias", "attention.value.bias"))  # fmt: skip


class VideoMAE(Backbone):
    """Transformers' VideoMAE-B: all space-time tokens attend to each other (86 M parameters).

    One token a clip: the mean of all tokens, normalised as the published classifier reads it.

    Parameters
    ----------
    frames, size
        Frames a clip, even, and the side of the square; other squares are scaled to it.
    tiny
        Two small layers.

    References
    ----------
    Tong, Song, Wang & Wang 2022, VideoMAE: masked autoencoders are data-efficient learners for
    self-supervised video pre-training.
    """

    def __init__(self, *, frames: int = 16, size: int = 224, tiny: bool = False) -> None:
        super().__init__()
        from transformers import VideoMAEConfig, VideoMAEModel

        more: dict[str, Any] = {}
        if tiny:
            more = {"hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 64}
            more["num_attention_heads"] = 2
        config = VideoMAEConfig(image_size=size, num_frames=frames, **more)
        self.net: Any = VideoMAEModel(config)
        self.fc_norm = nn.LayerNorm(config.hidden_size)
        self.size = size
        self.token_size = int(config.hidden_size)

    def forward(self, clips: Tensor) -> Tensor:
        """Return the normalised mean of the tokens ``(B, 1, D)``."""
        clips = scaled_to(clips, self.size)
        tokens: Tensor = self.net(clips.transpose(1, 2)).last_hidden_state
        mean: Tensor = self.fc_norm(tokens.mean(dim=1, keepdim=True))
        return mean

    def renamed(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Drop the classifier, and use this library's names."""
        renamed = {}
        for key, value in without(state, "classifier.").items():
            name = key
            if key.startswith("videomae."):
                name = f"net.{key.removeprefix('videomae.')}"
            for old, new in _NEW_NAMES:
                name = name.replace(old, new)
            renamed[name] = value
        return renamed
