import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fvc.augmentation import AUGMENTATIONS, remake, stage1_augment_videos
from fvc.augmentation.parameters import plan_variants
from fvc.augmentation.remaking import describe, variant_of_row
from fvc.augmentation.stage import AugmentSource, read_sources
from fvc.errors import DataError, MissingInputError, OptionError, TableError, VideoError
from fvc.stages import RunOptions, Unit
from fvc.tables import ClipSchema, IndexSchema, check, read_table, write_table
from fvc.video import decode
from fvc.workspace import Workspace

MakeVideo = Callable[..., Path]
QUIET = RunOptions(workers=1, quiet=True)


def index_row(source: str, path: str, label: int = 0, **more: Any) -> dict[str, Any]:
    row = {"source": source, "video_path": path, "label": label, "group": f"g_{source}"}
    return row | {"status": "ok", "platform": "youtube"} | more


def write_index(workspace: Workspace, rows: list[dict[str, Any]], path: Path | None = None) -> None:
    types = IndexSchema.create_empty().schema
    frame = pl.DataFrame(
        [{name: row.get(name) for name in types} for row in rows], schema=dict(types)
    )
    write_table(frame, path or workspace.index_csv)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, make_video: MakeVideo) -> Path:
    """A project of two good sources, a broken and a lost one, after stage 1."""
    root = tmp_path_factory.mktemp("project")
    workspace = Workspace(root)
    make_video(root / "videos" / "a.mp4", frames=9, seed=1)
    make_video(root / "videos" / "b ü.mkv", frames=7, width=50, height=34, seed=2)
    (root / "videos" / "broken.mp4").write_bytes((root / "videos" / "a.mp4").read_bytes()[:-300])
    write_index(
        workspace,
        [
            index_row("a", "videos/a.mp4"),
            index_row("b", "videos/b ü.mkv", 1, collection="c", platform=None),
            index_row("broken", "videos/broken.mp4", 1),
            index_row("lost", "videos/lost.mp4", 1),
            index_row("unread", "videos/unread.mp4", 1, status="corrupt"),
        ],
    )
    report = stage1_augment_videos(root, run=RunOptions(workers=2, quiet=True))
    assert (report.done, report.failed, report.exit_code) == (2, 2, 5)
    return root


def table(project: Path) -> pl.DataFrame:
    path = Workspace(project).stage1.table("arrow")
    return check(read_table(path), ClipSchema, path)


def test_eleven_rows_a_source_and_their_files(project: Path) -> None:
    rows = table(project)
    assert rows.height == 22
    assert rows["key"].null_count() == 0
    for source, frames, size in (("a", 9, (64, 48)), ("b", 7, (50, 34))):
        own = rows.filter(pl.col("source") == source).sort("augmentation_idx")
        assert own["augmentation_idx"].to_list() == list(range(-1, 10))
        assert own["clip"][0] == f"{source}_original"
        assert own["clip"].to_list()[1:] == [f"{source}_aug{k}" for k in range(10)]
        assert own["is_original"].to_list() == [True] + [False] * 10
        plan = plan_variants(source, 10)
        assert own["augmentation"].to_list() == ["original", *(v.augmentation for v in plan)]
        assert own["seed"].to_list() == [None, *(v.seed for v in plan)]
        assert [json.loads(p) for p in own["parameters"]] == [{}, *(v.parameters for v in plan)]
        for row in own.iter_rows(named=True):
            decoded = list(decode(project / row["video_path"]))
            assert len(decoded) == row["frame_count"]
            assert {(f.width, f.height) for f in decoded} == {size}
            assert (row["width"], row["height"]) == size
            if row["augmentation"] == "frame_drop":
                assert row["frame_count"] < frames
            elif row["augmentation"] == "frame_duplicate":
                assert row["frame_count"] > frames
            else:
                assert row["frame_count"] == frames
                assert row["fps"] == pytest.approx(25, rel=0.01)


def test_rows_carry_what_the_index_says(project: Path) -> None:
    b = table(project).filter(source="b")
    for name, value in {
        "label": 1, "group": "g_b", "collection": "c", "platform": None,
        "original_video": "videos/b ü.mkv",
    }.items():  # fmt: skip
        assert b[name].unique().to_list() == [value]


def test_a_damaged_and_a_lost_source_are_recorded_and_leave_nothing(project: Path) -> None:
    workspace = Workspace(project)
    failures = read_table(workspace.failures).sort("unit").to_dicts()
    assert [f["unit"] for f in failures] == ["broken", "lost"]
    assert failures[0]["kind"] in ("corrupt", "no_frames")
    assert failures[1]["kind"] == "missing"
    assert failures[0]["path"] == "videos/broken.mp4"
    assert set(table(project)["source"]) == {"a", "b"}
    made = {Path(p).name for p in table(project)["video_path"]}
    assert {p.name for p in workspace.stage1.folder.iterdir() if p.suffix == ".mp4"} == made


def test_every_variant_is_made_again_from_its_row(project: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.mp4"
    for row in table(project).iter_rows(named=True):
        remake(row, Workspace(project), again)
        assert again.read_bytes() == (project / row["video_path"]).read_bytes(), row["clip"]


def test_nothing_is_done_twice_and_other_settings_are(project: Path) -> None:
    report = stage1_augment_videos(project, run=QUIET)
    assert (report.done, report.resumed, report.failed, report.rows) == (0, 2, 2, 22)


def test_a_smaller_run_makes_the_same_files(project: Path, tmp_path: Path) -> None:
    work = AugmentSource(str(tmp_path), 3, None, 0, AUGMENTATIONS)
    rows = work(unit(tmp_path, project / "videos" / "a.mp4"))
    assert [row["clip"] for row in rows] == ["a_original", "a_aug0", "a_aug1", "a_aug2"]
    for row in rows:
        whole = Workspace(project).stage1.folder / f"{row['clip']}.mp4"
        assert (tmp_path / row["video_path"]).read_bytes() == whole.read_bytes()


def unit(project: Path, video: Path) -> Unit:
    where = Workspace(project).relative(video)
    row = {"source": "a", "label": 0, "group": "g", "collection": None, "platform": None}
    return Unit("a", row | {"video_path": where}, "fingerprint")


def test_kept_frames_are_recorded_and_made_again(project: Path, tmp_path: Path) -> None:
    work = AugmentSource(str(tmp_path), 12, 4, 5, AUGMENTATIONS)
    for row in work(unit(tmp_path, project / "videos" / "a.mp4")):
        assert json.loads(row["parameters"])["num_frames"] == 4
        if row["augmentation"] not in ("frame_drop", "frame_duplicate"):
            assert row["frame_count"] == 4
        remake(row, Workspace(tmp_path), tmp_path / "again.mp4")
        assert (tmp_path / "again.mp4").read_bytes() == (tmp_path / row["video_path"]).read_bytes()


def test_the_seed_changes_the_variants_and_not_the_copy(project: Path, tmp_path: Path) -> None:
    video = project / "videos" / "a.mp4"
    one, two = (
        AugmentSource(str(tmp_path / str(seed)), 2, None, seed, ("rotation",))(
            unit(tmp_path / str(seed), video)
        )
        for seed in (0, 1)
    )
    data = [
        [(tmp_path / str(seed) / row["video_path"]).read_bytes() for row in rows]
        for seed, rows in enumerate((one, two))
    ]
    assert data[0][0] == data[1][0]
    assert len({*data[0], *data[1]}) == 5


def test_a_source_that_breaks_off_leaves_no_file(project: Path, tmp_path: Path) -> None:
    work = AugmentSource(str(tmp_path), 2, None, 0, AUGMENTATIONS)
    with pytest.raises(VideoError):
        work(unit(tmp_path, project / "videos" / "broken.mp4"))
    assert [*(tmp_path / "data" / "augmented_videos").iterdir()] == []


def test_the_missing_index_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"index.*video_index_input.csv.*fvc setup"):
        stage1_augment_videos(tmp_path, run=QUIET)


def test_an_index_without_usable_sources_is_an_error(tmp_path: Path) -> None:
    write_index(Workspace(tmp_path), [index_row("a", "a.mp4", status="corrupt")])
    with pytest.raises(MissingInputError, match="no usable source"):
        stage1_augment_videos(tmp_path, run=QUIET)


def test_fvc_dup_in_the_shape_of_the_index_stands_in_for_it(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    stand_in = workspace.data / "FVC_dup.csv"
    rows = [{"source": "007", "video_path": "videos/a.mp4", "label": 1, "group": "12"}]
    write_table(pl.DataFrame(rows), stand_in)
    assert read_sources(workspace).select("source", "group", "label", "platform").row(0) == (
        *("007", "12", 1, None),
    )
    write_index(workspace, [index_row("index", "videos/a.mp4")])
    assert read_sources(workspace)["source"].to_list() == ["index"]


def test_fvc_dup_in_its_own_shape_is_refused(tmp_path: Path) -> None:
    stand_in = Workspace(tmp_path).data / "FVC_dup.csv"
    write_table(pl.DataFrame({"cascade_id": [1], "video_url": ["x"], "label": ["fake"]}), stand_in)
    with pytest.raises(TableError, match=r"FVC_dup.csv.*source, video_path, group"):
        stage1_augment_videos(tmp_path, run=QUIET)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"augmentations": ("rotate",)}, "'rotate'.*'rotation'.*temporal_reverse"),
        ({"num_augmentations": -1}, "-1"),
        ({"num_frames": 0}, "num_frames"),
    ],
)
def test_wrong_options_are_said_before_anything_is_read(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match=message):
        stage1_augment_videos(tmp_path, run=QUIET, **options)


def test_rows_and_variants_say_the_same() -> None:
    for variant in plan_variants("x", 12, seed=3):
        row = describe(variant, 6)
        assert variant_of_row(row) == (variant, 6)
        assert variant_of_row(describe(variant, None)) == (variant, None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"augmentation": "sepia"}, "unknown augmentation 'sepia'"),
        ({"parameters": "{"}, "not a JSON object"),
        ({"parameters": None}, "not a JSON object"),
        ({"seed": None}, "no seed"),
    ],
)
def test_a_row_that_describes_no_variant_is_refused(change: dict[str, Any], message: str) -> None:
    row = {"clip": "x_aug0", **describe(plan_variants("x", 1)[0], None)} | change
    with pytest.raises(DataError, match=f"'x_aug0'.*{message}"):
        variant_of_row(row)


def test_one_augmentation_alone_and_none(project: Path, tmp_path: Path) -> None:
    os.symlink(project / "videos", tmp_path / "videos")
    write_index(Workspace(tmp_path), [index_row("a", "videos/a.mp4")])
    stage1_augment_videos(tmp_path, num_augmentations=0, run=QUIET)
    assert table(tmp_path)["clip"].to_list() == ["a_original"]
    report = stage1_augment_videos(
        tmp_path, num_augmentations=2, augmentations=("blur",), run=QUIET
    )
    assert (report.done, report.resumed) == (1, 0)
    assert table(tmp_path)["augmentation"].to_list() == ["original", "blur", "blur"]
    assert table(tmp_path)["parameters"].n_unique() == 3
