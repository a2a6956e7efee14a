"""Simulated scenes seen by simulated cameras: arrays in, frames out.

A real clip is a scene through one lens and onto one sensor. A fake one has a region pasted in that
came another way: of lower resolution, denoised, with another sensor's noise or hardly any. That is
the trace which splices leave in real footage [1]_; here it is weak enough for compression to hide
some of it.

References
----------
.. [1] B. Mahdian, S. Saic, "Using noise inconsistencies for blind image forensics", Image and
   Vision Computing 27, 2009.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]


@dataclass(frozen=True)
class Camera:
    """A lens and a sensor.

    Attributes
    ----------
    blur
        Standard deviation of the lens's point spread, in pixels.
    read_noise, shot_noise
        Noise in grey levels: that of darkness, and its growth with the root of the light.
    pattern
        Strength of the sensor's fixed pattern (its PRNU), as a share of the light.
    seed
        Of this very sensor's pattern.
    """

    blur: float
    read_noise: float
    shot_noise: float
    pattern: float
    seed: int


@dataclass(frozen=True)
class Splice:
    """A pasted region.

    Attributes
    ----------
    area
        Share of the frame.
    scale
        Resolution that the pasted material had, relative to the frame.
    kept_noise
        Share of the sensor's noise that the pasted region shows.
    seed
        Of its content and path.
    """

    area: float
    scale: float
    kept_noise: float
    seed: int


@dataclass(frozen=True)
class Shot:
    """A clip before encoding: a scene, a camera and, in a fake, a splice."""

    width: int
    height: int
    frames: int
    scene_seed: int
    camera: Camera
    splice: Splice | None = None


def random_camera(rng: np.random.Generator) -> Camera:
    """Draw a camera."""
    return Camera(
        blur=float(rng.uniform(0.4, 0.9)),
        read_noise=float(rng.uniform(2.0, 4.0)),
        shot_noise=float(rng.uniform(0.1, 0.3)),
        pattern=float(rng.uniform(0.01, 0.03)),
        seed=int(rng.integers(1 << 31)),
    )


def random_splice(rng: np.random.Generator) -> Splice:
    """Draw a splice; the weakest ones cannot be seen after compression."""
    return Splice(
        area=float(rng.uniform(0.12, 0.4)),
        scale=float(rng.uniform(0.35, 0.9)),
        kept_noise=float(rng.uniform(0.0, 0.7)),
        seed=int(rng.integers(1 << 31)),
    )


def shoot(shot: Shot) -> Iterator[NDArray[np.uint8]]:
    """Frames of a shot, one at a time.

    Parameters
    ----------
    shot
        What is seen, and how.

    Yields
    ------
    uint8 (height, width, 3)
        RGB.
    """
    height, width = shot.height, shot.width
    rng = np.random.default_rng([shot.scene_seed, shot.camera.seed])
    pattern = np.random.default_rng(shot.camera.seed).standard_normal((height, width, 1))
    gain = 1 + shot.camera.pattern * pattern.astype(np.float32)
    scene = _scene(shot.scene_seed, width, height, shot.frames)
    pasted = None
    if shot.splice is not None:
        pasted = _scene(shot.splice.seed, width, height, shot.frames)
    for number in range(shot.frames):
        light = _blurred(next(scene), shot.camera.blur)
        noise_share = np.ones((height, width, 1), np.float32)
        if pasted is not None and shot.splice is not None:
            other = _resampled(_blurred(next(pasted), shot.camera.blur), shot.splice.scale)
            mask = _mask(shot.splice, number / shot.frames, width, height)
            light = light + mask * (other - light)
            # Cubic resampling swings below zero at edges.
            light = np.maximum(light, 0)
            noise_share = 1 - mask * (1 - shot.splice.kept_noise)
        noise = rng.standard_normal((height, width, 1), dtype=np.float32)
        deviation = shot.camera.read_noise + shot.camera.shot_noise * np.sqrt(light)
        recorded = light + noise_share * (light * (gain - 1) + deviation * noise)
        yield np.clip(recorded + 0.5, 0, 255).astype(np.uint8)


def _scene(seed: int, width: int, height: int, frames: int) -> Iterator[Image]:
    """Move a textured background slowly, and a few things across it."""
    rng = np.random.default_rng(seed)
    margin = max(8, width // 4)
    canvas = _texture(rng, width + 2 * margin, height + 2 * margin)
    drift = rng.uniform(-0.9, 0.9, 2) * margin / frames
    things = [_thing(rng, width, height) for _ in range(rng.integers(2, 5))]
    flicker = rng.uniform(0, 6.28), rng.uniform(0.0, 0.03)
    for number in range(frames):
        centre = (
            margin + width / 2 - 0.5 + drift[0] * number,
            margin + height / 2 - 0.5 + drift[1] * number,
        )
        frame = cv2.getRectSubPix(canvas, (width, height), centre)
        for texture, radius, start, speed in things:
            x, y = start + speed * number / frames
            mask = _ellipse(width, height, x * width, y * height, radius * height)
            frame = frame + mask * (texture - frame)
        brightness = 1 + flicker[1] * np.sin(flicker[0] + number / 5)
        yield np.clip(frame * np.float32(brightness), 0, 255)


def _thing(
    rng: np.random.Generator, width: int, height: int
) -> tuple[Image, float, NDArray[np.float64], NDArray[np.float64]]:
    texture = _texture(rng, width, height)
    return (
        texture,
        float(rng.uniform(0.1, 0.25)),
        rng.uniform(0.1, 0.9, 2),
        rng.uniform(-0.5, 0.5, 2),
    )


def _texture(rng: np.random.Generator, width: int, height: int) -> Image:
    """Noise of several scales in one or two colours, with a flat part such as a sky or wall."""
    roughness = rng.uniform(0.45, 0.85)
    grey = np.zeros((height, width), np.float32)
    for octave in range(6):
        cells = 3 * 2**octave
        coarse = rng.standard_normal((cells, cells), dtype=np.float32)
        grey += roughness**octave * cv2.resize(
            coarse, (width, height), interpolation=cv2.INTER_CUBIC
        )
    grey /= grey.std() + 1e-6
    tint = cv2.resize(
        rng.standard_normal((3, 3, 3), dtype=np.float32),
        (width, height),
        interpolation=cv2.INTER_CUBIC,
    )
    image = rng.uniform(80, 170) + rng.uniform(18, 45) * grey[..., None] + 14 * tint
    ramp = np.linspace(-1, 1, height, dtype=np.float32)[:, None, None]
    flat = 1 / (1 + np.exp(18 * (ramp - rng.uniform(-1.2, 0.2))))
    sky = rng.uniform(60, 235, 3).astype(np.float32) * (1 + 0.08 * ramp)
    return np.asarray(np.clip(image + flat * (sky - image), 0, 255), np.float32)


def _mask(splice: Splice, time: float, width: int, height: int) -> Image:
    rng = np.random.default_rng(splice.seed)
    start, speed = rng.uniform(0.3, 0.7, 2), rng.uniform(-0.25, 0.25, 2)
    x, y = start + speed * time
    # An ellipse half as wide again as high, of the area asked for.
    radius = float(np.sqrt(splice.area * width * height / (np.pi * 1.5)))
    return _ellipse(width, height, x * width, y * height, radius, stretch=1.5)


def _ellipse(
    width: int, height: int, x: float, y: float, radius: float, *, stretch: float = 1.0
) -> Image:
    """One inside, zero outside, with a soft edge of some two pixels."""
    rows = (np.arange(height, dtype=np.float32) - y)[:, None] / radius
    columns = (np.arange(width, dtype=np.float32) - x)[None, :] / (radius * stretch)
    distance = (1 - np.sqrt(rows**2 + columns**2)) * radius
    return np.asarray(np.clip(distance / 2 + 0.5, 0, 1)[..., None], np.float32)


def _blurred(image: Image, sigma: float) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)


def _resampled(image: Image, scale: float) -> Image:
    height, width = image.shape[:2]
    small = (max(4, round(width * scale)), max(4, round(height * scale)))
    reduced = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return np.asarray(
        cv2.resize(reduced, (width, height), interpolation=cv2.INTER_CUBIC), np.float32
    )
