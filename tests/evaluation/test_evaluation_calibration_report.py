"""How sure one can be of calibration, and the report on it."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from fvc.cli.app import run
from fvc.errors import DataError, MissingInputError, OptionError
from fvc.evaluation import cross_fit, make_folds
from fvc.evaluation.bootstrap import ScoredRows, group_draws
from fvc.evaluation.calibration_intervals import (
    Probabilities,
    _lines,
    measure_calibration,
    squared_errors,
)
from fvc.evaluation.calibration_metrics import debiased_squared_error, equal_mass_bins
from fvc.evaluation.calibration_report import calibration_of, model_calibration
from fvc.workspace import Workspace


def part(n: int = 120, seed: int = 0, largest: int = 1) -> Probabilities:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n), rng.integers(1, largest + 1, n))[:n]
    group = np.unique(group, return_inverse=True)[1]
    fake = group % 2 == 1
    p = 1 / (1 + np.exp(-rng.normal(1.5 * (fake - 0.5), 1)))
    return Probabilities(group, fake, p, np.ones(n))


def scored(groups: int = 60, largest: int = 3, seed: int = 0, repeats: int = 2) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), rng.integers(1, largest + 1, groups))
    index = pl.DataFrame({
        "source": [f"s{i:04}" for i in range(len(group))],
        "group": [f"g{g:04}" for g in group],
        "label": group % 2,
    })  # fmt: skip
    folds = make_folds(index, repeats=repeats)
    z = 2.5 * (folds["label"].to_numpy() - 0.5) + rng.normal(0, 1, len(folds))
    table = folds.with_columns(score=pl.Series(1 / (1 + np.exp(-8 * z))))
    return pl.concat([table, cross_fit(table)], how="horizontal")


def test_with_single_sources_the_error_is_kumars() -> None:
    one = part()
    bins = equal_mass_bins(one.p)
    ones = np.ones((1, 120), dtype=np.uint16)
    debiased, plain = squared_errors(one, bins, ones)  # type: ignore[arg-type]
    assert debiased[0] == pytest.approx(debiased_squared_error(one.fake, one.p))
    assert plain[0] > debiased[0]


def test_the_scatter_of_whole_groups_is_larger() -> None:
    one = part()
    # Every source twice, in one group: the plain error stays, and so does its scatter.
    twice = Probabilities(*(np.repeat(a, 2) for a in vars(one).values()))
    ones = np.ones((1, 120), dtype=np.uint16)
    bins = np.repeat(equal_mass_bins(one.p), 2)
    single = squared_errors(one, bins[::2], ones)
    double = squared_errors(twice, bins, ones)
    np.testing.assert_allclose(single, double)
    naive = debiased_squared_error(twice.fake, twice.p)
    assert float(naive) > single[0][0] + 0.005  # type: ignore[arg-type]


def test_a_draw_counts_as_so_many_groups() -> None:
    one = part(60)
    times = np.random.default_rng(0).integers(0, 3, (3, 60)).astype(np.uint16)
    bins = equal_mass_bins(one.p)
    assert not isinstance(bins, str)
    got, lines = squared_errors(one, bins, times), _lines(one, times)
    for b in range(3):
        rows = np.repeat(np.arange(60), times[b])
        copy = Probabilities(np.arange(len(rows)), one.fake[rows], one.p[rows], one.weight[rows])
        ones = np.ones((1, len(rows)), dtype=np.uint16)
        np.testing.assert_allclose(
            [g[b] for g in got], np.ravel(squared_errors(copy, bins[rows], ones))
        )
        x = np.log(copy.p / (1 - copy.p))[:, None]
        theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(x, copy.fake)
        assert lines[0][b] == pytest.approx(theirs.coef_[0, 0], rel=1e-4)
        assert lines[1][b] == pytest.approx(theirs.intercept_[0], abs=1e-4)


def test_intervals_hold_the_value_and_shrink_with_groups() -> None:
    widths = []
    for n in (100, 900):
        one = part(n)
        rows = ScoredRows(np.zeros(n, int), one.group, one.fake, one.p)
        times = group_draws(rows, resamples=300, rng=np.random.default_rng(0))
        found = measure_calibration([one], times, n_splits=None, groups=n // 2)
        for name, measure in found.items():
            assert measure.low <= measure.value <= measure.high, name  # type: ignore[operator]
        wide = measure_calibration([one], times, n_splits=5, groups=n // 2)
        assert wide["slope"].high > found["slope"].high  # type: ignore[operator]
        widths.append(found["slope"].high - found["slope"].low)  # type: ignore[operator]
    assert widths[1] < 0.5 * widths[0]


def test_separated_classes_have_no_slope_and_it_is_said() -> None:
    one = part(60)
    apart = Probabilities(one.group, one.fake, np.where(one.fake, 0.8, 0.2), one.weight)
    times = np.ones((100, 60), dtype=np.uint16)
    found = measure_calibration([apart], times, n_splits=5, groups=30)
    assert found["slope"].value is None
    assert "separate" in str(found["slope"].reason)


def test_before_and_after_and_a_stated_prevalence() -> None:
    table = scored(200, 2)
    found = calibration_of(table, resamples=200)
    assert found["before"]["slope"]["high"] < 1, "more than three times too extreme"
    assert found["after"]["slope"]["low"] < 1 < found["after"]["slope"]["high"]
    assert found["after"]["brier"]["value"] < found["before"]["brier"]["value"]
    assert found["before"]["calibration_error"]["value"] > 0.03
    rare = calibration_of(table, prevalence=0.1, resamples=200)
    assert rare["after"]["intercept"]["low"] < 0 < rare["after"]["intercept"]["high"]
    assert rare["brier_of_prevalence"] == pytest.approx(0.09)
    # Weighed and moved by hand.
    y, p = table["label"].to_numpy(), table["calibrated"].to_numpy()
    share = table.unique("source")["label"].mean()
    assert isinstance(share, float)
    w = np.where(y == 1, 0.1 / share, 0.9 / (1 - share))
    odds = p / (1 - p) * (0.1 / 0.9) / (share / (1 - share))
    brier = np.average((odds / (1 + odds) - y) ** 2, weights=w)
    assert rare["after"]["brier"]["value"] == pytest.approx(brier, rel=1e-9)
    bins = [row for row in found["bins"] if row["when"] == "after"]
    assert all(row["low"] <= row["share_fake"] <= row["high"] for row in bins)
    assert sum(row["n_rows"] for row in bins) == len(table)
    counted = sum(r["real"] + r["fake"] for r in found["histogram"] if r["when"] == "after")
    assert counted == pytest.approx(found["n_scored"])


def test_scores_that_are_no_probabilities_are_judged_after_alone() -> None:
    table = scored(60, 1)
    margins = table.with_columns(score=10 * pl.col("score") - 5)
    margins = margins.drop("calibrated", "calibrator")
    margins = pl.concat([margins, cross_fit(margins)], how="horizontal")
    found = calibration_of(margins, resamples=100)
    assert found["before"]["brier"]["value"] is None
    assert found["after"]["brier"]["value"] < 0.25
    assert "temperature" not in found["calibrators"]
    with pytest.raises(DataError, match="a calibrator needs 10"):
        calibration_of(table.head(12).with_columns(calibrated=pl.lit(None, dtype=pl.Float64)))


def trained(project: Path) -> Workspace:
    """A project in which one model was trained, as far as reports on its scores need it."""
    workspace = Workspace(project)
    folder = workspace.model("svm")
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps({"simulated": True, "split": {}}))
    scored().write_parquet(folder / "predictions.parquet")
    return workspace


def test_the_report_is_tables_pictures_and_a_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = trained(tmp_path)
    command = ["calibration", "svm", "--project", str(tmp_path), "--resamples", "100"]
    assert run(command) == 0
    shown = capsys.readouterr().out
    assert "SIMULATED" in shown
    assert "Calibrated: " in shown
    folder = workspace.calibration("svm")
    document = json.loads((folder / "calibration.json").read_text())
    assert all(workspace.absolute(file).is_file() for file in document["files"])
    endings = {Path(file).suffix for file in document["files"]}
    assert endings == {".csv", ".parquet", ".png", ".svg", ".json"}
    assert "SIMULATED DATA" in (folder / "calibration.svg").read_text()
    table = pl.read_parquet(folder / "calibration.parquet")
    assert table.filter(pl.col("low") > pl.col("high")).is_empty()
    again = model_calibration(tmp_path, model="svm", resamples=100)
    assert {**again.document, "files": 0} == {**document, "files": 0}


def test_what_is_not_there_or_out_of_range_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="svm was not trained"):
        model_calibration(tmp_path, model="svm")
    with pytest.raises(OptionError, match="prevalence"):
        model_calibration(tmp_path, model="svm", prevalence=1.0)
