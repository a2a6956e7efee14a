"""The catalogue: one entry a documented model, and nothing but entries.

Grids are small on purpose: on a corpus of some hundred sources a finer one chooses by noise.
"""

from dataclasses import replace

from fvc.models.registry import Grid, ModelSpec

_C: Grid = {"C": (0.01, 0.1, 1.0, 10.0)}

_LOGISTIC = ModelSpec(
    name="logistic_regression",
    family="tabular",
    description="Logistic regression (L2) on the features of the clip and of its scaled copy",
    tables=(2, 4),
    grid=(_C,),
    estimator="fvc.models.tabular:LogisticRegressionBaseline",
    notebook="5a",
    reference="Cox 1958; scikit-learn, LogisticRegression",
)
_SVM = ModelSpec(
    name="svm",
    family="tabular",
    description="Linear support vector machine with scores calibrated inside the training part",
    tables=(2, 4),
    grid=({"C": (0.001, 0.01, 0.1, 1.0)},),
    estimator="fvc.models.tabular:LinearSVMBaseline",
    notebook="5b",
    reference="Cortes & Vapnik 1995; Platt 1999; scikit-learn, LinearSVC and SVC",
)
_FROM_FEATURES = (
    _LOGISTIC,
    _SVM,
    replace(
        _LOGISTIC,
        name="logistic_regression_stage2",
        description="Logistic regression (L2) on the features of the clip alone",
        tables=(2,),
    ),
    replace(
        _SVM,
        name="svm_stage2",
        description="Linear support vector machine on the features of the clip alone",
        tables=(2,),
    ),
    replace(
        _LOGISTIC,
        name="logistic_regression_stage2_stage4",
        description="Another name of logistic_regression",
        alias_of="logistic_regression",
    ),
    replace(
        _SVM,
        name="svm_stage2_stage4",
        description="Another name of svm",
        alias_of="svm",
    ),
    ModelSpec(
        name="sklearn_logreg",
        family="tabular",
        description="Logistic regression with the choice of L1, L2 and elastic net; flat files",
        tables=(2, 4),
        grid=(
            {"penalty": ("l2",), "C": (0.01, 0.1, 1.0)},
            {"penalty": ("l1",), "C": (0.1, 1.0)},
            {"penalty": ("elasticnet",), "C": (0.1, 1.0), "l1_ratio": (0.5,)},
        ),
        estimator="fvc.models.tabular:SklearnLogisticRegression",
        layout="flat",
        notebook="5alpha",
        reference="Tibshirani 1996; Zou & Hastie 2005; scikit-learn, LogisticRegression",
    ),
    ModelSpec(
        name="gradient_boosting",
        family="tabular",
        description="Gradient-boosted trees (XGBoost) on the handcrafted features",
        tables=(2, 4),
        grid=({"max_depth": (2, 4), "n_estimators": (50, 200)},),
        estimator="fvc.models.tabular:GradientBoosting",
        notebook="5beta",
        reference="Friedman 2001; Chen & Guestrin 2016",
    ),
)


def _embedding(name: str, notebook: str, backbone: str) -> ModelSpec:
    return ModelSpec(
        name=name,
        family="embedding",
        description=f"XGBoost on the embeddings of a frozen {backbone}",
        tables=(3,),
        notebook=notebook,
    )


def _video(name: str, notebook: str, description: str) -> ModelSpec:
    return ModelSpec(
        name=name,
        family="video",
        description=description,
        tables=(3,),
        repeats=1,
        notebook=notebook,
    )


_TO_COME = (
    _video("naive_cnn", "5c", "A small convolutional network on single frames, averaged"),
    _video("pretrained_inception", "5d", "Inception v3 on single frames, averaged"),
    _video("variable_ar_cnn", "5e", "A convolutional network at each clip's own aspect ratio"),
    _embedding("xgboost_pretrained_inception", "5f", "Inception v3"),
    _embedding("xgboost_i3d", "5g", "I3D"),
    _embedding("xgboost_r2plus1d", "5h", "R(2+1)D"),
    _embedding("xgboost_vit_gru", "5i", "ViT with a GRU over its frame tokens"),
    _embedding("xgboost_vit_transformer", "5j", "ViT with a transformer over its frame tokens"),
    _video("vit_gru", "5k", "ViT frame tokens, and a GRU over time"),
    _video("vit_transformer", "5l", "ViT frame tokens, and a transformer over time"),
    _video("timesformer", "5m", "TimeSformer: divided space-time attention"),
    _video("vivit", "5n", "ViViT: a video vision transformer on tubelets"),
    _video("i3d", "5o", "I3D: an inflated 3D ResNet-50"),
    _video("r2plus1d", "5p", "R(2+1)D-18: convolutions factorised in space and time"),
    _video("x3d", "5q", "X3D-M: an expanded efficient 3D network"),
    _video("slowfast", "5r", "SlowFast-R50: a slow and a fast pathway"),
    _video("slowfast_attention", "5s", "SlowFast with attention between its pathways"),
    _video("slowfast_multiscale", "5t", "SlowFast with features of several scales"),
    _video("two_stream", "5u", "Two streams: frames and optical flow"),
    ModelSpec(
        name="ensemble",
        family="ensemble",
        description="Stacking or fixed-weight averaging over trained models",
        tables=(),
        repeats=1,
    ),
)

CATALOGUE: tuple[ModelSpec, ...] = (*_FROM_FEATURES, *_TO_COME)
