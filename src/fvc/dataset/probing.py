"""Looking at one video, in a worker process: a file can be made to crash what reads it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Probed:
    """The columns of the index that come from the file itself."""

    width: int
    height: int
    fps: float | None
    frame_count: int
    duration_sec: float
    codec_name: str
    bitrate: int
    pixel_format: str
    has_audio: bool
    file_size_bytes: int


def probe_video(path: str) -> Probed:
    """Probe a file.

    Parameters
    ----------
    path
        The video file.

    Raises
    ------
    VideoError
        As `fvc.video.probe`.
    """
    # Imported in the worker; the parent never loads FFmpeg.
    from fvc.engines import heartbeat
    from fvc.video import probe

    info = probe(path, on_frame=heartbeat)
    return Probed(
        width=info.width,
        height=info.height,
        fps=info.fps or None,
        frame_count=info.frame_count,
        duration_sec=info.duration_seconds,
        codec_name=info.codec_name,
        bitrate=info.bitrate,
        pixel_format=info.pixel_format,
        has_audio=info.has_audio,
        file_size_bytes=info.file_size_bytes,
    )
