"""Scaling against FFmpeg's own scale filter and against plain bilinear interpolation."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fvc.scaling.resolution import Scaler, scaled_size
from fvc.scaling.work import scale_video
from fvc.video import decode, luma_plane, probe, write_video

MakeVideo = Callable[..., Path]
sides = st.integers(1, 8192)


@given(width=sides, height=sides, target=st.integers(8, 1024).map(lambda n: 2 * n))
@settings(deadline=None, max_examples=200)
def test_sizes(width: int, height: int, target: int) -> None:
    w, h = scaled_size(width, height, target)
    assert max(w, h) == target
    assert w % 2 == h % 2 == 0
    assert min(w, h) >= 2
    scale = target / max(width, height)
    for scaled, exact in ((w, width * scale), (h, height * scale)):
        assert abs(scaled - exact) <= 1 or scaled == 2


def test_sizes_by_hand() -> None:
    assert scaled_size(1920, 1080, 256) == (256, 144)
    assert scaled_size(1080, 1920, 256) == (144, 256)
    assert scaled_size(640, 480, 256) == (256, 192)
    assert scaled_size(426, 240, 256) == (256, 144)
    assert scaled_size(64, 48, 256) == (256, 192)
    assert scaled_size(256, 256, 256) == (256, 256)
    assert scaled_size(3, 3, 256) == (256, 256)
    assert scaled_size(2000, 4, 256) == (256, 2)


def plane(frame: av.VideoFrame, number: int) -> np.ndarray:
    p = frame.planes[number]
    return np.frombuffer(memoryview(p), np.uint8).reshape(p.height, -1)[:, : p.width]


@pytest.mark.parametrize("size", [(640, 360), (64, 48), (90, 160), (256, 130)])
def test_the_same_as_ffmpegs_scale_filter(
    tmp_path: Path, make_video: MakeVideo, size: tuple[int, int]
) -> None:
    path = make_video(tmp_path / "a.mp4", frames=3, width=size[0], height=size[1])
    width, height = scaled_size(*size, 256)
    scaler = Scaler(256)
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            graph = av.filter.Graph()
            source = graph.add_buffer(template=container.streams.video[0])
            scale = graph.add("scale", f"{width}:{height}:flags=bilinear")
            graph.link_nodes(source, scale, graph.add("buffersink")).configure()
            graph.push(frame)
            expected = graph.pull()
            scaled = scaler(frame)
            assert (scaled.width, scaled.height) == (width, height)
            assert (scaled.pts, scaled.time_base) == (frame.pts, frame.time_base)
            for number in range(3):
                assert np.array_equal(plane(scaled, number), plane(expected, number))


def test_a_slope_stays_a_slope() -> None:
    """Bilinear interpolation of a linear picture gives it back, twice as large or half."""
    for size, factor in ((128, 2), (512, 0.5)):
        frame = av.VideoFrame(size, size, "yuv420p")
        step = 192 / size
        for p in frame.planes:
            room = np.frombuffer(memoryview(p), np.uint8).reshape(p.height, -1)
            room[:, : p.width] = np.round(32 + step * np.arange(p.width))
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        luma = plane(Scaler(256)(frame), 0).astype(float)
        centres = (np.arange(256) + 0.5) / factor - 0.5
        inner = slice(4, -4)
        assert np.abs(luma - (32 + step * centres))[inner, inner].max() < 1.6


@pytest.mark.parametrize("size", [(320, 180), (64, 48), (3, 3), (63, 47), (256, 256)])
def test_a_video_is_scaled(tmp_path: Path, make_video: MakeVideo, size: tuple[int, int]) -> None:
    odd = size[0] % 2
    path = make_video(
        tmp_path / "a.mp4",
        frames=7,
        width=size[0],
        height=size[1],
        pix_fmt="yuv444p" if odd else "yuv420p",
    )
    written = scale_video(path, tmp_path / "b.mp4", 256)
    info = probe(tmp_path / "b.mp4")
    assert (written.original_width, written.original_height) == (size[0] + odd, size[1] + odd)
    assert (info.width, info.height) == (written.width, written.height)
    assert max(info.width, info.height) == 256
    assert info.frame_count == written.frame_count == 7
    assert info.fps == pytest.approx(25)
    # The content, not just the size: block means agree with those of the source.
    source = luma_plane(next(decode(path))).astype(float)
    scaled = luma_plane(next(decode(tmp_path / "b.mp4"))).astype(float)
    assert abs(source.mean() - scaled.mean()) < 3


def test_times_and_pixel_aspect_survive(tmp_path: Path, make_video: MakeVideo) -> None:
    frames = list(decode(make_video(tmp_path / "a.mp4", frames=6)))
    times = [0, 20, 90, 91, 300, 700]
    for frame, time in zip(frames, times, strict=True):
        frame.pts, frame.time_base, frame.duration = time, Fraction(1, 1000), 0
    write_video(tmp_path / "b.mp4", frames, sample_aspect_ratio=Fraction(16, 15))
    scale_video(tmp_path / "b.mp4", tmp_path / "c.mp4", 128)
    read = [float(f.pts * f.time_base) for f in decode(tmp_path / "c.mp4")]
    assert read == pytest.approx([t / 1000 for t in times])
    assert probe(tmp_path / "c.mp4").sample_aspect_ratio == Fraction(16, 15)


def test_the_same_input_gives_the_same_file(tmp_path: Path, make_video: MakeVideo) -> None:
    path = make_video(tmp_path / "a.mp4", width=320, height=240)
    for name in ("b.mp4", "c.mp4"):
        scale_video(path, tmp_path / name, 256)
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "c.mp4").read_bytes()
