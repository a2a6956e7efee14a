from pathlib import Path

import pytest

from fvc.errors import OptionError
from fvc.workspace import Workspace


def test_paths_in_tables_are_relative_and_come_back(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "project")
    inside = workspace.videos / "FVC1" / "youtube" / "x y" / "video.mp4"
    assert workspace.relative(inside) == "videos/FVC1/youtube/x y/video.mp4"
    assert workspace.absolute(workspace.relative(inside)) == inside
    outside = tmp_path / "clips" / "a.mp4"
    assert workspace.relative(outside) == "../clips/a.mp4"
    assert workspace.absolute("../clips/a.mp4") == outside


def test_the_documented_file_names(tmp_path: Path) -> None:
    w = Workspace(tmp_path)
    names = [w.relative(s.table("arrow")) for s in w.stages]
    assert names == [
        "data/augmented_videos/augmented_metadata.arrow",
        "data/features_stage2/features_metadata.arrow",
        "data/scaled_videos/scaled_metadata.arrow",
        "data/features_stage4/features_scaled_metadata.arrow",
    ]
    assert w.relative(w.index_csv) == "data/video_index_input.csv"
    assert w.relative(w.fold("x3d", 2)) == "data/stage5/x3d/fold_2"


def test_a_project_whose_path_no_table_can_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"not UTF-8.*b\\udcff"):
        Workspace(tmp_path / "b\udcff" / "project")
