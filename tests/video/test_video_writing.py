"""Filtering, standardising and encoding."""

import contextlib
import errno
import gc
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from special_videos import encode, planes, same, scene

from fvc.errors import OutputError, VideoError
from fvc.video import (
    ENCODER_SETTINGS,
    Encoder,
    FilterGraph,
    Standardiser,
    decode,
    luma_plane,
    probe,
    rgb_mean,
    write_video,
)
from fvc.video.filtering import parse

Special = Callable[[str], Path]


def picture(
    number: int = 0, width: int = 64, height: int = 48, pixel_format: str = "yuv420p"
) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(scene(number, width, height), format="rgb24")
    frame = frame.reformat(format=pixel_format, threads=1)
    frame.pts, frame.time_base = 40 * number, Fraction(1, 1000)
    return frame


# ---- filters


def test_descriptions_are_read_as_ffmpeg_reads_them() -> None:
    assert parse("hflip") == (("hflip", ""),)
    assert parse("scale=256:144:flags=bilinear, format=yuv420p") == (
        ("scale", "256:144:flags=bilinear"),
        ("format", "yuv420p"),
    )
    assert parse("geq=lum='if(gt(X,1),Y,0)':cb=1") == (("geq", "lum=if(gt(X,1),Y,0):cb=1"),)
    assert parse(r"geq=lum=p(X\,Y),vflip") == (("geq", "lum=p(X,Y)"), ("vflip", ""))


def test_a_graph_filters_frames_one_by_one() -> None:
    graph = FilterGraph("hflip")
    for number in range(3):
        frame = picture(number)
        flipped = graph.process(frame)
        for plane, original in zip(planes(flipped), planes(frame), strict=True):
            assert np.array_equal(plane, original[:, ::-1])
        assert (flipped.pts, flipped.time_base) == (frame.pts, frame.time_base)


def test_a_graph_lives_as_long_as_its_object() -> None:
    """A freed graph ends the process at the next push; collecting garbage must not free it."""
    code = """if True:
        import gc
        from fractions import Fraction
        import av
        from fvc.video import FilterGraph
        graph = FilterGraph("scale=32:24,hflip")
        for number in range(50):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            assert graph.process(frame).width == 32
            gc.collect()
    """
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_graph_follows_a_change_of_size_and_format() -> None:
    graph = FilterGraph("scale=32:24:flags=bilinear")
    shapes = [(64, 48, "yuv420p"), (64, 48, "yuv444p"), (100, 50, "yuv420p"), (64, 48, "yuv420p")]
    for number, (width, height, name) in enumerate(shapes):
        result = graph.process(picture(number, width, height, name))
        alone = FilterGraph("scale=32:24:flags=bilinear").process(
            picture(number, width, height, name)
        )
        assert result.format.name == alone.format.name == name
        assert same(result, planes(alone))
        assert (result.width, result.height, result.pts) == (32, 24, 40 * number)


def test_a_chain_that_holds_frames_back() -> None:
    graph = FilterGraph("tmix=frames=3,reverse")
    for number in range(4):
        graph.push(picture(number))
        assert graph.pull() is None
    assert len(list(graph.flush())) == 4
    with pytest.raises(ValueError, match="one frame for each"):
        FilterGraph("reverse").process(picture())


# ---- standardising


def test_frames_are_let_go(special: Special) -> None:
    """Memory stays flat without the help of the garbage collector, which is slow to notice."""
    gc.collect()
    gc.disable()
    try:
        standardise, graph = Standardiser(), FilterGraph("scale=32:24")
        for frame in decode(special("vfr")):
            graph.process(standardise(frame))
        del frame
        alive = sum(type(thing) is av.VideoFrame for thing in gc.get_objects())
    finally:
        gc.enable()
    assert alive <= 2


def test_what_is_standard_passes_untouched() -> None:
    frame = picture()
    before = planes(frame)
    result = Standardiser()(frame)
    assert result is frame
    assert same(result, before)
    assert (result.colorspace, result.color_range) == (6, 1)


@pytest.mark.parametrize("rotation", [0, 90, 180, -90])
@pytest.mark.parametrize("size", [(64, 48), (63, 47)])
def test_rotation_flags_are_applied(tmp_path: Path, rotation: int, size: tuple[int, int]) -> None:
    path = encode(
        tmp_path / "a.mp4", times=[0, 40], size=size, pix_fmt="yuv444p", rotation=rotation
    )
    coded = next(decode(path))
    upright = Standardiser()(next(decode(path)))
    # The flag says by how much, counterclockwise, a player turns the picture.
    expected = np.rot90(luma_plane(coded), rotation // 90)
    height, width = expected.shape
    assert (upright.width, upright.height) == (width + width % 2, height + height % 2)
    assert upright.format.name == "yuv420p"
    assert np.abs(luma_plane(upright)[:height, :width].astype(int) - expected).max() <= 1
    info = probe(path)
    assert (info.width, info.height) == (width, height)
    assert info.rotation == -rotation % 360


def test_mirrored_video(tmp_path: Path) -> None:
    path = encode(
        tmp_path / "a.mp4",
        times=[0, 40],
        stream_setup=lambda stream: stream.set_display_rotation(0, hflip=True),
    )
    coded = luma_plane(next(decode(path)))
    upright = luma_plane(Standardiser()(next(decode(path))))
    assert np.array_equal(upright, coded[:, ::-1])


@pytest.mark.parametrize("size", [(63, 48), (64, 47), (3, 3), (1, 1)])
def test_odd_sides_are_padded_with_their_edge(size: tuple[int, int]) -> None:
    width, height = size
    frame = picture(0, width, height, "yuv420p")
    padded = Standardiser()(frame)
    assert (padded.width, padded.height) == (width + width % 2, height + height % 2)
    luma, chroma, _ = planes(padded)
    assert np.array_equal(luma[:height, :width], planes(frame)[0])
    assert np.array_equal(luma[:, -1][:height], planes(frame)[0][:, -1])
    assert np.array_equal(luma[-1, :width], planes(frame)[0][-1])
    assert np.array_equal(chroma, planes(frame)[1])
    assert padded.pts == frame.pts


@pytest.mark.parametrize(
    ("name", "colour_range"),
    [
        ("yuv444p", 1), ("yuv422p", 1), ("yuvj420p", 2), ("yuv420p", 2), ("yuv420p10le", 1),
        ("yuv444p12le", 2), ("nv12", 1), ("rgb24", 2), ("gbrp", 2), ("yuyv422", 1), ("gray", 2),
    ],
)  # fmt: skip
def test_every_format_and_range_becomes_one(name: str, colour_range: int) -> None:
    frame = av.VideoFrame.from_ndarray(scene(0, 64, 48), format="rgb24").reformat(
        format=name, dst_color_range=colour_range, threads=1
    )
    frame.color_range, frame.pts, frame.time_base = colour_range, 0, Fraction(1, 25)
    luma, colour = luma_plane(frame).astype(int), rgb_mean(frame)

    standard = Standardiser()(frame)

    assert standard.format.name == "yuv420p"
    assert standard.color_range == 1
    assert np.abs(luma_plane(standard) - luma).max() <= 3
    assert np.abs(luma_plane(standard) - luma).mean() < 0.7
    assert np.abs(rgb_mean(standard) - colour).max() < 2


def test_ten_bits_are_rounded_without_dither() -> None:
    """Dither is noise of ours; the nearest eight-bit value is not."""
    samples = np.arange(64 * 48).reshape(48, 64).astype(np.uint16) % 877 + 64
    frame = av.VideoFrame(64, 48, "yuv420p10le")
    for plane in frame.planes:
        room = np.frombuffer(memoryview(plane), "<u2").reshape(plane.height, -1)
        room[:, : plane.width] = samples[: plane.height, : plane.width]
    frame.pts, frame.time_base, frame.color_range = 0, Fraction(1, 25), 1
    luma = planes(Standardiser()(frame))[0].astype(float)
    assert np.abs(luma - samples / 4).max() <= 0.51


def test_a_change_of_size_is_scaled_to_the_first() -> None:
    standardise = Standardiser()
    assert standardise(picture(0, 64, 48)).width == 64
    later = standardise(picture(1, 33, 25, "yuv444p"))
    assert (later.width, later.height) == (64, 48)


# ---- encoding


def frames(number: int = 20, width: int = 64, height: int = 48) -> Iterator[av.VideoFrame]:
    return (picture(i, width, height) for i in range(number))


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.mp4", "b.tmp", "c d é.part")]
    for file in files:
        write_video(file, frames(), fps=25)
    assert files[0].read_bytes() == files[1].read_bytes() == files[2].read_bytes()
    assert b"Lavf" not in files[0].read_bytes()


def test_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    encoder = write_video(path, frames(40), fps=25)
    info = probe(path)
    assert (info.width, info.height, info.frame_count) == (64, 48, 40)
    assert (encoder.width, encoder.height, encoder.frame_count) == (64, 48, 40)
    assert info.codec_name == "h264"
    assert info.pixel_format == "yuv420p"
    assert info.fps == pytest.approx(25)
    assert encoder.fps == pytest.approx(25)
    assert encoder.duration_seconds == info.duration_seconds == pytest.approx(1.6)
    with av.open(str(path)) as container:
        keys = [p.is_keyframe for p in container.demux(video=0) if p.size]
        context = container.streams.video[0].codec_context
        assert keys == [i % int(ENCODER_SETTINGS["g"]) == 0 for i in range(40)]
        assert (context.color_range, context.colorspace) == (1, 6)
        assert (context.color_primaries, context.color_trc) == (6, 6)
        assert not context.has_b_frames


def test_frames_come_back_nearly_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write_video(path, frames(20, 160, 120), fps=25)
    for frame, original in zip(decode(path), frames(20, 160, 120), strict=True):
        error = luma_plane(frame).astype(float) - luma_plane(original)
        assert 10 * np.log10(255**2 / np.mean(error**2)) > 38


@pytest.mark.parametrize(
    "time_base", [Fraction(1, 1000), Fraction(1, 90000), Fraction(1001, 30000), Fraction(1, 25)]
)
@pytest.mark.parametrize("first", [0, 7000, -50])
def test_times_survive(tmp_path: Path, time_base: Fraction, first: int) -> None:
    rng = np.random.default_rng(5)
    steps = np.cumsum(rng.choice([1, 2, 3, 40, 1000], 30))
    path = tmp_path / "a.mp4"
    with Encoder(path, fps=25) as out:
        for number, time in enumerate(steps.tolist()):
            frame = picture(number)
            frame.pts, frame.time_base = first + time, time_base
            out.write(frame)
            assert (frame.pts, frame.time_base) == (first + time, time_base)
    read = [frame.pts * frame.time_base for frame in decode(path)]
    assert read == [int(t - steps[0]) * time_base for t in steps]


def test_the_last_frame_keeps_its_duration(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with Encoder(path, fps=25) as out:
        for number in range(5):
            frame = picture(number)
            frame.duration = 40 if number < 4 else 500
            out.write(frame)
    assert probe(path).duration_seconds == pytest.approx(0.66)
    assert out.duration_seconds == pytest.approx(0.66)


def test_one_frame_and_tiny_frames(tmp_path: Path) -> None:
    for size in ((64, 48), (2, 2), (2, 16)):
        path = tmp_path / "a.mp4"
        write_video(path, frames(1, *size), fps=30)
        info = probe(path)
        assert (info.width, info.height, info.frame_count) == (*size, 1)
        assert info.fps == pytest.approx(1000 / 33)


def test_pixel_aspect_is_kept(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", frames(), fps=25, sample_aspect_ratio=Fraction(128, 117))
    assert probe(tmp_path / "a.mp4").sample_aspect_ratio == Fraction(128, 117)


def test_one_frame_may_go_into_several_files(tmp_path: Path) -> None:
    with Encoder(tmp_path / "a.mp4", fps=25) as a, Encoder(tmp_path / "b.mp4", fps=25) as b:
        for frame in frames():
            a.write(frame)
            b.write(frame)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_source_picture_types_do_not_steer_the_encoder(tmp_path: Path, special: Special) -> None:
    """A decoded frame carries its type, which would make x264 write a key frame there."""
    write_video(tmp_path / "a.mp4", map(Standardiser(), decode(special("all_intra"))), fps=25)
    with av.open(str(tmp_path / "a.mp4")) as container:
        keys = [p.is_keyframe for p in container.demux(video=0) if p.size]
    assert sum(keys) == 6


def write_all(out: Encoder, every: Iterable[av.VideoFrame]) -> None:
    for frame in every:
        out.write(frame)


def test_wrong_frames_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="even"), Encoder(tmp_path / "a.mp4") as out:
        out.write(picture(0, 63, 48))
    with pytest.raises(ValueError, match="yuv444p"), Encoder(tmp_path / "a.mp4") as out:
        out.write(picture(0, 64, 48, "yuv444p"))
    with pytest.raises(ValueError, match="64×48"), Encoder(tmp_path / "a.mp4") as out:
        write_all(out, [picture(0), picture(1, 32, 32)])
    with pytest.raises(ValueError, match="not later"), Encoder(tmp_path / "a.mp4") as out:
        write_all(out, [picture(1), picture(1)])


def test_no_frames_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(VideoError) as caught:
        write_video(tmp_path / "a.mp4", [])
    assert caught.value.kind == "no_frames"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_output_error() -> None:
    with pytest.raises(OutputError, match="No space"), Encoder("/dev/full", fps=25) as out:
        write_all(out, frames(300, 320, 240))


def test_a_folder_that_is_not_there_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError), Encoder(tmp_path / "no" / "a.mp4") as out:
        out.write(picture())


def test_what_goes_wrong_outside_stays_what_it_is(tmp_path: Path) -> None:
    with contextlib.suppress(KeyError), Encoder(tmp_path / "a.mp4") as out:
        out.write(picture())
        raise KeyError(errno.ENOSPC)
    with pytest.raises(ZeroDivisionError), Encoder(tmp_path / "a.mp4"):
        raise ZeroDivisionError
