"""The catalogue: one entry a documented model, and nothing but entries.

Grids are small on purpose: on a corpus of some hundred sources a finer one chooses by noise.
"""

from dataclasses import replace

from fvc.models.frame_catalogue import FROM_FRAMES
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


_ENSEMBLE = ModelSpec(
    name="ensemble",
    family="ensemble",
    description="Stacking or fixed-weight averaging over trained models",
    tables=(),
    estimator="fvc.models.ensemble:Ensemble",
    repeats=1,
    reference="Wolpert 1992; Breiman 1996",
)

CATALOGUE: tuple[ModelSpec, ...] = (*_FROM_FEATURES, *FROM_FRAMES, _ENSEMBLE)
