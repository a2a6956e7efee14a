"""Robustness after platforms: measured as predict measures, scored by those who have not seen."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from inference_project import Project

from fvc.cli.app import run
from fvc.errors import OptionError
from fvc.evaluation.platforms import ANY, platform_rows, platform_verdict
from fvc.inference.platform_features import UNTOUCHED
from fvc.inference.platform_scores import recipe_to_measure
from fvc.inference.robustness import platform_robustness, robustness
from fvc.models import get_model
from fvc.stages import RunOptions
from fvc.tables import read_table
from fvc.training.refitting import fold_detectors
from fvc.transcoding.platforms import PLATFORMS, Transformation
from fvc.transcoding.writing import h264

QUIET = RunOptions(quiet=True, workers=2)
NAME = "logistic_regression"
COARSE = next(t for t in PLATFORMS if t.name == "h264-35")
# Of 48 pixels down 14 are left, which is too little.
TINY = Transformation("tiny", "crop", "a tiny crop", h264(23), 23, keep=0.3)
CHOSEN = (COARSE, TINY)


@pytest.fixture(scope="module")
def report(project: Project) -> dict:
    found = platform_robustness(
        project.workspace,
        get_model(NAME),
        sources=8,
        transformations=CHOSEN,
        resamples=100,
        run=QUIET,
    )
    assert found.exit_code == 5
    return found.document


def test_untouched_files_score_as_in_training(project: Project, report: dict) -> None:
    """The path of `predict` and the path of the stages give one score."""
    scores = _scores(project)
    written = read_table(project.workspace.model(NAME) / "predictions.parquet")
    written = written.filter(pl.col("repeat") == 0).select("source", "score")
    both = scores.select("source", "plain").unique().join(written, on="source")
    assert both.height == 8
    assert both["plain"].to_numpy() == pytest.approx(both["score"].to_numpy(), abs=1e-4)
    assert not [note for note in report["notes"] if "otherwise now" in note]


def _scores(project: Project) -> pl.DataFrame:
    return read_table(project.workspace.robustness / NAME / "platforms" / "scores.parquet")


def test_every_score_is_of_the_fold_that_has_not_seen_the_group(
    project: Project, report: dict
) -> None:
    """Scored here by hand, by each fold's detector: the written score is the right fold's."""
    workspace = project.workspace
    features = read_table(workspace.platform_features.table("arrow"))
    folds = read_table(workspace.folds).filter(pl.col("repeat") == 0)
    fold_of = dict(folds.select("source", "fold").iter_rows())
    detectors = fold_detectors(workspace, get_model(NAME)).detectors
    known = _scores(project).drop_nulls("score")
    assert set(known["transformation"]) == {"h264-35"}
    differs = 0
    for row in known.iter_rows(named=True):
        own = features.filter(clip=row["clip"])
        X = own.select(detectors[0].feature_names).fill_null(float("nan")).to_numpy()
        by_fold = [float(one.detector.predict_proba(X)[0, 1]) for one in detectors]
        assert row["fold"] == fold_of[row["source"]]
        assert row["score"] == pytest.approx(by_fold[row["fold"]], abs=1e-9)
        differs += max(by_fold) - min(by_fold) > 1e-6
        trained_on = set(folds.filter(pl.col("fold") != row["fold"])["group"])
        assert row["group"] not in trained_on
    assert differs > 4


def test_what_fails_is_counted_and_says_why(project: Project, report: dict) -> None:
    rows = {row["transformation"]: row for row in report["transformations"]}
    assert (rows["tiny"]["n_failed"], rows["tiny"]["n_clips"], rows["tiny"]["roc_auc"]) == (
        8,
        0,
        None,
    )
    assert (rows["h264-35"]["n_failed"], rows["h264-35"]["n_sources"]) == (0, 8)
    assert report["n_failed"] == 8
    failed = _scores(project).filter(transformation="tiny")
    assert failed["score"].null_count() == 8
    assert all("too little is left" in reason for reason in failed["reason"])
    table = read_table(project.workspace.failures).filter(pl.col("stage") == "platform-clips")
    assert set(table["kind"]) == {"too_small"}
    assert any("8 clip(s) could not be made" in line for line in report["verdict"])


def test_files_and_resume(project: Project, report: dict) -> None:
    workspace = project.workspace
    folder = workspace.robustness / NAME / "platforms"
    assert json.loads((folder / "platforms.json").read_text()) == report
    for name in report["files"]:
        assert workspace.absolute(name).stat().st_size > 100
    assert {Path(name).suffix for name in report["files"]} == {
        *(".parquet", ".csv", ".json", ".png", ".svg")
    }
    clips = sorted(workspace.platform_clips.folder.glob("*.mp4"))
    assert len(clips) == 8
    before = {clip: clip.stat().st_mtime_ns for clip in clips}
    settings = {"sources": 8, "resamples": 100, "run": QUIET}
    again = platform_robustness(workspace, get_model(NAME), transformations=CHOSEN, **settings)
    assert again.document == report
    assert {clip: clip.stat().st_mtime_ns for clip in clips} == before
    # Another quality is another clip; the others stay.
    other = replace(COARSE, encoding=h264(40), quality=40)
    changed = platform_robustness(workspace, get_model(NAME), transformations=(other,), **settings)
    assert all(clip.stat().st_mtime_ns > before[clip] for clip in clips)
    moved = [d.document["transformations"][1]["absolute_change"] for d in (again, changed)]
    assert moved[0] != moved[1]


def test_options_that_do_not_go_together(project: Project) -> None:
    root = project.workspace.root
    with pytest.raises(OptionError, match="--after platforms"):
        robustness(root, model=NAME, sources=4)
    with pytest.raises(OptionError, match="not done in parts"):
        robustness(root, model=NAME, after="platforms", run=RunOptions(shard="1/2"))
    with pytest.raises(OptionError, match="--after platforms"):
        robustness(root, model=NAME, longest=3)
    with pytest.raises(OptionError, match="not sources of both classes"):
        robustness(root, model=NAME, after="platforms", longest=0.01, run=QUIET)
    with pytest.raises(OptionError, match="2 or more"):
        robustness(root, model=NAME, after="platforms", sources=1, run=QUIET)
    with pytest.raises(OptionError, match="variants or platforms"):
        robustness(root, model=NAME, after="weather")
    recipe = recipe_to_measure(project.workspace, get_model("logistic_regression_stage2"))
    assert (recipe.tables, recipe.num_frames, recipe.scaled_num_frames) == ((2, 4), 4, 5)
    assert UNTOUCHED not in {t.name for t in PLATFORMS}


def _planted(n: int, *, lost: str, seed: int = 0) -> pl.DataFrame:
    """Scores that know the label, but for one transformation after which they are noise."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        label, plain = i % 2, float(rng.normal(i % 2 * 2))
        for name in ("kept", "lost"):
            score = float(rng.normal()) if name == lost else plain + float(rng.normal(0, 0.05))
            rows.append({
                "source": f"s{i:03}",
                "group": f"g{i // 4 * 2 + i % 2}",
                "label": label,
                "fold": i // 4 % 3,
                "transformation": name,
                "score": 1 / (1 + np.exp(-score)),
                "plain": 1 / (1 + np.exp(-plain)),
            })  # fmt: skip
    return pl.DataFrame(rows)


def test_rows_against_pairs_counted_one_by_one() -> None:
    scores = _planted(120, lost="lost").with_columns(
        score=pl.when((pl.col("source") == "s007") & (pl.col("transformation") == "kept"))
        .then(None)
        .otherwise("score")
    )
    names = [
        {"name": name, "family": name, "words": f"the {name}", "quality": None}
        for name in ("kept", "lost")
    ]
    settings = {"n_splits": 3, "resamples": 300, "confidence": 0.95, "seed": 0}
    rows = platform_rows(scores, names, threshold=0.5, **settings)
    assert [row["transformation"] for row in rows] == [ANY, "kept", "lost"]
    for row in rows[1:]:
        own = scores.filter(transformation=row["transformation"]).drop_nulls("score")
        for key, column in (("roc_auc", "score"), ("roc_auc_unaugmented", "plain")):
            won = n = 0.0
            for _, fold in own.group_by("fold"):
                fakes = fold.filter(label=1)[column].to_numpy()
                reals = fold.filter(label=0)[column].to_numpy()
                wins = (fakes[:, None] > reals) + 0.5 * (fakes[:, None] == reals)
                won, n = won + wins.sum(), n + wins.size
            assert row[key] == pytest.approx(won / n)
        assert row["n_asked"] == 120
        assert row["n_clips"] + row["n_failed"] == 120
    assert rows[1]["n_failed"] == 1
    assert rows[2]["change_of_auc_high"] < 0
    assert abs(rows[1]["change_of_auc"]) < 0.02
    verdict = platform_verdict(rows)
    assert any(line.startswith("Shown to cost AUC: the lost") for line in verdict)
    nothing = platform_rows(scores.filter(label=1), names, threshold=0.5, **settings)
    assert "nothing can be said" in platform_verdict(nothing)[0]


@pytest.mark.slow
def test_the_verb(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    root = str(project.workspace.root)
    words = ["robustness", "gradient_boosting", "--after", "platforms", "--project", root]
    assert run([*words, "--sources", "12", "--resamples", "100", "--workers", "2", "--quiet"]) == 0
    assert run([*words, "--sources", "12", "--resamples", "100"]) == 0
    shown = capsys.readouterr().out
    assert all(t.words in shown for t in PLATFORMS)
    assert "has not seen its group" in shown
    assert run([*words, "--sources", "12", "--resamples", "100", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [row["transformation"] for row in document["transformations"]][1:] == [
        t.name for t in PLATFORMS
    ]
    assert all(row["n_clips"] == 12 for row in document["transformations"][1:])
