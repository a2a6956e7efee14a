"""Files that no pipeline likes: broken ones, ones made to break it, and sound but unusual ones."""

import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

MakeVideo = Callable[..., Path]

SOUND = (
    *("plain", "one_frame", "three_by_three", "turned", "odd", "irregular", "ten_bit", "yuv444p"),
    *("gray", "claims_16k", "vp9", "spaces and 'quotes' \"too\" é 日本"),
)
"""What must be handled right."""

REFUSED = {
    "truncated": "corrupt",
    "truncated_index_last": "not_a_video",
    "text": "not_a_video",
    "sound_only": "no_video_stream",
    "zero_bytes": "empty",
    "frames_of_16k": "too_large",
    "billion_frames": "no_frames",
    "no_frames": "no_frames",
}
"""What must be in failures.csv, and as what."""


def write_all(folder: Path, make_video: MakeVideo) -> None:
    """Write every file into ``real/`` and ``fake/`` of a folder, by turns."""
    written: list[Path] = []
    for name in (*SOUND, *REFUSED):
        side = folder / ("real" if len(written) % 2 else "fake")
        side.mkdir(parents=True, exist_ok=True)
        written.append(write(name, side, make_video))


def write(name: str, folder: Path, make_video: MakeVideo) -> Path:
    """Write one of the files and give its path."""
    path = folder / f"{name}.mp4"
    options = {"preset": "ultrafast"}
    match name:
        case "one_frame":
            return make_video(path, frames=1, seed=1)
        case "three_by_three":
            return make_video(path, width=3, height=3, pix_fmt="yuv444p", seed=2)
        case "turned":
            return _turned(path)
        case "odd":
            return make_video(path, width=63, height=49, pix_fmt="yuv444p", seed=3)
        case "irregular":
            return _irregular(path)
        case "ten_bit":
            return make_video(path, pix_fmt="yuv420p10le", seed=4)
        case "yuv444p":
            return make_video(path, pix_fmt="yuv444p", seed=5)
        case "gray":
            return make_video(path, pix_fmt="gray", seed=6)
        case "claims_16k":
            return _patched(make_video(path, seed=7), b"avc1", 28, struct.pack(">HH", 2**14, 2**14))
        case "vp9":
            return make_video(path.with_suffix(".webm"), codec="libvpx-vp9", seed=8)
        case "truncated":
            whole = _fast_start(path, make_video)
            path.write_bytes(whole[: len(whole) * 2 // 3])
        case "truncated_index_last":
            whole = make_video(path, frames=30, options=options).read_bytes()
            path.write_bytes(whole[: len(whole) * 2 // 3])
        case "text":
            path.write_text("<html><body>404 Not Found</body></html>\n" * 20)
        case "sound_only":
            _sound(path)
        case "zero_bytes":
            path.touch()
        case "frames_of_16k":
            return _huge_picture(path.with_suffix(".mov"))
        case "billion_frames":
            _billion(make_video(path))
        case "no_frames":
            _emptied(make_video(path))
        case _:
            return make_video(path, seed=len(name))
    return path


def _turned(path: Path) -> Path:
    """A phone's portrait video: landscape frames and a flag."""
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.set_display_rotation(90)
        for number in range(10):
            out.mux(stream.encode(_frame(number)))
        out.mux(stream.encode())
    return path


def _irregular(path: Path) -> Path:
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, time in enumerate((0, 33, 66, 300, 301, 340, 900, 933)):
            frame = _frame(number)
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def _frame(number: int) -> av.VideoFrame:
    rng = np.random.default_rng(number)
    image = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    frame = av.VideoFrame.from_ndarray(image, format="rgb24")
    frame.pts = number
    return frame


def _fast_start(path: Path, make_video: MakeVideo) -> bytes:
    source = make_video(path.with_name("whole.mp4"), frames=30)
    with av.open(str(source)) as old, av.open(
        str(path), "w", container_options={"movflags": "faststart"}
    ) as new:  # fmt: skip
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(old.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    source.unlink()
    return path.read_bytes()


def _patched(path: Path, mark: bytes, offset: int, value: bytes) -> Path:
    data = bytearray(path.read_bytes())
    place = data.index(mark) + offset
    data[place : place + len(value)] = value
    path.write_bytes(data)
    return path


def _billion(path: Path) -> None:
    """Tables that promise a billion frames of one byte in a few bytes."""
    _patched(path, b"stts", 8, struct.pack(">III", 1, 10**9, 1))
    _patched(path, b"stsc", 8, struct.pack(">IIII", 1, 1, 10**9, 1))
    _patched(path, b"stsz", 8, struct.pack(">II", 1, 10**9))


def _emptied(path: Path) -> None:
    """Tables that say that there is not one frame."""
    _patched(path, b"stts", 8, struct.pack(">I", 0))
    _patched(path, b"stsc", 8, struct.pack(">I", 0))
    _patched(path, b"stsz", 8, struct.pack(">II", 0, 0))
    _patched(path, b"stco", 8, struct.pack(">I", 0))


def _sound(path: Path) -> None:
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("aac", rate=44100, layout="mono")
        for number in range(20):
            silence = av.AudioFrame.from_ndarray(
                np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
            )
            silence.sample_rate, silence.pts = 44100, 1024 * number
            out.mux(stream.encode(silence))
        out.mux(stream.encode())


def _huge_picture(path: Path, side: int = 2**14) -> Path:
    """A PNG of 16,384 × 16,384 black pixels in some 30 kB, as a film of four frames."""

    def chunk(tag: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + tag + body + struct.pack(">I", zlib.crc32(tag + body))

    packer = zlib.compressobj(9)
    line = bytes(1 + side // 8)
    black = b"".join(packer.compress(line * 64) for _ in range(side // 64)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    picture = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", black)
    picture += chunk(b"IEND", b"")
    with av.open(str(path), "w") as out:
        stream = out.add_mux_stream("png", rate=25, width=side, height=side)
        for number in range(4):
            packet = av.Packet(picture)
            packet.pts = packet.dts = number * 40
            packet.time_base, packet.is_keyframe = Fraction(1, 1000), True
            packet.stream = stream
            out.mux(packet)
    return path
