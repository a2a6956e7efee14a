"""A detector of matched clips puts what it is given through the same matching."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from inference_project import Project

import fvc
from fvc.cli.app import run
from fvc.errors import DataError
from fvc.evaluation.matched_boards import NOT_MATCHED, boards_beside
from fvc.inference.card import recipe_of
from fvc.inference.measuring import MeasureVideo, Recipe
from fvc.models.loading import load_detector
from fvc.stages import RunOptions
from fvc.tables import read_table, require_table
from fvc.training.elsewhere import evaluate_model
from fvc.training.inputs import input_settings
from fvc.transcoding import Matching, match_sources, match_video
from fvc.transcoding.writing import h264
from fvc.workspace import Workspace

MATCHING = Matching(48, "5", h264(30))


def test_measuring_matches_first(project: Project, tmp_path: Path) -> None:
    raw = project.video(5)
    match_video(raw, tmp_path / "by-hand.mp4", MATCHING)
    recipe = Recipe(target_size=32, matching=MATCHING)
    found = MeasureVideo(recipe, str(tmp_path))((0, str(raw)))
    wanted = MeasureVideo(Recipe(target_size=32), str(tmp_path))((1, str(tmp_path / "by-hand.mp4")))
    plain = MeasureVideo(Recipe(target_size=32), str(tmp_path))((2, str(raw)))
    assert found.features == pytest.approx(wanted.features, rel=0.05, abs=0.05, nan_ok=True)
    assert found.features["noise_energy"] != plain.features["noise_energy"]
    # What is said of the file is said of the one that was given.
    assert found.video == plain.video


def test_the_card_says_how(project: Project, tmp_path: Path) -> None:
    inputs = input_settings(project.workspace, (2, 4))
    assert recipe_of(inputs, (2, 4), tmp_path)[0].matching is None
    project_file = Workspace(tmp_path).matching
    project_file.parent.mkdir(parents=True)
    project_file.write_text(json.dumps({"matching": MATCHING.to_dict()}))
    inputs |= {"match": input_settings(Workspace(tmp_path), (2,))["match"]}
    recipe, assumed = recipe_of(json.loads(json.dumps(inputs)), (2, 4), tmp_path)
    assert (recipe.matching, assumed) == (MATCHING, ())
    project_file.write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        input_settings(Workspace(tmp_path), (2,))


@pytest.fixture(scope="module")
def matched(project: Project) -> Workspace:
    """The small project matched, run and trained."""
    root, quiet = project.workspace.root, RunOptions(quiet=True, workers=2)
    report = match_sources(root, longer_side=48, fps=8, run=quiet)
    target = Workspace(project.workspace.matched_projects / "resolution-fps-codec")
    assert report.document["n_matched"] == len(project.index)
    fvc.stage1_augment_videos(target.root, num_augmentations=0, run=quiet)
    fvc.stage2_extract_features(target.root, num_frames=4, run=quiet)
    fvc.stage3_scale_videos(target.root, target_size=32, run=quiet)
    fvc.stage4_extract_scaled_features(target.root, num_frames=5, run=quiet)
    fvc.stage5_train_models(
        target.root, model_types=("logistic_regression",), n_splits=3, grid="none", workers=1
    )
    return target


@pytest.mark.slow
def test_predict_on_the_raw_file_scores_as_the_tables_do(
    project: Project, matched: Workspace
) -> None:
    predictor = fvc.load("logistic_regression", project=matched.root)
    names = predictor.card.feature_names
    assert len(names) > 20
    assert not [n for n in names if "codec" in n or "upscaled" in n or "downscaled" in n]
    assert any("matched before it is judged" in line for line in predictor.warnings())
    answers = predictor.predict([project.video(i) for i in range(4)], workers=1)
    index = read_table(matched.index_csv)
    two, four = (read_table(require_table(f)) for f in (matched.stage2, matched.stage4))
    scaled = four.select("clip", pl.col(pl.Float32).name.prefix("scaled_"))
    features = two.join(scaled, on="clip").filter("is_original")
    detector = load_detector(matched.model("logistic_regression"))
    for i, answer in enumerate(answers):
        own = features.filter(source=index["source"][i])
        X = own.select(names).fill_null(float("nan")).to_numpy()
        score = float(detector.predict_proba(np.asarray(X, dtype=np.float32))[0, 1])
        assert answer.error is None
        assert answer.score == pytest.approx(score, abs=0.02)


@pytest.mark.slow
def test_every_verb_says_what_is_matched(
    project: Project, matched: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(matched.root)
    for words in (
        ["leaderboard"],
        ["confounds"],
        ["audit", "logistic_regression", "--permutations", "10", "--workers", "1"],
        ["holdout", "--by", "height", "--most", "2", "--model-types", "logistic_regression"],
        ["importance", "logistic_regression", "--repeats", "1", "--permutations", "2"],
        ["robustness", "logistic_regression", "--after", "platforms", "--sources", "4"],
    ):
        code = run([*words, "--project", root])
        shown = capsys.readouterr().out
        assert code == 0, (words, shown)
        if words[0] in ("leaderboard", "confounds", "robustness"):
            assert "longer side 48, 8 frames a second, H.264 crf 23" in shown
    assert run(["leaderboard", "--project", root, "--json"]) == 0
    board = json.loads(capsys.readouterr().out)
    assert board["matching"]["match"] == ["resolution", "fps", "codec"]
    assert any("cannot erase" in note for note in board["notes"])
    assert board["models"][0]["matched"] == board["matching"]["words"]
    [beside] = board["beside"]
    assert beside["label"] == NOT_MATCHED
    assert {(row["stale"], row["random_weights"]) for row in beside["models"]} == {(False, False)}
    [other] = boards_beside(project.workspace)
    assert other["label"].startswith("matched: longer side 48")
    assert run(["leaderboard", "--project", str(project.workspace.root)]) == 0
    shown = capsys.readouterr().out
    assert shown.index("Not matched") < shown.index("The same sources, matched: longer side 48")


@pytest.mark.slow
def test_a_detector_of_matched_clips_is_not_scored_on_unmatched_ones(
    project: Project, matched: Workspace, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="is not matched, and the detector's clips are matched"):
        evaluate_model(matched.root, model="logistic_regression", other=project.workspace.root)
    corpus = tmp_path / "elsewhere"
    for i in range(8):
        target = corpus / ("fake" if i % 2 else "real") / f"{i}.mp4"
        target.parent.mkdir(parents=True, exist_ok=True)
        # Other files of the same kind: coded anew, so that they are no copies.
        match_video(project.video(i), target, Matching(encoding=h264(24 + i)))
    # And two that training has seen: known by their raw files, whatever matching made of them.
    for i in (8, 9):
        target = corpus / ("fake" if i % 2 else "real") / f"{i}.mp4"
        target.write_bytes(project.video(i).read_bytes())
    report = evaluate_model(
        matched.root, model="logistic_regression", corpus=corpus, other=tmp_path / "space",
        resamples=100, run=RunOptions(quiet=True, workers=2),
    )  # fmt: skip
    assert report.document["metrics"]["n_scored"] == 8
    assert report.document["left_out"]["shared_sources"] == 2
    space = Workspace(tmp_path / "space")
    assert set(read_table(space.index_csv)["fps"]) == {8.0}
