"""Odd files among good ones, from the folder to the features of stage 4, by the command line."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import odd_files
import polars as pl
import pytest
from command_line import STAGES, contents, fvc

from fvc.tables import read_table
from fvc.workspace import Workspace

MakeVideo = Callable[..., Path]
GOOD = {"real": (21, 22), "fake": (23, 24)}
OPTIONS = {
    "augment": ("--num-augmentations", "3", "--workers", "1"),
    "features": ("--workers", "1"),
    "scale": ("--target-size", "64", "--workers", "1"),
    "scaled-features": ("--workers", "1"),
}


@pytest.fixture(scope="module")
def projects(
    tmp_path_factory: pytest.TempPathFactory, make_video: MakeVideo
) -> dict[str, tuple[Path, dict[str, int]]]:
    """A project of good clips alone, and one with all the odd ones beside them."""
    made = {}
    good = tmp_path_factory.mktemp("made")
    for side, numbers in GOOD.items():
        for number in numbers:
            make_video(good / side / f"good{number}.mp4", frames=20, seed=number)
    for name in ("good", "all"):
        root = tmp_path_factory.mktemp(name)
        corpus = root / "corpus"
        # Copied: x264 now and then gives other bytes for the same frames.
        shutil.copytree(good, corpus)
        if name == "all":
            odd_files.write_all(corpus, make_video)
        project = root / "project"
        codes = {"setup": fvc(project, "setup", "--corpus", str(corpus), "--workers", "1")[0]}
        for verb in STAGES:
            codes[verb] = fvc(project, verb, *OPTIONS[verb])[0]
        made[name] = project, codes
    return made


Projects = dict[str, tuple[Path, dict[str, int]]]


@pytest.mark.slow
def test_each_is_handled_or_refused_with_a_reason_that_helps(projects: Projects) -> None:
    project, codes = projects["all"]
    assert codes == {"setup": 5, **dict.fromkeys(STAGES, 0)}
    failures = read_table(project / "data/failures.csv")
    assert set(failures["stage"]) == {"setup"}
    kinds = {Path(path).stem: kind for path, kind in failures.select("path", "kind").iter_rows()}
    assert kinds == odd_files.REFUSED
    helps = ("get it again", "get the file again", "Scale it", "only audio")
    assert [r for r in failures["reason"] if not any(words in r for words in helps)] == []
    index = read_table(Workspace(project).index_csv)
    there = {Path(path).stem for path in index["video_path"]}
    assert set(odd_files.SOUND) <= there


@pytest.mark.slow
def test_the_good_ones_are_as_if_they_were_alone(projects: Projects) -> None:
    alone, mixed = contents(projects["good"][0]), contents(projects["all"][0])
    files = [name for name in alone if name.endswith((".mp4", ".npy"))]
    assert len(files) == 4 * 4 * 4
    assert {name for name in files if mixed.get(name) != alone[name]} == set()
    one, other = (Workspace(projects[name][0]) for name in ("good", "all"))
    for stage, beside in zip(one.stages, other.stages, strict=True):
        table = read_table(stage.table("arrow")).sort("clip")
        ours = pl.col("clip").is_in(table["clip"].to_list())
        assert read_table(beside.table("arrow")).filter(ours).sort("clip").equals(table)


@pytest.mark.slow
def test_the_unusual_ones_come_out_right(projects: Projects) -> None:
    workspace = Workspace(projects["all"][0])
    clips = read_table(workspace.stage1.table("arrow")).filter("is_original")
    by_name = {Path(row["original_video"]).stem: row for row in clips.iter_rows(named=True)}
    sizes = {name: (row["width"], row["height"]) for name, row in by_name.items()}
    assert sizes["turned"] == (48, 64)
    assert sizes["odd"] == (64, 50)
    assert sizes["three_by_three"] == (4, 4)
    assert sizes["claims_16k"] == (64, 48)
    frames = {name: row["frame_count"] for name, row in by_name.items()}
    assert frames["one_frame"] == 1
    assert frames["irregular"] == 8
    scaled = read_table(workspace.stage3.table("arrow"))
    assert scaled.height == 4 * (len(odd_files.SOUND) + 4)
    assert scaled.select(pl.max_horizontal("width", "height")).to_series().unique().to_list() == [
        64
    ]
    for stage, number in ((workspace.stage2, 15), (workspace.stage4, 23)):
        table = read_table(stage.table("arrow"))
        assert table.height == scaled.height
        for path in table["feature_path"]:
            array = np.load(workspace.absolute(path))
            assert array.shape == (number,)
            assert not np.isinf(array).any()
        usual = table.filter(pl.col("clip").str.contains("good2"))
        assert usual["noise_energy"].null_count() == usual["blockiness"].null_count() == 0
