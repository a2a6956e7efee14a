"""Stages 2 and 4 from table to table, on small videos."""

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fvc.errors import MissingInputError, OptionError, StaleError, VideoError
from fvc.features import (
    EXTENDED_FEATURE_NAMES,
    FEATURE_NAMES,
    SCALED_FEATURE_NAMES,
    extract_features,
    extract_scaled_features,
    stage2_extract_features,
    stage4_extract_scaled_features,
)
from fvc.features.extraction import as_stored, codec_features
from fvc.features.names import CODEC_FEATURE_NAMES, PIXEL_FEATURE_NAMES, SCALED_ONLY_NAMES
from fvc.features.pixels import pixel_features
from fvc.stages import RunOptions, StageReport
from fvc.tables import FeatureSchema, check, read_table, write_table
from fvc.video import luma_plane, packet_statistics, sample_frames
from fvc.workspace import Workspace

MakeVideo = Callable[..., Path]
GOP = {"g": "4", "x264-params": "scenecut=0"}


@dataclass
class Project:
    workspace: Workspace
    clips: dict[str, dict[str, Any]]
    stage2: StageReport
    stage4: StageReport


def row_of(workspace: Workspace, clip: str, video: Path, raw: Path, **sizes: Any) -> dict[str, Any]:
    return {
        **{"clip": clip, "source": clip, "label": 1, "group": "g", "collection": None},
        **{"platform": "local", "is_original": True, "augmentation_idx": -1},
        **{"augmentation": None, "video_path": workspace.relative(video), "key": f"key-{clip}"},
        **{"original_video": workspace.relative(raw), "parameters": None, "seed": 7},
        **{"width": 160, "height": 96, "fps": 25.0, "frame_count": 30},
        **sizes,
    }


def write(workspace: Workspace, rows: list[dict[str, Any]], stage: int) -> None:
    frame = pl.DataFrame(rows, schema_overrides={"collection": pl.String, "parameters": pl.String})
    write_table(frame, workspace.stages[stage - 1].table("arrow"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, make_video: MakeVideo) -> Project:
    workspace = Workspace(tmp_path_factory.mktemp("project"))
    rows, scaled_rows = [], []
    for k, (name, size, frames) in enumerate(
        [("usual", (160, 96), 30), ("single", (160, 96), 1), ("tiny", (4, 4), 6)]
    ):
        width, height = size
        raw = make_video(
            workspace.videos / f"{name}.mkv",
            **{"frames": frames, "width": width, "height": height, "seed": 10 + k},
        )
        made = {"frames": frames, "options": GOP, "seed": k}
        clip = make_video(
            workspace.stage1.folder / f"{name}.mp4", width=width, height=height, **made
        )
        scaled = make_video(
            workspace.stage3.folder / f"{name}.mp4", width=2 * width, height=2 * height, **made
        )
        rows.append(row_of(workspace, name, clip, raw, width=width, height=height))
        scaled_rows.append(
            row_of(workspace, name, scaled, raw)
            | {"width": 2 * width, "height": 2 * height, "method": "resolution"}
            | {"original_width": width, "original_height": height, "is_upscaled": True}
            | {"scaled_width": 2 * width, "scaled_height": 2 * height, "is_downscaled": False}
        )
    broken = workspace.stage1.folder / "broken.mp4"
    broken.write_text("not a video")
    rows.append(row_of(workspace, "broken", broken, raw))
    write(workspace, rows, 1)
    write(workspace, scaled_rows, 3)
    run = RunOptions(workers=1, quiet=True)
    return Project(
        workspace,
        {row["clip"]: row for row in rows},
        stage2_extract_features(workspace.root, run=run),
        stage4_extract_scaled_features(workspace.root, run=run),
    )


def table_of(report: StageReport) -> pl.DataFrame:
    assert report.table is not None
    return check(read_table(report.table), FeatureSchema, report.table)


@pytest.mark.parametrize(("stage", "names"), [(2, FEATURE_NAMES), (4, SCALED_FEATURE_NAMES)])
def test_arrays_hold_the_numbers_of_the_table_in_order(
    project: Project, stage: int, names: tuple[str, ...]
) -> None:
    table = table_of(project.stage2 if stage == 2 else project.stage4)
    assert table["clip"].to_list() == ["usual", "single", "tiny"]
    assert [name for name in table.columns if name in names] == list(names)
    assert set(table.select(names).dtypes) == {pl.Float32}
    for row in table.iter_rows(named=True):
        path = project.workspace.absolute(row["feature_path"])
        assert path == project.workspace.stages[stage - 1].folder / f"{row['clip']}.npy"
        array = np.load(path)
        assert array.dtype == np.float32
        expected = [math.nan if row[name] is None else row[name] for name in names]
        assert np.array_equal(array, np.array(expected, np.float32), equal_nan=True)
        assert not any(math.isnan(row[name]) for name in names if row[name] is not None)


def test_rows_say_what_they_are_about(project: Project) -> None:
    row = table_of(project.stage2).row(0, named=True)
    for name in ("source", "label", "group", "collection", "platform", "is_original"):
        assert row[name] == project.clips["usual"][name]


def test_a_usual_clip_has_every_feature(project: Project) -> None:
    row = table_of(project.stage2).row(0, named=True)
    assert [name for name in FEATURE_NAMES if row[name] is None] == []
    row = table_of(project.stage4).row(0, named=True)
    assert [name for name in SCALED_FEATURE_NAMES if row[name] is None] == []
    assert (row["is_upscaled"], row["is_downscaled"]) == (1.0, 0.0)


def test_edges_are_compared_with_the_clip_that_was_scaled(project: Project) -> None:
    workspace, clip = project.workspace, project.clips["usual"]
    scaled = workspace.stage3.folder / "usual.mp4"
    raw, unscaled = (workspace.absolute(clip[n]) for n in ("original_video", "video_path"))
    size = (160, 96)
    right = extract_scaled_features(scaled, unscaled, raw, unscaled_size=size)
    wrong = extract_scaled_features(scaled, raw, raw, unscaled_size=size)
    row = table_of(project.stage4).row(0, named=True)
    assert row["edge_preservation"] == pytest.approx(right["edge_preservation"])
    assert wrong["edge_preservation"] != pytest.approx(right["edge_preservation"], abs=1e-3)


def test_what_a_single_frame_does_not_show_is_null(project: Project) -> None:
    row = table_of(project.stage2).row(1, named=True)
    nulls = {name for name in FEATURE_NAMES if row[name] is None}
    assert nulls == {"noise_persistence", "codec_packet_variation"}
    row = table_of(project.stage4).row(1, named=True)
    assert {name for name in SCALED_FEATURE_NAMES if row[name] is None} == nulls | {
        f"color_consistency_{c}" for c in "rgb"
    }


def test_a_tiny_clip_has_a_row(project: Project) -> None:
    row = table_of(project.stage2).row(2, named=True)
    assert row["noise_energy"] is not None
    assert row["codec_bits_per_pixel"] is not None
    for name in ("noise_mad", "dct_ac_energy", "blockiness", "resampling_peaks"):
        assert row[name] is None


def test_a_file_that_is_no_video_is_recorded(project: Project) -> None:
    assert project.stage2.exit_code == 5
    assert project.stage2.failed == 1
    with project.workspace.failures.open(newline="") as file:
        failures = list(csv.DictReader(file))
    assert [f["unit"] for f in failures] == ["broken"]
    assert failures[0]["path"] == "data/augmented_videos/broken.mp4"


def test_the_numbers_are_those_of_the_functions_on_arrays(project: Project) -> None:
    workspace, clip = project.workspace, project.clips["usual"]
    row = table_of(project.stage2).row(0, named=True)
    sample = sample_frames(workspace.absolute(clip["video_path"]), num_frames=6)
    pixels = pixel_features([luma_plane(f) for f in sample.frames])
    for name in PIXEL_FEATURE_NAMES:
        assert row[name] == pytest.approx(pixels[name], rel=1e-6), name


def test_codec_columns_come_from_the_raw_file(project: Project) -> None:
    raw = project.workspace.absolute(project.clips["usual"]["original_video"])
    packets = packet_statistics(raw)
    expected = math.log(packets.stream_bits / (30 * 160 * 96))
    two, four = (table_of(r).row(0, named=True) for r in (project.stage2, project.stage4))
    assert two["codec_bits_per_pixel"] == pytest.approx(expected)
    # One key frame in 30 frames of 1/25 s: the duration.
    assert two["codec_keyframe_interval"] == pytest.approx(1.2)
    for name in CODEC_FEATURE_NAMES:
        assert two[name] == four[name]


def test_running_again_does_nothing_and_other_frames_do_it_again(project: Project) -> None:
    run = RunOptions(workers=1, quiet=True)
    before = table_of(project.stage4)
    again = stage4_extract_scaled_features(project.workspace.root, run=run)
    assert (again.done, again.resumed) == (0, 3)
    other = stage4_extract_scaled_features(project.workspace.root, num_frames=2, run=run)
    assert other.done == 3
    back = stage4_extract_scaled_features(project.workspace.root, run=run)
    assert table_of(back).select(SCALED_FEATURE_NAMES).equals(before.select(SCALED_FEATURE_NAMES))


def test_the_extended_set_adds_columns_and_the_standard_one_takes_them_away(
    project: Project,
) -> None:
    run = RunOptions(workers=1, quiet=True)
    root = project.workspace.root
    before = table_of(project.stage2)
    extended = table_of(stage2_extract_features(root, feature_set="extended", run=run))
    after_path = extended.columns[extended.columns.index("feature_path") + 1 :]
    assert tuple(name for name in after_path if name != "key") == EXTENDED_FEATURE_NAMES
    assert extended.select(FEATURE_NAMES).equals(before.select(FEATURE_NAMES))
    assert np.load(project.workspace.absolute(extended["feature_path"][0])).shape == (38,)
    back = table_of(stage2_extract_features(root, run=run))
    assert back.columns == before.columns
    with pytest.raises(OptionError, match="feature_set must be one of standard, extended"):
        stage2_extract_features(root, feature_set="all", run=run)  # type: ignore[arg-type]


def test_missing_and_stale_tables_are_said(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="fvc augment"):
        stage2_extract_features(tmp_path)
    with pytest.raises(MissingInputError, match="fvc scale"):
        stage4_extract_scaled_features(tmp_path)
    with pytest.raises(OptionError, match="num_frames"):
        stage2_extract_features(tmp_path, num_frames=0)
    with pytest.raises(OptionError, match="num_frames"):
        stage4_extract_scaled_features(tmp_path, num_frames=-1)


def test_a_scaled_clip_without_its_original_is_stale(tmp_path: Path, project: Project) -> None:
    workspace = Workspace(tmp_path)
    first = read_table(project.workspace.stage1.table("arrow"))
    write_table(first.filter(pl.col("clip") != "tiny"), workspace.stage1.table("arrow"))
    second = read_table(project.workspace.stage3.table("arrow"))
    write_table(second, workspace.stage3.table("arrow"))
    with pytest.raises(StaleError, match=r"'tiny'.*fvc scale"):
        stage4_extract_scaled_features(tmp_path)


def test_a_raw_file_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="raw file cannot be read"):
        codec_features(tmp_path / "gone.mp4")


def test_what_is_not_finite_is_null() -> None:
    array, columns = as_stored({"a": math.inf, "b": 1 / 3, "c": math.nan})
    assert columns == {"a": None, "b": float(np.float32(1 / 3)), "c": None}
    assert np.array_equal(array, np.array([np.nan, 1 / 3, np.nan], np.float32), equal_nan=True)


def test_range_and_depth_of_the_file_do_not_matter(tmp_path: Path, make_video: MakeVideo) -> None:
    kinds = {"limited": "yuv420p", "full": "yuvj420p", "ten": "yuv420p10le"}
    found = {}
    for name, pixels in kinds.items():
        lossless = {"qp": "0", "g": "4"}
        path = make_video(
            tmp_path / f"{name}.mp4",
            **{"pix_fmt": pixels, "options": lossless, "frames": 24, "width": 192, "height": 160},
        )
        found[name] = extract_features(path, path)
    for name in PIXEL_FEATURE_NAMES:
        # Limited range has 219 steps of grey where full range has 255: the rounding shows.
        for other in ("full", "ten"):
            assert found[other][name] == pytest.approx(found["limited"][name], rel=0.1, abs=0.05), (
                name,
                other,
            )


@pytest.mark.real_clips
@pytest.mark.slow
def test_one_clip_of_each_collection(real_clips: Path) -> None:
    with (real_clips / "index.csv").open(newline="") as file:
        index = list(csv.DictReader(file))
    first = {row["collection"]: row for row in reversed(index)}
    may_be_nan = {"noise_persistence", "compression_artifacts"}
    for row in first.values():
        path = real_clips / row["path"]
        size = (int(row["width"]), int(row["height"]))
        found = extract_scaled_features(path, path, path, unscaled_size=size)
        assert tuple(found) == FEATURE_NAMES + SCALED_ONLY_NAMES
        assert {name for name, value in found.items() if not math.isfinite(value)} <= may_be_nan
        assert found["edge_preservation"] == 1.0
