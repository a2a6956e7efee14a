"""Matching: files as another reader sees them, the project it makes, and its resume."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import polars as pl
import pytest

from fvc.dataset import setup_dataset
from fvc.errors import OptionError, StaleError
from fvc.evaluation import index_fingerprint, make_folds, save_folds, split_hash
from fvc.evaluation.baselines import metadata_baselines
from fvc.evaluation.locked import lock_sources
from fvc.features.names import (
    CODEC_FEATURE_NAMES,
    FEATURE_NAMES,
    INDICATOR_NAMES,
    SCALED_FEATURE_NAMES,
)
from fvc.stages import RunOptions
from fvc.tables import read_table
from fvc.transcoding.match_stage import UNMATCHED, match_sources
from fvc.transcoding.matching import (
    Matching,
    choose_matching,
    left_out_when_matched,
    match_video,
    read_matching,
)
from fvc.transcoding.writing import h264
from fvc.workspace import Workspace

QUIET = RunOptions(quiet=True, workers=1)
ALL = ("resolution", "fps", "codec")


def seen(path: Path) -> tuple[str, set[tuple[int, int]], list[float]]:
    """Codec, sizes and times, by PyAV alone."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        times = [float(f.pts * f.time_base) for f in frames]
        return stream.codec_context.name, {(f.width, f.height) for f in frames}, times


def test_all_three_become_one_whatever_they_were(
    tmp_path: Path, make_video: Callable[..., Path]
) -> None:
    wide = make_video(tmp_path / "wide.mp4", width=160, height=100, fps=30, frames=15)
    tall = make_video(tmp_path / "tall.mkv", width=60, height=120, fps=10, codec="mpeg4", frames=6)
    matching = Matching(80, "12", h264(23))
    for raw, size, n in ((wide, (80, 50), 6), (tall, (40, 80), 7)):
        out = tmp_path / f"{raw.stem}-matched.mp4"
        match_video(raw, out, matching)
        codec, sizes, times = seen(out)
        assert (codec, sizes, len(times)) == ("h264", {size}, n)
        assert np.diff(times) == pytest.approx(1 / 12, abs=1e-6)


def test_what_is_not_matched_stays(tmp_path: Path, make_video: Callable[..., Path]) -> None:
    raw = make_video(tmp_path / "raw.mp4", width=64, height=48, fps=25, frames=10)
    _, _, before = seen(raw)
    out = tmp_path / "out.mp4"
    match_video(raw, out, Matching(longer_side=32))
    _, sizes, times = seen(out)
    assert (sizes, times) == ({(32, 24)}, pytest.approx(before, abs=1e-4))
    match_video(raw, out, Matching(fps="5"))
    _, sizes, times = seen(out)
    assert (sizes, len(times)) == ({(64, 48)}, 2)
    match_video(raw, out, Matching(encoding=h264(40)))
    _, sizes, coarse = seen(out)
    assert (sizes, coarse) == ({(64, 48)}, pytest.approx(before, abs=1e-4))
    assert out.stat().st_size < raw.stat().st_size


def test_the_smallest_that_all_have_is_chosen_unless_one_is_stated() -> None:
    corpus = {"longer_sides": [640, 177, 320], "rates": [30000 / 1001, 12.5, 25.0]}
    chosen = choose_matching(("resolution,fps", "codec"), **corpus)
    assert (chosen.longer_side, chosen.fps) == (176, "25/2")
    assert chosen.aspects == ALL
    assert "176" in chosen.words
    assert "12.5" in chosen.words
    stated = choose_matching(ALL, **corpus, longer_side=400, fps=29.97, crf=30)
    assert stated == Matching.from_dict(json.loads(json.dumps(stated.to_dict())))
    assert stated.longer_side == 400
    assert float(Fraction(stated.fps)) == pytest.approx(29.97, abs=1e-5)
    assert dict(stated.encoding.options)["crf"] == "30"
    only = choose_matching(("fps",), **corpus)
    assert (only.longer_side, only.encoding) == (None, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"match": ("size",)},
        {"match": ()},
        {"match": ("fps",), "longer_side": 320},
        {"match": ("resolution",), "fps": 25},
        {"longer_side": 321},
        {"longer_side": 8},
        {"fps": 0},
        {"crf": 52},
    ],
)
def test_what_cannot_be_matched_says_so(wrong: dict[str, object]) -> None:
    options = {"match": ALL, "longer_sides": [64], "rates": [25.0], **wrong}
    with pytest.raises(OptionError):
        choose_matching(**options)


def test_what_told_of_the_original_is_left_out() -> None:
    names = [*FEATURE_NAMES, *(f"scaled_{name}" for name in SCALED_FEATURE_NAMES)]
    out = {name for name in names if left_out_when_matched(name)}
    scaled = (*CODEC_FEATURE_NAMES, *INDICATOR_NAMES)
    assert out == {*CODEC_FEATURE_NAMES, *(f"scaled_{name}" for name in scaled)}
    assert not left_out_when_matched("blockiness")


@pytest.fixture
def project(tmp_path: Path, make_video: Callable[..., Path]) -> Workspace:
    """Fakes are larger, slower and coarser, so that metadata know all."""
    for i in range(8):
        kind = "fake" if i % 2 else "real"
        make_video(
            tmp_path / "corpus" / kind / f"clip{i}.mp4",
            frames=6,
            width=96 if i % 2 else 64,
            height=72 if i % 2 else 48,
            fps=10 if i % 2 else 20,
            seed=i,
        )
    setup_dataset(tmp_path, corpus=tmp_path / "corpus", workers=1)
    return Workspace(tmp_path)


def test_a_project_beside_this_one(project: Workspace) -> None:
    report = match_sources(project.root, run=QUIET)
    target = Workspace(project.matched_projects / "resolution-fps-codec")
    own, index = read_table(project.index_csv), read_table(target.index_csv)
    assert report.exit_code == 0
    assert index["source"].to_list() == own["source"].to_list()
    assert index_fingerprint(index) == index_fingerprint(own)
    assert set(index["width"]) == {64}
    assert set(index["height"]) == {48}
    assert set(index["fps"]) == {10.0}
    for before, after in zip(own.iter_rows(named=True), index.iter_rows(named=True), strict=True):
        assert target.absolute(after["matched_from"]) == project.absolute(before["video_path"])
        codec, sizes, _ = seen(target.absolute(after["video_path"]))
        assert (codec, sizes) == ("h264", {(64, 48)})
    assert read_matching(target) == Matching(64, "10", h264(23))
    assert read_matching(project) is None
    assert "cannot erase" in report.summary()
    folds = make_folds(index, n_splits=2, repeats=1)
    known = {row["baseline"]: row["roc_auc"] for row in metadata_baselines(index, folds)}
    before = {row["baseline"]: row["roc_auc"] for row in metadata_baselines(own, folds)}
    assert before["size"] == before["frame rate"] == 1.0
    assert known["size"] is known["frame rate"] is known["codec"] is None
    with pytest.raises(OptionError, match="matched already"):
        match_sources(target.root, run=QUIET)


def test_resume_notices_the_setting_and_drops_tables_of_the_old_one(project: Workspace) -> None:
    first = match_sources(project.root, longer_side=48, run=QUIET)
    target = Workspace(project.matched_projects / "resolution-fps-codec")
    table = target.stage1.table("arrow")
    table.parent.mkdir(parents=True)
    table.touch()
    again = match_sources(project.root, longer_side=48, run=QUIET)
    assert (first.stage.done, again.stage.done, again.stage.resumed) == (8, 0, 8)
    assert table.is_file()
    other = match_sources(project.root, longer_side=32, run=QUIET)
    assert other.stage.done == 8
    assert not table.exists()
    assert set(read_table(target.index_csv)["width"]) == {32}


def test_a_source_that_fails_stays_in_the_index(project: Workspace) -> None:
    lost = read_table(project.index_csv)["video_path"][3]
    project.absolute(lost).write_bytes(b"no video")
    report = match_sources(project.root, run=QUIET)
    target = Workspace(project.matched_projects / "resolution-fps-codec")
    index = read_table(target.index_csv)
    assert report.exit_code == 5
    assert report.document["n_matched"] == 7
    assert index.height == 8
    assert index["status"].to_list().count(UNMATCHED) == 1
    assert index.filter(pl.col("width").is_null())["source"].to_list() == [index["source"][3]]
    failure = read_table(target.failures).row(0, named=True)
    assert (failure["unit"], failure["kind"]) == (index["source"][3], "not_a_video")


def test_folds_and_lock_go_along(project: Workspace) -> None:
    lock_sources(project.root, fraction=0.5)
    index = read_table(project.index_csv)
    folds = make_folds(index, n_splits=2, repeats=1, seed=3)
    save_folds(folds, project.folds, fingerprint=index_fingerprint(index), seed=3)
    match_sources(project.root, match=("codec",), run=QUIET)
    target = Workspace(project.matched_projects / "codec")
    assert read_table(target.locked).equals(read_table(project.locked))
    assert split_hash(read_table(target.folds)) == split_hash(folds)
    target.locked.unlink()
    with pytest.raises(StaleError, match="locked after"):
        match_sources(project.root, match=("codec",), run=QUIET)


def test_enlarged_clips_are_counted_by_class(project: Workspace) -> None:
    report = match_sources(project.root, match=("resolution", "fps"), longer_side=96, fps=20,
                           run=QUIET)  # fmt: skip
    assert report.document["n_enlarged"] == 4
    assert report.document["n_given_frames_twice"] == 4
    assert any(
        "4 clips were enlarged (4 real, 0 fake)" in note for note in report.document["notes"]
    )
