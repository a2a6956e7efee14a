"""The winner's corrected score, and the range in which a new set's score lies."""

import os
from typing import Any

import numpy as np
import polars as pl
import pytest
from benchmarks.simulated import corpus, fit, out_of_fold

from fvc.evaluation import make_folds
from fvc.evaluation.bootstrap import weighted_auc
from fvc.evaluation.common_rows import common_rows
from fvc.evaluation.new_set import new_set_interval
from fvc.evaluation.selection import corrected_selection

CORPORA = int(os.environ.get("FVC_SIMULATIONS", "60"))


def worthless(seed: int, candidates: int) -> Any:
    """Models trained on features that know nothing."""
    rng = np.random.default_rng([9, seed])
    index, _ = corpus(rng, effect=0.0)
    folds = make_folds(index, n_splits=5, repeats=1, seed=seed)
    tables = {
        f"m{k}": out_of_fold(folds, rng.normal(size=(len(index), 5))) for k in range(candidates)
    }
    return common_rows(tables).models


def test_the_best_of_ten_worthless_models_is_brought_back() -> None:
    found = [corrected_selection(worthless(s, 10), resamples=60, seed=s) for s in range(12)]
    naive = np.mean([row["naive"] for row in found])
    corrected = np.mean([row["corrected"] for row in found])
    assert naive > 0.57
    assert corrected - 0.5 < 0.4 * (naive - 0.5)
    first = found[0]
    assert first["optimism"] == pytest.approx(first["naive"] - first["corrected"])
    assert sum(first["chosen"].values()) == pytest.approx(1)
    assert first["low"] <= first["corrected"] <= first["high"]


def test_a_clear_winner_keeps_its_score() -> None:
    rng = np.random.default_rng(1)
    index, x = corpus(rng, effect=1.0)
    folds = make_folds(index, n_splits=5, repeats=2, seed=0)
    tables = {"good": out_of_fold(folds, x), "bad": out_of_fold(folds, rng.normal(size=x.shape))}
    found = corrected_selection(common_rows(tables).models, resamples=100)
    assert found["winner"] == "good"
    assert found["chosen"]["good"] == 1
    assert found["corrected"] == pytest.approx(found["naive"], abs=0.03)


def test_one_candidate_was_not_chosen() -> None:
    found = corrected_selection(worthless(0, 1), resamples=50)
    assert found["corrected"] == found["naive"]
    assert found["reason"] == "one candidate: nothing was chosen"


def one_new_set(seed: int, *, groups: int, new: int, effect: float) -> tuple[float, float, float]:
    """Cross-validate on some groups, fit to all of them, score new ones."""
    both, x = corpus(np.random.default_rng([8, seed]), groups=groups + new, effect=effect)
    old = both["group"].str.slice(1).cast(pl.Int32).to_numpy() < groups
    y = both["label"].to_numpy()
    index = both.filter(pl.Series(old))
    folds = make_folds(index, n_splits=5, repeats=2, seed=seed)
    common = common_rows({"m": out_of_fold(folds, x[old])})
    _, low, high = new_set_interval(
        common.models["m"], common.repeat, new_groups=new, n_splits=5, resamples=200, seed=seed
    )
    score = x[~old] @ fit(x[old], y[old])
    return low, high, weighted_auc(y[~old] == 1, score, np.ones(len(score)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("groups", "new", "effect"), [(60, 20, 0.7), (60, 100, 0.3), (120, 30, 1.2), (60, 60, 0.0)]
)
def test_new_sets_score_where_they_should(groups: int, new: int, effect: float) -> None:
    sets = [one_new_set(s, groups=groups, new=new, effect=effect) for s in range(CORPORA)]
    covered = np.mean([low <= auc <= high for low, high, auc in sets])
    error = np.sqrt(0.05 * 0.95 / CORPORA)
    assert covered >= 0.95 - 3 * error


def test_small_new_sets_scatter_more() -> None:
    _, x = corpus(np.random.default_rng(0))
    index, x = corpus(np.random.default_rng(0))
    folds = make_folds(index, n_splits=5, repeats=1, seed=0)
    common = common_rows({"m": out_of_fold(folds, x)})

    def width(new: int) -> float:
        rows, repeat = common.models["m"], common.repeat
        estimate, low, high = new_set_interval(
            rows, repeat, new_groups=new, n_splits=5, resamples=100
        )
        assert low < estimate < high
        return high - low

    assert width(10) > width(60) > width(10_000)
