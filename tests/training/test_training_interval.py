"""How sure a score is: with refits, without, and for a new set."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fvc.cli.app import run
from fvc.errors import DataError, MissingInputError, OptionError, StaleError
from fvc.evaluation.refit_bootstrap import refit_interval, refitted_means, resample_corpus
from fvc.evaluation.single_set import expected_range
from fvc.models import get_model
from fvc.tables import read_table
from fvc.training import stage5_train_models
from fvc.training.clips import Sources
from fvc.training.interval import RefitTask, model_interval, refit_resample, shared_of
from fvc.training.parts import read_clips
from fvc.workspace import Workspace

MODEL = "logistic_regression_stage2"


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, simulated: Callable[..., Workspace]
) -> Workspace:
    root = tmp_path_factory.mktemp("interval")
    workspace = simulated(root, sources=36, per_group=2, variants=1, failed=(3,))
    stage5_train_models(root, model_types=(MODEL,), n_splits=3, repeats=1, grid="none", workers=1)
    return workspace


def test_groups_are_drawn_whole_by_class_and_copies_stay_together() -> None:
    group = np.array([f"g{i // 2}" for i in range(40)])
    fake = (np.arange(40) // 2) % 2 == 1
    drawn = resample_corpus(group, fake, n_splits=4, seed=(0, 1))
    assert drawn is not None
    for name in np.unique(drawn.group):
        own = drawn.group == name
        assert len(np.unique(drawn.fold[own])) == 1
        sources, times = np.unique(drawn.source[own], return_counts=True)
        assert len(sources) == 2
        assert len(set(times)) == 1
    assert fake[drawn.source].sum() == fake.sum()
    assert (drawn.group == group[drawn.source]).all()
    again = resample_corpus(group, fake, n_splits=4, seed=(0, 1))
    assert again is not None
    assert (drawn.source == again.source).all()
    other = resample_corpus(group, fake, n_splits=4, seed=(0, 2))
    assert other is not None
    assert (drawn.source != other.source).any()
    assert resample_corpus(group[:4], fake[:4], n_splits=2, seed=(0,)) is None


def test_a_resample_is_scored_by_what_has_not_seen_its_groups() -> None:
    group, fake = np.arange(30), np.arange(30) % 2 == 1
    drawn = resample_corpus(group, fake, n_splits=3, seed=(5,))
    assert drawn is not None
    tested = np.zeros(len(drawn.source), dtype=int)

    def score(test: np.ndarray) -> np.ndarray:
        assert not set(drawn.group[test]) & set(drawn.group[~test])
        tested[test] += 1
        return fake[drawn.source][test] + 0.0

    means = refitted_means(drawn, fake, score)
    assert means is not None
    assert means["roc_auc"] == 1
    assert (tested == 1).all()
    assert refitted_means(drawn, fake, lambda test: np.full(test.sum(), np.nan)) is None


def test_the_interval_is_laid_around_the_estimate() -> None:
    drawn = np.random.default_rng(0).normal(0.6, 0.05, 400)
    low, high = refit_interval(0.7, drawn, groups=1000)
    # To first order 1.96 standard deviations either way; symmetric on the logit scale.
    assert (low, high) == pytest.approx((0.595, 0.79), abs=0.01)
    centre = sum(np.log(end / (1 - end)) for end in (low, high)) / 2
    assert centre == pytest.approx(np.log(0.7 / 0.3))


def test_a_refit_goes_through_the_procedure(project: Workspace) -> None:
    sources = Sources.from_folds(read_table(project.folds), 1)
    spec = get_model(MODEL)
    clips = read_clips(project, spec.tables, sources)
    found = [
        refit_resample(RefitTask(spec, [{}], 2, 3, 0, number), *shared_of(clips, sources))
        for number in (0, 0, 1)
    ]
    assert found[0] == found[1]
    assert found[0][1] != found[2][1]
    assert all(one[1] is not None and 0.5 < one[1]["roc_auc"] <= 1 for one in found)


def test_intervals_are_a_table_a_picture_and_a_document(
    project: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["interval", MODEL, "--project", str(project.root), "--workers", "1"]
    assert run([*command, "--refit", "20", "--new-groups", "10", "40"]) == 0
    shown = capsys.readouterr().out
    assert "from 20 refits" in shown
    assert "SIMULATED" in shown
    folder = project.interval(MODEL)
    document = json.loads((folder / "interval.json").read_text())
    assert all(project.absolute(file).is_file() for file in document["files"])
    assert {Path(f).suffix for f in document["files"]} == {
        ".csv",
        ".parquet",
        ".png",
        ".svg",
        ".json",
    }
    rows = pl.read_parquet(folder / "interval.parquet").filter(pl.col("metric") == "roc_auc")
    by = {row["method"]: row for row in rows.iter_rows(named=True)}
    trained = json.loads((project.model(MODEL) / "metrics.json").read_text())["aggregate"]
    assert by["without refitting"]["low"] == trained["roc_auc_low"]
    assert by["refitted"]["value"] == trained["roc_auc"]
    assert by["refitted"]["low"] < trained["roc_auc"] < by["refitted"]["high"]
    assert by["refitted"]["resampled_sd"] > 0
    predictions = read_table(project.model(MODEL) / "predictions.parquet")
    expected = expected_range(predictions, new_groups=10, resamples=2000, seed=0)
    assert by["new set of 10 groups"]["low"] == expected["low"]
    wide, narrow = (by[f"new set of {n} groups"] for n in (10, 40))
    assert wide["high"] - wide["low"] > narrow["high"] - narrow["low"]


def test_what_cannot_be_done_is_said(project: Workspace, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="20 or more"):
        model_interval(project.root, model=MODEL, refit=5)
    with pytest.raises(OptionError, match="2 groups or more"):
        model_interval(project.root, model=MODEL, new_groups=(1,))
    with pytest.raises(MissingInputError, match="was not trained"):
        model_interval(tmp_path, model=MODEL)
    path = project.model(MODEL) / "metrics.json"
    text = path.read_text()
    document = json.loads(text)
    try:
        path.write_text(json.dumps({**document, "split": {"hash": "other"}}))
        with pytest.raises(StaleError, match="other folds"):
            model_interval(project.root, model=MODEL, refit=20)
        document["aggregate"]["complete"] = False
        path.write_text(json.dumps(document))
        with pytest.raises(DataError, match="is incomplete"):
            model_interval(project.root, model=MODEL)
    finally:
        path.write_text(text)
