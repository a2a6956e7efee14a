"""What platforms do, against frames decoded and measured without this package."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from fvc.errors import VideoError
from fvc.transcoding.cadence import at_rate
from fvc.transcoding.caption import bar_height, bar_of
from fvc.transcoding.platforms import PLATFORMS, Transformation, kept_region, transform_video
from fvc.transcoding.writing import h264
from fvc.video import probe

WIDTH, HEIGHT, FRAMES, FPS = 128, 96, 16, 30
BY_NAME = {t.name: t for t in PLATFORMS}


def luma(path: Path) -> np.ndarray:
    """Decode with PyAV alone: shape (frames, height, width)."""
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="gray8") for frame in container.decode(video=0)]
    return np.stack(frames).astype(np.float64)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((a - b) ** 2)))


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory, make_video: Callable[..., Path]) -> Path:
    path = tmp_path_factory.mktemp("raw") / "raw.mp4"
    return make_video(path, frames=FRAMES, width=WIDTH, height=HEIGHT, fps=FPS)


@pytest.fixture(scope="module")
def made(raw: Path) -> dict[str, Path]:
    """Every transformation of the raw file."""
    paths = {}
    for t in PLATFORMS:
        paths[t.name] = raw.parent / f"{t.name}.{t.encoding.container}"
        transform_video(raw, paths[t.name], t)
    return paths


def test_the_list_is_what_is_promised() -> None:
    families = [t.family for t in PLATFORMS]
    assert families.count("H.264") == families.count("VP9") == 3
    assert {"downscale", "frame rate", "crop", "caption"} < set(families)
    assert len({t.name for t in PLATFORMS}) == len(PLATFORMS)


@pytest.mark.parametrize("name", list(BY_NAME))
def test_codec_rate_and_size_as_another_reader_sees_them(made: dict[str, Path], name: str) -> None:
    how = BY_NAME[name]
    with av.open(str(made[name])) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == ("vp9" if how.family == "VP9" else "h264")
        assert not container.streams.audio
        frames = list(container.decode(stream))
        sizes = {(f.width, f.height) for f in frames}
        times = [float(f.pts * f.time_base) for f in frames]
    if how.keep < 1:
        assert sizes == {(102, 76)}
    else:
        assert sizes == {(WIDTH, HEIGHT)}
    rate = how.fps or FPS
    assert len(frames) == FRAMES * rate / FPS
    assert np.diff(times) == pytest.approx(1 / rate, abs=2e-3)


@pytest.mark.parametrize("family", ["H.264", "VP9"])
def test_quality_and_bytes_fall_together(raw: Path, made: dict[str, Path], family: str) -> None:
    own = [t for t in PLATFORMS if t.family == family]
    before = luma(raw)
    quality = [psnr(before, luma(made[t.name])) for t in own]
    sizes = [made[t.name].stat().st_size for t in own]
    assert quality[0] > quality[1] + 1 > quality[2] + 2
    assert sizes[0] > sizes[1] > sizes[2]
    assert quality[0] > 28
    assert [t.quality for t in own] == sorted(t.quality for t in own)


def test_downscaling_takes_what_half_the_size_cannot_hold(raw: Path, made: dict[str, Path]) -> None:
    before, after, written = luma(raw), luma(made["downscaled"]), luma(made["h264-23"])
    assert psnr(before, after) < psnr(before, written) - 3
    # The finest waves, above what half the size can hold, are gone; the coarse ones stay.
    spectra = [np.abs(np.fft.rfft(clip, axis=2)).mean(axis=(0, 1)) for clip in (written, after)]
    high, low = slice(WIDTH * 3 // 8, None), slice(1, WIDTH // 16)
    assert spectra[1][high].mean() < 0.35 * spectra[0][high].mean()
    assert spectra[1][low].mean() == pytest.approx(spectra[0][low].mean(), rel=0.1)


def test_the_crop_is_the_middle_of_the_picture(raw: Path, made: dict[str, Path]) -> None:
    x, y, w, h = kept_region(WIDTH, HEIGHT, 0.8)
    assert abs(x - (WIDTH - w) / 2) <= 1
    assert abs(y - (HEIGHT - h) / 2) <= 1
    before, after = luma(raw), luma(made["cropped"])
    assert psnr(before[:, y : y + h, x : x + w], after) > 28
    assert psnr(before[:, y : y + h, x + 2 : x + w + 2], after[:, :, :w]) < 24


def test_the_caption_covers_the_lower_edge_and_nothing_else(
    raw: Path, made: dict[str, Path]
) -> None:
    before, after = luma(raw), luma(made["captioned"])
    rows = bar_height(HEIGHT)
    assert rows == 14
    assert psnr(before[:, :-rows], after[:, :-rows]) > 28
    bar = after[:, -rows:]
    assert np.median(bar) < 20
    assert bar.max() > 150
    assert np.abs(bar - bar[0]).mean() < 3
    drawn = bar_of(WIDTH, HEIGHT).astype(np.float64)
    assert np.corrcoef(drawn.ravel(), bar.mean(axis=0).ravel())[0, 1] > 0.95
    # Letters keep off the bar's edges, and are there at any size.
    for width, height in ((64, 48), (176, 144), (1920, 1080), (300, 1000)):
        one = bar_of(width, height)
        assert (one > 128).any()
        assert (one[:, 0] == 16).all()
        assert (one[0] == 16).all()


def test_captioning_leaves_the_decoders_frames_alone(tmp_path: Path) -> None:
    """A bar drawn into a frame that later ones refer to would wander up with the picture."""
    scene = np.random.default_rng(0).integers(0, 256, (40, 16), dtype=np.uint8)
    scene = scene.repeat(4, axis=0).repeat(4, axis=1)
    raw = tmp_path / "raw.mp4"
    with av.open(str(raw), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"g": "99", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(16):
            picture = np.ascontiguousarray(scene[4 * i : 4 * i + 48])
            frame = av.VideoFrame.from_ndarray(picture, format="gray8")
            frame = frame.reformat(format="yuv420p", threads=1)
            frame.pts, frame.time_base = i, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    transform_video(raw, tmp_path / "out.mp4", BY_NAME["captioned"])
    rows = bar_height(48)
    before, after = luma(raw), luma(tmp_path / "out.mp4")
    assert min(psnr(b[:-rows], a[:-rows]) for b, a in zip(before, after, strict=True)) > 26


def test_made_again_it_is_the_same_picture(raw: Path, made: dict[str, Path]) -> None:
    for name in ("vp9-31", "captioned", "fps-15"):
        again = raw.parent / f"again-{made[name].name}"
        transform_video(raw, again, BY_NAME[name])
        assert np.abs(luma(again) - luma(made[name])).mean() < 0.5


def test_what_is_too_small_says_so(raw: Path, tmp_path: Path) -> None:
    how = Transformation("dot", "crop", "a dot", h264(23), 23, keep=0.1)
    with pytest.raises(VideoError, match="too little is left after 'a dot'") as found:
        transform_video(raw, tmp_path / "dot.mp4", how)
    assert found.value.kind == "too_small"


def _frames(times: list[float], last: float) -> list[av.VideoFrame]:
    base, frames = Fraction(1, 90_000), []
    for time, after in zip(times, [*times[1:], last], strict=True):
        frame = av.VideoFrame(16, 16, "yuv420p")
        frame.time_base, frame.pts = base, round(time / base)
        frame.duration = round((after - time) / base)
        frames.append(frame)
    return frames


@pytest.mark.parametrize("fps", [Fraction(15), Fraction(30_000, 1001), Fraction(60), Fraction(7)])
def test_every_frame_is_the_one_on_screen_in_the_middle_of_its_time(fps: Fraction) -> None:
    rng = np.random.default_rng(3)
    times = np.cumsum(np.round(rng.uniform(0.005, 0.12, 40), 3)).tolist()
    last = times[-1] + 0.05
    frames = _frames(times, last)
    shown = []
    starts = [(f.pts - frames[0].pts) / 90_000 for f in frames]
    for n, out in enumerate(at_rate(iter(frames), fps)):
        assert (out.pts, out.time_base) == (n, 1 / fps)
        shown.append(next(i for i, f in enumerate(frames) if f is out))
    expected = []
    while (t := (len(expected) + 0.5) / float(fps)) < last - times[0]:
        expected.append(int(np.searchsorted(starts, t, side="right")) - 1)
    assert shown == expected


def test_a_rate_that_is_there_already_changes_no_frame() -> None:
    """Milliseconds round 1/30 to 33, 67, 100: that must neither drop nor repeat a frame."""
    times = [round(i / 30, 3) for i in range(50)]
    frames = _frames(times, round(50 / 30, 3))
    out = [id(frame) for frame in at_rate(iter(frames), Fraction(30))]
    assert out == [id(frame) for frame in frames]
    assert [f.pts for f in at_rate(iter(_frames([0.0], 0.001)), Fraction(5))] == [0]


def test_rates_above_the_wanted_one_only_are_lowered(
    tmp_path: Path, make_video: Callable[..., Path]
) -> None:
    raw = make_video(tmp_path / "slow.mp4", fps=10)
    transform_video(raw, tmp_path / "out.mp4", BY_NAME["fps-15"])
    assert probe(tmp_path / "out.mp4").fps == pytest.approx(10)
