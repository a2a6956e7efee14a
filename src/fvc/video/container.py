"""Open one local video file, and nothing else; say in words what is wrong with it."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.logging
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from fvc.errors import VideoError

MAX_SIDE = 8192
MAX_PIXELS = 64_000_000

# Containers that hold their own data. Playlists (HLS, DASH, concat), image sequences, devices and
# generators are left out: they make FFmpeg open other files, or the network.
CONTAINERS = (
    "mov", "mp4", "matroska", "webm", "avi", "flv", "mpegts", "mpeg", "asf", "ogg", "ivf", "mxf",
    "nut", "dv", "rm", "yuv4mpegpipe",
)  # fmt: skip

_OPTIONS = {
    "format_whitelist": ",".join(CONTAINERS),
    "protocol_whitelist": "file",
    "max_pixels": str(MAX_PIXELS),
}
_TAIL_ENTRIES = 64
_HEAD_BYTES = 4096
_ARCHIVES = (b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"\x1f\x8b\x08")
_COMPLAINT = re.compile(r"Picture size (\d+)x(\d+) is invalid")
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"

# Some decoders give −1 for "damaged", which as an error of the system is "not permitted".
_DECODERS_OWN = (errno.EPERM,)


@dataclass(frozen=True)
class OpenVideo:
    """An open file and the stream in it that is the video.

    ``known_frames`` is the number of packets that the container's own index promises, or None.
    """

    path: Path
    container: InputContainer
    stream: VideoStream
    time_base: Fraction
    known_frames: int | None


@contextmanager
def open_video(path: Path | str) -> Iterator[OpenVideo]:
    """Open a local video for demuxing and single-threaded decoding.

    Parameters
    ----------
    path
        A file on this machine; never a URL or a playlist.

    Returns
    -------
    OpenVideo
        As a context; the file is closed at its end. Errors of FFmpeg inside the context come out
        as `VideoError`.

    Raises
    ------
    VideoError
        Of kind ``missing``, ``empty``, ``not_a_video``, ``no_video_stream``, ``unsupported``,
        ``too_large`` or ``corrupt``.
    """
    path = Path(path)
    container = _open(path)
    try:
        with container:
            stream = _video_stream(path, container)
            _check_size(path, stream)
            context = stream.codec_context
            context.thread_count = 1
            context.options = {"max_pixels": str(MAX_PIXELS)}
            known = _check_whole(path, container, stream)
            time_base = stream.time_base or Fraction(1, 1000)
            yield OpenVideo(path, container, stream, time_base, known)
    except FFmpegError as error:
        raise video_error(path, error) from error


def demux(container: InputContainer, stream: VideoStream | None = None) -> Iterator["Packet[Any]"]:
    """Read the packets of a stream, or of all, and the empty ones that end each.

    A stream may turn up in mid-file, as in recordings of broadcasts. PyAV 18 then looks, behind the
    last packet of ours, for one that it has no object of.
    """
    with suppress(IndexError):
        yield from container.demux() if stream is None else container.demux(stream)


def video_error(path: Path | str, error: FFmpegError) -> VideoError:
    """Put an error of FFmpeg into words and a kind that reports count by."""
    if isinstance(error, av.error.FileNotFoundError):
        return VideoError(path, "missing", "there is no such file")
    if isinstance(error, av.error.MemoryError):
        return VideoError(
            path,
            "memory",
            "reading it asks for more memory than there is: the file is damaged, or its frames are "
            "too large for this machine",
        )
    if isinstance(
        error, av.error.DecoderNotFoundError | av.error.PatchWelcomeError | av.error.LookupError
    ):
        return VideoError(
            path, "unsupported", f"this FFmpeg cannot decode it ({error.strerror}); re-encode it"
        )
    if error.errno == errno.EIO:
        # Matroska's reader says so of a file that ends within an element, too.
        return VideoError(
            path,
            "corrupt",
            "the file ends in the middle of its data, or the disk cannot read it; get it again",
        )
    if isinstance(error, OSError) and error.errno not in _DECODERS_OWN:
        return VideoError(path, "unreadable", f"the file cannot be read ({error.strerror})")
    return VideoError(
        path,
        "corrupt",
        f"the video's data are damaged{in_brackets(error)}; get the file again, or re-encode it",
    )


def in_brackets(error: FFmpegError) -> str:
    """Give what FFmpeg says of an error, or nothing where it says nothing."""
    silent = error.errno in _DECODERS_OWN or isinstance(error, av.error.ExternalError)
    return "" if silent else f" ({error.strerror})"


def _open(path: Path) -> InputContainer:
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise VideoError(path, "missing", "there is no such file") from error
    except OSError as error:
        raise VideoError(path, "unreadable", f"it cannot be read ({error.strerror})") from error
    if not path.is_file():
        raise VideoError(path, "not_a_video", "it is not a regular file")
    if size == 0:
        raise VideoError(path, "empty", "the file has no bytes; get it again")
    try:
        return av.open(f"file:{os.path.abspath(path)}", options=_OPTIONS, metadata_errors="ignore")
    except av.error.InvalidDataError as error:
        raise VideoError(path, "not_a_video", _what_else(path)) from error
    except (av.error.ArgumentError, av.error.ProtocolNotFoundError) as error:
        raise VideoError(
            path,
            "not_a_video",
            "its format is not one of the video containers that are read here "
            f"({', '.join(CONTAINERS)})",
        ) from error
    except av.error.MemoryError as error:
        raise VideoError(
            path,
            "corrupt",
            "its header promises more than fits into memory: the file is damaged, or made to break "
            "programs that read it; get it again",
        ) from error
    except FFmpegError as error:
        raise video_error(path, error) from error


def _what_else(path: Path) -> str:
    """Say what a file may be that FFmpeg does not know for a video."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head.strip(b"\0"):
        return "it begins with nothing but zeros, as a download that was broken off; get it again"
    if head[4:8] == b"ftyp":
        return (
            "it is the beginning of an MP4 file without the index, which often stands at its end: "
            "most likely it is cut off (an incomplete download?); get it again"
        )
    if head.startswith(_ARCHIVES):
        return "it is an archive, not a video, whatever its name says: unpack it first"
    # Without the last bytes, which may be half a letter.
    if _is_text(head[:-4] or head):
        return (
            "it holds text, perhaps a web page that was saved in place of the video; get it again"
        )
    return "it is not a video file, or its header is damaged; get it again"


def _is_text(head: bytes) -> bool:
    try:
        return all(letter.isprintable() or letter.isspace() for letter in head.decode())
    except UnicodeDecodeError:
        return False


def _video_stream(path: Path, container: InputContainer) -> VideoStream:
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        held = sorted({s.type for s in container.streams})
        inside = f"only {' and '.join(held)}" if held else "no streams"
        raise VideoError(path, "no_video_stream", f"there is no video in it, {inside}")
    best = container.streams.best("video")
    stream = best if isinstance(best, VideoStream) and best in streams else streams[0]
    if stream.codec_context is None:
        raise VideoError(
            path, "unsupported", "its codec is not known to this FFmpeg; re-encode it, as H.264 say"
        )
    return stream


def _check_size(path: Path, stream: VideoStream) -> None:
    width, height = stream.codec_context.width, stream.codec_context.height
    if width == 0 or height == 0:
        width, height = _claimed_size(path, stream.container.streams.video.index(stream))
    if width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
        raise VideoError(
            path,
            "too_large",
            f"its frames are {width}×{height} pixels; at most {MAX_SIDE} a side and "
            f"{MAX_PIXELS // 1_000_000} million in all are handled. Scale it down first",
        )


def _claimed_size(path: Path, index: int) -> tuple[int, int]:
    """Read the size in the container's header, which FFmpeg forgets if it is above the limit."""
    options = {**_OPTIONS, "max_pixels": str(2**31 - 1), "probesize": "32", "analyzeduration": "0"}
    width = height = 0
    level = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with (
            av.logging.Capture() as said,
            av.open(
                f"file:{os.path.abspath(path)}", options=options, metadata_errors="ignore"
            ) as container,
        ):
            # FLV tells of a stream when its first packet comes, which is not waited for here.
            for stream in container.streams.video[index : index + 1]:
                width, height = stream.codec_context.width, stream.codec_context.height
    finally:
        av.logging.set_level(level)
    # Above 2³¹ bytes a frame, FFmpeg tells the size in a complaint alone.
    for _, _, message in said if width == 0 or height == 0 else ():
        match = _COMPLAINT.search(message)
        if match is not None:
            return int(match[1]), int(match[2])
    return width, height


def _check_whole(path: Path, container: InputContainer, stream: VideoStream) -> int | None:
    """Count the frames of the container's index, and see whether all bytes are there."""
    count = 0
    if container.format.name.startswith("mov"):
        entries = stream.index_entries
        count = len(entries)
        tail = entries[max(0, count - _TAIL_ENTRIES) : count]
        end = max((entry.pos + entry.size for entry in tail), default=0)
    else:
        with path.open("rb") as file:
            end = promised_bytes(file.read(_HEAD_BYTES))
    missing = end - container.size
    if missing > 0:
        raise VideoError(
            path,
            "corrupt",
            f"the file is cut off: at least {missing:,} bytes are missing (an incomplete "
            "download?); get it again",
        )
    return count or None


def promised_bytes(head: bytes) -> int:
    """Read in the head of a Matroska, WebM or AVI file how long the file should be.

    Parameters
    ----------
    head
        The first bytes of the file.

    Returns
    -------
    int
        0 where the file does not say, as one that was written to a pipe, or is of another kind.

    References
    ----------
    RFC 8794, 4 and 6 (EBML's variable-size integers and unknown sizes); RFC 9559 (Matroska).
    """
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        # Eight bytes more, to be exact; some writers are not.
        return int.from_bytes(head[4:8], "little")
    if head[:4] != _EBML:
        return 0
    place, size = _ebml_size(head, 4)
    place += size
    if head[place : place + 4] != _SEGMENT:
        return 0
    place, size = _ebml_size(head, place + 4)
    return place + size if size else 0


def _ebml_size(head: bytes, place: int) -> tuple[int, int]:
    """Where an element's data begin, and their length; 0 for an unknown one."""
    first = head[place] if place < len(head) else 0
    width = 9 - first.bit_length()
    bits = 7 * width
    size = int.from_bytes(head[place : place + width], "big") & ((1 << bits) - 1)
    is_known = first > 0 and size != (1 << bits) - 1
    return place + width, size if is_known else 0
