"""Stage 3 from table to table."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fvc.errors import MissingInputError, OptionError
from fvc.scaling import stage3_scale_videos
from fvc.stages import RunOptions
from fvc.tables import ScaledSchema, check, read_table, write_table
from fvc.video import probe
from fvc.workspace import Workspace

MakeVideo = Callable[..., Path]
RUN = RunOptions(workers=1, quiet=True)


@pytest.fixture
def project(tmp_path: Path, make_video: MakeVideo) -> Workspace:
    """Three clips of stage 1: larger than the target, smaller, and of its size."""
    workspace = Workspace(tmp_path / "project")
    rows: list[dict[str, Any]] = []
    for name, width, height in (("large", 192, 108), ("small", 32, 48), ("equal", 96, 64)):
        clip = f"{name}_original"
        path = make_video(
            workspace.stage1.folder / f"{clip}.mp4", width=width, height=height, frames=5
        )
        rows.append(
            {
                "clip": clip,
                "source": name,
                "video_path": workspace.relative(path),
                "label": 1,
                "group": f"g-{name}",
                "collection": None,
                "platform": "test",
                "original_video": f"videos/{name}.mp4",
                "is_original": True,
                "augmentation_idx": -1,
                "augmentation": "original",
                "parameters": "{}",
                "seed": 7,
                "width": width,
                "height": height,
                "fps": 25.0,
                "frame_count": 5,
                "key": f"key-of-{name}",
                "camera": "hand-held",
            }
        )
    write_table(pl.DataFrame(rows), workspace.stage1.table("arrow"))
    return workspace


def test_rows_and_files(project: Workspace) -> None:
    report = stage3_scale_videos(project.root, target_size=96, run=RUN)
    assert (report.done, report.failed, report.rows) == (3, 0, 3)
    assert report.table == project.stage3.table("arrow")
    table = check(read_table(report.table), ScaledSchema, report.table)
    rows = {row["source"]: row for row in table.iter_rows(named=True)}
    assert list(rows) == ["large", "small", "equal"]

    def seen(name: str) -> tuple[Any, ...]:
        row = rows[name]
        return tuple(
            row[column]
            for column in (
                "original_width", "original_height", "scaled_width", "scaled_height",
                "is_upscaled", "is_downscaled",
            )
        )  # fmt: skip

    assert seen("large") == (192, 108, 96, 54, False, True)
    assert seen("small") == (32, 48, 64, 96, True, False)
    assert seen("equal") == (96, 64, 96, 64, False, False)
    for name, row in rows.items():
        path = project.absolute(row["video_path"])
        assert path == project.stage3.folder / f"{name}_original.mp4"
        info = probe(path)
        assert (info.width, info.height) == (row["width"], row["height"])
        assert (row["width"], row["height"]) == (row["scaled_width"], row["scaled_height"])
        assert row["frame_count"] == info.frame_count == 5
        assert row["fps"] == pytest.approx(25)
        assert row["method"] == "resolution"
        assert (row["group"], row["seed"], row["camera"]) == (f"g-{name}", 7, "hand-held")
        assert row["original_video"] == f"videos/{name}.mp4"
        assert row["key"] != f"key-of-{name}"


def test_resume_and_changed_size(project: Workspace) -> None:
    stage3_scale_videos(project.root, target_size=96, run=RUN)
    again = stage3_scale_videos(project.root, target_size=96, run=RUN)
    assert (again.done, again.resumed) == (0, 3)
    other = stage3_scale_videos(project.root, target_size=64, run=RUN)
    assert (other.done, other.resumed) == (3, 0)
    assert other.table is not None
    assert read_table(other.table)["scaled_width"].to_list() == [64, 42, 64]


def test_a_broken_clip_is_a_row_of_failures(project: Workspace) -> None:
    (project.stage1.folder / "small_original.mp4").write_bytes(b"no video")
    report = stage3_scale_videos(project.root, target_size=96, run=RUN)
    assert (report.done, report.failed, report.rows, report.exit_code) == (2, 1, 2, 5)
    [failure] = report.failures
    assert failure["kind"] == "not_a_video"
    assert "small_original" in failure["path"]
    left = sorted(p.name for p in project.stage3.folder.glob("*.mp4"))
    assert left == ["equal_original.mp4", "large_original.mp4"]


def test_a_missing_table_names_its_command(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="fvc augment"):
        stage3_scale_videos(tmp_path)


@pytest.mark.parametrize("size", [0, 15, 257, 9000, -2])
def test_sizes_that_cannot_be(tmp_path: Path, size: int) -> None:
    with pytest.raises(OptionError, match=f"not {size}"):
        stage3_scale_videos(tmp_path, target_size=size)


def test_methods(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="resolution"):
        stage3_scale_videos(tmp_path, method="nearest")  # type: ignore[arg-type]
