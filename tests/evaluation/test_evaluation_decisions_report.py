"""What each way to decide comes to, counted on sources that the rule has not seen."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from test_evaluation_calibration_report import scored, trained

from fvc.cli.app import run
from fvc.errors import OptionError
from fvc.evaluation.conformal import fit_p_values
from fvc.evaluation.costs import Costs
from fvc.evaluation.decisions_report import decisions_of, model_decisions


def decided(table: pl.DataFrame, **changes: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "error_rates": [0.1],
        "false_positive_rates": [0.1],
        "costs": [Costs(5, 1, 0.5)],
        "resamples": 200,
    }
    return decisions_of(table, **asked | changes)


def test_shares_by_hand() -> None:
    table = scored(60, 2).sort("repeat", "source")
    rows = {row["rule"]: row for row in decided(table)["rows"]}
    y, p = table["label"].to_numpy(), table["calibrated"].to_numpy()
    # 5 · (1 − p) < 0.5 from p = 0.9 on; p < 0.5 below 0.5.
    costs = rows["costs"]
    assert (costs["real_below"], costs["fake_from"]) == (0.5, 0.9)
    assert costs["real_called_fake"] == pytest.approx(np.mean(p[y == 0] >= 0.9))
    assert costs["fake_undecided"] == pytest.approx(np.mean((p[y == 1] >= 0.5) & (p[y == 1] < 0.9)))
    paid = np.where(p >= 0.9, 5.0 * (y == 0), np.where(p < 0.5, 1.0 * (y == 1), 0.5))
    assert costs["cost"] == pytest.approx(paid.mean())
    for row in rows.values():
        for of in ("real", "fake"):
            parts = [row[f"{of}_{w}"] for w in ("called_real", "undecided", "called_fake")]
            assert sum(parts) == pytest.approx(1)
        assert row["real_called_fake_low"] <= row["real_called_fake"]
        assert row["real_called_fake"] <= row["real_called_fake_high"]


def test_a_false_positive_rate_is_kept_by_what_the_other_folds_say() -> None:
    table = scored(200, 1, repeats=1)
    row = decided(table)["rows"][0]
    wanted = []
    for k in table["fold"].unique():
        here = table.filter(pl.col("fold") == k, pl.col("label") == 0)["score"].to_numpy()
        others = table.filter(pl.col("fold") != k, pl.col("label") == 0)["score"].to_numpy()
        ranks = (others[None, :] >= here[:, None]).sum(axis=1)
        wanted += list((1 + ranks) / (len(others) + 1) <= 0.1)
    assert row["real_called_fake"] == pytest.approx(np.mean(wanted))
    assert 0.04 < row["real_called_fake"] < 0.16
    real = table.filter(pl.col("label") == 0)["score"].to_numpy()
    above = row["fake_above_score"]
    assert (real > above).sum() <= 0.1 * (len(real) + 1) < (real >= above).sum() + 2


def test_the_score_beyond_which_p_is_small() -> None:
    table = fit_p_values(np.arange(9.0), np.arange(9))
    for rate in (0.1, 0.25, 0.5):
        beyond = table.beyond(rate)
        assert beyond is not None
        assert float(table(beyond)) > rate >= float(table(beyond + 1e-9))
    assert table.beyond(0.05) is None
    assert table.beyond(1.0) == -np.inf


def test_too_few_groups_decide_nothing_and_it_is_said(tmp_path: Path) -> None:
    trained(tmp_path)
    report = model_decisions(tmp_path, model="svm", false_positive_rates=(0.01,), resamples=100)
    row = report.document["rows"][0]
    assert not row["possible"]
    assert row["real_undecided"] == 1
    assert "takes 99 groups" in report.summary()


def test_a_stated_prevalence_moves_precision_and_costs() -> None:
    table = scored(100, 1)
    even, rare = decided(table)["rows"][0], decided(table, prevalence=0.01)["rows"][0]
    assert even["real_called_fake"] == rare["real_called_fake"]
    assert rare["precision_fake"] < 0.2 < even["precision_fake"]
    hit, alarm = rare["fake_called_fake"], rare["real_called_fake"]
    assert rare["precision_fake"] == pytest.approx(0.01 * hit / (0.01 * hit + 0.99 * alarm))


def test_the_command_writes_table_picture_and_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = trained(tmp_path)
    command = ["decisions", "svm", "--project", str(tmp_path), "--resamples", "100"]
    assert run([*command, "--cost-miss", "3", "--error-rates", "0.2", "0.3"]) == 0
    assert "costs 1:3" in capsys.readouterr().out
    folder = workspace.decisions("svm")
    document = json.loads((folder / "decisions.json").read_text())
    assert all(workspace.absolute(file).is_file() for file in document["files"])
    assert {Path(f).suffix for f in document["files"]} == {
        ".csv",
        ".parquet",
        ".png",
        ".svg",
        ".json",
    }
    assert "SIMULATED DATA" in (folder / "decisions.svg").read_text()
    assert len(pl.read_parquet(folder / "decisions.parquet")) == len(document["rows"]) == 6
    for wrong in ({"cost_miss": 0.0}, {"error_rates": (0.7,)}, {"prevalence": 0.0}):
        with pytest.raises(OptionError):
            model_decisions(tmp_path, model="svm", **wrong)  # type: ignore[arg-type]
