"""Making the torch modules of the registry's video and embedding models."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fvc.errors import MissingExtraError, OptionError
from fvc.models.published import PUBLISHED
from fvc.models.registry import ModelSpec, find_model
from fvc.models.video_spec import VideoInput

if TYPE_CHECKING:
    from torch import nn

    from fvc.models.video.classifier import Backbone, TokenBackbone, VideoClassifier

Weights = Literal["pretrained", "none"] | Path
"""Published weights, random ones, or a file: safetensors, or a state dict that loads without code.
"""


def build_video_model(
    name: str,
    *,
    weights: Weights = "pretrained",
    tiny: bool = False,
    seed: int = 0,
    dropout: float | None = None,
) -> "VideoClassifier":
    """Make the module of a model of the family "video".

    Parameters
    ----------
    name
        Name in the registry, such as ``"x3d"``.
    weights
        Of the backbone. ``"pretrained"``: the published ones of ``MODEL_CONFIGS[name].weights``,
        from the library's cache or its hub; models that have none (`naive_cnn`,
        `variable_ar_cnn`) start from random weights by design, and say so in ``loaded_weights``.
        ``"none"``: random. A path: a file with a state dict, of the published layout or written by
        this project.
    tiny
        The same architecture with few layers and channels, for tests and trials. Its input may be
        smaller too: ``MODEL_CONFIGS[name].tiny_video`` is quick. Published weights do not fit it:
        ``"pretrained"`` is an `OptionError` where there are some.
    seed
        Of everything that is random in the new module; no global generator is changed.
    dropout
        Share of the head's inputs that are dropped; by default the registry's.

    Returns
    -------
    VideoClassifier
        A `torch.nn.Module` in training mode, with

        - ``forward(clips, flow=None) -> (B,)``: logits of *fake*, for ``clips`` of shape
          ``(B, 3, T, H, W)`` and ``flow`` as in `VideoInput`;
        - ``backbone_parameters()``, ``head_parameters()``, which are disjoint and complete;
        - ``parameter_groups(settings)``: the optimiser's two groups with their rates;
        - ``freeze_batch_norm(frozen=True)``, which survives ``train()``; without effect where
          ``loaded_weights.random``;
        - ``checkpoint_gradients(on=True)``; this and the last are set as the registry says;
        - ``loaded_weights``: a `LoadedWeights`.

    Raises
    ------
    OptionError
        There is no such model, it is not of this family, or weights and `tiny` do not go together.
    MissingExtraError
        torch is not installed.
    MissingInputError
        The weights are neither cached nor to be had; the message says which file to fetch and where
        to put it. Random weights never take their place.
    DataError
        The weights' file is damaged, or does not fit the model.
    """
    spec = find_model(name)
    if spec.family != "video" or spec.video is None or spec.training is None:
        raise OptionError(f"{name} is not a video model; `fvc models` lists them by family")
    _check_tiny(name, weights, tiny, has_weights=spec.weights is not None)
    share = spec.training.dropout if dropout is None else dropout
    with _torch_seeded(name, seed):
        from fvc.models.video.classifier import VideoClassifier
        from fvc.models.video.weights import load_weights

        backbone = _VIDEO[name](spec.video, tiny)
        module = VideoClassifier(backbone, _head(spec, backbone, share, tiny))
        module.loaded_weights = load_weights(backbone, weights, spec.weights, name=name)
    module.checkpoint_gradients(spec.training.gradient_checkpointing)
    module.freeze_batch_norm(spec.training.freeze_batch_norm)
    return module


def build_backbone(
    name: str,
    *,
    weights: Weights = "pretrained",
    tiny: bool = False,
    seed: int = 0,
) -> "TokenBackbone":
    """Make a backbone that turns clips into tokens, for embeddings.

    Parameters
    ----------
    name
        ``EmbeddingSpec.backbone``, or ``"timm:NAME"`` for any image model of timm, whose pooled
        features become one token a frame (with `weights` a path or ``"none"``).
    weights, tiny, seed
        As in `build_video_model`.

    Returns
    -------
    TokenBackbone
        A `torch.nn.Module` in evaluation mode, no parameter of which asks for a gradient, with
        ``forward(clips) -> (B, T', D)``, ``token_size`` (D) and ``loaded_weights``. T' is the
        number of frames for image models, and the length of the last feature map in time for
        video models; space is averaged.

    Raises
    ------
    OptionError, MissingExtraError, MissingInputError, DataError
        As in `build_video_model`.
    """
    published = PUBLISHED.get(name)
    generic = name.startswith(_TIMM)
    if not generic and name not in _TOKENS:
        raise OptionError(
            f"unknown backbone {name!r}: there are {', '.join(_TOKENS)}, and {_TIMM}NAME"
        )
    if generic and weights == "pretrained":
        raise OptionError(f"{name}: a backbone that is not in the catalogue takes a weights' file")
    _check_tiny(name, weights, tiny, has_weights=not generic)
    with _torch_seeded(name, seed):
        from fvc.models.video.classifier import TokenBackbone
        from fvc.models.video.weights import load_weights

        backbone = _timm(name) if generic else _TOKENS[name](tiny)
        loaded = load_weights(backbone, weights, published, name=name)
        module = TokenBackbone(backbone)
        module.loaded_weights = loaded
    return module


_TIMM = "timm:"


def _check_tiny(name: str, weights: Weights, tiny: bool, *, has_weights: bool) -> None:
    if tiny and weights == "pretrained" and has_weights:
        raise OptionError(
            f"the tiny form of {name} has no pretrained weights; ask for --weights none"
        )


@contextmanager
def _torch_seeded(name: str, seed: int) -> Iterator[None]:
    """Draw from a seed of one's own, and give the global generator back as it was."""
    try:
        import torch
    except ModuleNotFoundError as error:
        raise MissingExtraError(name, "deep") from error
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _timm(name: str) -> "Backbone":
    from fvc.models.video.frames import of_timm

    return of_timm(name.removeprefix(_TIMM))


def _inception(tiny: bool) -> "Backbone":
    from fvc.models.video.frames import inception

    return inception(tiny=tiny)


def _vit(tiny: bool) -> "Backbone":
    from fvc.models.video.frames import vision_transformer

    return vision_transformer(tiny=tiny)


def _i3d(tiny: bool) -> "Backbone":
    from fvc.models.video.i3d import I3D

    return I3D(8, (1, 1, 1, 1)) if tiny else I3D()


def _r2plus1d(tiny: bool) -> "Backbone":
    from fvc.models.video.r2plus1d import R2Plus1D

    return R2Plus1D(tiny=tiny)


def _x3d(tiny: bool) -> "Backbone":
    from fvc.models.video.x3d import X3D

    return X3D(8, (1, 1, 1, 1), head=64) if tiny else X3D()


def _slowfast(tiny: bool, output: Literal["pooled", "maps"] = "pooled") -> "Backbone":
    from fvc.models.video.slowfast import SlowFast

    return SlowFast(16, (1, 1, 1, 1), output=output) if tiny else SlowFast(output=output)


def _naive_cnn(tiny: bool) -> "Backbone":
    from fvc.models.video.naive_cnn import naive_cnn

    return naive_cnn(tiny=tiny)


def _variable_ar_cnn(tiny: bool) -> "Backbone":
    from fvc.models.video.variable_ar_cnn import variable_ar_cnn

    return variable_ar_cnn(tiny=tiny)


def _timesformer(video: VideoInput, tiny: bool) -> "Backbone":
    from fvc.models.video.timesformer import TimeSformer

    return TimeSformer(frames=video.num_frames, size=64 if tiny else video.size, tiny=tiny)


def _vivit(video: VideoInput, tiny: bool) -> "Backbone":
    from fvc.models.video.vivit import ViViT

    return ViViT(frames=video.num_frames, size=64 if tiny else video.size, tiny=tiny)


def _videomae(video: VideoInput, tiny: bool) -> "Backbone":
    from fvc.models.video.videomae import VideoMAE

    return VideoMAE(frames=video.num_frames, size=64 if tiny else video.size, tiny=tiny)


def _two_stream(video: VideoInput, tiny: bool) -> "Backbone":
    from fvc.models.video.two_stream import TwoStream

    return TwoStream(length=video.flow_length, tiny=tiny)


_TOKENS: dict[str, Callable[[bool], "Backbone"]] = {
    "inception_v3": _inception,
    "vit_base_patch16_224": _vit,
    "i3d_r50": _i3d,
    "r2plus1d_18": _r2plus1d,
}

_VIDEO: dict[str, Callable[[VideoInput, bool], "Backbone"]] = {
    "naive_cnn": lambda video, tiny: _naive_cnn(tiny),
    "pretrained_inception": lambda video, tiny: _inception(tiny),
    "variable_ar_cnn": lambda video, tiny: _variable_ar_cnn(tiny),
    "vit_gru": lambda video, tiny: _vit(tiny),
    "vit_transformer": lambda video, tiny: _vit(tiny),
    "timesformer": _timesformer,
    "vivit": _vivit,
    "i3d": lambda video, tiny: _i3d(tiny),
    "r2plus1d": lambda video, tiny: _r2plus1d(tiny),
    "x3d": lambda video, tiny: _x3d(tiny),
    "slowfast": lambda video, tiny: _slowfast(tiny),
    "slowfast_attention": lambda video, tiny: _slowfast(tiny, "maps"),
    "slowfast_multiscale": lambda video, tiny: _slowfast(tiny, "maps"),
    "two_stream": _two_stream,
    "videomae": _videomae,
}


def _head(spec: ModelSpec, backbone: "Backbone", dropout: float, tiny: bool) -> "nn.Module":
    from fvc.models.video.heads import GRUHead, MeanHead, TransformerHead
    from fvc.models.video.slowfast import SlowFast
    from fvc.models.video.slowfast_attention import PathwayAttention
    from fvc.models.video.slowfast_multiscale import MultiScaleHead

    if isinstance(backbone, SlowFast) and spec.name == "slowfast_attention":
        return PathwayAttention(backbone.channels[-1], dropout, size=32 if tiny else 256)
    if isinstance(backbone, SlowFast) and spec.name == "slowfast_multiscale":
        return MultiScaleHead(backbone.channels, dropout, size=16 if tiny else 128)
    if spec.name in ("vit_gru", "vit_transformer"):
        head = GRUHead if spec.name == "vit_gru" else TransformerHead
        return head(backbone.token_size, dropout, hidden=32 if tiny else 256)
    return MeanHead(backbone.token_size, dropout)
