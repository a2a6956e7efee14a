"""Full decodes, forwards and backwards; what probing and counting packets tell."""

import tracemalloc
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from special_videos import SPECIAL, encode, full_decode, planes, same

from fvc.errors import VideoError
from fvc.video import Standardiser, decode, decode_reversed, packet_statistics, probe, reversing
from fvc.video.reading import PacketReader, Run, UnsureError

Special = Callable[[str], Path]
REGULAR = [name for name in SPECIAL if name != "negative_start"]


@pytest.mark.parametrize("name", REGULAR)
def test_decode_gives_every_frame(special: Special, name: str) -> None:
    times, samples, _ = full_decode(special(name))
    calls: list[int] = []
    count = 0
    for frame, time, expected in zip(
        decode(special(name), on_frame=lambda: calls.append(1)), times, samples, strict=True
    ):
        count += 1
        assert frame.pts == time
        assert frame.time_base is not None
        assert same(frame, expected)
    assert len(calls) == count


@pytest.mark.parametrize("name", SPECIAL)
def test_reversed_is_a_full_decode_reversed(special: Special, name: str) -> None:
    forwards = [(f.pts, planes(f)) for f in decode(special(name))]
    for frame, (time, expected) in zip(
        decode_reversed(special(name)), reversed(forwards), strict=True
    ):
        assert frame.pts == time
        assert frame.time_base is not None
        assert same(frame, expected)


@pytest.mark.parametrize("name", ["vfr", "open_gop", "ten_bit", "one_gop", "negative_start"])
@pytest.mark.parametrize("spilled_frames", [1000, 10])
def test_reversed_through_a_file_and_in_stretches(
    special: Special,
    name: str,
    spilled_frames: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    path = special(name)
    info = probe(path)
    monkeypatch.setattr(reversing, "HELD_FRAMES", 2)
    monkeypatch.setattr(reversing, "SPILLED_BYTES", spilled_frames * info.width * info.height * 3)
    forwards = list(decode(path))
    backwards = decode_reversed(path, spill_folder=tmp_path)
    for frame, original in zip(backwards, reversed(forwards), strict=True):
        assert (frame.pts, frame.time_base) == (original.pts, original.time_base)
        assert (frame.duration, frame.color_range) == (original.duration, original.color_range)
        assert same(frame, planes(original))
    assert not list(tmp_path.iterdir())


def test_reversed_prepares_frames_before_they_are_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = encode(tmp_path / "a.mp4", times=range(0, 400, 40), rotation=90)
    monkeypatch.setattr(reversing, "HELD_FRAMES", 1)
    upright = [planes(f) for f in map(Standardiser(), decode(path))]
    backwards = decode_reversed(path, prepare=Standardiser())
    for frame, expected in zip(backwards, reversed(upright), strict=True):
        assert (frame.width, frame.height) == (48, 64)
        assert same(frame, expected)


def test_a_large_group_of_pictures_is_not_held(tmp_path: Path) -> None:
    """One group of 400 frames; Python's own memory is bounded by the few that are in flight."""
    path = encode(
        tmp_path / "a.mp4", times=range(0, 400 * 40, 40), options={"g": "1000", "bf": "0"}
    )
    tracemalloc.start()
    count = sum(1 for _ in decode_reversed(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 400
    assert peak < 3_000_000


def test_doubt_in_the_middle_leads_to_a_full_decode(
    special: Special, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = special("open_gop")
    expected = [(f.pts, planes(f)) for f in decode(path)][::-1]
    plain = PacketReader.decode

    def doubtful(self: PacketReader, run: Run, **options: object) -> object:
        for number, frame in enumerate(plain(self, run, **options)):
            if run.first < 40 and number == 5:
                raise UnsureError("for the test")
            yield frame

    monkeypatch.setattr(PacketReader, "decode", doubtful)
    for frame, (time, samples) in zip(decode_reversed(path), expected, strict=True):
        assert frame.pts == time
        assert same(frame, samples)


@pytest.mark.parametrize("name", REGULAR)
def test_probe_agrees_with_a_full_decode(special: Special, name: str) -> None:
    path = special(name)
    times, _, tick = full_decode(path)
    first = next(decode(path))
    info = probe(path)
    assert info.frame_count == len(times)
    assert (info.width, info.height) == (first.width, first.height)
    assert info.pixel_format == first.format.name
    assert info.file_size_bytes == path.stat().st_size
    assert not info.has_audio
    assert info.fps == pytest.approx(info.frame_count / info.duration_seconds)
    # A variable rate leaves it open how long the last frame lasts.
    shown = (times[-1] - times[0]) * tick
    assert shown - 0.2 <= info.duration_seconds <= shown + 0.21
    assert info.bitrate > 0


def test_probe_names_things(special: Special) -> None:
    info = probe(special("vp9_webm"))
    assert (info.width, info.height, info.rotation) == (63, 47, 0)
    assert (info.codec_name, info.container, info.pixel_format) == ("vp9", "matroska", "yuv420p")
    assert info.sample_aspect_ratio == 1
    assert info.fps == pytest.approx(25)
    assert probe(special("hevc_open_gop")).codec_name == "hevc"
    assert probe(special("mpeg4_avi")).codec_name == "mpeg4"
    assert probe(special("ten_bit")).pixel_format == "yuv420p10le"


def test_probe_decodes_one_frame(special: Special, monkeypatch: pytest.MonkeyPatch) -> None:
    path = encode(special("vfr").with_name("a.mp4"), times=range(0, 4000, 40))
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        later = [p.pos for p in container.demux(video=0) if p.size][50:]
    for place in later:
        data[place + 4 : place + 12] = b"\0" * 8
    path.write_bytes(data)
    assert probe(path).frame_count == 100
    with pytest.raises(VideoError) as caught:
        list(decode(path))
    assert caught.value.kind == "corrupt"


def test_packet_statistics(tmp_path: Path) -> None:
    path = encode(
        tmp_path / "a.mkv",
        times=range(1000, 1000 + 40 * 50, 40),
        options={"g": "20", "bf": "2", "sc_threshold": "0"},
    )
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        sizes = [p.size for p in packets]
        keys = [p.is_keyframe for p in packets]
    statistics = packet_statistics(path)
    assert statistics.stream_bits == 8 * sum(sizes)
    assert statistics.frame_count == 50
    assert statistics.duration_seconds == pytest.approx(2.0)
    assert statistics.key_times_seconds.tolist() == pytest.approx([1.0, 1.8, 2.6])
    assert statistics.nonkey_packet_bytes.tolist() == [
        s for s, key in zip(sizes, keys, strict=True) if not key
    ]


def test_packet_statistics_of_a_trimmed_video(special: Special) -> None:
    statistics = packet_statistics(special("edit_list"))
    assert statistics.frame_count == 77
    assert (statistics.key_times_seconds >= 0).all()


def test_progress_of_a_long_scan(tmp_path: Path) -> None:
    path = encode(
        tmp_path / "a.mkv",
        times=range(2100),
        size=(16, 16),
        options={"preset": "ultrafast"},
    )
    calls: list[int] = []
    packet_statistics(path, on_frame=lambda: calls.append(1))
    assert len(calls) == 2


def test_some_damage_is_carried_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = encode(tmp_path / "a.mp4", times=range(0, 4000, 40), options={"g": "10", "bf": "0"})
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size]

    def damaged(numbers: range) -> Path:
        changed = bytearray(data)
        for number in numbers:
            place, size = packets[number]
            changed[place + size * 2 // 3 : place + size - 2] = b"\xff" * (size - 2 - size * 2 // 3)
        target = tmp_path / f"{len(numbers)}.mp4"
        target.write_bytes(changed)
        return target

    one = damaged(range(20, 21))
    frames = list(decode(one))
    assert len(frames) == 100
    assert sum(f.is_corrupt for f in frames) == 1

    with pytest.raises(VideoError, match="of its frames are damaged") as caught:
        list(decode(damaged(range(0, 100, 10))))
    assert caught.value.kind == "corrupt"


def test_times_ascend_strictly(special: Special) -> None:
    for name in SPECIAL:
        frames = list(decode(special(name)))
        assert all(a.pts < b.pts for a, b in pairwise(frames)), name
        assert len({f.time_base for f in frames}) == 1
        assert isinstance(frames[0].time_base, Fraction)


@pytest.mark.slow
@pytest.mark.real_clips
def test_real_clips_backwards(real_clips: Path) -> None:
    """Bit-identical on one clip of each collection; some have groups of a thousand frames."""
    chosen: dict[str, Path] = {}
    for path in sorted(real_clips.rglob("*.*")):
        if path.suffix in {".mp4", ".webm", ".mkv"} and path.stat().st_size < 1_500_000:
            chosen.setdefault(path.name.split("__")[0], path)
    for path in chosen.values():
        sums = [(f.pts, np.concatenate([p.ravel() for p in planes(f)]).sum()) for f in decode(path)]
        back = [
            (f.pts, np.concatenate([p.ravel() for p in planes(f)]).sum())
            for f in decode_reversed(path)
        ]
        assert back == sums[::-1], path
