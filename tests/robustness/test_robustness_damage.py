"""What the fuzz target found, each as small as it gets; the files are made here."""

import contextlib
import re
import struct
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from fvc.augmentation.stage import AugmentSource
from fvc.engines import LocalEngine
from fvc.errors import VideoError
from fvc.stages import Unit
from fvc.video import decode, decode_reversed, packet_statistics, probe, sample_frames
from fvc.video.container import _claimed_size

EVERYTHING: list[Callable[[Path], object]] = [
    probe,
    packet_statistics,
    sample_frames,
    lambda path: list(decode(path)),
    lambda path: list(decode_reversed(path)),
]
MakeVideo = Callable[..., Path]


def outcomes(path: Path) -> set[str]:
    """Kinds of failure of everything that reads a video; anything but a `VideoError` comes out."""
    kinds = set()
    for call in EVERYTHING:
        try:
            call(path)
        except VideoError as error:
            kinds.add(error.kind)
    return kinds


def test_frames_that_come_in_another_order_than_their_times(
    tmp_path: Path, make_video: MakeVideo
) -> None:
    """Forwards, late frames get new times; backwards must give the same frames and times."""
    source = make_video(tmp_path / "a.mkv", codec="ffv1", frames=8, options={"g": "8"})
    data = source.read_bytes()
    blocks = _blocks(data)
    first, second = blocks[1], blocks[5]
    mixed = (
        data[: first[0]] + data[slice(*second)] + data[first[1] : second[0]]
        + data[slice(*first)] + data[second[1] :]
    )  # fmt: skip
    path = tmp_path / "b.mkv"
    path.write_bytes(mixed)
    forwards = [frame.pts for frame in decode(path)]
    assert forwards == sorted(forwards)
    assert forwards != [40 * i for i in range(8)]
    backwards = [frame.pts for frame in decode_reversed(path)]
    assert backwards == forwards[::-1]
    sampled = sample_frames(path, num_frames=3)
    ticks = [round(seconds * 1000) for seconds in sampled.pts_seconds]
    assert set(ticks) <= set(forwards)


def _blocks(data: bytes) -> list[tuple[int, int]]:
    """Start and end of each SimpleBlock (0xA3) in the clusters of a small Matroska file."""
    found, place = [], data.index(bytes.fromhex("1F43B675"))
    place += 4 + 8
    while place < len(data):
        start = place
        tag = data[place]
        if tag not in (0xE7, 0xA3, 0xAB):
            break
        width = 9 - data[place + 1].bit_length()
        size = int.from_bytes(data[place + 1 : place + 1 + width], "big") & ((1 << 7 * width) - 1)
        place += 1 + width + size
        if tag == 0xA3:
            found.append((start, place))
    return found


def spoilt_msmpeg4(folder: Path, make_video: MakeVideo, frame: int) -> Path:
    """An AVI file in which one frame's own header is nonsense."""
    whole = make_video(folder / "whole.avi", codec="msmpeg4", frames=20, options={"g": "5"})
    data = bytearray(whole.read_bytes())
    places = [m.end() + 4 for m in re.finditer(b"00dc", data[: data.index(b"idx1")])]
    data[places[frame] : places[frame] + 4] = b"\0\0\7\0"
    path = folder / f"{frame}.avi"
    path.write_bytes(data)
    return path


def test_a_decoder_that_answers_damage_with_minus_one(
    tmp_path: Path, make_video: MakeVideo
) -> None:
    """FFmpeg's old decoders give −1, which is the system's "not permitted": still damage."""
    path = spoilt_msmpeg4(tmp_path, make_video, 7)
    assert outcomes(path) == {"corrupt"}
    with pytest.raises(VideoError) as caught:
        list(decode(path))
    assert re.fullmatch(r"decoding failed after \d frames; get the file again", caught.value.reason)


def test_a_damaged_source_does_not_end_the_stage(tmp_path: Path, make_video: MakeVideo) -> None:
    """−1 of a decoder in the middle of writing is not a disk that forbids it."""
    units = []
    for frame in (7, 12, 16):
        row = {"source": f"s{frame}", "label": 0, "group": "g", "collection": "c"}
        where = spoilt_msmpeg4(tmp_path, make_video, frame).name
        units.append(Unit(f"s{frame}", {**row, "platform": None, "video_path": where}, ""))
    work = AugmentSource(str(tmp_path), 1, None, 0, ("temporal_reverse",))
    kinds = [o.failure and o.failure.kind for o in LocalEngine(1).submit(work, units)]
    assert kinds == ["corrupt"] * 3


@pytest.mark.parametrize("ending", ["mkv", "webm", "avi"])
def test_even_a_fraction_of_a_second_that_is_cut_off_is_noticed(
    tmp_path: Path, make_video: MakeVideo, ending: str
) -> None:
    codec = {"mkv": "ffv1", "webm": "libvpx", "avi": "mpeg4"}[ending]
    whole = make_video(tmp_path / f"a.{ending}", codec=codec, frames=8)
    assert probe(whole).frame_count == 8
    path = tmp_path / f"b.{ending}"
    for missing in (20, whole.stat().st_size // 4):
        path.write_bytes(whole.read_bytes()[:-missing])
        said = f"cut off: at least {missing - 8 * (ending == 'avi'):,} bytes"
        with pytest.raises(VideoError, match=said):
            probe(path)
        assert outcomes(path) == {"corrupt"}


def test_an_index_that_promises_more_than_memory_holds(
    tmp_path: Path, make_video: MakeVideo
) -> None:
    whole = make_video(tmp_path / "a.mp4").read_bytes()
    for table, count in (("stts", 2**31 - 1), ("stsz", 2**32 - 1), ("ctts", 2**31 - 1)):
        if table.encode() not in whole:
            continue
        place = whole.index(table.encode()) + (8 if table != "stsz" else 12)
        path = tmp_path / f"{table}.mp4"
        path.write_bytes(whole[:place] + struct.pack(">I", count) + whole[place + 4 :])
        assert outcomes(path) <= {"corrupt", "not_a_video", "no_frames", "no_video_stream"}


def test_a_key_frame_that_is_hidden_behind_a_leap_in_time(
    tmp_path: Path, make_video: MakeVideo
) -> None:
    """A group of which nothing is shown: an edit list that ends before a fragment's time."""
    fragments = tmp_path / "a.mp4"
    with av.open(
        str(fragments), "w",
        container_options={"movflags": "frag_keyframe+empty_moov+default_base_moof"},
    ) as out:  # fmt: skip
        stream = out.add_stream("libx264", rate=25, options={"g": "8", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(20):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    data = bytearray(fragments.read_bytes())
    second = data.index(b"tfdt", data.index(b"tfdt") + 4)
    data[second + 8 : second + 12] = struct.pack(">I", 7)
    path = tmp_path / "b.mp4"
    path.write_bytes(data)
    forwards = [frame.pts for frame in decode(path)]
    assert [frame.pts for frame in decode_reversed(path)] == forwards[::-1]


def test_times_that_no_file_can_hold(tmp_path: Path, make_video: MakeVideo) -> None:
    source = make_video(tmp_path / "a.mp4", frames=4).read_bytes()
    place = source.index(b"stts") + 8
    assert struct.unpack_from(">I", source, place + 4) == (4,)
    path = tmp_path / "b.mp4"
    path.write_bytes(source[: place + 8] + struct.pack(">I", 2_000_000_000) + source[place + 12 :])
    row = {"source": "s", "label": 0, "group": "g", "collection": "c", "platform": None}
    unit = Unit("s", {**row, "video_path": "b.mp4"}, "")
    work = AugmentSource(str(tmp_path), 0, None, 0, ("flip",))
    with pytest.raises(VideoError) as caught:
        work(unit)
    assert caught.value.kind == "corrupt"
    assert (
        "comes a gap of 156,250 seconds: the times in the file are damaged" in caught.value.reason
    )
    assert list((tmp_path / "data").rglob("*.mp4")) == []


def test_rates_that_no_camera_has(tmp_path: Path, make_video: MakeVideo) -> None:
    """A timescale of two thousand million a second; a single frame may be as short as a tick."""
    for frames, refused in ((6, {"corrupt"}), (1, set())):
        data = make_video(tmp_path / "a.mp4", frames=frames).read_bytes()
        place = data.index(b"mdhd") + 16
        path = tmp_path / f"{frames}.mp4"
        path.write_bytes(data[:place] + struct.pack(">I", 2**31 - 1) + data[place + 4 :])
        kinds = set()
        try:
            probe(path)
        except VideoError as error:
            kinds.add(error.kind)
        assert kinds == refused
    row = {"source": "s", "label": 0, "group": "g", "collection": "c", "platform": None}
    work = AugmentSource(str(tmp_path), 0, None, 0, ("flip",))
    (clip,) = work(Unit("s", {**row, "video_path": "1.mp4"}, ""))
    assert clip["frame_count"] == 1


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"<!DOCTYPE html><title>404</title>" * 9, "holds text, perhaps a web page"),
        (bytes(5000), "nothing but zeros"),
        (b"PK\x03\x04\x14\0\0\0\x08\0" + b"\x93" * 3000, "an archive, not a video"),
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + bytes(3000), "without the index"),
        (b"\x93" * 3000, "it is not a video file"),
    ],
)
def test_what_else_a_file_may_be(tmp_path: Path, head: bytes, said: str) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(head)
    for call in EVERYTHING:
        with pytest.raises(VideoError, match=said) as caught:
            call(path)
        assert caught.value.kind in ("not_a_video", "no_video_stream")


def test_a_stream_that_does_not_say_its_size(tmp_path: Path, make_video: MakeVideo) -> None:
    """FLV tells of a stream when its first packet comes: the header alone may hold none."""
    path = make_video(tmp_path / "a.flv", frames=8)
    assert _claimed_size(path, 0) == (64, 48)
    assert _claimed_size(path, 5) == (0, 0)


def test_a_stream_that_turns_up_in_mid_file(tmp_path: Path, make_video: MakeVideo) -> None:
    """Recordings of broadcasts do that; so does this file when its second half has another id."""
    data = bytearray(make_video(tmp_path / "a.ts", frames=60, options={"g": "10"}).read_bytes())
    late = tmp_path / "late.ts"
    for number in range(12):
        # A program table that is new and names one stream more each time.
        late.write_bytes(
            data + b"".join(_packets_of_another(data, 0x200 + i) for i in range(number))
        )
        for call in EVERYTHING:
            with contextlib.suppress(VideoError):
                call(late)


def _packets_of_another(data: bytes, pid: int) -> bytes:
    """The packets of the video stream (0x100) once more, under another id."""
    found = bytearray()
    for place in range(0, len(data), 188):
        packet = bytearray(data[place : place + 188])
        if int.from_bytes(packet[1:3], "big") & 0x1FFF == 0x100:
            packet[1:3] = ((packet[1] & 0xE0) << 8 | pid).to_bytes(2, "big")
            found += packet
    return bytes(found)
