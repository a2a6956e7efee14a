"""From a standard copy to the extended features."""

import itertools
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from fvc.features import boundary, dct, noise
from fvc.features.extended import chroma, recompression, sensor, spectrum, stream, temporal
from fvc.features.names import EXTENDED_ONLY_NAMES
from fvc.features.picture import Luma, PictureArea, is_blank
from fvc.features.pixels import average
from fvc.video import frames_at, luma_plane
from fvc.video.packets import PacketTable

BURST = 3
"""Frames in a row at every sampled time."""

OnFrame = Callable[[], object]


def extended_features(
    clip: Path,
    frames: Sequence[VideoFrame],
    planes: Sequence[Luma],
    pts_seconds: NDArray[np.float64],
    area: PictureArea,
    *,
    on_frame: OnFrame | None = None,
) -> dict[str, float]:
    """Compute the extended features of a clip.

    Parameters
    ----------
    clip
        The standard copy, of which three frames in a row at each sampled time and the first 64
        frames are decoded again.
    frames, planes
        The sampled frames, and their luma planes.
    pts_seconds
        Their times.
    area
        Where the picture lies.
    on_frame
        Called once a decoded frame, to show progress.

    Returns
    -------
    dict
        Every name of `EXTENDED_ONLY_NAMES`, in that order; NaN for what cannot be computed.

    Raises
    ------
    VideoError
        The file cannot be read.
    """
    rows = [
        _of_frame(frame, area.crop(plane), area.crop_to_grid(plane), area)
        for frame, plane in zip(frames, planes, strict=True)
        if not is_blank(area.crop(plane))
    ]
    table = stream.read_packets(clip, on_frame=on_frame)
    groups = [
        [area.crop(plane) for plane in burst]
        for burst in _bursts(clip, table, pts_seconds, planes[0].shape, on_frame)
    ]
    times = [_of_burst(burst) for burst in groups if not any(is_blank(frame) for frame in burst)]
    fields = stream.motion_fields(clip, on_frame=on_frame)
    shape = planes[0].shape
    values = average(rows) | average(times) | _of_stream(fields, table, shape[0] * shape[1])
    return {name: values.get(name, math.nan) for name in EXTENDED_ONLY_NAMES}


def _of_frame(
    frame: VideoFrame, picture: Luma, on_grid: Luma, area: PictureArea
) -> dict[str, float]:
    residual = noise.residual(picture)
    flat = noise.flattest(noise.block_activity(picture))
    half = PictureArea(*(side // 2 for side in (area.top, area.bottom, area.left, area.right)))
    cb, cr = (noise.residual(half.crop(plane)) for plane in chroma.chroma_planes(frame))
    power = spectrum.spectrum(picture)
    profiles = boundary.difference_profiles(on_grid)
    return {
        "noise_kurtosis": sensor.noise_kurtosis(residual),
        "noise_brightness": sensor.noise_brightness(residual, picture, flat),
        "chroma_noise": chroma.chroma_noise(cb, cr),
        "chroma_luma_ratio": chroma.chroma_luma_ratio(cb, cr, picture),
        "chroma_correlation": chroma.chroma_correlation(cb, cr),
        "spectrum_slope": math.nan if power is None else spectrum.spectrum_slope(power),
        "spectrum_tail": math.nan if power is None else spectrum.spectrum_tail(power),
        "spectrum_lattice": math.nan if power is None else spectrum.spectrum_lattice(power),
        "double_histogram": recompression.double_histogram(dct.coefficients(on_grid)),
        "double_grid": boundary.block_grid_offset(profiles),
    }


def _bursts(
    clip: Path,
    table: PacketTable,
    pts_seconds: NDArray[np.float64],
    shape: tuple[int, ...],
    on_frame: OnFrame | None,
) -> list[list[Luma]]:
    """Take the frames at the sampled times and the two after each, where there are that many."""
    shown = table.shown_pts * float(table.time_base)
    number = min(BURST, len(shown))
    # Half a step back, so that the frame itself is found whatever its time was rounded to.
    step = float(np.median(np.diff(shown))) if len(shown) > 1 else 1.0
    first = np.clip(np.searchsorted(shown, pts_seconds - step / 2), 0, len(shown) - number)
    places = np.unique(first)[:, None] + np.arange(number)
    frames = frames_at(clip, shown[places.ravel()], on_frame=on_frame).frames
    planes = [luma_plane(frame) for frame in frames]
    bursts = [planes[k : k + number] for k in range(0, len(planes), number)]
    return [burst for burst in bursts if all(plane.shape == shape for plane in burst)]


def _of_burst(burst: Sequence[Luma]) -> dict[str, float]:
    if len(burst) < 2 or min(burst[0].shape) < 16:
        return {}
    found = {"temporal_noise": temporal.temporal_noise(burst[0], burst[1])}
    little = [temporal.small(frame) for frame in burst]
    fields = [temporal.flow(a, b) for a, b in itertools.pairwise(little)]
    found |= {
        "flow_roughness": temporal.flow_roughness(fields[0]),
        "flow_error": temporal.flow_error(little[0], little[1], fields[0]),
    }
    if len(burst) == BURST:
        found |= {
            "temporal_flicker": temporal.temporal_flicker(burst),
            "flow_change": temporal.flow_change(fields[0], fields[1]),
        }
    return found


def _of_stream(
    fields: Sequence[stream.Vectors], table: PacketTable, pixels: int
) -> dict[str, float]:
    sizes, key = table.size, table.key
    return {
        "double_rhythm": recompression.double_rhythm(sizes, key),
        "motion_still": stream.motion_still(fields),
        "motion_intra": stream.motion_intra(fields),
        "motion_roughness": stream.motion_roughness(fields),
        "motion_change": stream.motion_change(fields),
        "residual_bits": stream.residual_bits(sizes, key, pixels),
        "residual_share": stream.residual_share(sizes, key),
        "residual_unrest": stream.residual_unrest(sizes, key),
    }
