import unicodedata
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fvc.dataset.members import Limits, MemberError, NameRegister, check_member, safe_target


@pytest.mark.parametrize(
    "name",
    [
        *("/etc/video.mp4", "//host/share/video.mp4", "../video.mp4", "a/../../video.mp4", "a/.."),
        *("C:/video.mp4", "c:video.mp4", "a/video.mp4:stream", "..\\video.mp4", "a\\b.mp4"),
        *(
            "",
            "/",
            "a\x00.mp4",
            "a\nb.mp4",
            "a\u2028b.mp4",
            "x" * 256 + ".mp4",
            "a/" * 40 + "b.mp4",
        ),
        "\ud800.mp4",
    ],
)
def test_unsafe_names_are_refused(name: str) -> None:
    with pytest.raises(MemberError) as caught:
        safe_target(name)
    assert caught.value.kind == "unsafe_path"


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("youtube/AbC_-9/video.mp4", "youtube/AbC_-9/video.mp4"),
        ("./youtube//x/video.mp4", "youtube/x/video.mp4"),
        ("FVC1/youtube/x/video.mp4", "youtube/x/video.mp4"),
        ("fvc1/video.mp4", "video.mp4"),
        ("FVC2/youtube/x/video.mp4", "FVC2/youtube/x/video.mp4"),
        ("a..b/..c/d...mp4", "a..b/..c/d...mp4"),
        ("日本 'quoted' \"name\"/видео.mp4", "日本 'quoted' \"name\"/видео.mp4"),
    ],
)
def test_safe_names_keep_their_place(name: str, target: str) -> None:
    assert safe_target(name, archive_stem="FVC1") == PurePosixPath(target)


@settings(deadline=None, max_examples=300)
@given(
    st.one_of(
        st.text(max_size=40),
        st.lists(st.sampled_from(["..", ".", "", "a", "C:", "FVC1", "é", "\\"]), max_size=8).map(
            "/".join
        ),
    )
)
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    try:
        target = safe_target(name, archive_stem="FVC1")
    except MemberError:
        return
    root = Path("/target")
    full = Path(unicodedata.normalize("NFC", str(root / target)))
    assert not target.is_absolute()
    assert ".." not in target.parts
    assert full.is_relative_to(root)
    assert full != root


def register(*names: str, case_sensitive: bool = True) -> list[str | None]:
    names_seen = NameRegister(case_sensitive=case_sensitive)
    kinds: list[str | None] = []
    for name in names:
        try:
            names_seen.add(name, PurePosixPath(name))
            kinds.append(None)
        except MemberError as error:
            kinds.append(error.kind)
    return kinds


def test_names_that_fall_together_are_refused() -> None:
    assert register("a/b.mp4", "a/b.mp4") == [None, "duplicate"]
    assert register("a/e\u0301.mp4", "a/\u00e9.mp4") == [None, "name_collision"]
    assert register("a/B.mp4", "a/b.mp4") == [None, None]
    assert register("a/B.mp4", "a/b.mp4", case_sensitive=False) == [None, "name_collision"]
    assert register("a/ß.mp4", "A/SS.mp4", case_sensitive=False) == [None, "name_collision"]
    assert register("a.mp4", "a.mp4/video.mp4") == [None, "name_collision"]
    assert register("a.mp4/video.mp4", "a.mp4") == [None, "name_collision"]


def test_what_is_neither_video_nor_table_is_left_alone() -> None:
    for name in ("readme.txt", "run.sh", "a/.hidden.mp4", "__MACOSX/a.mp4", "folder.mp4/"):
        assert check_member(zipfile.ZipInfo(name), archive_stem="", limits=Limits()) is None


def test_growth_is_bounded_by_size_and_ratio() -> None:
    limits = Limits(member_bytes=10_000, ratio=10, ratio_free_bytes=100)
    assert [limits.allowed(n) for n in (1, 10, 500, 5_000)] == [100, 100, 5_000, 10_000]
