"""Making the torch modules of the registry's video and embedding models."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from fvc.models.video.classifier import TokenBackbone, VideoClassifier

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
        The same architecture with few layers and channels, for tests and trials. Its input is the
        same. Pretrained weights do not fit it: they are an `OptionError`.
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
        - ``checkpoint_gradients(on=True)``;
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
    raise NotImplementedError


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
    raise NotImplementedError
