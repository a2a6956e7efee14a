"""``fvc show``: any file ends as a preview or as a sentence, and what is shown is what is there."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl
import pytest

from fvc.cli.app import run
from fvc.cli.show import half_blocks
from fvc.features.names import FEATURE_NAMES
from fvc.reporting.preview.videos import Frames, contact_sheet, describe_video

Make = Callable[..., Path]

FRAME = pl.DataFrame(
    {
        "clip": [f"clip_{i}" for i in range(5000)],
        "label": [None if i % 7 == 0 else i % 2 for i in range(5000)],
        "score": [i / 4 if i % 3 else None for i in range(5000)],
        "is_original": [i % 2 == 0 for i in range(5000)],
    }
)


def shown(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    assert run(["show", *map(str, words), "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def write(path: Path, frame: pl.DataFrame = FRAME) -> Path:
    {".arrow": frame.write_ipc, ".parquet": frame.write_parquet, ".csv": frame.write_csv}[
        path.suffix
    ](path)
    return path


@pytest.mark.parametrize("ending", ["arrow", "parquet", "csv"])
def test_a_table_is_described_as_polars_reads_it(
    ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = shown(capsys, write(tmp_path / f"table.{ending}"), "--rows", 3)
    assert found["kind"] == "table"
    assert (found["n_rows"], found["n_columns"]) == FRAME.shape
    nulls = {c["name"]: c["nulls"] for c in found["columns"]}
    assert nulls == FRAME.null_count().to_dicts()[0]
    types = [c["type"] for c in found["columns"]]
    assert types == ["text", "integer", "number", "boolean"]
    texts = [[None if v is None else str(v).lower() for v in row] for row in found["rows"]]
    want = [[None if v is None else str(v).lower() for v in row] for row in FRAME.head(3).rows()]
    assert texts == want


def test_a_parquet_file_without_statistics_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plain.parquet"
    FRAME.write_parquet(path, statistics=False)
    found = shown(capsys, path)
    assert [c["nulls"] for c in found["columns"]] == list(FRAME.null_count().row(0))
    assert found["n_rows"] == FRAME.height


def test_a_table_is_drawn_whole_where_it_is_piped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["show", str(write(tmp_path / "table.csv"))]) == 0
    out = capsys.readouterr().out
    assert "5,000 rows × 4 columns" in out
    assert "clip_7" in out
    assert "1,667" in out  # missing scores


@pytest.mark.slow
def test_a_large_table_takes_no_more_memory_than_a_small_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "large.csv"
    line = b"some_clip_of_a_source,1,0.25," + b"x" * 70 + b"\n"
    with path.open("wb") as file:
        file.write(b"clip,label,score,note\n")
        for _ in range(60):
            file.write(line * 50_000)
    # 300 MB of text within a limit of 256 MiB, the libraries included.
    found = shown(capsys, path, "--memory-limit-mib", 256)
    assert found["n_rows"] == 3_000_000


def test_a_feature_file_has_its_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = np.arange(15, dtype=np.float32)
    values[4] = np.nan
    np.save(tmp_path / "clip.npy", values)
    found = shown(capsys, tmp_path / "clip.npy")
    assert list(found["features"]) == list(FEATURE_NAMES)
    assert found["features"][FEATURE_NAMES[4]] is None
    assert found["features"][FEATURE_NAMES[14]] == 14
    assert run(["show", str(tmp_path / "clip.npy")]) == 0
    assert "missing" in capsys.readouterr().out


def test_another_array_is_summed_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = np.random.default_rng(0).normal(size=(300, 7))
    values[3, 2] = np.nan
    np.save(tmp_path / "a.npy", values)
    found = shown(capsys, tmp_path / "a.npy")
    assert found["shape"] == [300, 7]
    assert found["n_nan"] == 1
    assert found["mean"] == pytest.approx(np.nanmean(values))
    assert (found["least"], found["largest"]) == (np.nanmin(values), np.nanmax(values))


def test_a_document_is_named_and_outlined(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board = {"models": [{"model": "svm"}] * 3, "baselines": [], "split": {"n_splits": 5}}
    (tmp_path / "leaderboard.json").write_text(json.dumps(board), encoding="utf-8")
    found = shown(capsys, tmp_path / "leaderboard.json")
    assert found["what"] == "leaderboard"
    assert found["drawn_by"] == "fvc leaderboard"
    lines = {line["key"]: line["value"] for line in found["outline"]}
    assert lines["n_splits"] == "5"
    assert lines["models"].startswith("3 items")
    assert run(["show", str(tmp_path / "leaderboard.json")]) == 0
    assert "`fvc leaderboard` draws it" in capsys.readouterr().out


def test_a_video_is_probed_and_laid_out(
    tmp_path: Path, make_video: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    video = make_video(tmp_path / "clip.mp4", frames=25, width=64, height=48, fps=25)
    sheet = tmp_path / "new" / "sheet.png"
    found = shown(capsys, video, "--output", sheet, "--num-frames", 5)
    assert (found["width"], found["height"], found["frame_count"]) == (64, 48, 25)
    # The centres of five equal parts of a second.
    assert found["frames_at"] == pytest.approx([0.08, 0.28, 0.48, 0.68, 0.88])
    picture = cv2.imread(str(sheet))
    _, frames = describe_video(str(video), num_frames=5)
    assert picture.shape == contact_sheet(frames).shape
    # Lossless, in the order of time from the upper left, and with red where red was.
    first = frames.pictures[0]
    part = picture[8 : 8 + first.shape[0], 8 : 8 + first.shape[1], ::-1]
    assert np.array_equal(part, first)


def test_a_turned_video_is_shown_upright(tmp_path: Path, make_video: Make) -> None:
    import av

    flat = make_video(tmp_path / "flat.mp4", frames=4, width=64, height=48)
    turned = tmp_path / "turned.mp4"
    with av.open(str(flat)) as source, av.open(str(turned), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    data = turned.read_bytes()
    unity = b"".join(n.to_bytes(4, "big") for n in (65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30))
    quarter = b"".join(
        n.to_bytes(4, "big", signed=True) for n in (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
    )
    place = data.index(unity, data.index(b"tkhd"))
    turned.write_bytes(data[:place] + quarter + data[place + 36 :])
    facts, frames = describe_video(str(turned), num_frames=1)
    _, before = describe_video(str(flat), num_frames=1)
    assert facts["rotation"] in (90, 270)
    assert (facts["width"], facts["height"]) == (48, 64)
    assert frames.pictures[0].shape == (320, 240, 3)
    clockwise = facts["rotation"] == 90
    expected = np.rot90(before.pictures[0], k=-1 if clockwise else 1)
    difference = frames.pictures[0].astype(float) - expected
    assert np.abs(difference).mean() < 2


def test_half_blocks_have_the_colours_of_the_frames_and_fit() -> None:
    picture = np.zeros((90, 160, 3), np.uint8)
    picture[:45], picture[45:] = (255, 0, 0), (0, 0, 255)
    frames = Frames((picture,) * 12, tuple(float(i) for i in range(12)))
    for width in (20, 40, 80, 120, 200):
        lines = half_blocks(frames, width)
        assert max(line.cell_len for line in lines) <= width
    first, *_, last = [line for line in lines if "▀" in line.plain]
    assert str(first.spans[0].style) == "#ff0000 on #ff0000"
    assert str(last.spans[0].style) == "#0000ff on #0000ff"


def _object_array(path: Path) -> None:
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)


HOSTILE: dict[str, Callable[[Path], object]] = {
    "empty.arrow": lambda p: p.write_bytes(b""),
    "noise.arrow": lambda p: p.write_bytes(b"ARROW1" + os.urandom(500)),
    "noise.parquet": lambda p: p.write_bytes(b"PAR1" + os.urandom(500) + b"PAR1"),
    "empty.csv": lambda p: p.write_bytes(b""),
    "ragged.csv": lambda p: p.write_text("a,b\n1,2\n1,2,3\n", encoding="utf-8"),
    "latin.csv": lambda p: p.write_bytes(b"a,b\n\xff\xfe,2\n"),
    "broken.json": lambda p: p.write_text('{"a": ', encoding="utf-8"),
    "deep.json": lambda p: p.write_text("[" * 200_000, encoding="utf-8"),
    "objects.npy": _object_array,
    "text.npy": lambda p: p.write_text("no array", encoding="utf-8"),
    "huge.npy": lambda p: p.write_bytes(
        b"\x93NUMPY\x01\x00\x46\x00"
        + b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }".ljust(70)
    ),
    "noise.mp4": lambda p: p.write_bytes(os.urandom(4000)),
    "page.mp4": lambda p: p.write_text("<!DOCTYPE html><html></html>", encoding="utf-8"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gets_a_sentence(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    HOSTILE[name](path)
    assert run(["show", str(path)]) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert name in captured.err
    assert "Traceback" not in captured.err
    assert len(captured.err.strip().splitlines()) == 1


def test_objects_in_an_array_are_not_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _object_array(tmp_path / "a.npy")
    assert run(["show", str(tmp_path / "a.npy")]) == 4
    assert "could run any code" in capsys.readouterr().err


def test_names_cannot_act_on_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a\x1b[31m.csv"
    path.write_text("x\x1b[2J,[bold]y[/]\n\x1b[31mred,[/nothing]\n", encoding="utf-8")
    assert run(["show", str(path)]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "[bold]y[/]" in out
    assert "[/nothing]" in out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nothing.csv"], 3, "no such file"),
        (["."], 2, "fvc dashboard"),
        (["t.csv", "--output", "s.png"], 2, "contact sheet"),
        (["t.csv", "--rows", "-1"], 2, "--rows"),
        (["v.mp4", "--output", "s.jpg"], 2, ".png"),
        (["v.mp4", "--num-frames", "0"], 2, "--num-frames"),
    ],
)
def test_wrong_uses_say_what_is_meant(
    words: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("a\n1\n", encoding="utf-8")
    (tmp_path / "v.mp4").write_bytes(b"x")
    assert run(["show", *words]) == code
    assert said in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t.csv", "v.mp4"]
