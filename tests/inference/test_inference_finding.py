"""A detector is found by its name, by its folder, or on the leaderboard."""

import json
from pathlib import Path

import pytest
from inference_project import Project

import fvc
from fvc.errors import MissingInputError, OptionError


def test_the_best_model_of_the_leaderboard_is_the_default(project: Project) -> None:
    root = project.workspace.root
    board = json.loads(project.workspace.leaderboard_json.read_text())
    predictor = fvc.load(project=root)
    assert predictor.name == board["models"][0]["model"]
    assert predictor.chosen_by == "best on the leaderboard"
    folder = project.workspace.model("svm")
    for model in ("svm", folder, folder / "final", str(folder)):
        assert fvc.load(model, project=root).name == "svm"


def test_names_lead_somewhere_or_say_where_to_go(project: Project, tmp_path: Path) -> None:
    root = project.workspace.root
    with pytest.raises(OptionError, match="did you mean 'svm'"):
        fvc.load("smv", project=root)
    with pytest.raises(MissingInputError, match="svm_stage2"):
        fvc.load("svm_stage2", project=tmp_path)
    with pytest.raises(MissingInputError, match="fvc train"):
        fvc.load(project=tmp_path)
    with pytest.raises(MissingInputError, match="fvc train"):
        fvc.load(tmp_path)
