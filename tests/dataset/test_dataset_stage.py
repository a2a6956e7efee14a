import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fvc.dataset import setup_dataset
from fvc.dataset.passwords import find_password
from fvc.dataset.zipcrypto import write_zipcrypto
from fvc.errors import (
    ArchiveError,
    DataError,
    LockedError,
    MissingInputError,
    NothingLeftError,
    OptionError,
)
from fvc.stages.locks import PartLock
from fvc.stages.options import Part
from fvc.tables import IndexSchema, check, read_table

MakeVideo = Callable[..., Path]
HEADER = "cascade_id,video_url,label\n"


def index_of(project: Path) -> pl.DataFrame:
    path = project / "data" / "video_index_input.csv"
    return check(read_table(path), IndexSchema, path)


def failures_of(project: Path) -> dict[str, str]:
    frame = read_table(project / "data" / "failures.csv")
    assert set(frame["stage"]) <= {"setup"}
    return dict(zip(frame["unit"], frame["kind"], strict=True))


def url(video: str) -> str:
    return f"https://www.youtube.com/watch?v={video}"


IDS = {letter: letter * 11 for letter in "abcdefABC"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, make_video: MakeVideo) -> bytes:
    return make_video(tmp_path_factory.mktemp("clip") / "v.mp4").read_bytes()


@pytest.fixture
def project(tmp_path: Path, clip: bytes) -> Path:
    """Archives in the corpus's shape: two in ``archive/``, one in the root, CSVs inside."""
    password = find_password()
    archive = tmp_path / "archive"
    archive.mkdir()
    one = [(f"youtube/{IDS[i]}/video.mp4", clip) for i in "abA"]
    write_zipcrypto(archive / "FVC1.zip", one, password=password, deflate=False)
    two = [(f"FVC2/YouTube/{IDS[i]}/video.mp4", clip) for i in "acde"]
    two.append(("FVC2/readme.txt", b"hello"))
    write_zipcrypto(tmp_path / "fvc2.zip", two, password=password)
    sources = HEADER + f"f1,{url(IDS['a'])},fake\nr1,{url(IDS['b'])},real\n"
    copies = HEADER + "".join(
        f"{cascade},{url(IDS[video])},{label}\n"
        for cascade, video, label in [
            *[("f1", "A", "real"), ("r1", "c", "real"), ("f2", "c", "real")],
            *[("f2", "d", "uncertain"), ("f2", "B", "fake")],
        ]
    )
    csvs = [("Metadata/FVC.csv", sources.encode()), ("Metadata/FVC_dup.csv", copies.encode())]
    write_zipcrypto(archive / "Metadata.zip", csvs, password=password)
    return tmp_path


def test_archives_become_an_index_with_groups_and_reasons(project: Path) -> None:
    report = setup_dataset(project, workers=1)
    index = index_of(project)
    rows = {row["video_id"]: row for row in index.to_dicts()}
    assert set(rows) == {IDS[i] for i in "abAc"}
    a = rows[IDS["a"]]
    assert a["source"] == "youtube_aaaaaaaaaaa"
    assert a["video_path"] == "videos/FVC1/youtube/aaaaaaaaaaa/video.mp4"
    assert (a["label"], a["group"], a["group_source"]) == (1, "f1", "cascade")
    assert (a["platform"], a["collection"], a["subset"]) == ("youtube", "FVC1", "FVC")
    assert (a["width"], a["height"], a["frame_count"], a["status"]) == (64, 48, 12, "ok")
    assert rows[IDS["A"]]["label"] == 0
    # c stands in r1 and f2, which are therefore one group.
    assert rows[IDS["b"]]["group"] == rows[IDS["c"]]["group"] == "f2+r1"
    assert rows[IDS["c"]]["collection"] == "FVC2"
    assert failures_of(project) == {
        "FVC2/youtube/aaaaaaaaaaa/video.mp4".replace("youtube", "YouTube"): "same_video",
        "youtube_ddddddddddd": "label_not_kept",
        "youtube_eeeeeeeeeee": "no_label",
    }
    assert report.exit_code == 0
    assert report.by_label == {"real": 3, "fake": 1}
    assert report.by_collection == {
        "FVC1": {"real": 2, "fake": 1},
        "FVC2": {"real": 1, "fake": 0},
    }
    assert report.mixed_cascades == ("f1", "f2")
    assert report.mixed_groups == ("f1",)
    assert report.in_several_cascades == {"youtube_ccccccccccc": ("f2", "r1")}
    assert "1 video(s) of the CSVs are in none of the archives" in report.notes
    assert (project / "videos/Metadata/FVC.csv").is_file()
    assert json.loads((project / "data/video_index_input.json").read_text()) == index.to_dicts()
    document = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert document["n_left_out"] == 3
    assert "ddddddddddd" in report.summary()


def test_every_path_of_the_index_is_there(project: Path) -> None:
    setup_dataset(project, workers=1)
    assert all((project / path).is_file() for path in index_of(project)["video_path"])


def test_a_second_run_gives_the_same_and_extracts_nothing(project: Path) -> None:
    setup_dataset(project, workers=1)
    before = (project / "data/video_index_input.csv").read_bytes()
    report = setup_dataset(project, workers=1)
    assert [a.extracted for a in report.archives] == [0, 0, 0]
    assert [a.resumed for a in report.archives] == [3, 4, 2]
    assert (project / "data/video_index_input.csv").read_bytes() == before


def test_without_its_archives_an_unpacked_corpus_is_indexed(project: Path) -> None:
    setup_dataset(project, workers=1)
    for path in [*project.rglob("*.zip")]:
        path.unlink()
    assert setup_dataset(project, workers=1).n_sources == 4


def test_a_csv_beside_the_archives_goes_before_the_one_inside(project: Path) -> None:
    (project / "archive" / "fvc.csv").write_text(HEADER + f"f9,{url(IDS['e'])},fake\n")
    report = setup_dataset(project, workers=1, include=("uncertain=real",))
    index = index_of(project)
    groups = dict(zip(index["video_id"], index["group"], strict=True))
    assert groups[IDS["e"]] == "f9"
    assert groups[IDS["d"]] == "f2+r1"
    assert "FVC.csv was taken from archive/fvc.csv" in report.notes


def test_a_damaged_archive_does_not_stop_the_others(project: Path) -> None:
    whole = (project / "fvc2.zip").read_bytes()
    (project / "fvc2.zip").write_bytes(whole[:500])
    report = setup_dataset(project, workers=1)
    assert report.n_sources == 3
    assert report.exit_code == 5
    assert failures_of(project)["fvc2.zip"] == "archive"


def test_a_wrong_password_stops_the_run_and_is_not_in_any_file(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FVC_ARCHIVE_PASSWORD", "s3cret-and-wrong")
    with pytest.raises(ArchiveError, match="password is wrong"):
        setup_dataset(project, workers=1)
    texts = [p.read_bytes() for p in project.rglob("*") if p.is_file()]
    assert not any(b"s3cret" in text for text in texts)


def test_strict_stops_at_what_could_not_be_used(project: Path) -> None:
    setup_dataset(project, workers=1, strict=True)
    (project / "archive/FVC.csv").write_text(HEADER + "f1,https://example.com/,fake\n")
    with pytest.raises(DataError, match=r"FVC\.csv line 2: .*1 in all"):
        setup_dataset(project, workers=1, strict=True)


def test_two_runs_at_once_are_refused(project: Path) -> None:
    lock = PartLock(project / "data" / ".setup", Part(), "setup")
    lock.acquire()
    try:
        with pytest.raises(LockedError):
            setup_dataset(project, workers=1)
    finally:
        lock.release()


def test_nothing_to_set_up_says_where_it_looked_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError) as caught:
        setup_dataset(tmp_path)
    message = str(caught.value)
    assert str(tmp_path / "archive") in message
    assert "--corpus DIR" in message
    assert "fvc demo" in message
    assert list(tmp_path.iterdir()) == []


def test_archives_without_any_csv_say_so(project: Path) -> None:
    (project / "archive" / "Metadata.zip").unlink()
    with pytest.raises(MissingInputError, match=r"FVC\.csv"):
        setup_dataset(project, workers=1)


def test_hostile_files_are_reported_and_the_rest_indexed(
    tmp_path: Path, make_video: MakeVideo, clip: bytes
) -> None:
    clips = tmp_path / "my clips ' \" é 日本"
    good = [make_video(clips / "real" / "one (1).mp4"), make_video(clips / "fake" / "ok.mp4")]
    make_video(clips / "real" / "single.mp4", frames=1)
    (clips / "fake" / "text.mp4").write_text("this is no video\n" * 50)
    (clips / "fake" / "empty.mp4").touch()
    (clips / "fake" / "short.mp4").write_bytes(clip[: len(clip) // 3])
    (clips / "fake" / "zeros.webm").write_bytes(bytes(5_000))
    (clips / "fake" / "gone.mp4").symlink_to(clips / "nowhere")
    project = tmp_path / "project"
    report = setup_dataset(project, corpus=clips)
    assert report.exit_code == 5
    assert set(index_of(project)["source"].str.slice(0, 8)) == {"real_one", "fake_ok", "real_sin"}
    failed = failures_of(project)
    assert set(failed) == {f"fake_{n}" for n in ("text", "empty", "short", "zeros", "gone")}
    assert failed["fake_empty"] == "empty"
    reasons = {item.unit: item.reason for item in report.left_out}
    assert all(len(reason) > 10 for reason in reasons.values())
    paths = [(project / path).resolve() for path in index_of(project)["video_path"]]
    assert {p.resolve() for p in good} <= set(paths)


def test_a_corpus_without_one_usable_video_ends_with_nothing_left(tmp_path: Path) -> None:
    (tmp_path / "c" / "real").mkdir(parents=True)
    (tmp_path / "c" / "real" / "a.mp4").write_text("x")
    with pytest.raises(NothingLeftError):
        setup_dataset(tmp_path / "p", corpus=tmp_path / "c", workers=1)
    assert set(failures_of(tmp_path / "p")) == {"real_a"}


def test_what_the_file_says_wins_over_the_list(tmp_path: Path, make_video: MakeVideo) -> None:
    make_video(tmp_path / "c" / "a.mp4")
    make_video(tmp_path / "c" / "b.mp4")
    (tmp_path / "c" / "index.csv").write_text(
        "path,label,width,height,fps,has_audio,source,licence\n"
        "a.mp4,real,64,999,25.001,0,mine,CC\nb.mp4,fake,64,48,25,1,,\n"
    )
    setup_dataset(tmp_path / "p", corpus=tmp_path / "c", workers=1)
    index = index_of(tmp_path / "p")
    extra = [name for name in index.columns if name not in IndexSchema.column_names()]
    assert sorted(extra) == [
        *("declared_has_audio", "declared_height", "declared_source", "licence")
    ]
    assert index["height"].to_list() == [48, 48]
    assert [str(v) if v is not None else v for v in index["declared_height"]] == ["999", None]
    assert index["declared_source"].to_list() == ["mine", None]
    assert index["source"].to_list() == ["a", "b"]


def test_the_password_is_taken_from_the_nearest_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FVC_ARCHIVE_PASSWORD", raising=False)
    published = find_password()
    assert published
    monkeypatch.setenv("FVC_ARCHIVE_PASSWORD", "from environment")
    assert find_password() == "from environment"
    assert find_password("given") == "given"
    (tmp_path / "p").write_text("from file\nrest")
    assert find_password(None, tmp_path / "p") == "from file"
    monkeypatch.setattr("sys.stdin", _Pipe("piped\n"))
    assert find_password("-") == "piped"
    with pytest.raises(OptionError):
        find_password("a", tmp_path / "p")
    with pytest.raises(OptionError):
        find_password("")
    with pytest.raises(MissingInputError):
        find_password(None, tmp_path / "missing")


class _Pipe:
    def __init__(self, line: str) -> None:
        self.line = line

    def isatty(self) -> bool:
        return False

    def readline(self) -> str:
        return self.line


@pytest.mark.real_clips
def test_the_real_clips_are_all_indexed(tmp_path: Path, real_clips: Path) -> None:
    report = setup_dataset(tmp_path, corpus=real_clips)
    index = index_of(tmp_path)
    assert (report.by_label, report.n_groups) == ({"real": 50, "fake": 40}, 77)
    assert report.exit_code == 0
    assert len(report.mixed_groups) == 4
    assert index["collection"].n_unique() == 18
    declared: list[Any] = index["frames"].to_list()
    pairs = zip(index["source"], index["frame_count"], declared, strict=True)
    # One clip has several video streams, and its list describes another one than is shown.
    far = {source for source, frames, said in pairs if abs(frames - int(said)) > 2}
    assert far == {"real_meta-pytorch-torchcodec__nasa_13013"}
    assert all((tmp_path / path).is_file() for path in index["video_path"])
    assert set(index["label_confidence"]) <= {"high", "medium", "low"}
