from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from fvc.augmentation import render as module
from fvc.augmentation.build import spatial_transform
from fvc.augmentation.parameters import AUGMENTATIONS, Variant, draw_parameters
from fvc.augmentation.planes import blank_planes, planes_of
from fvc.augmentation.render import COPY, Rendered, render
from fvc.errors import VideoError
from fvc.video import Encoder, decode, write_video

MakeVideo = Callable[..., Path]
TEMPORAL = ("frame_drop", "frame_duplicate", "temporal_reverse")


def variant(name: str, seed: int = 11) -> Variant:
    return Variant(0, name, seed, draw_parameters(name, seed))


def render_one(source: Path, path: Path, name: str, **options: Any) -> Rendered:
    return render(source, [(variant(name) if name != "original" else COPY, path)], **options)[0]


def times(path: Path) -> list[Fraction]:
    """Timestamps of all frames, in seconds, from the first one on."""
    seconds = [f.pts * f.time_base for f in decode(path) if f.pts is not None and f.time_base]
    return [s - seconds[0] for s in seconds]


def luma(path: Path) -> list[np.ndarray]:
    return [planes_of(frame).y.astype(float) for frame in decode(path)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, make_video: MakeVideo) -> Path:
    return make_video(tmp_path_factory.mktemp("clip") / "clip.mp4", frames=14)


@pytest.fixture(scope="module")
def variable_rate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine frames at intervals of 1 to 7 fortieths of a second, each a gray of its own."""
    path = tmp_path_factory.mktemp("variable") / "variable.mkv"
    steps = [1, 3, 1, 7, 2, 2, 1, 5]
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=40, options={"bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 40)
        for i in range(9):
            frame, planes = blank_planes(64, 48)
            planes.y[:], planes.u[:], planes.v[:] = 30 + 20 * i, 128, 128
            frame.pts, frame.time_base = sum(steps[:i]), Fraction(1, 40)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def order(path: Path) -> list[int]:
    """Which frame of `variable_rate` each frame is."""
    return [round((plane.mean() - 30) / 20) for plane in luma(path)]


def test_the_copy_has_every_frame_at_its_time(variable_rate: Path, tmp_path: Path) -> None:
    written = render_one(variable_rate, tmp_path / "copy.mp4", "original")
    assert times(tmp_path / "copy.mp4") == pytest.approx(times(variable_rate), abs=1e-9)
    assert order(tmp_path / "copy.mp4") == list(range(9))
    assert (written.width, written.height, written.frame_count) == (64, 48, 9)
    assert written.fps == pytest.approx(9 / (22 / 40 + 1 / 40), rel=0.06)


@pytest.mark.parametrize("name", [n for n in AUGMENTATIONS if n not in TEMPORAL])
def test_spatial_variants_keep_a_variable_rate(
    name: str, variable_rate: Path, tmp_path: Path
) -> None:
    written = render_one(variable_rate, tmp_path / "a.mp4", name)
    assert written.frame_count == 9
    assert written == render_one(variable_rate, tmp_path / "copy.mp4", "original")
    assert times(tmp_path / "a.mp4") == pytest.approx(times(variable_rate), abs=1e-9)


def test_drop_keeps_the_times_of_the_rest(variable_rate: Path, tmp_path: Path) -> None:
    render_one(variable_rate, tmp_path / "a.mp4", "frame_drop")
    kept, source = order(tmp_path / "a.mp4"), times(variable_rate)
    every = variant("frame_drop").parameters["every"]
    assert len(kept) in (9 - 9 // every, 9 - 9 // every - 1)
    assert times(tmp_path / "a.mp4") == pytest.approx([source[i] for i in kept], abs=1e-9)


def test_duplicate_shows_frames_again_for_as_long(variable_rate: Path, tmp_path: Path) -> None:
    render_one(variable_rate, tmp_path / "a.mp4", "frame_duplicate")
    shown, source = order(tmp_path / "a.mp4"), times(variable_rate)
    assert len(shown) > 9
    assert sorted(set(shown)) == list(range(9))
    expected, now = [], Fraction(0)
    for frame in shown:
        expected.append(now)
        now += source[frame + 1] - source[frame] if frame < 8 else 0
    assert times(tmp_path / "a.mp4") == pytest.approx(expected, abs=1e-9)


def test_reverse_mirrors_pictures_and_intervals(variable_rate: Path, tmp_path: Path) -> None:
    render_one(variable_rate, tmp_path / "a.mp4", "temporal_reverse")
    assert order(tmp_path / "a.mp4") == list(range(9))[::-1]
    source = times(variable_rate)
    expected = [source[-1] - t for t in reversed(source)]
    assert times(tmp_path / "a.mp4") == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", ["original", *AUGMENTATIONS])
def test_files_do_not_depend_on_what_is_made_beside_them(
    name: str, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [COPY, *(variant(n) for n in AUGMENTATIONS)]
    chosen = COPY if name == "original" else variant(name)
    paths = [tmp_path / f"{i}.mp4" for i in range(len(others))]
    if name in ("original", "noise", "temporal_reverse"):
        render(clip, list(zip(others, paths, strict=True)))
        monkeypatch.setattr(module, "_ENCODERS_BYTES", 1)
        again = [tmp_path / f"again{i}.mp4" for i in range(len(others))]
        render(clip, list(zip(others, again, strict=True)))
        for one, two in zip(paths, again, strict=True):
            assert one.read_bytes() == two.read_bytes()
    render(clip, [(chosen, tmp_path / "alone.mp4")])
    render(clip, [(chosen, tmp_path / "twice.mp4")])
    assert (tmp_path / "alone.mp4").read_bytes() == (tmp_path / "twice.mp4").read_bytes()


@pytest.mark.parametrize("name", [n for n in AUGMENTATIONS if n not in TEMPORAL])
def test_a_variant_is_the_transform_of_the_source_through_our_encoder(
    name: str, clip: Path, tmp_path: Path
) -> None:
    """Byte for byte what fresh frames give, so the one frame that is written again is safe."""
    render_one(clip, tmp_path / "a.mp4", name)
    made = variant(name)
    transform = spatial_transform(name, made.parameters, seed=made.seed, width=64, height=48)
    assert transform is not None

    def frames() -> Any:
        for source in decode(clip):
            frame, planes = blank_planes(64, 48)
            transform(planes_of(source), planes)
            frame.pts, frame.time_base, frame.duration = (
                source.pts,
                source.time_base,
                source.duration,
            )
            yield frame

    write_video(tmp_path / "b.mp4", frames(), fps=25.0, sample_aspect_ratio=Fraction(1))
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_the_copy_is_close_and_the_variants_differ(clip: Path, tmp_path: Path) -> None:
    names = ("original", *AUGMENTATIONS)
    outputs = [(COPY if n == "original" else variant(n), tmp_path / f"{n}.mp4") for n in names]
    render(clip, outputs)
    source = np.stack(luma(clip))
    errors = {
        name: np.abs(source - luma(tmp_path / f"{name}.mp4")).mean()
        for name in names
        if name not in ("frame_drop", "frame_duplicate")
    }
    unchanged = {errors.pop("original"), errors.pop("saturation")}
    assert max(unchanged) < 1
    assert min(errors.values()) > 1.5, errors


def test_uniform_frames_are_kept(variable_rate: Path, tmp_path: Path) -> None:
    outputs = [
        (COPY, tmp_path / "copy.mp4"),
        (variant("temporal_reverse"), tmp_path / "reverse.mp4"),
        (variant("blur"), tmp_path / "blur.mp4"),
    ]
    written = render(variable_rate, outputs, num_frames=4)
    assert [w.frame_count for w in written] == [4, 4, 4]
    kept = order(tmp_path / "copy.mp4")
    assert kept == sorted(set(kept))
    assert order(tmp_path / "reverse.mp4") == kept[::-1]
    source = times(variable_rate)
    expected = [source[i] - source[kept[0]] for i in kept]
    assert times(tmp_path / "copy.mp4") == pytest.approx(expected, abs=1e-9)
    assert times(tmp_path / "blur.mp4") == pytest.approx(expected, abs=1e-9)


def test_odd_sizes_and_other_formats_are_settled(make_video: MakeVideo, tmp_path: Path) -> None:
    odd = make_video(
        tmp_path / "odd.mkv", frames=4, width=45, height=33, codec="ffv1", pix_fmt="yuv444p"
    )
    names = ("original", *AUGMENTATIONS)
    outputs = [(COPY if n == "original" else variant(n), tmp_path / f"{n}.mp4") for n in names]
    for name, written in zip(names, render(odd, outputs), strict=True):
        assert (written.width, written.height) == (46, 34), name
        frame = next(decode(tmp_path / f"{name}.mp4"))
        assert frame.format.name == "yuv420p"


def turn(clip: Path, path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Write a copy of an MP4 file with another matrix in its track header (ISO 14496-12, 8.3.2)."""
    a, b, c, d = matrix
    data = bytearray(clip.read_bytes())
    at = data.index(b"tkhd") + 44
    cells = (a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    data[at : at + 36] = b"".join(n.to_bytes(4, "big", signed=True) for n in cells)
    path.write_bytes(data)
    return path


def test_a_picture_that_is_turned_by_half_is_turned(clip: Path, tmp_path: Path) -> None:
    turned = turn(clip, tmp_path / "turned.mp4", (-1, 0, 0, -1))
    render(turned, [(COPY, tmp_path / "copy.mp4"), (variant("cutout"), tmp_path / "cutout.mp4")])
    first, copied = luma(clip)[0], luma(tmp_path / "copy.mp4")[0]
    assert np.abs(copied - first[::-1, ::-1]).mean() < 2.5
    reverse = tmp_path / "reverse.mp4"
    render_one(turned, reverse, "temporal_reverse")
    assert np.abs(luma(reverse)[0] - luma(clip)[-1][::-1, ::-1]).mean() < 2.5


def test_the_shape_of_pixels_is_kept_and_turned(tmp_path: Path) -> None:
    frame, planes = blank_planes(64, 48)
    for plane in planes:
        plane[:] = 128
    frame.pts, frame.time_base = 0, Fraction(1, 25)
    wide = tmp_path / "wide.mp4"
    write_video(wide, [frame], sample_aspect_ratio=Fraction(4, 3))
    upright = turn(wide, tmp_path / "turned.mp4", (0, 1, -1, 0))
    for source, size, aspect in ((wide, (64, 48), (4, 3)), (upright, (48, 64), (3, 4))):
        written = render_one(source, tmp_path / "a.mp4", "blur")
        assert (written.width, written.height) == size
        with av.open(str(tmp_path / "a.mp4")) as made:
            assert made.streams.video[0].sample_aspect_ratio == Fraction(*aspect)


def test_one_frame_is_enough(make_video: MakeVideo, tmp_path: Path) -> None:
    single = make_video(tmp_path / "single.mp4", frames=1)
    for name in AUGMENTATIONS:
        assert render_one(single, tmp_path / f"{name}.mp4", name).frame_count == 1


def test_progress_is_shown_while_each_file_is_written(clip: Path, tmp_path: Path) -> None:
    calls: list[int] = []
    render_one(clip, tmp_path / "a.mp4", "rotation", on_frame=lambda: calls.append(1))
    assert len(calls) >= 14


def test_a_damaged_source_is_an_error(clip: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(clip.read_bytes()[:-400])
    with pytest.raises(VideoError):
        render_one(broken, tmp_path / "a.mp4", "blur")


def test_each_file_has_its_own_encoder(clip: Path, tmp_path: Path) -> None:
    """The bound on encoders at work together counts what is really open."""
    open_now, most = [0], [0]
    enter, leave = Encoder.__enter__, Encoder.__exit__

    def entering(self: Encoder) -> Encoder:
        open_now[0] += 1
        most[0] = max(most[0], open_now[0])
        return enter(self)

    def leaving(self: Encoder, *error: Any) -> None:
        open_now[0] -= 1
        leave(self, *error)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Encoder, "__enter__", entering)
        patch.setattr(Encoder, "__exit__", leaving)
        patch.setattr(module, "_ENCODERS_BYTES", 3 * 26 * 64 * 48)
        outputs = [(variant(n), tmp_path / f"{n}.mp4") for n in AUGMENTATIONS]
        render(clip, outputs)
    assert (open_now[0], most[0]) == (0, 3)


def test_frames_put_by_and_decoded_again_give_the_same_files(clip: Path, tmp_path: Path) -> None:
    """With room for all frames, for some and for none; one encoder at a time, and two."""
    made = []
    outputs = [(variant(n), tmp_path / f"{n}.mp4") for n in (*AUGMENTATIONS[-3:], "blur")]
    for room, encoders in ((1 << 30, 9), (1 << 30, 1), (0, 2), (64 * 48 * 3, 1)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "_SPILL_BYTES", room)
            patch.setattr(module, "_ENCODERS_BYTES", encoders * 26 * 64 * 48)
            patch.setattr(module, "_BATCH_BYTES", encoders * 64 * 48 * 3 // 2)
            render(clip, outputs)
        made.append([path.read_bytes() for _, path in outputs])
    assert all(files == made[0] for files in made[1:])


def test_a_clip_longer_than_its_header_says_is_decoded_again(clip: Path, tmp_path: Path) -> None:
    """The file of frames put by does not grow beyond its bound."""
    outputs = [(variant("temporal_reverse"), tmp_path / "a.mp4"), (COPY, tmp_path / "b.mp4")]
    render(clip, outputs)
    before = [path.read_bytes() for _, path in outputs]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_has_room", lambda *_: True)
        patch.setattr(module, "_SPILL_BYTES", 64 * 48 * 3)
        render(clip, outputs)
    assert [path.read_bytes() for _, path in outputs] == before
