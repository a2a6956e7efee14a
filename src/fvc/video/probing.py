"""What there is to know about a video before decoding it."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.error import FFmpegError
from av.video.frame import VideoFrame

from fvc.errors import VideoError
from fvc.video.container import OpenVideo, demux, in_brackets, open_video
from fvc.video.packets import scan
from fvc.video.standardising import quarter_turns

MAX_RATE = 100_000.0
"""Frames a second above which times are nonsense: the fastest cameras stay below, in Hz."""

_FIRST_PACKETS = 100


@dataclass(frozen=True)
class VideoInfo:
    """Properties of a video file.

    Parameters
    ----------
    width, height
        Size in pixels as displayed: a rotation flag is applied.
    rotation
        Degrees, clockwise, by which a player turns the coded frames: 0, 90, 180 or 270.
    fps
        Average frame rate in Hz.
    frame_count
        Number of frames shown.
    duration_seconds
        Length of the presentation.
    codec_name, pixel_format, container
        FFmpeg's names of them.
    bitrate
        Of the video stream, in bit/s.
    has_audio
        Whether there is a sound stream.
    file_size_bytes
        Size of the file.
    time_base
        Seconds a tick of the stream's timestamps.
    sample_aspect_ratio
        Width of a pixel over its height, as displayed; 1 where the file does not say.
    """

    width: int
    height: int
    rotation: int
    fps: float
    frame_count: int
    duration_seconds: float
    codec_name: str
    bitrate: int
    pixel_format: str
    has_audio: bool
    file_size_bytes: int
    container: str
    time_base: Fraction
    sample_aspect_ratio: Fraction


def probe(path: Path | str, *, on_frame: Callable[[], object] | None = None) -> VideoInfo:
    """Read a video's properties; of its frames only the first is decoded.

    Parameters
    ----------
    path
        The video file.
    on_frame
        Called now and then, to show progress.

    Raises
    ------
    VideoError
        ``missing``, ``unreadable``, ``empty``, ``not_a_video``, ``no_video_stream``,
        ``no_frames``, ``unsupported``, ``too_large`` or ``corrupt``, with a sentence that helps.
    """
    with open_video(path) as video:
        stream = video.stream
        counts = _from_header(video)
        table = None
        if counts is None:
            table = scan(video, on_frame=on_frame)
            start, end = table.span
            counts = (
                int(table.shown.sum()),
                float((end - start) * video.time_base),
                int(table.size.sum()) * 8,
            )
        frame_count, duration, bits = counts
        if frame_count > 1 and frame_count > MAX_RATE * duration > 0:
            raise VideoError(
                path,
                "corrupt",
                f"its {frame_count} frames are said to last {duration:.7f} seconds together: the "
                "times in the file are damaged; re-encode it",
            )
        if table is not None:
            # Back to the beginning by opening it anew: not every container can seek.
            with open_video(path) as again:
                frame = _first_frame(again)
        else:
            frame = _first_frame(video)
        turns = quarter_turns(frame)
        width, height = frame.width, frame.height
        aspect = stream.sample_aspect_ratio or Fraction(1)
        if turns % 2:
            width, height, aspect = height, width, 1 / aspect
        return VideoInfo(
            width=width,
            height=height,
            rotation=turns * 90,
            fps=frame_count / duration if duration > 0 else 0.0,
            frame_count=frame_count,
            duration_seconds=duration,
            codec_name=stream.codec_context.codec.canonical_name,
            bitrate=round(bits / duration) if duration > 0 else 0,
            pixel_format=frame.format.name,
            has_audio=bool(video.container.streams.audio),
            file_size_bytes=video.container.size,
            container=video.container.format.name.split(",")[0],
            time_base=video.time_base,
            sample_aspect_ratio=aspect,
        )


def _from_header(video: OpenVideo) -> tuple[int, float, int] | None:
    """Frames, seconds and bits, where the container's own index holds them all."""
    stream = video.stream
    if video.known_frames is None or not stream.duration or stream.duration <= 0:
        return None
    # Of a fragmented file the index holds the first fragment alone, and the header no count.
    if stream.frames != video.known_frames:
        return None
    entries = stream.index_entries
    if any(entry.is_discard for entry in entries):
        return None
    bits = 8 * sum(entry.size for entry in entries)
    return video.known_frames, float(stream.duration * video.time_base), bits


def _first_frame(video: OpenVideo) -> VideoFrame:
    error: FFmpegError | None = None
    for number, packet in enumerate(demux(video.container, video.stream)):
        if number > _FIRST_PACKETS:
            break
        try:
            for frame in packet.decode():
                return frame
        except FFmpegError as this:
            error = this
    why = in_brackets(error) if error is not None else ""
    raise VideoError(
        video.path,
        "no_frames",
        f"not one frame can be decoded from its beginning{why}; get the file again",
    )
