"""Image networks, applied to every frame: Inception v3 and ResNet-18, ViT, anything of timm."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from fvc.models.video.classifier import Backbone
from fvc.models.video.resnet3d import without


class FrameNetwork(Backbone):
    """An image network that turns each frame into a token: ``(B, 3, T, H, W) -> (B, T, D)``.

    Parameters
    ----------
    net
        Maps ``(N, C, H, W)`` to ``(N, D)``.
    token_size
        D.
    classifier
        How the names of the published classifier begin, which is left out.
    """

    def __init__(self, net: nn.Module, token_size: int, classifier: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.net = net
        self.token_size = token_size
        self.classifier = classifier

    def forward(self, clips: Tensor) -> Tensor:
        """Return tokens ``(B, T, D)``."""
        frames = clips.transpose(1, 2)
        tokens: Tensor = self.net(frames.flatten(0, 1))
        return tokens.view(frames.shape[0], frames.shape[1], -1)

    def renamed(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Drop the classifier, and put the names below ``net``."""
        kept = without(state, *self.classifier) if self.classifier else state
        return {f"net.{key}": value for key, value in kept.items()}


def inception(*, tiny: bool = False) -> FrameNetwork:
    """Make torchvision's Inception v3; tokens of 2048 numbers.

    The tiny form is its first two convolutions and one inception block.

    References
    ----------
    Szegedy, Vanhoucke, Ioffe, Shlens & Wojna 2016, Rethinking the inception architecture for
    computer vision.
    """
    from torchvision.models import inception as library  # type: ignore[import-untyped]

    if tiny:
        net = nn.Sequential(
            library.BasicConv2d(3, 16, kernel_size=3, stride=2),
            library.BasicConv2d(16, 32, kernel_size=3, stride=2),
            library.InceptionA(32, pool_features=32),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        return FrameNetwork(net, 256)
    # The auxiliary classifier serves training from random weights on large corpora alone.
    whole: Any = library.inception_v3(weights=None, aux_logits=False, init_weights=False)
    whole.fc = nn.Identity()
    whole.dropout = nn.Identity()
    return FrameNetwork(whole, 2048, ("fc.", "AuxLogits."))


def resnet18(*, channels: int = 3, tiny: bool = False) -> FrameNetwork:
    """Make timm's ResNet-18, whose names are torchvision's; tokens of 512 numbers.

    References
    ----------
    He, Zhang, Ren & Sun 2016, Deep residual learning for image recognition.
    """
    more: dict[str, Any] = {"in_chans": channels, "zero_init_last": False}
    if tiny:
        more |= {"layers": (1, 1, 1, 1), "channels": (8, 16, 32, 64)}
    return _timm("resnet18", ("fc.",), **more)


def vision_transformer(*, tiny: bool = False) -> FrameNetwork:
    """Make timm's ViT-B/16; tokens are class tokens of 768 numbers.

    Frames of another size than 224 pixels are read with interpolated places.

    References
    ----------
    Dosovitskiy et al. 2021, An image is worth 16×16 words. Steiner et al. 2022, How to train your
    ViT?
    """
    more = {"embed_dim": 32, "depth": 2, "num_heads": 2} if tiny else {}
    return _timm("vit_base_patch16_224", ("head.",), dynamic_img_size=True, **more)


def of_timm(name: str) -> FrameNetwork:
    """Make any image model of timm, without its classifier."""
    import timm

    if not timm.is_model(name):
        from difflib import get_close_matches

        from fvc.errors import OptionError

        close = get_close_matches(name, timm.list_models(), n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise OptionError(f"timm has no model {name!r}{hint}")
    classifier = timm.get_pretrained_cfg_value(name, "classifier") or ()
    names = (classifier,) if isinstance(classifier, str) else tuple(classifier)
    return _timm(name, tuple(f"{each}." for each in names))


def _timm(name: str, classifier: tuple[str, ...], **settings: Any) -> FrameNetwork:
    import timm

    create: Callable[..., Any] = timm.create_model
    net = create(name, pretrained=False, num_classes=0, **settings)
    return FrameNetwork(net, int(net.num_features), classifier)


def scaled_to(clips: Tensor, size: int) -> Tensor:
    """Scale clips ``(B, 3, T, H, W)`` to squares of a side, for networks that read no other."""
    if clips.shape[3:] == (size, size):
        return clips
    return nn.functional.interpolate(clips, size=(clips.shape[2], size, size), mode="trilinear")
