"""The extended features against closed forms, SciPy and signals whose answer is known."""

import math
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage, signal, stats

from fvc.features import EXTENDED_FEATURE_NAMES, FEATURE_NAMES, dct, extract_features, noise
from fvc.features.extended import chroma, recompression, sensor, spectrum, stream, temporal
from fvc.features.names import EXTENDED_ONLY_NAMES

Luma = NDArray[np.uint8]
MakeVideo = Callable[..., Path]


def noisy(sigma: float, shape: tuple[int, int] = (256, 320), seed: int = 0) -> Luma:
    rng = np.random.default_rng(seed)
    ramp = np.linspace(90, 160, shape[1])[None, :] + np.linspace(0, 20, shape[0])[:, None]
    return np.clip(np.rint(ramp + rng.normal(0, sigma, shape)), 0, 255).astype(np.uint8)


def texture(shape: tuple[int, int] = (192, 256), seed: int = 0) -> Luma:
    rng = np.random.default_rng(seed)
    fields = (ndimage.gaussian_filter(rng.normal(size=shape), s) * s for s in (1, 2, 4, 8))
    return np.clip(128 + 20 * sum(fields), 0, 255).astype(np.uint8)


# --- sensor


def test_kurtosis_is_scipys() -> None:
    luma = noisy(6)
    luma[100:150, 100:150] = 30
    residual = noise.residual(luma)
    expected = math.log(stats.kurtosis(residual.ravel(), fisher=False))
    assert sensor.noise_kurtosis(residual) == pytest.approx(expected, rel=1e-3)
    assert sensor.noise_kurtosis(noise.residual(noisy(8))) == pytest.approx(math.log(3), abs=0.03)
    assert math.isnan(sensor.noise_kurtosis(np.zeros((4, 4), np.int16)))
    assert math.isnan(sensor.noise_kurtosis(np.empty((0, 0), np.int16)))


@pytest.mark.parametrize("sign", [1, -1, 0])
def test_noise_that_depends_on_brightness_is_seen(sign: int) -> None:
    rng = np.random.default_rng(1)
    shade = np.tile(np.linspace(60, 200, 512), (256, 1))
    sigma = 5 + sign * (shade - 130) / 25
    luma = np.rint(shade + rng.normal(size=shade.shape) * sigma).clip(0, 255).astype(np.uint8)
    flat = noise.flattest(noise.block_activity(luma))
    found = sensor.noise_brightness(noise.residual(luma), luma, flat)
    assert found * sign > 0.9 if sign else abs(found) < 0.3


def test_brightness_needs_blocks_that_differ() -> None:
    flat = np.full((96, 96), 100, np.uint8)
    blocks = noise.flattest(noise.block_activity(flat))
    assert math.isnan(sensor.noise_brightness(noise.residual(flat), flat, blocks))
    assert math.isnan(sensor.noise_brightness(noise.residual(flat), flat, blocks[:3]))


# --- chroma


def test_chroma_planes_are_those_of_the_frame() -> None:
    frame = av.VideoFrame(64, 48, "yuv420p")
    rng = np.random.default_rng(0)
    wanted = []
    for plane in frame.planes:
        values = rng.integers(0, 256, (plane.height, plane.line_size), dtype=np.uint8)
        plane.update(values.tobytes())
        wanted.append(values[:, : plane.width])
    for found, expected in zip(chroma.chroma_planes(frame), wanted[1:], strict=True):
        assert np.array_equal(found, expected)
    full = frame.reformat(format="yuv444p")
    assert [plane.shape for plane in chroma.chroma_planes(full)] == [(24, 32), (24, 32)]


def test_chroma_noise_is_its_level_and_shared_noise_correlates() -> None:
    rng = np.random.default_rng(0)
    common, own = rng.normal(0, 3, (2, 160, 200))
    cb = noise.residual(np.rint(128 + common).astype(np.uint8))
    cr = noise.residual(np.rint(128 + common + own).astype(np.uint8))
    alone = noise.residual(np.rint(128 + own).astype(np.uint8))
    level = (3 + math.sqrt(18)) / 2
    assert math.exp(chroma.chroma_noise(cb, cr)) == pytest.approx(level, rel=0.03)
    # Variances 9 and 18, covariance 9.
    assert chroma.chroma_correlation(cb, cr) == pytest.approx(1 / math.sqrt(2), abs=0.03)
    assert chroma.chroma_correlation(cb, alone) == pytest.approx(0, abs=0.03)
    assert math.isnan(chroma.chroma_correlation(cb, np.zeros_like(cb)))


def test_chroma_over_luma() -> None:
    # The mean of four pixels has half of the noise.
    luma = noisy(8, (320, 400))
    plane = noise.residual(noisy(8, (160, 200), seed=3))
    assert chroma.chroma_luma_ratio(plane, plane, luma) == pytest.approx(math.log(2), abs=0.05)
    assert math.isnan(chroma.chroma_luma_ratio(plane[:0], plane[:0], luma))
    assert math.isnan(chroma.chroma_noise(plane[:0], plane[:0]))


# --- spectrum


def test_spectrum_is_welchs() -> None:
    luma = texture((64, 192))
    found = spectrum.spectrum(luma)
    assert found is not None
    tiles = [luma[:, k : k + 64].astype(float) for k in (0, 64, 128)]
    window = np.hanning(64)
    row = [
        signal.periodogram(
            (t - t.mean()) * window[:, None], window=window, detrend=False, scaling="density"
        )[1].sum(axis=0)
        for t in tiles
    ]
    # Parseval along the columns: summed over their frequencies, both say the same.
    expected = np.mean(row, axis=0) / np.square(window).sum()
    expected[1:-1] /= 2
    assert np.allclose(found.sum(axis=0) / 64, expected)


@pytest.mark.parametrize("exponent", [0.0, -2.0, -3.0])
def test_slope_of_a_power_law(exponent: float) -> None:
    rng = np.random.default_rng(0)
    radius = np.hypot(np.fft.fftfreq(512)[:, None], np.fft.fftfreq(512)[None, :])
    radius[0, 0] = 1
    field = np.fft.ifft2(np.fft.fft2(rng.normal(size=(512, 512))) * radius ** (exponent / 2)).real
    luma = np.rint(128 + 30 * field / field.std()).clip(0, 255).astype(np.uint8)
    power = spectrum.spectrum(luma)
    assert power is not None
    assert spectrum.spectrum_slope(power) == pytest.approx(exponent, abs=0.3)
    assert abs(spectrum.spectrum_tail(power)) < 0.5
    assert abs(spectrum.spectrum_lattice(power)) < 0.15


def test_lost_high_frequencies_bend_the_tail() -> None:
    luma = texture((256, 256))
    sharp = spectrum.spectrum(np.rint(luma * 0.9 + noisy(3, (256, 256)) * 0.1).astype(np.uint8))
    soft = spectrum.spectrum(cv2.GaussianBlur(noisy(20, (256, 256)), (0, 0), 1.2))
    assert sharp is not None
    assert soft is not None
    assert spectrum.spectrum_tail(soft) < -1.0


def test_an_upsampling_layers_lattice_is_seen() -> None:
    rng = np.random.default_rng(0)
    plain = rng.normal(0, 8, (256, 256))
    # A stride that leaves one of eight pixels stronger in each direction.
    lattice = np.zeros((8, 8))
    lattice[0, 0] = 40
    for pattern, seen in ((0, False), (np.tile(lattice, (32, 32)), True)):
        luma = np.rint(128 + plain + pattern).clip(0, 255).astype(np.uint8)
        power = spectrum.spectrum(luma)
        assert power is not None
        assert (spectrum.spectrum_lattice(power) > 0.5) == seen


def test_no_spectrum_of_too_little() -> None:
    assert spectrum.spectrum(texture((63, 200))) is None
    assert spectrum.spectrum(np.full((64, 64), 9, np.uint8)) is None
    assert spectrum.spectrum(texture((640, 640))) is not None


# --- recompression


def test_a_quantised_histogram_has_a_comb() -> None:
    luma = texture((256, 320))
    plain = recompression.double_histogram(dct.coefficients(luma))
    quantised = np.rint(dct.coefficients(luma) / 6) * np.float32(6)
    again = np.rint(quantised / 4) * np.float32(4)
    assert recompression.double_histogram(quantised) > plain + 0.4
    assert recompression.double_histogram(again) > plain + 0.1
    assert math.isnan(recompression.double_histogram(dct.coefficients(luma[:16, :16])))


def test_a_rhythm_other_than_the_clips_own_is_seen() -> None:
    rng = np.random.default_rng(0)
    n = 240
    key = np.arange(n) % 16 == 0
    sizes = rng.normal(1000, 40, n)
    sizes[key] = 9000
    plain = recompression.double_rhythm(sizes, key)
    own = recompression.double_rhythm(sizes + 400 * (np.arange(n) % 16 == 1), key)
    other = recompression.double_rhythm(sizes + 400 * (np.arange(n) % 12 == 5), key)
    assert plain < 2.8
    assert own < plain + 1
    assert other > plain + 1.5
    assert math.isnan(recompression.double_rhythm(sizes[:40], key[:40]))
    assert math.isnan(recompression.double_rhythm(np.full(n, 70), key))
    assert math.isnan(recompression.double_rhythm(sizes, np.ones(n, bool)))


# --- temporal


def test_independent_noise_changes_by_the_root_of_two() -> None:
    first, second = noisy(5, seed=0), noisy(5, seed=1)
    assert temporal.temporal_noise(first, second) == pytest.approx(math.log(2) / 2, abs=0.02)
    frozen = temporal.temporal_noise(first, first)
    assert frozen == pytest.approx(math.log(0.02 / (5 * math.sqrt(2 / math.pi) + 0.02)), abs=0.02)
    assert math.isnan(temporal.temporal_noise(first[:10], second[:10]))


def test_flicker_is_the_second_difference_of_the_mean() -> None:
    frames = [np.full((20, 30), value, np.uint8) for value in (100, 104, 110)]
    assert temporal.temporal_flicker(frames) == pytest.approx(math.log(2.01))
    steady = [np.full((20, 30), value, np.uint8) for value in (100, 104, 108)]
    assert temporal.temporal_flicker(steady) == pytest.approx(math.log(0.01))
    assert math.isnan(temporal.temporal_flicker(frames[:2]))


def test_flow_of_a_shift_is_the_shift() -> None:
    scene = texture((240, 320), seed=2)
    first, second = scene[10:202, 10:266], scene[10:202, 7:263]
    field = temporal.flow(np.ascontiguousarray(first), np.ascontiguousarray(second))
    inner = field[24:-24, 24:-24]
    assert np.median(inner[..., 0]) == pytest.approx(3, abs=0.2)
    assert np.median(inner[..., 1]) == pytest.approx(0, abs=0.2)
    assert temporal.flow_error(first, second, field) < math.log(0.5)
    assert temporal.flow_error(first, second, np.zeros_like(field)) == pytest.approx(0)


def test_flow_measures_in_closed_form() -> None:
    even = np.zeros((20, 30, 2), np.float32)
    even[..., 0], even[..., 1] = 3, 4
    assert temporal.flow_roughness(even) == pytest.approx(math.log(0.02 / 5.02))
    assert temporal.flow_change(even, even) == pytest.approx(math.log(0.02 / 5.02))
    assert temporal.flow_change(even, -even) == pytest.approx(math.log(10.02 / 5.02))
    ramp = np.zeros((20, 30, 2), np.float32)
    ramp[..., 0] = np.arange(30)
    # Steps of 1 across, of 0 down; mean length 14.5.
    assert temporal.flow_roughness(ramp) == pytest.approx(math.log(0.52 / 14.52), rel=1e-4)


def test_frames_are_made_small_and_never_larger() -> None:
    assert temporal.small(texture((300, 512))).shape == (150, 256)
    assert temporal.small(texture((100, 120))).shape == (100, 120)


# --- stream


def shifting_video(path: Path, step: int, frames: int = 12) -> Path:
    """A texture that moves by whole pixels, with one vector a block and no B-frames."""
    scene = texture((160, 400), seed=4)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 192, 128, "yuv420p"
        video.options = {
            "qp": "10",
            "g": "250",
            "bf": "0",
            "x264-params": "scenecut=0:partitions=none:weightp=0:ref=1",
        }
        for k in range(frames):
            luma = scene[16:144, 100 + step * k : 292 + step * k]
            frame = av.VideoFrame.from_ndarray(np.repeat(luma[..., None], 3, axis=2), "rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path


@pytest.mark.parametrize("step", [0, 4])
def test_vectors_are_the_motion(tmp_path: Path, step: int) -> None:
    fields = stream.motion_fields(shifting_video(tmp_path / "moving.mp4", step))
    assert len(fields) == 11
    assert {field.shape for field in fields} == {(8, 12, 2)}
    inner = np.concatenate([field[2:-2, 2:-2].reshape(-1, 2) for field in fields])
    assert np.nanmedian(np.abs(inner[:, 0])) == pytest.approx(step, abs=0.25)
    assert np.nanmedian(np.abs(inner[:, 1])) == pytest.approx(0, abs=0.25)
    still = stream.motion_still(fields)
    assert still > 0.95 if step == 0 else still < 0.2


def test_motion_measures_in_closed_form() -> None:
    even = np.zeros((4, 5, 2))
    even[..., 0] = 2.0
    gone = even.copy()
    gone[0, 0] = np.nan
    assert stream.motion_still([even]) == 0
    assert stream.motion_still([even, 0 * even]) == 0.5
    assert stream.motion_intra([even, gone]) == pytest.approx(1 / 40)
    assert stream.motion_roughness([even, gone]) == pytest.approx(math.log(0.05 / 2.05))
    assert stream.motion_change([even, 2 * even]) == pytest.approx(math.log(2.05 / 3.05))
    for measure in (stream.motion_still, stream.motion_intra, stream.motion_roughness):
        assert math.isnan(measure([]))
    assert math.isnan(stream.motion_change([even]))


def test_smaller_blocks_and_later_references() -> None:
    whole = ("source", "dst_x", "dst_y", "motion_x", "motion_y", "motion_scale")
    kind = np.dtype([(name, "i4") for name in whole])
    vectors = np.array(
        [(-1, 4, 8, 8, 4, 4), (-1, 12, 8, 16, 4, 4), (1, 24, 8, 400, 400, 4)], dtype=kind
    )
    field = stream.vector_field(vectors, 1, 2)
    assert field[0, 0].tolist() == [3.0, 1.0]
    assert np.isnan(field[0, 1]).all()


def test_residual_measures_in_closed_form() -> None:
    size, key = [8000, 100, 400, 100], [True, False, False, False]
    assert stream.residual_bits(size, key, 1000) == pytest.approx(math.log(8 * 200 / 1000))
    assert stream.residual_share(size, key) == pytest.approx(math.log(200 / 8000))
    assert stream.residual_unrest(size, key) == pytest.approx(math.log(416 / 116))
    assert math.isnan(stream.residual_bits([8000], [True], 1000))
    assert math.isnan(stream.residual_share([8000], [True]))
    assert math.isnan(stream.residual_unrest([8000, 100], [True, False]))


# --- together


def test_the_documented_counts() -> None:
    assert len(EXTENDED_ONLY_NAMES) == len(set(EXTENDED_ONLY_NAMES)) == 23
    assert FEATURE_NAMES + EXTENDED_ONLY_NAMES == EXTENDED_FEATURE_NAMES
    assert len(set(EXTENDED_FEATURE_NAMES)) == 38


def test_a_usual_clip_has_them_all(tmp_path: Path, make_video: MakeVideo) -> None:
    path = make_video(tmp_path / "usual.mp4", frames=60, width=320, height=192, options={"g": "16"})
    found = extract_features(path, path, extended=True)
    assert tuple(found) == EXTENDED_FEATURE_NAMES
    assert [name for name, value in found.items() if not math.isfinite(value)] == []
    plain = extract_features(path, path)
    assert {name: found[name] for name in plain} == plain


@pytest.mark.parametrize(("frames", "side"), [(1, 96), (2, 96), (12, 4), (3, 20)])
def test_a_small_clip_has_what_it_allows(
    tmp_path: Path, make_video: MakeVideo, frames: int, side: int
) -> None:
    path = make_video(tmp_path / "small.mp4", frames=frames, width=side, height=side)
    found = extract_features(path, path, extended=True)
    assert tuple(found) == EXTENDED_FEATURE_NAMES
    assert not any(math.isinf(value) for value in found.values())
    assert math.isnan(found["temporal_noise"]) == (frames == 1 or side < 18)
