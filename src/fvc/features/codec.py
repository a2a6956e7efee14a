"""What the packets of a raw file tell about its encoder; nothing is decoded.

These are properties of a source's raw file, inherited by all its clips: the clips themselves have
been through the project's one encoder.
"""

import math

import numpy as np
from numpy.typing import ArrayLike


def codec_bits_per_pixel(stream_bits: float, frames: int, width: int, height: int) -> float:
    """Compute the log bits a pixel: ln(stream bits ÷ (frames × width × height)).

    Parameters
    ----------
    stream_bits
        Bits of all packets of the video stream.
    frames
        Number of frames in the stream.
    width, height
        In pixels.

    Returns
    -------
    float
        ln of bits a pixel, seldom outside [−7, 3]; NaN where a count is not positive.
    """
    pixels = frames * width * height
    if stream_bits <= 0 or pixels <= 0:
        return math.nan
    return math.log(stream_bits / pixels)


def codec_keyframe_interval(keyframe_seconds: ArrayLike, duration_seconds: float | None) -> float:
    """Compute the mean distance of key frames.

    Parameters
    ----------
    keyframe_seconds
        Shape (n,): presentation times of the key frames, in any order.
    duration_seconds
        Of the stream, or None if unknown.

    Returns
    -------
    float
        Seconds, (0, ∞); the duration where there is one key frame; NaN where there is none, or
        where the duration is needed and unknown.
    """
    times = np.sort(np.asarray(keyframe_seconds, dtype=np.float64))
    if times.size > 1 and times[-1] > times[0]:
        return float((times[-1] - times[0]) / (times.size - 1))
    if times.size == 0 or duration_seconds is None or not duration_seconds > 0:
        return math.nan
    return float(duration_seconds)


def codec_packet_variation(packet_bytes: ArrayLike) -> float:
    """Compute the coefficient of variation of the sizes of packets that hold no key frame.

    Parameters
    ----------
    packet_bytes
        Shape (n,): sizes in bytes.

    Returns
    -------
    float
        Standard deviation over mean, no unit, [0, √n); NaN for fewer than two packets, or where
        all are empty.
    """
    sizes = np.asarray(packet_bytes, dtype=np.float64)
    if sizes.size < 2 or sizes.mean() == 0:
        return math.nan
    return float(sizes.std() / sizes.mean())
