"""What the packets of a stream tell without decoding any of them."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from fvc.errors import VideoError
from fvc.video.container import OpenVideo, demux, open_video

_CALL_EVERY = 1024


@dataclass(frozen=True)
class PacketTable:
    """The packets of the video stream in decoding order; times in ticks of ``time_base``.

    ``shown`` is False for packets that an edit list hides, and for those before the first key
    frame. ``regular`` says that every shown packet has a time of its own and that key frames come
    in the order of theirs, so that packets and frames can be taken to correspond.
    """

    time_base: Fraction
    pts: NDArray[np.int64]
    duration: NDArray[np.int64]
    size: NDArray[np.int64]
    key: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    regular: bool

    @property
    def shown_pts(self) -> NDArray[np.int64]:
        """Times of the shown packets, in presentation order."""
        return np.sort(self.pts[self.shown])

    @property
    def span(self) -> tuple[int, int]:
        """First time of presentation, and the end of the last one."""
        times = self.shown_pts
        last = int(self.duration[self.shown][np.argmax(self.pts[self.shown])])
        if last <= 0:
            last = int(np.median(np.diff(times))) if len(times) > 1 else 1
        return int(times[0]), int(times[-1]) + max(last, 1)


@dataclass(frozen=True)
class PacketStatistics:
    """Sizes and times of a stream's packets, from which the codec features are made.

    Parameters
    ----------
    stream_bits
        Bits of all the video stream's packets together.
    frame_count
        Number of shown packets.
    duration_seconds
        Length of the presentation, the last frame's own duration included.
    key_times_seconds
        Presentation times of the key frames, ascending, shape ``(k,)``.
    nonkey_packet_bytes
        Sizes of the other packets, in decoding order, shape ``(n - k,)``.
    """

    stream_bits: int
    frame_count: int
    duration_seconds: float
    key_times_seconds: NDArray[np.float64]
    nonkey_packet_bytes: NDArray[np.int64]


def packet_statistics(
    path: Path | str, *, on_frame: Callable[[], object] | None = None
) -> PacketStatistics:
    """Count and measure the packets of a video in one pass that decodes nothing.

    Parameters
    ----------
    path
        The video file.
    on_frame
        Called now and then, to show progress.

    Raises
    ------
    VideoError
        If the file cannot be read as a video.
    """
    with open_video(path) as video:
        table = scan(video, on_frame=on_frame)
    start, end = table.span
    keys = np.sort(table.pts[table.key & table.shown])
    return PacketStatistics(
        stream_bits=int(table.size.sum()) * 8,
        frame_count=int(table.shown.sum()),
        duration_seconds=float((end - start) * table.time_base),
        key_times_seconds=np.asarray(keys * float(table.time_base), dtype=np.float64),
        nonkey_packet_bytes=table.size[~table.key],
    )


def scan(video: OpenVideo, *, on_frame: Callable[[], object] | None = None) -> PacketTable:
    """Demux a stream from where it stands to its end; to be called on a freshly opened file.

    Raises
    ------
    VideoError
        Of kind ``no_frames`` if there is no packet, ``corrupt`` if the file ends too early.
    """
    rows: list[tuple[int, int, int, bool, bool]] = []
    regular = True
    for packet in demux(video.container, video.stream):
        if packet.size == 0 and packet.pts is None:
            continue
        time = packet.pts
        if time is None:
            regular = False
            time = packet.dts if packet.dts is not None else len(rows)
        rows.append(
            (time, packet.duration or 0, packet.size, packet.is_keyframe, not packet.is_discard)
        )
        if on_frame is not None and len(rows) % _CALL_EVERY == 0:
            on_frame()
    if not any(row[4] for row in rows):
        promised = video.stream.frames
        why = f"its header promises {promised:,} frames, and" if promised else "in its video stream"
        raise VideoError(
            video.path, "no_frames", f"{why} not one frame can be found; get the file again"
        )
    pts, duration, size, key, shown = (np.array(column) for column in zip(*rows, strict=True))
    if key.any():
        # A recording cut out of a longer one may begin with frames that need earlier ones.
        shown &= np.arange(len(key)) >= key.argmax()
    times = pts[shown]
    in_order = bool((np.diff(pts[key & shown]) > 0).all())
    table = PacketTable(
        time_base=video.time_base,
        pts=pts.astype(np.int64),
        duration=duration.astype(np.int64),
        size=size.astype(np.int64),
        key=key.astype(np.bool_),
        shown=shown.astype(np.bool_),
        regular=regular and in_order and len(np.unique(times)) == len(times),
    )
    check_complete(video, packets=len(rows), end_seconds=float(table.span[1] * table.time_base))
    return table


def check_complete(video: OpenVideo, *, packets: int, end_seconds: float) -> None:
    """Raise if a file that was read to its end holds less than its header promises."""
    if video.known_frames is not None and packets < video.known_frames:
        raise VideoError(
            video.path,
            "corrupt",
            f"only {packets} of {video.known_frames} frames can be read from it; get it again",
        )
    name = video.container.format.name
    if not name.startswith(("matroska", "avi")) or video.container.duration is None:
        return
    promised = video.container.duration / av.time_base
    tolerance = max(1.0, 0.05 * promised)
    if end_seconds >= promised - tolerance:
        return
    # The sound may be longer than the picture: only if no stream reaches the end is it cut off.
    with open_video(video.path) as again:
        for packet in demux(again.container):
            if packet.pts is not None:
                end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                end_seconds = max(end_seconds, end)
    if end_seconds < promised - tolerance:
        raise VideoError(
            video.path,
            "corrupt",
            f"it ends after {end_seconds:.1f} of {promised:.1f} seconds: the file is cut off "
            "(an incomplete download?); get it again",
        )
