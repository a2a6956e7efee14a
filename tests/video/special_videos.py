"""Videos with the properties that make exact sampling hard, and a plain full decode of them."""

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

Planes = list[np.ndarray]


def scene(number: int, width: int, height: int, seed: int = 0) -> np.ndarray:
    """Texture that drifts three pixels a frame, with noise of its own in each frame."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (height // 8 + 2, width // 8 + 64, 3), dtype=np.uint8)
    texture = blocks.repeat(8, axis=0).repeat(8, axis=1)
    shift = (3 * number) % (texture.shape[1] - width)
    image = texture[:height, shift : shift + width].astype(np.int16)
    noise = np.random.default_rng(1000 * seed + number).integers(-6, 7, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def encode(
    path: Path,
    *,
    times: Iterable[int],
    time_base: Fraction = Fraction(1, 1000),
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    format: str | None = None,
    rotation: int | None = None,
    stream_setup: Callable[[Any], None] | None = None,
) -> Path:
    """Write frames at the given times, in ticks of `time_base`."""
    width, height = size
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format=format, container_options=container_options or {}) as out:
        stream: Any = out.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        stream.codec_context.time_base = time_base
        stream.codec_context.thread_count = 1
        if rotation is not None:
            stream.set_display_rotation(rotation)
        if stream_setup is not None:
            stream_setup(stream)
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(scene(number, width, height), format="rgb24")
            frame = frame.reformat(format=pix_fmt)
            frame.pts, frame.time_base = time, time_base
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def remux(source: Path, target: Path, *, shift: int = 0, **options: str) -> Path:
    """Copy the packets of a video into another container, moved in time by `shift` ticks."""
    with (
        av.open(str(source)) as old,
        av.open(str(target), "w", container_options=options) as new,
    ):
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(old.streams.video[0]):
            if packet.dts is None:
                continue
            packet.pts += shift
            packet.dts += shift
            packet.stream = stream
            new.mux(packet)
    return target


def planes(frame: av.VideoFrame) -> Planes:
    """Samples of a frame as bytes, without padding."""
    rows = []
    for plane in frame.planes:
        data = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        wide = any(c.bits > 8 for c in frame.format.components)
        rows.append(data[: plane.height, : plane.width * (2 if wide else 1)].copy())
    return rows


def same(one: av.VideoFrame, other: Planes) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(planes(one), other, strict=True))


def full_decode(path: Path) -> tuple[np.ndarray, list[Planes], float]:
    """Times in ticks, samples and the tick in seconds, by PyAV's own loop with default settings."""
    times, samples = [], []
    with av.open(str(path), metadata_errors="ignore") as container:
        stream = container.streams.best("video")
        assert stream is not None
        assert stream.time_base is not None
        for frame in container.decode(stream):
            times.append(frame.pts)
            samples.append(planes(frame))
        return np.array(times), samples, float(stream.time_base)


_IRREGULAR = np.cumsum(np.random.default_rng(3).choice([20, 33, 40, 41, 200], 90)).tolist()
_EVEN = list(range(0, 90 * 40, 40))


def write_special(name: str, folder: Path) -> Path:
    x264 = {
        "vfr": ("g=30:bf=3", {}),
        "pyramid": ("g=40:bf=7", {"x264-params": "b-pyramid=normal:b-adapt=0:scenecut=0"}),
        "open_gop": ("g=12:bf=3", {"x264-params": "open-gop=1:b-adapt=0:scenecut=0"}),
        "intra_refresh": ("g=20:bf=0", {"x264-params": "intra-refresh=1"}),
        "one_gop": ("g=300:bf=2", {}),
        "all_intra": ("g=1:bf=0", {}),
    }
    if name in x264:
        short, options = x264[name]
        options = dict(part.split("=") for part in short.split(":")) | options
        times = _IRREGULAR if name == "vfr" else _EVEN
        return encode(folder / f"{name}.mp4", times=times, options=options)
    plain = {"g": "24", "bf": "3"}
    if name == "edit_list":
        source = encode(folder / "source.mp4", times=_EVEN, options=plain)
        with av.open(str(source)) as container:
            assert container.streams.video[0].time_base is not None
            shift = round(-0.5 / container.streams.video[0].time_base)
        return remux(source, folder / "edit_list.mp4", shift=shift, avoid_negative_ts="disabled")
    if name == "negative_start":
        return encode(
            folder / "negative.asf",
            times=[t - 300 for t in _EVEN],
            options={"g": "24", "bf": "0"},
            container_options={"avoid_negative_ts": "disabled"},
        )
    if name == "late_start":
        return encode(folder / "late.mkv", times=[t + 7000 for t in _EVEN], options=plain)
    if name == "mpegts":
        return encode(folder / "clip.ts", times=_EVEN, options=plain)
    if name == "ten_bit":
        return encode(folder / "ten.mp4", times=_EVEN, options=plain, pix_fmt="yuv420p10le")
    if name == "yuv444p":
        return encode(folder / "444.mp4", times=_EVEN, options=plain, pix_fmt="yuv444p")
    if name == "vp9_webm":
        options = {"g": "20", "deadline": "realtime", "cpu-used": "8"}
        return encode(
            folder / "clip.webm", times=_EVEN, codec="libvpx-vp9", options=options, size=(63, 47)
        )
    if name == "vp8_alt_ref":
        options = {"g": "25", "auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "4"}
        return encode(folder / "vp8.webm", times=_EVEN, codec="libvpx", options=options)
    if name == "mpeg4_avi":
        return encode(
            folder / "clip.avi",
            times=range(90),
            time_base=Fraction(1, 25),
            codec="mpeg4",
            options={"g": "15", "bf": "2"},
        )
    if name == "mpeg2_ps":
        return encode(
            folder / "clip.mpg",
            times=range(90),
            time_base=Fraction(1, 25),
            codec="mpeg2video",
            options={"g": "15", "bf": "2"},
        )
    if name == "hevc_open_gop":
        options = {"x265-params": "keyint=16:open-gop=1:bframes=4:log-level=none:pools=1"}
        return encode(folder / "hevc.mp4", times=_EVEN, codec="libx265", options=options)
    if name == "one_frame":
        return encode(folder / "one.mp4", times=[0])
    if name == "five_frames":
        return encode(folder / "five.mp4", times=[0, 40, 80, 120, 160])
    if name == "three_by_three":
        return encode(folder / "3.mp4", times=_EVEN[:20], size=(3, 3), pix_fmt="yuv444p")
    raise AssertionError(name)


SPECIAL = (
    "vfr", "pyramid", "open_gop", "intra_refresh", "one_gop", "all_intra", "edit_list",
    "negative_start", "late_start", "mpegts", "ten_bit", "yuv444p", "vp9_webm", "vp8_alt_ref",
    "mpeg4_avi", "mpeg2_ps", "hevc_open_gop", "one_frame", "five_frames", "three_by_three",
)  # fmt: skip
