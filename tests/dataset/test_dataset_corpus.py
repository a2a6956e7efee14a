import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fvc.dataset.candidates import Found, fvc_source_id, path_source_ids
from fvc.dataset.corpus import find_corpus
from fvc.errors import MissingInputError, OptionError, TableError


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"not opened here")


def table(found: Found) -> dict[str, tuple[int, str, str]]:
    return {c.source: (c.label, c.group, c.collection) for c in found.candidates}


def why(found: Found) -> dict[str, str]:
    return {item.unit: item.kind for item in found.left_out}


def test_real_and_fake_folders_are_found_in_any_case_and_depth(tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    put(clips, "Real/a.mp4", "FAKE/deep/er/b.MKV", "set1/fake/c.webm", "real/notes.txt")
    put(clips, "other/d.mp4", "real/fake/e.mp4", "real/.hidden.mp4")
    found = find_corpus(clips)
    assert table(found) == {
        "Real_a": (0, "Real_a", "clips"),
        "FAKE_deep_er_b": (1, "FAKE_deep_er_b", "clips"),
        "set1_fake_c": (1, "set1_fake_c", "set1"),
    }
    assert {c.group_source for c in found.candidates} == {"own"}
    assert why(found) == {"other/d.mp4": "no_label", "real/fake/e.mp4": "no_label"}
    assert found.ignored == {".txt": 1}


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    put(tmp_path / "store", "a.mp4")
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "real").symlink_to(tmp_path / "store")
    (tmp_path / "store" / "loop").symlink_to(tmp_path / "clips")
    assert set(table(find_corpus(tmp_path / "clips"))) == {"real_a"}


def test_a_list_in_the_folder_goes_before_the_folders(tmp_path: Path) -> None:
    put(tmp_path, "real/a.mp4", "fake/b.mp4", "fake/unlisted.mp4")
    (tmp_path / "index.csv").write_text(
        "path,label,group,collection,platform,mood\n"
        "real/a.mp4,real,g1,here,vimeo,glad\n"
        "./fake/b.mp4,1,,,,\n"
    )
    found = find_corpus(tmp_path)
    assert table(found) == {
        "real_a": (0, "g1", "here"),
        "fake_b": (1, "fake_b", tmp_path.name),
    }
    a, b = found.candidates
    assert (a.platform, a.group_source, a.carried) == ("vimeo", "given", {"mood": "glad"})
    assert (b.platform, b.group_source, b.carried) == (None, "own", {"mood": None})
    assert why(found) == {"fake/unlisted.mp4": "not_listed"}
    assert "labels come from" in found.notes[0]


def test_a_csv_that_is_no_list_does_not_hide_the_folders(tmp_path: Path) -> None:
    put(tmp_path, "real/a.mp4")
    (tmp_path / "index.csv").write_text("name,size\na,1\n")
    assert set(table(find_corpus(tmp_path))) == {"real_a"}


def test_a_list_anywhere_names_paths_from_its_folder_or_absolute(tmp_path: Path) -> None:
    put(tmp_path, "lists/x.mp4", "far/y.mp4")
    listed = tmp_path / "lists" / "mine.csv"
    listed.write_text(f"path,label\nx.mp4,0\n{tmp_path}/far/y.mp4,1\n../far/z.mp4,1\n")
    paths = [c.path for c in find_corpus(listed).candidates]
    assert paths == [tmp_path / "lists/x.mp4", tmp_path / "far/y.mp4", tmp_path / "far/z.mp4"]


def test_rows_that_do_not_say_one_thing_are_left_out(tmp_path: Path) -> None:
    listed = tmp_path / "l.csv"
    listed.write_text(
        "path,label,group\n"
        "a.mp4,real,g\n./a.mp4,real,\n"
        "b.mp4,real,g\nb.mp4,fake,g\n"
        "c.mp4,real,g\nc.mp4,real,h\n"
        "d.mp4,maybe,g\n"
        ",real,g\n"
    )
    found = find_corpus(listed)
    assert table(found) == {"a": (0, "g", tmp_path.name)}
    assert why(found) == {
        **{"b.mp4": "label_conflict", "c.mp4": "group_conflict", "d.mp4": "label"},
        "line 9": "no_path",
    }
    assert {item.kind for item in found.left_out if not item.failed} == {"label_conflict"}


def test_a_name_that_is_not_utf8_is_left_out_with_advice(tmp_path: Path) -> None:
    put(tmp_path, "real/a.mp4")
    raw = os.fsencode(tmp_path / "real") + b"/b\xff.mp4"
    with open(raw, "wb"):
        pass
    found = find_corpus(tmp_path)
    assert set(table(found)) == {"real_a"}
    assert list(why(found).values()) == ["file_name"]
    assert found.left_out[0].path == str(tmp_path / "real/b\\udcff.mp4")


def test_a_corpus_whose_own_name_is_not_utf8_is_refused_with_advice(tmp_path: Path) -> None:
    corpus = tmp_path / "b\udcff"
    put(corpus, "real/a.mp4")
    with pytest.raises(OptionError, match=r"not UTF-8.*Rename it"):
        find_corpus(corpus)


def test_a_video_in_place_of_a_list_is_not_read_aloud(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    video.write_bytes(b"\0\0\0 ftypisom" + bytes(range(256)) * 9)
    with pytest.raises(TableError, match="is no text file; a CSV was expected"):
        find_corpus(video)


@pytest.mark.parametrize("content", [None, "", "folder"])
def test_what_is_no_corpus_is_said(tmp_path: Path, content: str | None) -> None:
    corpus = tmp_path / "c"
    if content == "folder":
        put(corpus, "video.mp4")
    elif content is not None:
        corpus = corpus.with_suffix(".csv")
        corpus.write_text(content)
    with pytest.raises((MissingInputError, TableError)):
        find_corpus(corpus)


def test_ids_are_readable_where_nothing_can_collide() -> None:
    assert path_source_ids(["fake/abc.mp4", "real/x-1_y.webm"]) == {
        "fake/abc.mp4": "fake_abc",
        "real/x-1_y.webm": "real_x-1_y",
    }
    assert fvc_source_id("youtube", "dQw4w9WgXcQ") == "youtube_dQw4w9WgXcQ"


@pytest.mark.parametrize(
    "paths",
    [
        ["a/b_c.mp4", "a_b/c.mp4"],
        ["a/b.mp4", "a/b.webm"],
        ["a/b.mp4", "a/B.mp4"],
        ["a/é.mp4", "a/ü.mp4"],
        ["a/" + "x" * 120 + "1.mp4", "a/" + "x" * 120 + "2.mp4"],
        ["...mp4", "___.mp4"],
    ],
)
def test_ids_that_could_collide_carry_a_hash(paths: list[str]) -> None:
    ids = path_source_ids(paths)
    assert len({i.casefold() for i in ids.values()}) == len(paths)
    assert all(len(i) <= 100 for i in ids.values())


@settings(deadline=None, max_examples=150)
@given(st.lists(st.text(min_size=1, max_size=130), unique=True, max_size=12))
def test_ids_are_unique_and_safe_whatever_the_names(paths: list[str]) -> None:
    ids = path_source_ids(paths)
    assert set(ids) == set(paths)
    assert len({i.casefold() for i in ids.values()}) == len(paths)
    assert all(i and len(i) <= 100 and i.replace("-", "a").replace("_", "a").isalnum()
               and i.isascii() for i in ids.values())  # fmt: skip
