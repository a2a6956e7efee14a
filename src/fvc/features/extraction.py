"""From video files to the fifteen and the twenty-three numbers of a clip."""

import functools
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from fvc.errors import VideoError
from fvc.features import scaled
from fvc.features.codec import (
    codec_bits_per_pixel,
    codec_keyframe_interval,
    codec_packet_variation,
)
from fvc.features.names import FEATURE_NAMES, SCALED_ONLY_NAMES
from fvc.features.picture import Luma, is_blank, picture_area
from fvc.features.pixels import average, pixel_features
from fvc.video import (
    FrameSample,
    frames_at,
    luma_plane,
    packet_statistics,
    rgb_mean,
    sample_frames,
)
from fvc.video.container import open_video

OnFrame = Callable[[], object]


def extract_features(
    clip: Path,
    original: Path,
    *,
    num_frames: int = 6,
    extended: bool = False,
    on_frame: OnFrame | None = None,
) -> dict[str, float]:
    """Compute the fifteen features of a clip, or the extended set.

    Parameters
    ----------
    clip
        The clip's own file, of which frames are sampled.
    original
        The raw file of its source, of which only packets are read.
    num_frames
        Number of frames, sampled uniformly.
    extended
        Whether to add the features of `fvc.features.extended`.
    on_frame
        Called once a decoded frame, to show progress.

    Returns
    -------
    dict
        Every name of `FEATURE_NAMES`, or of `EXTENDED_FEATURE_NAMES`, in that order; NaN for what
        cannot be computed.

    Raises
    ------
    VideoError
        One of the files cannot be read.
    """
    sample = sample_frames(clip, num_frames=num_frames, on_frame=on_frame)
    planes = _luma_planes(clip, sample)
    features = _base_features(planes, original, on_frame)
    if extended:
        from fvc.features.extended.extraction import extended_features

        features |= extended_features(
            clip,
            sample.frames,
            planes,
            sample.pts_seconds,
            picture_area(planes),
            on_frame=on_frame,
        )
    return features


def extract_scaled_features(
    clip: Path,
    unscaled: Path,
    original: Path,
    *,
    unscaled_size: tuple[int, int],
    num_frames: int = 6,
    on_frame: OnFrame | None = None,
) -> dict[str, float]:
    """Compute the features of a scaled clip: the fifteen, and six of its own.

    Parameters
    ----------
    clip
        The scaled file.
    unscaled
        The file that it was scaled from, whose frames are taken at the same times.
    original
        The raw file of its source.
    unscaled_size
        Width and height of `unscaled`, in pixels.
    num_frames
        Number of frames, sampled uniformly.
    on_frame
        Called once a decoded frame, to show progress.

    Returns
    -------
    dict
        Every name of `FEATURE_NAMES` and `SCALED_ONLY_NAMES`, in that order; NaN for what cannot be
        computed.

    Raises
    ------
    VideoError
        One of the files cannot be read.
    """
    sample = sample_frames(clip, num_frames=num_frames, on_frame=on_frame)
    frames = _luma_planes(clip, sample)
    features = _base_features(frames, original, on_frame)
    area = picture_area(frames)
    height, width = frames[0].shape
    scale = (width / unscaled_size[0], height / unscaled_size[1])
    before = frames_at(unscaled, sample.pts_seconds, on_frame=on_frame)
    rows = []
    for frame, other in zip(frames, before.frames, strict=True):
        picture = area.crop(frame)
        if is_blank(picture):
            continue
        reference = area.crop(scaled.bring_to_size(luma_plane(other), frame.shape))
        rows.append(
            {
                "edge_preservation": scaled.edge_preservation(picture, reference),
                "texture_uniformity": scaled.texture_uniformity(picture),
                "compression_artifacts": scaled.compression_artifacts(picture, *scale),
            }
        )
    colours = scaled.color_consistency([rgb_mean(frame) for frame in sample.frames], area.share)
    own = average(rows) | dict(zip(SCALED_ONLY_NAMES[3:], colours.tolist(), strict=True))
    return features | {name: own.get(name, math.nan) for name in SCALED_ONLY_NAMES}


def _luma_planes(clip: Path, sample: FrameSample) -> list[Luma]:
    frames = [luma_plane(frame) for frame in sample.frames]
    shapes = {frame.shape for frame in frames}
    if len(shapes) > 1:
        sizes = ", ".join(sorted(f"{width}×{height}" for height, width in shapes))
        raise VideoError(clip, "unsupported", f"its frames change size in mid-stream: {sizes}")
    return frames


def _base_features(
    frames: Sequence[Luma],
    original: Path,
    on_frame: OnFrame | None,
) -> dict[str, float]:
    codec = codec_features(original, on_frame=on_frame)
    values = pixel_features(frames) | codec
    return {name: values[name] for name in FEATURE_NAMES}


def codec_features(original: Path, *, on_frame: OnFrame | None = None) -> dict[str, float]:
    """Compute the three codec features of a raw file, of which nothing is decoded.

    A process remembers the last few files, since all clips of a source ask for the same one.

    Parameters
    ----------
    original
        The raw file.
    on_frame
        Called now and then, to show progress.

    Returns
    -------
    dict
        Every name of `CODEC_FEATURE_NAMES`; NaN for what cannot be computed.

    Raises
    ------
    VideoError
        The file cannot be read.
    """
    try:
        status = original.stat()
    except OSError as error:
        reason = f"the source's raw file cannot be read ({error.strerror})"
        raise VideoError(original, "missing", reason) from error
    return dict(_codec_features(original, status.st_size, status.st_mtime_ns, on_frame))


@functools.lru_cache(maxsize=16)
def _codec_features(
    original: Path, _size: int, _changed: int, on_frame: OnFrame | None
) -> dict[str, float]:
    packets = packet_statistics(original, on_frame=on_frame)
    with open_video(original) as video:
        width, height = video.stream.width, video.stream.height
    return {
        "codec_bits_per_pixel": codec_bits_per_pixel(
            packets.stream_bits, packets.frame_count, width, height
        ),
        "codec_keyframe_interval": codec_keyframe_interval(
            packets.key_times_seconds, packets.duration_seconds
        ),
        "codec_packet_variation": codec_packet_variation(packets.nonkey_packet_bytes),
    }


def as_stored(features: dict[str, float]) -> tuple[np.ndarray, dict[str, float | None]]:
    """Give features as they are stored: a float32 array, and columns with the same numbers.

    What cannot be computed, or is not finite, is NaN in the array and None in the columns.

    Returns
    -------
    tuple of ndarray of float32, shape (n,), and dict
        Both in the order of `features`.

    Examples
    --------
    >>> as_stored({"a": 0.5, "b": math.nan})
    (array([0.5, nan], dtype=float32), {'a': 0.5, 'b': None})
    """
    array = np.array(list(features.values()), dtype=np.float64)
    array[~np.isfinite(array)] = np.nan
    stored = array.astype(np.float32)
    columns = {
        name: None if math.isnan(value) else value
        for name, value in zip(features, stored.tolist(), strict=True)
    }
    return stored, columns
