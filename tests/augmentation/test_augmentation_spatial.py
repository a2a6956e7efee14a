"""Each spatial augmentation against another implementation: SciPy, FFmpeg's filters, or RGB."""

from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.filter import Graph
from scipy import ndimage

from fvc.augmentation.build import spatial_transform
from fvc.augmentation.geometry import Flip, affine, rotation
from fvc.augmentation.occlusion import Cutout
from fvc.augmentation.planes import Planes, blank_planes, planes_of
from fvc.augmentation.texture import Blur, Noise
from fvc.augmentation.tone import brightness, contrast, saturation

W, H = 86, 58
# A frame of vflip is the old one with rows counted backwards; a copy has them forwards.
COPY = ("copy", "")
AFFINE = {"scale": 1.07, "shear_x": 0.08, "shear_y": -0.05, "shift_x": 0.03, "shift_y": -0.04}


def picture(seed: int = 0, *, low: int = 0, high: int = 255) -> Planes:
    rng = np.random.default_rng(seed)
    _, planes = blank_planes(W, H)
    for plane in planes:
        plane[:] = rng.integers(low, high, plane.shape, endpoint=True)
    return planes


def apply(transform: Any, source: Planes) -> Planes:
    before = [plane.copy() for plane in source]
    _, target = blank_planes(W, H)
    for plane in target:
        plane[:] = 77
    transform(source, target)
    for plane, kept in zip(source, before, strict=True):
        assert (plane == kept).all(), "the source frame was written into"
    return target


def ffmpeg(source: Planes, *filters: tuple[str, str]) -> Planes:
    frame, planes = blank_planes(W, H)
    for plane, values in zip(planes, source, strict=True):
        plane[:] = values
    frame.pts, frame.time_base = 0, Fraction(1, 25)
    graph = Graph()
    buffer = graph.add_buffer(width=W, height=H, format="yuv420p", time_base=Fraction(1, 25))
    chain = [buffer, *(graph.add(name, arguments) for name, arguments in (*filters, COPY))]
    graph.link_nodes(*chain, graph.add("buffersink")).configure()
    graph.push(frame)
    out = graph.pull()
    assert isinstance(out, av.VideoFrame)
    return Planes(*(plane.copy() for plane in planes_of(out)))


def assert_equal(got: Planes, wanted: Planes) -> None:
    for name, a, b in zip(Planes._fields, got, wanted, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)


# Geometry


def luma_map(kind: str) -> tuple[Any, Any]:
    """Target position from source position, in luma pixels, written out by trigonometry."""
    cx, cy = (W - 1) / 2, (H - 1) / 2
    if kind == "rotation":
        a = np.deg2rad(7.3)

        def forward(x: float, y: float) -> tuple[float, float]:
            up, right = cy - y, x - cx
            return (
                cx + right * np.cos(a) - up * np.sin(a),
                cy - (right * np.sin(a) + up * np.cos(a)),
            )

        return forward, rotation({"degrees": 7.3}, W, H)

    def forward(x: float, y: float) -> tuple[float, float]:
        right, down = x - cx, y - cy
        return (
            cx + 1.07 * (right + 0.08 * down) + 0.03 * W,
            cy + 1.07 * (down - 0.05 * right) - 0.04 * H,
        )

    return forward, affine(AFFINE, W, H)


@pytest.mark.parametrize("kind", ["rotation", "affine"])
def test_warps_equal_scipys_on_all_planes(kind: str) -> None:
    forward, warp = luma_map(kind)
    source = picture()
    target = apply(warp, source)
    # The forward map at three points gives the matrix; SciPy wants its inverse, row first.
    p = np.array([[*forward(x, y)] for x, y in ((0, 0), (1, 0), (0, 1))])
    linear, shift = np.column_stack([p[1] - p[0], p[2] - p[0]]), p[0]
    swap = np.array([[0, 1], [1, 0]])
    inverse = np.linalg.inv(linear)
    for step, site, a, b in (
        (1, np.zeros(2), source.y, target.y),
        (2, np.array([0, 0.5]), source.u, target.u),
        (2, np.array([0, 0.5]), source.v, target.v),
    ):
        # target sample c lies at step c + site in luma pixels
        offset = (inverse @ (site - shift) - site) / step
        wanted = ndimage.affine_transform(
            a.astype(float), swap @ inverse @ swap, swap @ offset, order=1, mode="mirror"
        )
        # Nothing but the rounding of the result, and of the weights to single precision.
        assert np.abs(wanted - b).max() < 0.52


def test_rotation_turns_counter_clockwise_as_ffmpegs_does_by_the_negative_angle() -> None:
    # A smooth picture: FFmpeg's own weights have 1/32 pixel, and its chroma another site.
    y, x = np.mgrid[0:H, 0:W]
    source = picture(low=128, high=128)
    source.y[:] = 120 + 60 * np.sin(x / 9) * np.cos(y / 7)
    target = apply(rotation({"degrees": 7.3}, W, H), source)
    wanted = ffmpeg(source, ("rotate", f"a=-{np.deg2rad(7.3):.9f}"))
    inner = (slice(12, -12), slice(12, -12))
    difference = np.abs(target.y[inner].astype(int) - wanted.y[inner])
    assert difference.max() <= 3
    assert difference.mean() < 0.8
    other = apply(rotation({"degrees": -7.3}, W, H), source)
    assert np.abs(other.y[inner].astype(int) - wanted.y[inner]).mean() > 5


@pytest.mark.parametrize("axis", ["horizontal", "vertical"])
def test_flip_equals_ffmpegs(axis: str) -> None:
    source = picture()
    wanted = ffmpeg(source, ({"horizontal": "hflip", "vertical": "vflip"}[axis], ""))
    assert_equal(apply(Flip({"axis": axis}), source), wanted)


# Tone


def to_rgb(planes: Planes, chroma: tuple[int, int]) -> npt.NDArray[np.float64]:
    """R, G and B (BT.601, black 0 and white 1) of luma against one pair of chroma codes."""
    u, v = (chroma[0] - 128) / 224, (chroma[1] - 128) / 224
    y = (planes.y.astype(float) - 16) / 219
    return np.stack([y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u])


@pytest.mark.parametrize("shift", [-0.15, 0.05, 0.2])
def test_brightness_adds_the_same_to_r_g_and_b(shift: float) -> None:
    source = picture(low=60, high=190)
    target = apply(brightness({"shift": shift}), source)
    change = to_rgb(target, (110, 150)) - to_rgb(source, (110, 150))
    np.testing.assert_allclose(change, shift, atol=0.5 / 219 + 1e-9)
    np.testing.assert_array_equal(target.u, source.u)
    np.testing.assert_array_equal(target.v, source.v)


@pytest.mark.parametrize("gain", [0.6, 1.5])
def test_contrast_scales_r_g_and_b_about_mid_grey(gain: float) -> None:
    source = picture(low=70, high=180)
    target = apply(contrast({"gain": gain}), source)
    pair = int(source.u[0, 0]), int(source.v[0, 0])
    changed = int(target.u[0, 0]), int(target.v[0, 0])
    before, after = to_rgb(source, pair), to_rgb(target, changed)
    rounding = 0.5 / 219 + 1.772 * 0.5 / 224 + 1e-9
    np.testing.assert_allclose(after, 0.5 + gain * (before - 0.5), atol=rounding)


@pytest.mark.parametrize("gain", [0.4, 1.7])
def test_saturation_equals_ffmpegs_hue_filter(gain: float) -> None:
    source = picture(low=100, high=160)
    target = apply(saturation({"gain": gain}), source)
    wanted = ffmpeg(source, ("hue", f"s={gain}"))
    np.testing.assert_array_equal(target.y, source.y)
    # FFmpeg rounds through 16 fraction bits.
    assert np.abs(target.u.astype(int) - wanted.u).max() <= 1
    assert np.abs(target.v.astype(int) - wanted.v).max() <= 1
    exact = 128 + gain * (source.u.astype(float) - 128)
    assert np.abs(target.u - exact).max() <= 0.5 + 1e-9


@pytest.mark.parametrize(
    ("transform", "luma", "chroma"),
    [
        (brightness({"shift": 0.2}), "clip(val+43.8+0.5,16,235)", "val"),
        (brightness({"shift": -0.1}), "clip(val-21.9+0.5,16,235)", "val"),
        (
            contrast({"gain": 1.5}),
            "clip(125.5+1.5*(val-125.5)+0.5,16,235)",
            "clip(128+1.5*(val-128)+0.5,16,240)",
        ),
        (saturation({"gain": 1.7}), "val", "clip(128+1.7*(val-128)+0.5,16,240)"),
    ],
)
def test_tone_equals_ffmpegs_lutyuv_over_all_codes(transform: Any, luma: str, chroma: str) -> None:
    source = picture()
    wanted = ffmpeg(source, ("lutyuv", f"y='{luma}':u='{chroma}':v='{chroma}'"))
    assert_equal(apply(transform, source), wanted)


# Texture


@pytest.mark.parametrize("sigma", [0.6, 1.31, 2.0])
def test_blur_equals_scipys(sigma: float) -> None:
    source = picture()
    target = apply(Blur({"sigma": sigma}), source)
    for own, a, b in zip((sigma, sigma / 2, sigma / 2), source, target, strict=True):
        wanted = ndimage.gaussian_filter(
            a.astype(float), own, mode="mirror", radius=max(1, int(4 * own + 0.5))
        )
        assert np.abs(wanted - b).max() < 0.51


def test_noise_is_white_gaussian_and_new_in_each_frame() -> None:
    _, source = blank_planes(640, 360)
    _, target = blank_planes(640, 360)
    source.y[:], source.u[:], source.v[:] = 120, 90, 200
    noise = Noise({"sigma": 5.0}, 42, 640, 360)
    grain = []
    for _ in range(3):
        noise(source, target)
        grain.append(target.y.astype(float) - 120)
        np.testing.assert_array_equal(target.u, source.u)
        np.testing.assert_array_equal(target.v, source.v)
    n = 640 * 360
    for g in grain:
        assert abs(g.mean()) < 5 * 5 / np.sqrt(n)
        # Rounding to whole codes adds a variance of 1/12.
        assert g.std() == pytest.approx(np.sqrt(25 + 1 / 12), rel=5 / np.sqrt(2 * n))
        assert abs((g**4).mean() / g.var() ** 2 - 3) < 5 * np.sqrt(24 / n)
        for shifted in (np.roll(g, 1, 0), np.roll(g, 1, 1)):
            assert abs(np.corrcoef(g.ravel(), shifted.ravel())[0, 1]) < 5 / np.sqrt(n)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert abs(np.corrcoef(grain[i].ravel(), grain[j].ravel())[0, 1]) < 5 / np.sqrt(n)


def test_noise_stays_in_the_nominal_range() -> None:
    for level in (16, 235):
        source = picture(low=level, high=level)
        target = apply(Noise({"sigma": 8.0}, 1, W, H), source)
        assert target.y.min() >= 16
        assert target.y.max() <= 235
        assert 0.3 < (target.y == level).mean() < 0.7


# Cutout


def test_cutout_equals_ffmpegs_drawbox() -> None:
    source = picture()
    box = {"left": 0.31, "top": 0.2, "width": 0.25, "height": 0.33}
    target = apply(Cutout(box, W, H), source)
    # 43 and 29 chroma columns and rows: 13.33 to 24.08, 5.8 to 15.37
    x, y, w, h = 26, 12, 2 * (24 - 13), 2 * (15 - 6)
    wanted = ffmpeg(source, ("drawbox", f"x={x}:y={y}:w={w}:h={h}:color=0x808080:t=fill"))
    assert_equal(target, wanted)


@pytest.mark.parametrize("size", [(2, 2), (4, 4), (6, 40)])
def test_the_box_lies_in_the_smallest_pictures(size: tuple[int, int]) -> None:
    width, height = size
    for left in (0.0, 0.5, 0.85):
        box = {"left": left, "top": left, "width": 0.15, "height": 0.15}
        _, source = blank_planes(width, height)
        _, target = blank_planes(width, height)
        for plane in source:
            plane[:] = 50
        Cutout(box, width, height)(source, target)
        assert (target.u == 128).sum() >= 1
        assert (target.y == 126).sum() == 4 * (target.u == 128).sum()


# All


SPATIAL = {
    "rotation": {"degrees": 5.0},
    "flip": {"axis": "vertical"},
    "brightness": {"shift": 0.1},
    "contrast": {"gain": 1.3},
    "saturation": {"gain": 1.5},
    "noise": {"sigma": 4.0},
    "blur": {"sigma": 1.0},
    "affine": AFFINE,
    "cutout": {"left": 0.1, "top": 0.1, "width": 0.2, "height": 0.2},
}


@pytest.mark.parametrize("name", sorted(SPATIAL))
def test_the_first_and_a_late_frame_get_the_same_transform(name: str) -> None:
    transform = spatial_transform(name, SPATIAL[name], seed=3, width=W, height=H)
    assert transform is not None
    first, other = picture(1, low=60, high=190), picture(2, low=60, high=190)
    before = apply(transform, first)
    for _ in range(5):
        apply(transform, other)
    after = apply(transform, first)
    if name == "noise":
        # The grain is new, its strength is not.
        grains = [p.y.astype(float) - first.y for p in (before, after)]
        assert grains[0].std() == pytest.approx(grains[1].std(), rel=0.1)
        return
    assert_equal(after, before)
    fresh = spatial_transform(name, SPATIAL[name], seed=3, width=W, height=H)
    assert_equal(apply(fresh, first), before)


@pytest.mark.parametrize("name", sorted(SPATIAL))
@pytest.mark.parametrize("size", [(2, 2), (4, 2), (16, 18)])
def test_tiny_pictures_are_handled(name: str, size: tuple[int, int]) -> None:
    width, height = size
    _, source = blank_planes(width, height)
    _, target = blank_planes(width, height)
    for plane in source:
        plane[:] = 90
    transform = spatial_transform(name, SPATIAL[name], seed=3, width=width, height=height)
    assert transform is not None
    transform(source, target)
    assert 0 < target.y.mean() < 255


def test_temporal_ones_leave_pictures_alone() -> None:
    for name in ("original", "frame_drop", "frame_duplicate", "temporal_reverse"):
        assert spatial_transform(name, {"every": 3}, seed=3, width=W, height=H) is None


def test_planes_share_the_frames_memory() -> None:
    frame, planes = blank_planes(W, H)
    planes.y[:] = 100
    planes.u[:] = 30
    planes.v[:] = 200
    again = frame.to_ndarray()
    assert (again[:H] == 100).all()
    assert again[H:].mean() == 115
    with pytest.raises(ValueError, match="yuv420p frame, got rgb24"):
        planes_of(av.VideoFrame(4, 4, "rgb24"))


def test_a_frame_with_rows_counted_backwards_is_refused() -> None:
    frame, _ = blank_planes(W, H)
    frame.pts, frame.time_base = 0, Fraction(1, 25)
    graph = Graph()
    buffer = graph.add_buffer(width=W, height=H, format="yuv420p", time_base=Fraction(1, 25))
    graph.link_nodes(buffer, graph.add("vflip"), graph.add("buffersink")).configure()
    graph.push(frame)
    out = graph.pull()
    assert isinstance(out, av.VideoFrame)
    with pytest.raises(ValueError, match="first to the last"):
        planes_of(out)
