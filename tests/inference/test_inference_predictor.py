"""A trained detector judges files as training measured them, and survives bad ones."""

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from inference_project import MODELS, N_SOURCES, Project

import fvc
from fvc.errors import DataError, OptionError, StaleError
from fvc.evaluation.calibrators import SigmoidCalibrator
from fvc.inference.contributions import explain
from fvc.inference.judging import Terms, decide, judge, probabilities
from fvc.models import load_detector

KINDS = {"missing", "not_a_video", "empty", "no_video_stream"}


def test_the_recipe_is_that_of_the_training(project: Project) -> None:
    recipe = fvc.load("svm", project=project.workspace.root).card.recipe
    assert (recipe.num_frames, recipe.scaled_num_frames, recipe.target_size) == (4, 5, 80)
    assert recipe.copy_frames is None
    assert recipe.tables == (2, 4)


def test_a_sources_own_file_gives_the_tables_features_and_probability(project: Project) -> None:
    chosen = [0, 1, 2, 7]
    files = [project.video(i) for i in chosen]
    for name in ("logistic_regression", "gradient_boosting", "logistic_regression_stage2"):
        predictor = fvc.load(name, project=project.workspace.root)
        answers = predictor.predict(files, workers=2)
        X = project.features(predictor.card.feature_names)[chosen]
        found = np.array([
            [
                {e.feature: e.value for e in answer.evidence}[feature]
                for feature in predictor.card.feature_names
            ]
            for answer in answers
        ], dtype=np.float32)  # fmt: skip
        np.testing.assert_array_equal(found, X)
        detector = load_detector(project.workspace.model(name))
        wanted = detector.predict_proba(X)[:, 1]
        np.testing.assert_allclose([a.score for a in answers], wanted, rtol=1e-9)
        calibrated = probabilities(wanted, predictor.card, Terms())
        np.testing.assert_allclose([a.probability for a in answers], calibrated, rtol=1e-9)
        assert [a.path for a in answers] == [str(path) for path in files]


@pytest.mark.parametrize("name", MODELS)
def test_contributions_add_up_to_the_log_odds(project: Project, name: str) -> None:
    predictor = fvc.load(name, project=project.workspace.root)
    X = project.features(predictor.card.feature_names)
    detector = load_detector(project.workspace.model(name))
    parts = explain(detector, X)
    assert parts is not None
    score = detector.predict_proba(X)[:, 1]
    log_odds = np.log(score / (1 - score))
    np.testing.assert_allclose(parts[0].sum(axis=1) + parts[1], log_odds, atol=1e-6)
    for row, one in zip(
        judge(X, predictor.detector, predictor.card, Terms()), log_odds, strict=True
    ):
        total = row.baseline + math.fsum(entry.contribution for entry in row.evidence)
        assert total == pytest.approx(one, abs=1e-6)
        sizes = [abs(entry.contribution) for entry in row.evidence]
        assert sizes == sorted(sizes, reverse=True)


def test_the_shipped_calibrator_is_monotone_and_by_hand(project: Project) -> None:
    card = fvc.load("logistic_regression", project=project.workspace.root).card
    assert card.fitted is not None
    assert card.calibrator["method"] == card.fitted.method
    # By hand for whichever of both won: p = sigmoid(slope · logit(score) + intercept).
    slope = card.calibrator.get("slope") or 1 / card.calibrator["temperature"]
    intercept = card.calibrator.get("intercept", 0.0)
    assert card.calibrator["n_real"] + card.calibrator["n_fake"] == N_SOURCES
    assert card.calibrator["n_groups"] == N_SOURCES
    score = np.linspace(0.01, 0.99, 50)
    p = probabilities(score, card, Terms())
    z = slope * np.log(score / (1 - score)) + intercept
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-z)), rtol=1e-12)
    assert slope > 0
    assert (np.diff(p) > 0).all()
    rare = probabilities(score, card, Terms(prevalence=0.01))
    shift = math.log(0.01 / 0.99) - math.log(card.prevalence / (1 - card.prevalence))
    np.testing.assert_allclose(np.log(rare / (1 - rare)), z + shift, atol=1e-9)


def test_decisions(project: Project) -> None:
    card = fvc.load("logistic_regression", project=project.workspace.root).card
    assert not card.fitted.constant
    cases = {
        (0.5, 0.05): "real",
        (0.05, 0.5): "fake",
        (0.5, 0.5): "undecided",
        (0.05, 0.05): "undecided",
    }
    for (p_real, p_fake), wanted in cases.items():
        decision, reason = decide(0.5, {"real": p_real, "fake": p_fake}, card, Terms(0.1))
        assert decision == wanted
        assert "10 %" in reason
    both = {"real": 0.9, "fake": 0.001}
    assert decide(0.7, both, card, Terms(threshold=0.7))[0] == "fake"
    assert decide(0.69, both, card, Terms(threshold=0.7))[0] == "real"
    decision, reason = decide(0.9, both, card, Terms(0.01))
    assert decision == "undecided"
    assert "99 groups of each class" in reason


def test_decisions_at_a_false_positive_rate(project: Project) -> None:
    card = fvc.load("logistic_regression", project=project.workspace.root).card
    terms = Terms(false_positive_rate=0.2)
    assert decide(0.5, {"real": 0.2, "fake": 0.9}, card, terms)[0] == "fake"
    decision, reason = decide(0.5, {"real": 0.21, "fake": 0.01}, card, terms)
    assert decision == "real"
    assert "21 %" in reason
    few = Terms(false_positive_rate=0.01)
    decision, reason = decide(0.9, {"real": 0.001, "fake": 0.9}, card, few)
    assert decision == "undecided"
    assert "99 groups with real sources" in reason


def test_decisions_by_costs(project: Project) -> None:
    card = fvc.load("logistic_regression", project=project.workspace.root).card
    either = {"real": 0.5, "fake": 0.5}
    # Calling it fake costs 10 · (1 − p), real 1 · p, nothing 0.5.
    terms = Terms(cost_false_alarm=10, cost_miss=1, cost_undecided=0.5)
    wanted = {0.3: "real", 0.6: "undecided", 0.94: "undecided", 0.96: "fake"}
    for p, decision in wanted.items():
        assert decide(p, either, card, terms)[0] == decision
        costs = {"fake": 10 * (1 - p), "real": p, "undecided": 0.5}
        assert min(costs, key=lambda name: costs[name]) == decision
    assert decide(0.25, either, card, Terms(cost_miss=3))[0] == "fake"
    assert decide(0.24, either, card, Terms(cost_miss=3))[0] == "real"
    for wrong in ({"cost_miss": 0.0}, {"cost_undecided": -1.0}, {"threshold": 0.5, "cost_miss": 1}):
        with pytest.raises(OptionError):
            Terms(**wrong)
    with pytest.raises(OptionError, match="one of"):
        Terms(threshold=0.5, false_positive_rate=0.1)
    with pytest.raises(OptionError, match="false_positive_rate must lie"):
        Terms(false_positive_rate=0.6)


def test_a_detector_without_information_decides_nothing(project: Project) -> None:
    predictor = fvc.load("logistic_regression", project=project.workspace.root)
    card = type(predictor.card)(
        **{**vars(predictor.card), "fitted": SigmoidCalibrator(0.0, 0.3, True)}
    )
    decision, reason = decide(0.5, {"real": 0.9, "fake": 0.01}, card, Terms())
    assert decision == "undecided"
    assert "said nothing" in reason


def test_without_a_calibrator_the_score_is_called_that(project: Project) -> None:
    predictor = fvc.load("logistic_regression", project=project.workspace.root)
    document = json.loads(json.dumps(dict(predictor.card.document)))
    document["calibrator"] = {
        "method": None, "reason": "there are 3 sources", "n_real": 2, "n_fake": 1,
    }  # fmt: skip
    from fvc.inference.card import parse_card
    from fvc.inference.predictor import Predictor

    card = parse_card(document, predictor.folder)
    X = project.features(card.feature_names)[:1]
    judged = judge(X, predictor.detector, card, Terms())[0]
    assert not judged.calibrated
    assert judged.probability == judged.score
    assert any("Not calibrated" in w for w in Predictor(predictor.folder, card).warnings())
    with pytest.raises(OptionError, match="there are 3 sources"):
        judge(X, predictor.detector, card, Terms(prevalence=0.1))
    with pytest.raises(OptionError, match="costs needs calibrated"):
        judge(X, predictor.detector, card, Terms(cost_miss=2))


def test_bad_files_are_answers_with_a_reason(project: Project, tmp_path: Path) -> None:
    good = tmp_path / "naïve 视频 😀 <b>.mp4"
    shutil.copy(project.video(3), good)
    text = tmp_path / "text.mp4"
    text.write_text("not a video\n" * 50)
    empty = tmp_path / "empty.mp4"
    empty.touch()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(project.video(0).read_bytes()[:900])
    bare = tmp_path / "bare"
    bare.mkdir()
    raw = tmp_path / "raw\udcff\n.mp4"
    shutil.copy(project.video(3), raw)
    asked = [text, good, empty, tmp_path / "none.mp4", cut, bare, raw, tmp_path / "*.nothing", good]
    answers = fvc.load("svm", project=project.workspace.root).predict(asked, workers=2)
    assert len(answers) == 8
    judged = {i for i, answer in enumerate(answers) if answer.probability is not None}
    assert judged == {1, 6}
    for i, answer in enumerate(answers):
        document = json.loads(json.dumps(answer.to_dict(), allow_nan=False))
        if i in judged:
            assert document["error"] is None
            assert document["decision"] in ("real", "fake", "undecided")
        else:
            assert document["probability"] is None
            assert document["decision"] is None
            assert len(document["error"]) > 10
            assert document["error_kind"] in KINDS
    assert answers[1].path == str(good)
    assert answers[6].path.endswith("raw\\xff\n.mp4")
    assert answers[6].score == answers[1].score
    assert answers[0].model == "svm"


def test_a_folder_and_a_table_of_paths(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "clips" / "sub"
    folder.mkdir(parents=True)
    shutil.copy(project.video(4), folder / "one.MP4")
    (tmp_path / "clips" / "notes.txt").write_text("not a video")
    table = tmp_path / "table.csv"
    table.write_text("label,path\n0,clips/sub/one.MP4\n1,\n1,clips/absent.mp4\n")
    predictor = fvc.load("logistic_regression_stage2", project=project.workspace.root)
    by_folder = predictor.predict(tmp_path / "clips", workers=1)
    by_pattern = predictor.predict(str(tmp_path / "**" / "*.MP4"), workers=1)
    by_table = predictor.predict(table, workers=1)
    assert [Path(a.path).name for a in by_folder] == ["one.MP4"]
    assert [a.score for a in by_pattern] == [a.score for a in by_folder]
    assert by_table[0].path == "clips/sub/one.MP4"
    assert by_table[0].score == by_folder[0].score
    assert "row 2" in by_table[1].path
    assert [a.error_kind for a in by_table] == [None, "missing", "missing"]
    (tmp_path / "wrong.csv").write_text("file name\nx.mp4\n")
    with pytest.raises(DataError, match="column 'path'"):
        predictor.predict(tmp_path / "wrong.csv")
    with pytest.raises(OptionError, match="which videos"):
        predictor.predict([])


def test_an_unfamiliar_file_is_called_that(project: Project) -> None:
    predictor = fvc.load("logistic_regression", project=project.workspace.root)
    card = predictor.card
    X = project.features(card.feature_names)
    usual = judge(X, predictor.detector, card, Terms())
    assert sum(row.unfamiliarity["unfamiliar"] for row in usual) <= 2
    assert not any(row.unfamiliarity["outside"] for row in usual)
    strange = X[:1].copy()
    strange[0, card.feature_names.index("noise_energy")] = 60.0
    told = judge(strange, predictor.detector, card, Terms())[0].unfamiliarity
    assert told["unfamiliar"]
    assert told["outside"] == ["noise_energy"]
    assert "noise and fine detail" in told["warning"]


def test_a_pickle_is_not_read_unless_asked(project: Project, tmp_path: Path) -> None:
    final = project.workspace.model("gradient_boosting") / "final"
    shutil.copy(final / "card.json", tmp_path / "card.json")
    shutil.copy(final / "model.joblib", tmp_path / "model.joblib")
    files = [project.video(0)]
    with pytest.raises(OptionError, match="pickle"):
        fvc.load(tmp_path).predict(files, workers=1)
    trusted = fvc.load(tmp_path, trust=True).predict(files, workers=1)
    assert trusted[0].probability is not None


def test_cards_from_elsewhere_are_checked(project: Project, tmp_path: Path) -> None:
    final = project.workspace.model("svm") / "final"
    card = json.loads((final / "card.json").read_text())

    def changed(**changes: object) -> Path:
        (tmp_path / "card.json").write_text(json.dumps({**card, **changes}))
        return tmp_path

    assert fvc.load(changed()).name == "svm"
    with pytest.raises(StaleError, match="earlier version"):
        fvc.load(changed(card_version=1))
    other = {**card["input"], "augment": {"encoder": {"crf": "1"}}}
    with pytest.raises(StaleError, match="encoder"):
        fvc.load(changed(input=other))
    for broken in ({"features": {}}, {"calibrator": 3}, {"decisions": None}, {"linear": {}}):
        with pytest.raises(DataError, match="not a detector's card"):
            fvc.load(changed(**broken))
    (tmp_path / "card.json").write_text("[1")
    with pytest.raises(DataError, match="cannot be read"):
        fvc.load(tmp_path)
    assumed = fvc.load(changed(input={})).card.assumed
    assert assumed == ("augment", "features", "scale", "scaled-features")


def test_a_linear_answer_needs_no_scikit_learn(project: Project) -> None:
    code = (
        "import sys, fvc\n"
        "if __name__ == '__main__':\n"
        f"    p = fvc.load('svm', project={str(project.workspace.root)!r})\n"
        f"    print(p.predict({str(project.video(0))!r}, workers=1)[0].probability)\n"
        "    print(sorted({'sklearn', 'scipy', 'pandas', 'torch', 'skops'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    probability, heavy = done.stdout.splitlines()
    assert 0 < float(probability) < 1
    assert heavy == "[]"
