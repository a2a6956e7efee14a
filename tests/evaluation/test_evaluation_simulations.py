"""The statistics keep their promises on simulated corpora: a short form of the recorded runs."""

import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks.simulated import corpus, fit, true_auc
from benchmarks.simulations import Row, Tally, calibration, canary, conformal, markdown

from benchmarks import simulations
from fvc.evaluation.bootstrap import weighted_auc


def found(rows: list[Row], quantity: str) -> list[Row]:
    chosen = [row for row in rows if row.quantity.startswith(quantity)]
    assert chosen, quantity
    return chosen


def at_least(row: Row, wanted: float) -> None:
    """Not below what is wanted by more than chance has it once in a thousand."""
    chance = 3.1 * np.sqrt(wanted * (1 - wanted) / row.corpora)
    assert row.found >= wanted - max(chance, 3.1 * row.error), row


def test_the_truth_of_a_simulated_corpus_is_what_many_groups_show() -> None:
    rng = np.random.default_rng(0)
    index, x = corpus(rng, groups=60)
    weights = fit(x, index["label"].to_numpy())
    many, new = corpus(rng, groups=20_000, largest=1)
    seen = weighted_auc(many["label"].to_numpy() == 1, new @ weights, np.ones(len(many)))
    assert seen == pytest.approx(true_auc(weights, 0.7), abs=0.01)


def test_conformal_sets_hold_what_they_promise_on_new_groups() -> None:
    rows = conformal(12, 1)
    for rate in (0.05, 0.1, 0.2):
        for row in found([r for r in rows if r.setting.endswith(f" {rate:g}")], "coverage"):
            at_least(row, 1 - rate)


def test_the_canary_stands_at_chance_in_grouped_folds_alone() -> None:
    rows = canary(30, 1, models=())
    grouped, row_wise = found(rows, "mean AUC, grouped")[0], found(rows, "mean AUC, row-wise")[0]
    assert abs(grouped.found - 0.5) < 4 * grouped.error
    assert row_wise.found > 0.5 + 4 * row_wise.error


def test_a_run_is_a_table_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = Tally("auc", "here")
    for value in (0.0, 1.0, 1.0, 1.0):
        tally.add("coverage", "0.95", value)
    rows = tally.rows()
    assert (rows[0].found, rows[0].error) == pytest.approx((0.75, 0.25))
    assert "| here | coverage | 0.95 | 0.750 ± 0.250 |" in markdown(rows)
    monkeypatch.setitem(simulations.EXPERIMENTS, "auc", lambda corpora, seed: rows)
    page, out = tmp_path / "page.md", tmp_path / "rows.json"
    page.write_text("<!-- simulations-auc: begin --><!-- simulations-auc: end -->")
    simulations.main(["auc", "--corpora", "4", "--write", str(page), "--json", str(out)])
    assert "`python -m benchmarks.simulations auc --corpora 4 --seed 0`" in page.read_text()
    assert json.loads(out.read_text())[0]["found"] == 0.75
    assert "0.750 ± 0.250" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        simulations.main(["alchemy"])


@pytest.mark.slow
def test_calibration_intervals_hold_what_they_promise() -> None:
    rows = calibration(60, 1)
    for row in found(rows, "coverage"):
        # Of slopes and small corpora a little less than nominal is known; see the recorded runs.
        at_least(row, 0.92)
    for row in found(rows, "slope shown") + found(rows, "calibration error shown"):
        at_least(Row("", "", "", "", 1 - row.found, row.error, row.corpora), 0.95)


@pytest.mark.slow
def test_intervals_of_the_auc_and_tests_hold_what_they_promise() -> None:
    rows = simulations.auc(60, 1, refits=20)
    for name in ("widened", "refitted", "new set"):
        for row in found(rows, f"coverage, {name}"):
            at_least(row, 0.92)
    for row in simulations.tests(40, 1):
        if row.wanted == "at most 0.05":
            at_least(Row("", "", "", "", 1 - row.found, row.error, row.corpora), 0.95)
