"""Published weights, as data: one entry a backbone.

Licences are those that the publishers state for the files. What ImageNet and Kinetics themselves
allow is a question of its own: both were collected for research.
"""

from fvc.models.registry import WeightsSpec
from fvc.models.video_spec import HALF, IMAGENET_MEAN, IMAGENET_STD

_PYTORCH = "https://download.pytorch.org/models"
_PYTORCHVIDEO = "https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics"
_KINETICS_MEAN = (0.45, 0.45, 0.45)
_KINETICS_STD = (0.225, 0.225, 0.225)


def _pytorchvideo(filename: str, size: int, frames: int, fps: float) -> WeightsSpec:
    return WeightsSpec(
        source=f"{_PYTORCHVIDEO}/{filename}",
        licence="Apache-2.0 (PyTorchVideo); trained on Kinetics-400",
        input_size=(size, size),
        mean=_KINETICS_MEAN,
        std=_KINETICS_STD,
        frames=frames,
        fps=fps,
        filename=filename,
    )


PUBLISHED: dict[str, WeightsSpec] = {
    "resnet18": WeightsSpec(
        source=f"{_PYTORCH}/resnet18-f37072fd.pth",
        licence="BSD-3-Clause (torchvision); trained on ImageNet-1k",
        input_size=(224, 224),
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        filename="resnet18-f37072fd.pth",
        sha256="f37072fd",
    ),
    # With `transform_input` torchvision turns ImageNet's normalisation into this one inside.
    "inception_v3": WeightsSpec(
        source=f"{_PYTORCH}/inception_v3_google-0cc3c7bd.pth",
        licence="BSD-3-Clause (torchvision; ported from TensorFlow, Apache-2.0); "
        "trained on ImageNet-1k",
        input_size=(299, 299),
        mean=HALF,
        std=HALF,
        filename="inception_v3_google-0cc3c7bd.pth",
        sha256="0cc3c7bd",
    ),
    "vit_base_patch16_224": WeightsSpec(
        source="hf:timm/vit_base_patch16_224.augreg2_in21k_ft_in1k",
        licence="Apache-2.0 (timm); trained on ImageNet-21k and ImageNet-1k",
        input_size=(224, 224),
        mean=HALF,
        std=HALF,
        filename="model.safetensors",
    ),
    "r2plus1d_18": WeightsSpec(
        source=f"{_PYTORCH}/r2plus1d_18-91a641e6.pth",
        licence="BSD-3-Clause (torchvision); trained on Kinetics-400",
        input_size=(112, 112),
        mean=(0.43216, 0.394666, 0.37645),
        std=(0.22803, 0.22145, 0.216989),
        frames=16,
        fps=15.0,
        filename="r2plus1d_18-91a641e6.pth",
        sha256="91a641e6",
    ),
    # Eight frames, every eighth of 30 a second.
    "i3d_r50": _pytorchvideo("I3D_8x8_R50.pyth", 224, 8, 3.75),
    # Sixteen frames, every fifth.
    "x3d_m": _pytorchvideo("X3D_M.pyth", 224, 16, 6.0),
    # The fast pathway's 32 frames, every second; the slow one takes every fourth of them.
    "slowfast_r50": _pytorchvideo("SLOWFAST_8x8_R50.pyth", 224, 32, 15.0),
    # Eight frames, every 32nd.
    "timesformer_base": WeightsSpec(
        source="hf:facebook/timesformer-base-finetuned-k400",
        licence="CC-BY-NC-4.0; trained on ImageNet and Kinetics-400",
        input_size=(224, 224),
        mean=_KINETICS_MEAN,
        std=_KINETICS_STD,
        frames=8,
        fps=0.9375,
        filename="pytorch_model.bin",
    ),
    # Thirty-two frames, every second of 25.
    "vivit_b_16x2": WeightsSpec(
        source="hf:google/vivit-b-16x2-kinetics400",
        licence="MIT; trained on ImageNet-21k and Kinetics-400",
        input_size=(224, 224),
        mean=HALF,
        std=HALF,
        frames=32,
        fps=12.5,
        filename="pytorch_model.bin",
    ),
    # Sixteen frames, every fourth of 30 a second.
    "videomae_base": WeightsSpec(
        source="hf:MCG-NJU/videomae-base-finetuned-kinetics",
        licence="CC-BY-NC-4.0; trained on Kinetics-400, first without labels",
        input_size=(224, 224),
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        frames=16,
        fps=7.5,
        filename="pytorch_model.bin",
    ),
}
