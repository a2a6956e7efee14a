"""What an audit finds where the answer is known: memory of clips, of scenes, none, and skill."""

from typing import Any

import numpy as np
import pytest

from fvc.audit import audit_table
from fvc.audit.refit import run_task, run_tasks, tasks_of
from fvc.audit.rows import COLUMNS
from fvc.errors import LeakageError

QUICK: dict[str, Any] = {"repeats": 2, "permutations": 12, "resamples": 200}


def true_rows(document: dict[str, Any]) -> dict[str, Any]:
    return {row["folds"]: row for row in document["rows"] if row["labels"] == "true"}


def permuted_rows(document: dict[str, Any]) -> dict[str, Any]:
    return {row["folds"]: row for row in document["rows"] if row["labels"] == "permuted"}


def test_memory_of_clips_is_found_and_scenes_are_cleared(make_clips: Any, fit_nearest: Any) -> None:
    document = audit_table(make_clips(scene=0.0), fit_nearest, **QUICK)
    true, memory = true_rows(document), document["memory"]
    assert true["row-wise"]["auc"] > 0.95
    assert true["grouped"]["auc_low"] < 0.5 < true["grouped"]["auc_high"]
    assert memory["clips"]["low"] > 0.2
    assert memory["scenes"]["low"] < 0 < memory["scenes"]["high"]
    assert memory["share"] > 0.7
    assert "No significant memory of scenes" in document["verdict"]


def test_memory_of_scenes_is_found(make_clips: Any, fit_nearest: Any) -> None:
    document = audit_table(make_clips(scene=0.95), fit_nearest, **QUICK)
    true = true_rows(document)
    assert true["source-wise"]["auc"] > 0.8
    assert true["grouped"]["auc"] < 0.7
    assert document["memory"]["scenes"]["low"] > 0.1
    assert "Memory of scenes (other sources of a group were seen): +" in document["verdict"]


@pytest.mark.slow
def test_skill_is_left_alone(make_clips: Any, fit_ridge: Any) -> None:
    document = audit_table(
        make_clips(effect=1.5, groups=60), fit_ridge, **{**QUICK, "permutations": 30}
    )
    true = true_rows(document)
    assert true["grouped"]["auc"] > 0.85
    assert true["grouped"]["p_value"] == pytest.approx(1 / 31)
    assert document["memory"]["share"] < 0.2
    assert "stands above what permuted labels give (p = 0.032, 30 permut" in document["verdict"]


def test_the_canary_stands_at_chance_even_where_there_is_skill(
    make_clips: Any, fit_ridge: Any, fit_nearest: Any
) -> None:
    """Permuted grouped labels: the mean of many draws is 0.5, whatever the model remembers."""
    for fit, effect in ((fit_ridge, 1.5), (fit_nearest, 0.0)):
        table = make_clips(effect=effect, scene=0.5)
        document = audit_table(table, fit, repeats=1, permutations=25, resamples=100)
        aucs = np.array(document["permuted_aucs"]["grouped"])
        error = aucs.std(ddof=1) / np.sqrt(len(aucs))
        assert aucs.mean() == pytest.approx(0.5, abs=3 * error + 0.015)
        row = permuted_rows(document)["grouped"]
        assert row["auc"] == pytest.approx(aucs.mean())
        assert row["auc_low"] < 0.5 < row["auc_high"]


@pytest.mark.slow
def test_permuted_rows_by_row_do_not_stand_at_chance(make_clips: Any, fit_nearest: Any) -> None:
    document = audit_table(make_clips(), fit_nearest, **QUICK)
    row = permuted_rows(document)["row-wise"]
    assert row["auc_low"] > 0.9
    assert "row-wise folds still give 1.00" in document["verdict"]


def test_rows_say_unit_and_n(make_clips: Any, fit_ridge: Any) -> None:
    table = make_clips(groups=20, per_group=2, per_source=3)
    document = audit_table(table, fit_ridge, repeats=1, permutations=2, resamples=100)
    assert [(r["folds"], r["labels"]) for r in document["rows"]] == [
        (scheme, labels)
        for scheme in ("grouped", "source-wise", "row-wise")
        for labels in ("true", "permuted")
    ]
    for row in document["rows"]:
        assert set(COLUMNS) <= set(row)
        unit = ("clip", 120) if row["folds"] == "row-wise" else ("source", 40)
        assert (row["unit"], row["n"]) == unit
        assert (row["n_sources"], row["n_groups"], row["n_real"]) == (40, 20, unit[1] // 2)


def test_the_grouped_folds_given_are_those_used(make_clips: Any, fit_ridge: Any) -> None:
    table = make_clips()
    given = np.array([int(g[1:]) % 4 for g in table.groups], dtype=np.int32)[None]
    tasks = tasks_of(n_splits=4, repeats=1, permutations=0, seed=0, grouped=given)
    result = run_task(tasks[0], table, fit_ridge)
    assert result.failure is None
    np.testing.assert_array_equal(result.folds, given[0][table.source[result.rows]])
    torn = np.arange(len(table.labels), dtype=np.int32)[None] % 4
    tasks = tasks_of(n_splits=4, repeats=1, permutations=0, seed=0, grouped=torn)
    for workers in (1, 2):
        with pytest.raises(LeakageError, match="grouped, repeat 0"):
            list(run_tasks(tasks, table, fit_ridge, workers=workers))
    with pytest.raises(LeakageError, match="the audit's grouped folds, repeat 0, fold 0"):
        audit_table(table, fit_ridge, n_splits=4, grouped=torn)


def test_workers_and_their_order_change_nothing(make_clips: Any, fit_ridge: Any) -> None:
    table = make_clips(groups=20)
    said: list[Any] = []
    settings: dict[str, Any] = {"repeats": 1, "permutations": 3, "resamples": 100}
    one = audit_table(table, fit_ridge, **settings)
    two = audit_table(table, fit_ridge, workers=2, begin=said.append, done=said.append, **settings)
    assert one == two
    assert said[0] == 12
    assert len(said) == 13


def fails_on_some(part: Any) -> Any:
    raise ValueError("the solver gave up")


def test_a_failed_draw_makes_its_row_incomplete(make_clips: Any) -> None:
    document = audit_table(make_clips(groups=20), fails_on_some, repeats=1, permutations=2)
    assert not document["complete"]
    row = document["rows"][0]
    assert row["auc"] is None
    assert row["reason"] == "1 draw(s) failed: ValueError: the solver gave up"
    assert document["verdict"].startswith("No verdict: the grouped score is incomplete")


def test_one_source_groups_tell_nothing_of_scenes(make_clips: Any, fit_ridge: Any) -> None:
    table = make_clips(per_group=1)
    document = audit_table(table, fit_ridge, repeats=1, permutations=0, resamples=100)
    assert "memory of scenes cannot be told" in document["verdict"]
    assert [row["labels"] for row in document["rows"]] == ["true"] * 3
    assert "Without permutations" in document["verdict"]
