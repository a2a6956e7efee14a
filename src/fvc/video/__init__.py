"""Read, sample, filter and write videos; every way in and out of a video file is here.

All of it runs on one thread, in memory that does not grow with the length of the video, and turns
whatever FFmpeg reports into a `fvc.errors.VideoError` with a kind and a sentence that helps.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fvc.video.colour import colour_tags, luma_plane, rgb_mean
    from fvc.video.decoding import decode
    from fvc.video.encoding import ENCODER_SETTINGS, Encoder, write_video
    from fvc.video.filtering import FilterGraph
    from fvc.video.packets import PacketStatistics, packet_statistics
    from fvc.video.probing import VideoInfo, probe
    from fvc.video.reversing import decode_reversed
    from fvc.video.sampling import FrameSample, frames_at, sample_frames
    from fvc.video.standardising import Standardiser

__all__ = [
    "ENCODER_SETTINGS",
    "Encoder",
    "FilterGraph",
    "FrameSample",
    "PacketStatistics",
    "Standardiser",
    "VideoInfo",
    "colour_tags",
    "decode",
    "decode_reversed",
    "frames_at",
    "luma_plane",
    "packet_statistics",
    "probe",
    "rgb_mean",
    "sample_frames",
    "write_video",
]

# FFmpeg's libraries are loaded on first use: `import fvc.video` by itself costs nothing.
_HOME = {
    "ENCODER_SETTINGS": "encoding",
    "Encoder": "encoding",
    "FilterGraph": "filtering",
    "FrameSample": "sampling",
    "PacketStatistics": "packets",
    "Standardiser": "standardising",
    "VideoInfo": "probing",
    "colour_tags": "colour",
    "decode": "decoding",
    "decode_reversed": "reversing",
    "frames_at": "sampling",
    "luma_plane": "colour",
    "packet_statistics": "packets",
    "probe": "probing",
    "rgb_mean": "colour",
    "sample_frames": "sampling",
    "write_video": "encoding",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"fvc.video.{_HOME[name]}"), name)
    raise AttributeError(f"module 'fvc.video' has no attribute {name!r}")
