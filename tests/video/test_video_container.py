"""What is refused, and what is said about it."""

import contextlib
import struct
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from special_videos import encode, remux

from fvc.errors import VideoError
from fvc.video import decode, decode_reversed, packet_statistics, probe, sample_frames

EVERYTHING: list[Callable[[Path], object]] = [
    probe,
    packet_statistics,
    sample_frames,
    lambda path: list(decode(path)),
    lambda path: list(decode_reversed(path)),
]


def refusal(path: Path, call: Callable[[Path], object]) -> VideoError:
    with pytest.raises(VideoError) as caught:
        call(path)
    assert caught.value.path == path
    assert str(path) in str(caught.value)
    return caught.value


@pytest.mark.parametrize("call", EVERYTHING)
def test_no_such_file(tmp_path: Path, call: Callable[[Path], object]) -> None:
    assert refusal(tmp_path / "none.mp4", call).kind == "missing"


@pytest.mark.parametrize("call", EVERYTHING)
def test_zero_bytes(tmp_path: Path, call: Callable[[Path], object]) -> None:
    path = tmp_path / "a.mp4"
    path.touch()
    assert refusal(path, call).kind == "empty"


@pytest.mark.parametrize("call", EVERYTHING)
def test_text(tmp_path: Path, call: Callable[[Path], object]) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("This is not a video, although its name says so.\n" * 50)
    assert refusal(path, call).kind == "not_a_video"


@pytest.mark.parametrize("call", EVERYTHING)
def test_sound_only(tmp_path: Path, call: Callable[[Path], object]) -> None:
    path = tmp_path / "a.mp4"
    write_sound(path)
    error = refusal(path, call)
    assert error.kind == "no_video_stream"
    assert "only audio" in error.reason


def test_cover_art_is_not_video(tmp_path: Path) -> None:
    """A song with a picture: FFmpeg lists the picture as a video stream."""
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as out:
        sound = out.add_stream("aac", rate=44100)
        picture = out.add_stream("mjpeg", rate=1)
        picture.width, picture.height, picture.pix_fmt = 16, 16, "yuvj420p"
        picture.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame(16, 16, "yuvj420p")
        frame.pts = 0
        out.mux(picture.encode(frame))
        out.mux(picture.encode())
        out.mux(sound.encode(silence()))
        out.mux(sound.encode())
    assert refusal(path, probe).kind == "no_video_stream"


def test_a_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path, probe).kind == "not_a_video"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{}\n#EXT-X-ENDLIST\n"),
        ("a.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{}\n#EXT-X-ENDLIST\n"),
        ("a.mp4", "ffconcat version 1.0\nfile {}\n"),
        ("a.ffconcat", "ffconcat version 1.0\nfile {}\n"),
        ("a.mpd", '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011">{}</MPD>'),
        ("a.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n"),
    ],
)
@pytest.mark.parametrize("call", EVERYTHING)
def test_files_that_would_open_others(
    tmp_path: Path, name: str, text: str, call: Callable[[Path], object]
) -> None:
    secret = encode(tmp_path / "secret.ts", times=range(0, 400, 40))
    path = tmp_path / name
    path.write_text(text.format(secret.name))
    assert refusal(path, call).kind == "not_a_video"


def test_names_that_look_like_protocols(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is a name: ``concat:a|b`` is a file of that name, or missing."""
    source = encode(tmp_path / "a.mp4", times=range(0, 400, 40))
    monkeypatch.chdir(tmp_path)
    for name in ("concat:a.mp4", "http:a.mp4", "pipe:0", "a%03d.mp4", "50 % of 'it'|\u00e9 .mp4"):
        assert refusal(Path(name), probe).kind == "missing"
        Path(name).write_bytes(source.read_bytes())
        assert probe(Path(name)).frame_count == 10


@pytest.mark.parametrize("call", EVERYTHING)
def test_cut_off_with_the_index_in_front(tmp_path: Path, call: Callable[[Path], object]) -> None:
    whole = encode(
        tmp_path / "a.mp4",
        times=range(0, 2400, 40),
        container_options={"movflags": "faststart"},
    )
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    error = refusal(path, call)
    assert error.kind == "corrupt"
    assert "cut off" in error.reason
    assert "get it again" in error.reason


@pytest.mark.parametrize("call", EVERYTHING)
def test_cut_off_with_the_index_at_the_end(tmp_path: Path, call: Callable[[Path], object]) -> None:
    whole = encode(tmp_path / "a.mp4", times=range(0, 2400, 40))
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    assert refusal(path, call).kind == "not_a_video"


@pytest.mark.parametrize("call", EVERYTHING)
def test_cut_off_without_an_index(tmp_path: Path, call: Callable[[Path], object]) -> None:
    whole = encode(tmp_path / "a.mkv", times=range(0, 8000, 40))
    path = tmp_path / "cut.mkv"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])
    error = refusal(path, call)
    assert error.kind == "corrupt"
    assert "cut off" in error.reason
    # A file that was written to a pipe does not say how long it should be, but when it ends.
    data = bytearray(path.read_bytes())
    segment = data.index(bytes.fromhex("18538067")) + 4
    data[segment : segment + 8] = b"\x01" + b"\xff" * 7
    path.write_bytes(data)
    assert "seconds" in refusal(path, call).reason


def test_sound_that_is_longer_than_the_picture_is_not_a_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = out.add_stream("aac", rate=44100)
        for number in range(25):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts = number
            out.mux(video.encode(frame))
        out.mux(video.encode())
        for number in range(400):
            out.mux(sound.encode(silence(number)))
        out.mux(sound.encode())
    assert probe(path).frame_count == 25
    assert len(list(decode(path))) == 25
    assert probe(path).has_audio


def bomb(path: Path, width: int, height: int) -> Path:
    """A sound file's worth of bytes whose header speaks of huge frames."""
    small = encode(path.with_name("small.mp4"), times=range(0, 400, 40))
    data = bytearray(small.read_bytes())
    entry = data.index(b"avc1", data.index(b"stsd"))
    data[entry + 28 : entry + 32] = struct.pack(">HH", width, height)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("call", EVERYTHING)
def test_a_container_that_claims_huge_frames(
    tmp_path: Path, call: Callable[[Path], object]
) -> None:
    """The header lies: the stream's own header has the last word in the decoder."""
    path = bomb(tmp_path / "a.mp4", 16384, 16384)
    with contextlib.suppress(VideoError):
        call(path)


@pytest.mark.parametrize("call", EVERYTHING)
def test_huge_frames(tmp_path: Path, call: Callable[[Path], object]) -> None:
    for size in ((8194, 16), (16, 8200)):
        path = encode(tmp_path / "a.mp4", times=[0, 40], size=size, options={"preset": "ultrafast"})
        error = refusal(path, call)
        assert error.kind == "too_large"
        assert f"{size[0]}×{size[1]}" in error.reason


def test_frames_that_are_allowed_each_way_but_not_in_all(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 8192, 8000, "gray"
        frame = av.VideoFrame(8192, 8000, "gray")
        frame.pts = 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    assert refusal(path, probe).kind == "too_large"


def damage(path: Path, target: Path, seed: int = 0) -> Path:
    """Overwrite bytes in the middle of a file."""
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    for place in rng.integers(len(data) // 4, len(data) * 3 // 4, 60):
        data[place] = rng.integers(256)
    target.write_bytes(data)
    return target


def test_heavy_damage_is_a_reason_never_something_else(tmp_path: Path) -> None:
    whole = encode(
        tmp_path / "a.mp4",
        times=range(0, 4000, 40),
        options={"g": "25"},
        container_options={"movflags": "faststart"},
    )
    kinds = set()
    for seed in range(12):
        path = damage(whole, tmp_path / f"{seed}.mp4", seed)
        for call in EVERYTHING:
            with contextlib.suppress(VideoError):
                call(path)
                continue
            kinds.add(refusal(path, call).kind)
    assert kinds == {"corrupt"}


def test_undecodable_names_in_metadata_do_not_matter(tmp_path: Path) -> None:
    whole = encode(tmp_path / "a.mkv", times=range(0, 400, 40))
    data = whole.read_bytes().replace(b"Lavf", b"\xff\xfe\xfd\xfc")
    path = tmp_path / "b.mkv"
    path.write_bytes(data)
    assert probe(path).frame_count == 10


def test_a_stream_that_begins_in_the_middle(tmp_path: Path) -> None:
    """Frames before the first key frame cannot be decoded and are left out, not an error."""
    whole = encode(tmp_path / "a.ts", times=range(0, 4000, 40), options={"g": "25", "bf": "0"})
    data = whole.read_bytes()
    start = 188 * (len(data) // 188 // 10)
    tables = data[: 188 * 3]
    path = tmp_path / "b.ts"
    path.write_bytes(tables + data[start:])
    frames = list(decode(path))
    assert 50 < len(frames) < 100
    assert not any(f.is_corrupt for f in frames)
    assert packet_statistics(path).frame_count == len(frames)
    assert sample_frames(path).pts_seconds[0] > frames[0].pts * frames[0].time_base


def test_one_video_among_several_streams(tmp_path: Path) -> None:
    path = remux(encode(tmp_path / "a.mp4", times=range(0, 400, 40)), tmp_path / "b.mkv")
    assert probe(path).container == "matroska"


def silence(number: int = 0) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(
        np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
    )
    frame.sample_rate, frame.pts = 44100, 1024 * number
    return frame


def write_sound(path: Path) -> None:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=44100, layout="mono")
        for number in range(20):
            out.mux(stream.encode(silence(number)))
        out.mux(stream.encode())
