"""The protocol's lesson, as tests: features that only tell sources apart.

Rows of one source on both sides of a split look like skill; whole groups show that there is none;
labels permuted by group stand at chance.
"""

from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from fvc.errors import LeakageError
from fvc.evaluation import (
    GroupedStratifiedKFold,
    check_no_leakage,
    make_folds,
    summarise_folds,
)

SOURCES, CLIPS = 120, 8


@pytest.fixture(scope="module")
def identity_table() -> tuple[Any, Any, Any]:
    """Clips whose 26 features say which source they come from, and nothing about the label."""
    rng = np.random.default_rng(0)
    source = np.repeat(np.arange(SOURCES), CLIPS)
    x = rng.normal(size=(SOURCES, 26))[source] + 0.25 * rng.normal(size=(len(source), 26))
    return x, rng.permutation(np.arange(SOURCES) % 2)[source], source


def forest(x: Any, y: Any) -> RandomForestClassifier:
    return RandomForestClassifier(25, min_samples_leaf=2, random_state=0, n_jobs=1).fit(x, y)


def test_row_wise_folds_measure_memory_and_grouped_folds_do_not(identity_table: Any) -> None:
    x, y, source = identity_table
    row_wise, grouped = [], []
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(x, y):
        with pytest.raises(LeakageError):
            check_no_leakage(source[train], source[test], where="row-wise")
        score = forest(x[train], y[train]).predict_proba(x[test])[:, 1]
        row_wise.append(roc_auc_score(y[test], score))
    for seed in range(2):
        for train, test in GroupedStratifiedKFold(5, random_state=seed).split(x, y, source):
            check_no_leakage(source[train], source[test], where="grouped")
            score = forest(x[train], y[train]).predict_proba(x[test])[:, 1]
            grouped.append(roc_auc_score(y[test], score))
    assert np.mean(row_wise) >= 0.95
    assert np.mean(grouped) == pytest.approx(0.5, abs=0.1)


def test_labels_permuted_by_group_stand_at_chance() -> None:
    """The canary: a table with a real effect, whose labels are dealt anew to whole groups."""
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(60), 3)
    label = (np.arange(60) % 2)[group]
    x = rng.normal(size=(60, 10))[group] + 0.4 * rng.normal(size=(180, 10))
    x[:, 0] += 2.5 * label

    def score(of: Any, seed: int) -> dict[str, Any]:
        index = pl.DataFrame(
            {
                "source": [f"s{i:03}" for i in range(180)],
                "group": [f"g{g:02}" for g in group],
                "label": of,
            }
        )
        folds = make_folds(index, repeats=1, seed=seed)
        fold = folds["fold"].to_numpy()
        out = np.empty(180)
        for k in range(5):
            train, test = fold != k, fold == k
            centred = x[train] - x[train].mean(axis=0)
            target = of[train] - of[train].mean()
            beta = np.linalg.solve(centred.T @ centred + np.eye(10), centred.T @ target)
            out[test] = x[test] @ beta
        return summarise_folds(folds.with_columns(score=pl.Series(out)), resamples=200)

    true = score(label, 0)
    assert true["roc_auc_low"] > 0.6
    permuted = [score(rng.permutation(np.arange(60) % 2)[group], seed) for seed in range(40)]
    aucs = [summary["roc_auc"] for summary in permuted]
    assert np.mean(aucs) == pytest.approx(0.5, abs=3 * np.std(aucs) / np.sqrt(len(aucs)) + 0.01)
    at_chance = [s["roc_auc_low"] <= 0.5 <= s["roc_auc_high"] for s in permuted]
    assert np.mean(at_chance) >= 0.8
