"""The catalogue's models that look at frames: their inputs, training, grids and weights.

Grids are small on purpose: on a corpus of some hundred sources a finer one chooses by noise, and
one candidate of a video model costs as much as all tabular models together.
"""

from dataclasses import replace
from typing import Literal

from fvc.models.published import PUBLISHED
from fvc.models.registry import Grid, ModelSpec
from fvc.models.video_spec import EmbeddingSpec, VideoInput, VideoModelSettings

_HEAD: Grid = {"head_lr": (5e-4, 1e-4)}
_SCRATCH: Grid = {"head_lr": (5e-4, 2e-3)}
_TREES: Grid = {"max_depth": (2, 4), "n_estimators": (50, 200)}

# Parameters without the published classifiers, and 10⁹ operations (a multiplication and an addition
# are two) of one clip's forward pass; of embedding models those of the frozen backbone.
_COSTS: dict[str, tuple[int, float]] = {
    "naive_cnn": (389_153, 11.8),
    "pretrained_inception": (21_787_617, 91.4),
    "variable_ar_cnn": (1_229_345, 4.7),
    "xgboost_pretrained_inception": (21_785_568, 91.4),
    "xgboost_i3d": (27_223_872, 56.8),
    "xgboost_r2plus1d": (31_300_125, 81.0),
    "xgboost_vit_gru": (85_798_656, 562.0),
    "xgboost_vit_transformer": (85_798_656, 562.0),
    "vit_gru": (86_588_417, 562.0),
    "vit_transformer": (87_052_289, 562.1),
    "timesformer": (121_259_521, 391.7),
    "vivit": (88_647_169, 903.0),
    "i3d": (27_225_921, 56.8),
    "r2plus1d": (31_300_638, 81.0),
    "x3d": (2_976_723, 9.5),
    "slowfast": (33_646_793, 100.6),
    "slowfast_attention": (34_771_401, 103.5),
    "slowfast_multiscale": (34_607_561, 104.7),
    "two_stream": (22_407_361, 25.8),
    "videomae": (86_227_969, 360.7),
}


def _input(backbone: str, num_frames: int | None = None) -> VideoInput:
    """Take the input that published weights were trained with."""
    spec = PUBLISHED[backbone]
    return VideoInput(
        num_frames=num_frames or spec.frames or 8,
        frame_rate=spec.fps if num_frames is None else None,
        size=spec.input_size[0],
        mean=spec.mean,
        std=spec.std,
    )


_INCEPTION = _input("inception_v3", 8)
_VIT = _input("vit_base_patch16_224", 16)
# The temporal stride of 0.94 Hz covers eight seconds and a half: longer than many clips are.
_TIMESFORMER = replace(_input("timesformer_base"), frame_rate=None)
_PLAIN = VideoInput(num_frames=8)


def _video(
    name: str,
    notebook: str | None,
    description: str,
    video: VideoInput,
    *,
    backbone: str | None,
    reference: str,
    batch: int = 4,
    checkpointing: bool = False,
    grid: Grid = _HEAD,
) -> ModelSpec:
    return ModelSpec(
        name=name,
        family="video",
        description=description,
        tables=(3,),
        grid=(grid,),
        repeats=1,
        video=video,
        training=VideoModelSettings(
            batch_size=batch,
            gradient_checkpointing=checkpointing,
            freeze_batch_norm=backbone is not None,
        ),
        weights=None if backbone is None else PUBLISHED[backbone],
        parameters=_COSTS[name][0],
        gflops=_COSTS[name][1],
        notebook=notebook,
        reference=reference,
    )


def _embedding(
    name: str,
    notebook: str,
    description: str,
    video: VideoInput,
    backbone: str,
    tokens: tuple[int, int],
    *,
    head: Literal["gru", "transformer"] | None = None,
    reference: str,
) -> ModelSpec:
    return ModelSpec(
        name=name,
        family="embedding",
        description=description,
        tables=(3,),
        grid=(_TREES,),
        estimator="fvc.models.embedding:PooledTokensXGBoost"
        if head is None
        else f"fvc.models.temporal_embedding:{head.capitalize()}TokensXGBoost",
        repeats=5 if head is None else 1,
        video=video,
        embedding=EmbeddingSpec(backbone, *tokens, head),
        weights=PUBLISHED[backbone],
        parameters=_COSTS[name][0],
        gflops=_COSTS[name][1],
        notebook=notebook,
        reference=reference,
    )


FROM_FRAMES: tuple[ModelSpec, ...] = (
    _video(
        "naive_cnn",
        "5c",
        "A small convolutional network on single frames, averaged",
        _PLAIN,
        backbone=None,
        batch=8,
        grid=_SCRATCH,
        reference="LeCun et al. 1998; Karpathy et al. 2014 (single frames, late fusion)",
    ),
    _video(
        "pretrained_inception",
        "5d",
        "Inception v3 on single frames, averaged",
        _INCEPTION,
        backbone="inception_v3",
        batch=2,
        reference="Szegedy et al. 2016; torchvision",
    ),
    _video(
        "variable_ar_cnn",
        "5e",
        "A convolutional network at each clip's own aspect ratio",
        replace(_PLAIN, size=256, padding="aspect"),
        backbone=None,
        grid=_SCRATCH,
        reference="He et al. 2015 (pooling for any size); Wu & He 2018 (group normalisation)",
    ),
    _embedding(
        "xgboost_pretrained_inception",
        "5f",
        "XGBoost on the embeddings of a frozen Inception v3",
        _INCEPTION,
        "inception_v3",
        (8, 2048),
        reference="Szegedy et al. 2016; Chen & Guestrin 2016",
    ),
    _embedding(
        "xgboost_i3d",
        "5g",
        "XGBoost on the embeddings of a frozen I3D",
        _input("i3d_r50"),
        "i3d_r50",
        (4, 2048),
        reference="Carreira & Zisserman 2017; Chen & Guestrin 2016",
    ),
    _embedding(
        "xgboost_r2plus1d",
        "5h",
        "XGBoost on the embeddings of a frozen R(2+1)D",
        _input("r2plus1d_18"),
        "r2plus1d_18",
        (2, 512),
        reference="Tran et al. 2018; Chen & Guestrin 2016",
    ),
    _embedding(
        "xgboost_vit_gru",
        "5i",
        "XGBoost on what a GRU, fitted in the fold, makes of a frozen ViT's frame tokens",
        _VIT,
        "vit_base_patch16_224",
        (16, 768),
        head="gru",
        reference="Dosovitskiy et al. 2021; Cho et al. 2014; Chen & Guestrin 2016",
    ),
    _embedding(
        "xgboost_vit_transformer",
        "5j",
        "XGBoost on what a transformer, fitted in the fold, makes of a frozen ViT's frame tokens",
        _VIT,
        "vit_base_patch16_224",
        (16, 768),
        head="transformer",
        reference="Dosovitskiy et al. 2021; Vaswani et al. 2017; Chen & Guestrin 2016",
    ),
    _video(
        "vit_gru",
        "5k",
        "ViT frame tokens, and a GRU over time",
        _VIT,
        backbone="vit_base_patch16_224",
        batch=1,
        checkpointing=True,
        reference="Dosovitskiy et al. 2021; Cho et al. 2014; timm",
    ),
    _video(
        "vit_transformer",
        "5l",
        "ViT frame tokens, and a transformer over time",
        _VIT,
        backbone="vit_base_patch16_224",
        batch=1,
        checkpointing=True,
        reference="Dosovitskiy et al. 2021; Neimark et al. 2021; timm",
    ),
    _video(
        "timesformer",
        "5m",
        "TimeSformer: divided space-time attention",
        _TIMESFORMER,
        backbone="timesformer_base",
        batch=1,
        checkpointing=True,
        reference="Bertasius, Wang & Torresani 2021; Transformers",
    ),
    _video(
        "vivit",
        "5n",
        "ViViT: a video vision transformer on tubelets",
        _input("vivit_b_16x2"),
        backbone="vivit_b_16x2",
        batch=1,
        checkpointing=True,
        reference="Arnab et al. 2021; Transformers",
    ),
    _video(
        "i3d",
        "5o",
        "I3D: an inflated 3D ResNet-50",
        _input("i3d_r50"),
        backbone="i3d_r50",
        batch=2,
        reference="Carreira & Zisserman 2017; checkpoint of PyTorchVideo",
    ),
    _video(
        "r2plus1d",
        "5p",
        "R(2+1)D-18: convolutions factorised in space and time",
        _input("r2plus1d_18"),
        backbone="r2plus1d_18",
        reference="Tran et al. 2018; torchvision",
    ),
    _video(
        "x3d",
        "5q",
        "X3D-M: an expanded efficient 3D network",
        _input("x3d_m"),
        backbone="x3d_m",
        batch=2,
        checkpointing=True,
        reference="Feichtenhofer 2020; checkpoint of PyTorchVideo",
    ),
    _video(
        "slowfast",
        "5r",
        "SlowFast-R50: a slow and a fast pathway",
        _input("slowfast_r50"),
        backbone="slowfast_r50",
        batch=1,
        reference="Feichtenhofer et al. 2019; checkpoint of PyTorchVideo",
    ),
    _video(
        "slowfast_attention",
        "5s",
        "SlowFast with attention between its pathways",
        _input("slowfast_r50"),
        backbone="slowfast_r50",
        batch=1,
        reference="Feichtenhofer et al. 2019; Vaswani et al. 2017; Wang et al. 2018",
    ),
    _video(
        "slowfast_multiscale",
        "5t",
        "SlowFast with features of several scales",
        _input("slowfast_r50"),
        backbone="slowfast_r50",
        batch=1,
        reference="Feichtenhofer et al. 2019; Lin et al. 2017; Yang et al. 2020",
    ),
    _video(
        "two_stream",
        "5u",
        "Two streams: frames and optical flow",
        replace(_input("resnet18", 3), flow_length=10),
        backbone="resnet18",
        reference="Simonyan & Zisserman 2014; Wang et al. 2016; flow by DIS (Kroeger et al. 2016)",
    ),
    _video(
        "videomae",
        None,
        "VideoMAE: a plain video vision transformer, pretrained by filling in masked tubelets",
        _input("videomae_base"),
        backbone="videomae_base",
        batch=1,
        checkpointing=True,
        reference="Tong et al. 2022; Transformers",
    ),
)
