"""Decode a video from its first frame to its last, one frame in memory at a time."""

from collections.abc import Callable, Iterator
from pathlib import Path

import av
from av.error import FFmpegError
from av.video.frame import VideoFrame

from fvc.errors import VideoError
from fvc.video.container import OpenVideo, demux, in_brackets, open_video
from fvc.video.packets import check_complete

# Above this share of damaged frames a video is refused: a copy would turn the damage into pixels
# that nothing marks any more.
MAX_CORRUPT_SHARE = 0.01

# Codecs of which every packet gives one frame, so that missing frames can be counted.
_ONE_FRAME_A_PACKET = {"h264", "hevc", "vp9", "av1", "libdav1d"}


def decode(
    path: Path | str, *, on_frame: Callable[[], object] | None = None
) -> Iterator[VideoFrame]:
    """Decode every frame that a player would show, in presentation order, on one thread.

    Frames are as coded: a rotation flag is not applied (`Standardiser` does). Their ``pts`` ascend
    strictly, in ticks of their ``time_base``; what an edit list hides is left out.

    Parameters
    ----------
    path
        The video file.
    on_frame
        Called once a frame, to show progress.

    Yields
    ------
    VideoFrame
        In the stream's own size and pixel format.

    Raises
    ------
    VideoError
        ``corrupt`` at the first packet that cannot be decoded, or at the end if more than 1 % of
        the frames are damaged or missing; ``no_frames``; and what `probe` raises.
    """
    with open_video(path) as video:
        yield from decode_open(video, on_frame=on_frame)


def decode_open(
    video: OpenVideo, *, on_frame: Callable[[], object] | None = None
) -> Iterator[VideoFrame]:
    """Decode a freshly opened video; see `decode`."""
    count = corrupt = packets = shown = 0
    last: int | None = None
    step = _nominal_step(video)
    started = False
    end = 0
    for packet in demux(video.container, video.stream):
        if packet.size:
            packets += 1
            started = started or packet.is_keyframe
            shown += started and not packet.is_discard
        try:
            frames = packet.decode()
        except FFmpegError as error:
            # A recording cut out of a longer one may begin with frames that need earlier ones.
            if not started and isinstance(error, av.error.InvalidDataError):
                continue
            raise _damaged(video, count, error) from error
        for frame in frames:
            frame.time_base = video.time_base
            pts = frame.pts if frame.pts is not None else frame.dts
            if pts is None or (last is not None and pts <= last):
                pts = 0 if last is None else last + step
            frame.pts = last = pts
            count += 1
            corrupt += frame.is_corrupt
            end = pts + (frame.duration or 0)
            if on_frame is not None:
                on_frame()
            yield frame
    if count == 0:
        raise VideoError(
            video.path, "no_frames", "not one frame can be decoded from it; get it again"
        )
    check_complete(video, packets=packets, end_seconds=float(end * video.time_base))
    missing = 0
    if video.stream.codec_context.name in _ONE_FRAME_A_PACKET and not _interlaced(video):
        missing = max(0, shown - count)
    if corrupt + missing > max(2, MAX_CORRUPT_SHARE * shown):
        raise VideoError(
            video.path,
            "corrupt",
            f"{corrupt} of its frames are damaged and {missing} are missing, of {shown}; "
            "get the file again",
        )


def _damaged(video: OpenVideo, count: int, error: FFmpegError) -> VideoError:
    of = f" of {video.known_frames}" if video.known_frames is not None else ""
    return VideoError(
        video.path,
        "corrupt",
        f"decoding failed after {count}{of} frames{in_brackets(error)}; get the file again",
    )


def _nominal_step(video: OpenVideo) -> int:
    rate = video.stream.average_rate or video.stream.guessed_rate
    return max(1, round(1 / (rate * video.time_base))) if rate else 1


def _interlaced(video: OpenVideo) -> bool:
    return video.stream.codec_context.field_order >= 2
