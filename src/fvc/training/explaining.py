"""One fold explained: its detector fitted again, its features permuted, left out, and read."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from fvc.evaluation import check_no_leakage
from fvc.models import ModelSpec
from fvc.training.fold import attempt
from fvc.training.selection import Part, fit_detector, inner_folds

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ExplainTask:
    """What to explain.

    Attributes
    ----------
    spec, settings
        The model, and the settings that the inner folds of this fold chose.
    repeat, fold, test, inner_splits, seed
        As in `fvc.training.fold.FoldTask`.
    sets
        Columns of each family.
    permutations
        How often each feature and family is permuted.
    """

    spec: ModelSpec
    settings: dict[str, Any]
    repeat: int
    fold: int
    test: NDArray[np.bool_]
    inner_splits: int
    seed: int
    sets: dict[str, list[int]]
    permutations: int


@dataclass
class Explained:
    """What came of it.

    Attributes
    ----------
    source : (m,) int32
        Sources of the test side.
    scores
        By variant of the detector (``all``, ``without <family>``, ``only <family>``) its scores,
        shape (m,).
    feature_drops, family_drops
        Mean drop of the test AUC over permutations, by column, shape (p,), and by family.
    coefficients
        As `coefficients` returns them.
    contributions : (p,) float, or None
        Mean absolute contribution to the log odds over the test sources.
    failures
        Variants that could not be fitted, and why.
    """

    repeat: int
    fold: int
    source: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, dtype=np.int32))
    scores: dict[str, Floats] = field(default_factory=dict)
    feature_drops: Floats = field(default_factory=lambda: np.empty(0))
    family_drops: dict[str, float] = field(default_factory=dict)
    coefficients: dict[str, float] | None = None
    contributions: Floats | None = None
    failures: dict[str, str] = field(default_factory=dict)


def explain_fold(
    task: ExplainTask,
    X: NDArray[np.float32],
    source: NDArray[np.int32],
    original: NDArray[np.bool_],
    labels: NDArray[np.int8],
    groups: NDArray[Any],
    feature_names: list[str],
) -> Explained:
    """Fit a fold's detector again and explain it on the sources that it has not seen.

    Parameters
    ----------
    task
        What to do.
    X, source, original, feature_names
        As in `fvc.training.clips.Clips`.
    labels, groups
        As in `fvc.training.clips.Sources`.
    """
    where = f"{task.spec.name}, repeat {task.repeat}, fold {task.fold}"
    check_no_leakage(groups[~task.test], groups[task.test], where=where)
    tested = task.test[source]
    train = np.flatnonzero(~tested)
    part = Part(
        X[train],
        labels[source[train]],
        source[train],
        original[train],
        groups[source[train]],
        feature_names,
    )
    rows = np.flatnonzero(tested & original)
    X_test, y = X[rows], labels[source[rows]]
    inner = inner_folds(part, task.inner_splits, (task.seed, task.repeat, task.fold), where)
    detector = fit_detector(task.spec, task.settings, part, inner)
    result = Explained(task.repeat, task.fold, source=source[rows])
    result.scores["all"] = detector.predict_proba(X_test)[:, 1]
    rng = np.random.default_rng((task.seed, task.repeat, task.fold))
    every = range(X.shape[1])
    result.feature_drops = np.array(
        [permuted_drop(detector, X_test, y, [j], task.permutations, rng) for j in every]
    )
    result.family_drops = {
        name: permuted_drop(detector, X_test, y, columns, task.permutations, rng)
        for name, columns in task.sets.items()
    }
    result.coefficients = coefficients(detector)
    result.contributions = tree_contributions(detector, X_test)
    for name, columns in task.sets.items():
        rest = [j for j in every if j not in columns]
        for variant, kept in ((f"without {name}", rest), (f"only {name}", columns)):
            if kept:
                found, failure = attempt(
                    lambda kept=kept: _refitted(task, part, X_test, kept)  # type: ignore[misc]
                )
                if found is None:
                    result.failures[variant] = failure or ""
                else:
                    result.scores[variant] = found
    return result


def _refitted(
    task: ExplainTask, part: Part, X_test: NDArray[np.float32], kept: list[int]
) -> Floats:
    names = [part.feature_names[j] for j in kept]
    narrow = Part(part.X[:, kept], part.y, part.source, part.original, part.groups, names)
    # Without calibration inside: it does not change a ranking.
    detector = fit_detector(task.spec, task.settings, narrow)
    scores: Floats = detector.predict_proba(X_test[:, kept])[:, 1]
    return scores


def permuted_drop(
    detector: Any,
    X: NDArray[np.float32],
    y: NDArray[Any],
    columns: list[int],
    permutations: int,
    rng: np.random.Generator,
) -> float:
    """Return by how much the AUC drops on average when some columns are dealt anew together.

    Parameters
    ----------
    detector
        Fitted, with ``predict_proba``.
    X : (n, p) float
        Rows that it has not seen.
    y : (n,) int
        Their labels.
    columns
        Columns that are permuted, all alike.
    permutations
        How often.
    rng
        Draws the permutations.

    Returns
    -------
    float
        NaN where one class is lacking.

    References
    ----------
    Breiman (2001), Random forests, Machine Learning 45:5-32.
    """
    n = len(X)
    before = _aucs(y, detector.predict_proba(X)[:, 1][None])[0]
    shuffled = np.tile(X, (permutations, 1))
    for k in range(permutations):
        order = rng.permutation(n)
        block = shuffled[k * n : (k + 1) * n]
        block[:, columns] = X[order][:, columns]
    after = detector.predict_proba(shuffled)[:, 1].reshape(permutations, n)
    # A column that the detector does not read would else be left with a rounding error.
    return round(float(before - _aucs(y, after).mean()), 12) + 0.0


def _aucs(y: NDArray[Any], scores: Floats) -> Floats:
    fake = y == 1
    n_fake, n_real = int(fake.sum()), int((~fake).sum())
    if not n_fake or not n_real:
        return np.full(len(scores), np.nan)
    ranks = rankdata(scores, axis=1)[:, fake].sum(axis=1)
    found: Floats = (ranks - n_fake * (n_fake + 1) / 2) / (n_fake * n_real)
    return found


def coefficients(detector: Any) -> dict[str, float] | None:
    """Return a linear detector's coefficients of standardised features; None for others.

    Returns
    -------
    dict
        By feature, and by ``<feature>_missing`` where there were gaps, the change of the log odds
        for a standard deviation of the training rows. What the collinearity filter left out is not
        there.
    """
    steps = getattr(detector, "pipeline_", None)
    if steps is None:
        return None
    model = steps.named_steps["model"]
    machine = getattr(model, "machine_", model)
    if not hasattr(machine, "coef_"):
        return None
    names = steps.named_steps["impute"].get_feature_names_out(detector.feature_names_)
    kept = steps.named_steps["collinear"].get_feature_names_out(names)
    values = machine.coef_[0] * getattr(model, "slope_", 1.0)
    return dict(zip(map(str, kept), map(float, values), strict=True))


def tree_contributions(detector: Any, X: NDArray[np.float32]) -> Floats | None:
    """Return the mean absolute TreeSHAP contribution of each feature; None for other models.

    References
    ----------
    Lundberg et al. (2020), From local explanations to global understanding with explainable AI for
    trees, Nature Machine Intelligence 2:56-67.
    """
    booster = getattr(detector, "booster_", None)
    if booster is None:
        return None
    import xgboost

    data = xgboost.DMatrix(
        X.astype(np.float32, copy=False), feature_names=detector.feature_names_, nthread=1
    )
    each = booster.predict(data, pred_contribs=True)[:, :-1]
    mean: Floats = np.abs(each).mean(axis=0).astype(np.float64)
    return mean
