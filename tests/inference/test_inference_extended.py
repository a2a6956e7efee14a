"""Detectors on the extended features judge files like any other."""

import shutil
from pathlib import Path

import pytest
from inference_project import Project

import fvc
from fvc.features.names import EXTENDED_FEATURE_NAMES, SCALED_FEATURE_NAMES
from fvc.inference.measuring import MeasureVideo
from fvc.inference.words import WORDS
from fvc.stages import RunOptions
from fvc.tables import read_table, require_table
from fvc.workspace import Workspace


def test_every_feature_has_words() -> None:
    assert {*EXTENDED_FEATURE_NAMES, *SCALED_FEATURE_NAMES} - set(WORDS) == set()


@pytest.mark.slow
def test_a_file_is_measured_as_the_extended_table_was(project: Project, tmp_path: Path) -> None:
    root = tmp_path / "extended"
    shutil.copytree(project.workspace.root, root)
    fvc.stage2_extract_features(
        root, num_frames=4, feature_set="extended", run=RunOptions(quiet=True)
    )
    fvc.stage5_train_models(
        root, model_types=("logistic_regression_stage2",), n_splits=3, repeats=1, workers=1
    )
    detector = fvc.load("logistic_regression_stage2", project=root)
    assert detector.card.recipe.extended
    workspace = Workspace(root)
    index, table = read_table(workspace.index_csv), read_table(require_table(workspace.stage2))
    row = table.row(0, named=True)
    path = index.filter(source=row["source"])["video_path"][0]
    measured = MeasureVideo(detector.card.recipe, str(tmp_path))((0, str(workspace.absolute(path))))
    found = {name: None if value != value else value for name, value in measured.features.items()}
    assert found == {name: row[name] for name in EXTENDED_FEATURE_NAMES}
    answer = detector.predict(workspace.absolute(path), workers=1)[0]
    assert answer.error is None
    assert {item.feature for item in answer.evidence} & (
        set(EXTENDED_FEATURE_NAMES) - set(project.index.columns)
    )
