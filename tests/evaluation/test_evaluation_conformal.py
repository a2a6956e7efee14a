import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fvc.evaluation.conformal import (
    MAX_STEPS,
    PValues,
    fit_decisions,
    fit_p_values,
    groups_needed,
    nonconformity,
)


def test_one_score_a_group_is_the_textbook_p_value() -> None:
    scores = np.array([0.1, 0.4, 0.4, 0.9])
    table = fit_p_values(scores, np.arange(4))
    for s in (0.0, 0.1, 0.2, 0.4, 0.5, 0.9, 1.0):
        assert table(s) == pytest.approx((1 + (scores >= s).sum()) / 5)


def test_a_group_weighs_one_however_many_scores_it_has() -> None:
    # Group a: 0.2 and 0.8; group b: 0.5. At 0.6: half of a and none of b are as strange.
    table = fit_p_values(np.array([0.2, 0.8, 0.5]), np.array(["a", "a", "b"]))
    assert table(0.6) == pytest.approx((1 + 0.5) / 3)
    assert table(0.5) == pytest.approx((1 + 0.5 + 1) / 3)
    assert table(0.9) == pytest.approx(1 / 3)
    many = fit_p_values(np.array([0.2, 0.8] * 50 + [0.5]), np.array(["a"] * 100 + ["b"]))
    assert many(0.6) == pytest.approx(table(0.6))


@given(st.lists(st.integers(0, 20), min_size=1, max_size=30), st.integers(-1, 21))
@settings(deadline=None, max_examples=60)
def test_p_values_are_shares_of_groups(scores: list[int], s: int) -> None:
    group = np.arange(len(scores)) // 3
    table = fit_p_values(np.array(scores), group)
    shares = [np.mean(np.array(scores)[group == g] >= s) for g in np.unique(group)]
    assert table(s) == pytest.approx((1 + sum(shares)) / (len(shares) + 1))
    again = PValues.from_dict(table.to_dict())
    assert again(s) == table(s)


def test_many_steps_are_thinned_without_making_p_smaller() -> None:
    scores = np.random.default_rng(0).normal(size=5 * MAX_STEPS)
    table = fit_p_values(scores, np.arange(len(scores)))
    assert len(table.at) == MAX_STEPS
    at = np.linspace(-4, 4, 999)
    exact = (1 + (scores[None, :] >= at[:, None]).sum(axis=1)) / (len(scores) + 1)
    assert (table(at) >= exact - 1e-12).all()
    assert np.abs(table(at) - exact).max() < 2 / MAX_STEPS


def test_steps_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="ascend"):
        PValues.from_dict({"n_groups": 2, "at": [1.0, 0.0], "p": [1.0, 0.5]})
    assert fit_p_values(np.empty(0), np.empty(0))(0.3) == 1.0


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4])
def test_so_many_groups_are_needed_to_rule_a_class_out(rate: float) -> None:
    n = groups_needed(rate)
    assert 1 / (n + 1) <= rate + 1e-12
    assert 1 / n > rate


def test_real_and_fake_are_strange_on_opposite_sides() -> None:
    assert nonconformity(0.7, "real") == 0.7
    assert nonconformity(0.7, "fake") == -0.7


def test_out_of_fold_counts_by_hand() -> None:
    # Two folds, perfectly separated: every class has 10 groups outside the fold.
    score = np.concatenate([np.linspace(0.0, 0.3, 20), np.linspace(0.7, 1.0, 20)])
    label = np.repeat([0, 1], 20)
    group = np.arange(40)
    fold = np.arange(40) % 2
    block = fit_decisions(score, label, group, np.zeros(40, int), fold)
    row = next(r for r in block["out_of_fold"] if r["error_rate"] == 0.2)
    # The other class is always ruled out: p = 1/11 < 0.2. An own class's p is at least
    # (1 + number of the other fold that are as strange) / 11.
    expected = {}
    for name, sign in (("real", 1), ("fake", -1)):
        own = sign * score[label == (name == "fake")]
        folds = fold[label == (name == "fake")]
        p = [(1 + (own[folds != f] >= s).sum()) / 11 for s, f in zip(own, folds, strict=True)]
        expected[name] = np.mean(np.array(p) > 0.2)
    for name in ("real", "fake"):
        assert row[f"coverage_{name}"] == pytest.approx(expected[name])
        assert row[f"right_{name}"] == pytest.approx(expected[name])
        assert row[f"wrong_{name}"] == 0
    assert block["classes"]["real"]["n_groups"] == 20


def _draw(rng: np.random.Generator, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of one class: groups of one to four sources that share most of their score."""
    size = rng.integers(1, 5, groups)
    group = np.repeat(np.arange(groups), size)
    return rng.normal(size=groups)[group] + 0.3 * rng.normal(size=len(group)), group


@pytest.mark.parametrize("groups", [9, 19])
def test_coverage_over_simulated_corpora(groups: int) -> None:
    """A source of a new group keeps its class as often as stated, whatever the groups' sizes."""
    rng = np.random.default_rng(groups)
    kept, runs = 0, 3000
    for _ in range(runs):
        score, group = _draw(rng, groups + 1)
        new = rng.choice(np.flatnonzero(group == groups))
        table = fit_p_values(score[group < groups], group[group < groups])
        kept += bool(table(score[new]) > 0.1)
    assert kept / runs > 0.9 - 3 * math.sqrt(0.09 / runs)
    # With a weight of one a source, the many of one group would pass for many groups.
    assert kept / runs < 0.97


@pytest.mark.slow
def test_decisions_hold_their_error_rate_over_simulated_corpora() -> None:
    """Half of the corpus decides over the other half; no class is called the other too often."""
    rng = np.random.default_rng(7)
    wrong = {"real": [], "fake": []}
    for _ in range(300):
        parts = [_draw(rng, 60), _draw(rng, 60)]
        score = np.concatenate([parts[0][0], parts[1][0] + 1.0])
        label = np.repeat([0, 1], [len(p[0]) for p in parts])
        group = np.concatenate([parts[0][1], 1000 + parts[1][1]])
        fold = group % 5
        block = fit_decisions(score, label, group, np.zeros(len(score), int), fold)
        row = next(r for r in block["out_of_fold"] if r["error_rate"] == 0.1)
        for name in wrong:
            wrong[name].append(row[f"wrong_{name}"])
            assert row[f"coverage_{name}"] >= row[f"right_{name}"]
    for rates in wrong.values():
        mean, error = np.mean(rates), np.std(rates, ddof=1) / math.sqrt(len(rates))
        assert mean < 0.1 + 3 * error
