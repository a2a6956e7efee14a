"""Simulated corpora: tables of features in groups, whose truth is known."""

from typing import Any

import numpy as np
import polars as pl
from scipy.special import ndtr

from fvc.evaluation import make_folds


def corpus(
    rng: np.random.Generator, *, groups: int = 60, largest: int = 3, effect: float = 0.7
) -> tuple[pl.DataFrame, Any]:
    """An index whose groups share part of their features, and two blocks of equal worth."""
    sizes = rng.integers(1, largest + 1, groups)
    group = np.repeat(np.arange(groups), sizes)
    label = (np.arange(groups) % 2)[group]
    index = pl.DataFrame({
        "source": [f"s{i:04}" for i in range(len(group))],
        "group": [f"g{g:03}" for g in group],
        "label": label,
    })  # fmt: skip
    shared = rng.normal(size=(groups, 10))[group]
    x = np.sqrt(0.5) * shared + np.sqrt(0.5) * rng.normal(size=(len(group), 10))
    x[:, [0, 5]] += effect * (2 * label[:, None] - 1)
    return index, x


def fit(x: Any, y: Any) -> Any:
    """Ridge regression to the centred label: fast, and learns something."""
    centred = x - x.mean(axis=0)
    return np.linalg.solve(centred.T @ centred + np.eye(x.shape[1]), centred.T @ (y - y.mean()))


def out_of_fold(folds: pl.DataFrame, x: Any) -> pl.DataFrame:
    """Scores in the shape of predictions.parquet; `x` in the order of one repeat's rows."""
    parts = []
    for (_,), part in folds.group_by("repeat", maintain_order=True):
        y, fold = part["label"].to_numpy(), part["fold"].to_numpy()
        score = np.empty(len(part))
        for k in np.unique(fold):
            score[fold == k] = x[fold == k] @ fit(x[fold != k], y[fold != k])
        parts.append(part.with_columns(score=pl.Series(0.5 + score)))
    return pl.concat(parts)


def true_auc(weights: Any, effect: float) -> float:
    """The AUC on new groups of a score that is linear in the features of `corpus`."""
    shift = 2 * effect * (weights[0] + weights[5])
    return float(ndtr(shift / np.sqrt(2 * weights @ weights)))


def equal_models(
    rng: np.random.Generator, *, repeats: int = 2, models: int = 3, **settings: Any
) -> dict[str, pl.DataFrame]:
    """Procedures of equal worth: each sees other features, which were drawn alike."""
    index, _ = corpus(rng, **settings)
    label = index["label"].to_numpy()
    group = index["group"].rank("dense").to_numpy() - 1
    folds = make_folds(index, n_splits=5, repeats=repeats, seed=int(rng.integers(1 << 30)))
    found = {}
    for m in range(models):
        shared = rng.normal(size=(int(group.max()) + 1, 5))[group]
        x = np.sqrt(0.5) * shared + np.sqrt(0.5) * rng.normal(size=(len(group), 5))
        x[:, 0] += settings.get("effect", 0.7) * (2 * label - 1)
        found[f"model{m}"] = out_of_fold(folds, x)
    return found


def two_equal_models(
    rng: np.random.Generator, *, repeats: int = 2, **settings: Any
) -> dict[str, pl.DataFrame]:
    """Two procedures whose expected AUC is the same: each sees one of two equal blocks."""
    index, x = corpus(rng, **settings)
    folds = make_folds(index, n_splits=5, repeats=repeats, seed=int(rng.integers(1 << 30)))
    return {"left": out_of_fold(folds, x[:, :5]), "right": out_of_fold(folds, x[:, 5:])}
