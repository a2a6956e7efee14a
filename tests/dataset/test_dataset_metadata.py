from collections import Counter
from pathlib import Path

import pytest

from fvc.dataset.labels import label_sides, parse_label
from fvc.dataset.metadata import Metadata, read_metadata
from fvc.errors import OptionError, TableError


def url(letter: str) -> str:
    return f"https://youtu.be/{letter * 11}"


def read(tmp_path: Path, *, sources: str | bytes = "", copies: str | bytes = "") -> Metadata:
    paths = {}
    for subset, content in (("FVC", sources), ("FVC_dup", copies)):
        if content:
            paths[subset] = tmp_path / f"{subset}.csv"
            data = content if isinstance(content, bytes) else content.encode()
            paths[subset].write_bytes(data)
    return read_metadata(paths)


def labels(metadata: Metadata) -> dict[str, str]:
    return {ref.video_id[0]: video.raw_label for ref, video in metadata.videos.items()}


def test_cascades_of_both_files_are_the_groups(tmp_path: Path) -> None:
    metadata = read(
        tmp_path,
        sources=f"cascade_id,video_url,label\nf1,{url('a')},fake\nr1,{url('b')},real\n",
        copies=f"cascade_id,video_url,label\nf1,{url('c')},real\n",
    )
    groups = {ref.video_id[0]: video.group for ref, video in metadata.videos.items()}
    assert groups == {"a": "f1", "b": "r1", "c": "f1"}
    assert metadata.mixed_cascades == ("f1",)
    assert {v.subset for v in metadata.videos.values()} == {"FVC", "FVC_dup"}


def test_a_video_in_two_cascades_joins_them_with_all_their_members(tmp_path: Path) -> None:
    rows = [("f2", "a"), ("f10", "a"), ("f10", "b"), ("f7", "b"), ("f3", "c"), ("f2", "d")]
    text = "cascade_id,video_url,label\n" + "".join(f"{c},{url(v)},fake\n" for c, v in rows)
    metadata = read(tmp_path, copies=text)
    groups = {ref.video_id[0]: video.group for ref, video in metadata.videos.items()}
    assert groups["a"] == groups["b"] == groups["d"] == "f2+f7+f10"
    assert groups["c"] == "f3"
    assert metadata.joined == {"f2+f7+f10": ("f2", "f7", "f10")}


def test_labels_that_disagree_are_reported_and_not_guessed(tmp_path: Path) -> None:
    text = (
        f"cascade_id,video_url,label\nf1,{url('a')},fake\nf1,{url('a')},real\nf1,{url('b')},real\n"
    )
    metadata = read(tmp_path, copies=text)
    assert labels(metadata) == {"b": "real"}
    [conflict] = metadata.conflicts.values()
    assert conflict.kind == "label_conflict"
    assert "fake in FVC_dup.csv line 2" in conflict.reason
    assert "real in FVC_dup.csv line 3" in conflict.reason


def test_a_row_without_a_cascade_gets_its_own_group(tmp_path: Path) -> None:
    metadata = read(tmp_path, sources=f"cascade_id,video_url,label\n,{url('a')},fake\n")
    [video] = metadata.videos.values()
    assert (video.group, video.group_source) == ("youtube_aaaaaaaaaaa", "own")


def test_bad_rows_are_problems_with_their_line_and_the_rest_is_read(tmp_path: Path) -> None:
    text = (
        "cascade_id,video_url,label\n"
        f"f1,{url('a')},fake\n\n"
        "f1,https://example.com/x,fake\n"
        f"f1,{url('b')},perhaps\n"
        "f1\n"
    )
    metadata = read(tmp_path, sources=text)
    assert labels(metadata) == {"a": "fake"}
    assert [(p.unit, p.kind) for p in metadata.problems] == [
        ("FVC.csv line 4", "url"),
        ("FVC.csv line 5", "label"),
        ("FVC.csv line 6", "label"),
    ]


TEXT = f"cascade_id,video_url,label\nf1,{url('a')},fake\nr1,{url('b')},real\n"


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        TEXT.replace(",", ";").encode(),
        TEXT.replace(",", "\t").encode(),
        TEXT.replace(",", " , ").encode(),
        TEXT.replace("cascade_id", "Cascade_ID").replace("fake", "FAKE").encode(),
        ("note," + TEXT.replace("\nf1", "\ncafé,f1").replace("\nr1", '\n"a,\nb",r1')).encode(
            "cp1252"
        ),
        ('"cascade_id","video_url","label"\n' + f'"f1","{url("a")}","fake"\n'
         + f'r1,"{url("b")}",real').encode(),
    ],
    ids=["bom", "utf16", "crlf", "cr", "semicolon", "tab", "spaces", "case", "cp1252", "quotes"],
)  # fmt: skip
def test_a_csv_is_read_however_it_was_saved(tmp_path: Path, content: bytes) -> None:
    assert labels(read(tmp_path, sources=content)) == {"a": "fake", "b": "real"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\n", "is empty"),
        (b"id,url\n1,2\n", "no column cascade_id, video_url, label"),
        (TEXT.encode() + b"f1,x,fake,surplus\n", "line 4: 4 values for 3 columns"),
        (b"label,label,cascade_id,video_url\n", "twice"),
        (b"\xff\xfe\x00", "utf-16"),
    ],
)
def test_an_unreadable_csv_is_said_with_file_and_reason(
    tmp_path: Path, content: bytes, said: str
) -> None:
    with pytest.raises(TableError, match=said):
        read(tmp_path, sources=content)


def test_only_real_and_fake_are_kept_unless_asked() -> None:
    assert label_sides(()) == {"real": 0, "fake": 1}
    assert label_sides(("debunked", "parody=real", "uncertain=fake")) == {
        **{"real": 0, "fake": 1},
        **{"debunked": 1, "parody": 0, "uncertain": 1},
    }


@pytest.mark.parametrize("item", ["uncertain", "rael", "real=fake", "debunked=maybe"])
def test_an_unclear_wish_for_a_label_is_an_option_error(item: str) -> None:
    with pytest.raises(OptionError):
        label_sides((item,))


def test_labels_are_words_or_digits() -> None:
    found = [parse_label(t) for t in ("Real", " FAKE ", "0", "1", "1.0", "", "2", "true")]
    assert found == [0, 1, 0, 1, 1, None, None, None]


@pytest.mark.fvc_metadata
def test_the_facts_of_the_real_corpus(fvc_metadata: Path) -> None:
    metadata = read_metadata({s: fvc_metadata / f"{s}.csv" for s in ("FVC", "FVC_dup")})
    assert not metadata.problems
    assert Counter(row.subset for row in metadata.rows) == {"FVC": 380, "FVC_dup": 5199}
    assert Counter(r.raw_label for r in metadata.rows if r.subset == "FVC_dup") == {
        **{"fake": 2720, "real": 1984, "uncertain": 340, "debunked": 89, "parody": 66}
    }
    assert len(metadata.mixed_cascades) == 12
    assert {"f9", "f10", "f192"} <= set(metadata.mixed_cascades)
    assert len(metadata.in_several_cascades) == 3
    assert metadata.joined == {
        "f138+f139+f140+f142": ("f138", "f139", "f140", "f142"),
        "f144+f145": ("f144", "f145"),
    }
    assert len({row.cascade for row in metadata.rows}) == 380
    # Two videos have two labels each: left out, not guessed.
    assert len(metadata.conflicts) == 2
    assert all(
        video.group and video.group_source == "cascade" for video in metadata.videos.values()
    )
    cascade_of = {c: v.group for v in metadata.videos.values() for c in v.cascades}
    assert all(cascade_of[c] == v.group for v in metadata.videos.values() for c in v.cascades)
