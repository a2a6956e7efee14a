"""What models that look at frames are given, how they are trained, and which form weights take.

All of it is data: nothing here imports torch, so that models can be listed, described and planned
without it. The modules that it describes are made by `fvc.models.build_video_model` and
`fvc.models.build_backbone`.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class VideoInput:
    """Which frames of a clip a model sees, and in which form.

    A batch is a float32 tensor of shape ``(B, 3, T, H, W)``: RGB in 0…1, minus `mean`, over `std`,
    with ``T = num_frames``, in the order of time.

    Parameters
    ----------
    num_frames
        Frames a clip, 1 or more.
    frame_rate
        Distance of the frames, as a rate in Hz: they are taken from a window of
        ``num_frames / frame_rate`` seconds. A clip that is shorter than the window is sampled
        uniformly over its length instead; nothing is ever filled with black. None: always
        uniformly over the clip.
    size
        With ``padding="square"`` the side of the square; with ``"aspect"`` the longer side. Pixels.
    padding
        ``"square"``: the frame is scaled to fit and centred, and what is left is `mean`, that is 0
        after normalisation. ``"aspect"``: no bars and no squash; sides are multiples of `multiple`,
        and a batch holds clips of one shape only.
    multiple
        With ``"aspect"``: both sides are rounded to a multiple of so many pixels.
    mean, std
        Normalisation of R, G, B in 0…1.
    flow_length
        0: frames alone. L > 0: the model also takes ``flow``, a float32 tensor of shape
        ``(B, T, 2 L, H, W)``: for each of the T frames the optical flow of the L consecutive pairs
        of frames of the clip that begin with it (towards the end of a clip: that end with its last
        frame), channels ``x₁, y₁, x₂, y₂, …`` to the right and down, in pixels of the ``H × W``
        frame a pair, and 0 in the bars. Neither centred nor clipped: the model does that.

    References
    ----------
    Simonyan & Zisserman 2014, Two-stream convolutional networks for action recognition in videos,
    section 3 (flow stacking).
    """

    num_frames: int
    frame_rate: float | None = None
    size: int = 224
    padding: Literal["square", "aspect"] = "square"
    multiple: int = 16
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    flow_length: int = 0

    @property
    def flow(self) -> bool:
        """Whether the model takes optical flow beside the frames."""
        return self.flow_length > 0

    def to_dict(self) -> dict[str, Any]:
        """Describe it in plain JSON types."""
        return _plain(self)


@dataclass(frozen=True)
class VideoModelSettings:
    """How a video model is trained unless a grid or an option says otherwise.

    Parameters
    ----------
    batch_size
        Clips a step (the micro-batch), 1 to 8.
    effective_batch_size
        Clips an update; the number of accumulated steps is its quotient by `batch_size`.
    gradient_checkpointing
        Activations of the backbone are computed again in the backward pass instead of kept.
    freeze_batch_norm
        Batch norm of a *pretrained* backbone uses its stored statistics and does not learn. Random
        weights have no statistics worth keeping: there it always learns.
    head_lr, backbone_lr
        Learning rates of the new head and of the pretrained backbone. A backbone with random
        weights learns at `head_lr`.
    weight_decay
        AdamW's.
    dropout
        Share of the head's inputs that are dropped in training, in 0…1.
    epochs
        Largest number of epochs.
    warmup_epochs
        Epochs in which the rates rise from 0, before the cosine.
    patience
        Epochs without a better inner score before training stops.
    clip_norm
        Largest norm of the gradient.
    """

    batch_size: int = 4
    effective_batch_size: int = 16
    gradient_checkpointing: bool = False
    freeze_batch_norm: bool = True
    head_lr: float = 5e-4
    backbone_lr: float = 5e-6
    weight_decay: float = 1e-4
    dropout: float = 0.5
    epochs: int = 20
    warmup_epochs: int = 2
    patience: int = 5
    clip_norm: float = 1.0

    @property
    def accumulation(self) -> int:
        """Steps an update."""
        return max(1, self.effective_batch_size // self.batch_size)

    def to_dict(self) -> dict[str, Any]:
        """Describe it in plain JSON types."""
        return _plain(self)


@dataclass(frozen=True)
class EmbeddingSpec:
    """What an embedding model reads: the tokens that a frozen backbone makes of a clip.

    Tokens are computed once a clip and shared: models with equal `backbone`, `ModelSpec.video` and
    weights read the same cache. Nothing that makes them has seen a label.

    Parameters
    ----------
    backbone
        Name for `build_backbone`, such as ``"vit_base_patch16_224"``.
    num_tokens, token_size
        Shape ``(T', D)`` of a clip's tokens, float32.
    head
        None: the tokens' mean and standard deviation over T' are the features. ``"gru"`` or
        ``"transformer"``: a temporal head that is fitted on the training part of a fold makes them.
    """

    backbone: str
    num_tokens: int
    token_size: int
    head: Literal["gru", "transformer"] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Describe it in plain JSON types."""
        return _plain(self)


@dataclass(frozen=True)
class LoadedWeights:
    """What a module's weights were when it was built; every module has one as ``loaded_weights``.

    Parameters
    ----------
    kind
        ``"pretrained"``: published ones; ``"file"``: the user's; ``"none"``: random.
    source
        Address or path they came from; empty for random ones.
    licence
        Their licence, where it is known.
    sha256
        Of the file; empty for random ones.
    """

    kind: Literal["pretrained", "file", "none"]
    source: str = ""
    licence: str = ""
    sha256: str = ""

    @property
    def random(self) -> bool:
        """Whether training starts from random weights. Tables say so."""
        return self.kind == "none"

    def to_dict(self) -> dict[str, Any]:
        """Describe it in plain JSON types; the key ``random`` included."""
        return {**_plain(self), "random": self.random}


def _plain(instance: Any) -> dict[str, Any]:
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in asdict(instance).items()
    }
