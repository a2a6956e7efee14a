"""Decode a video from its last frame to its first, in bounded memory.

From the end, one group of pictures at a time. A group that is too large to be held is written, raw,
to a temporary file and read backwards; one too large even for that is decoded several times, a
stretch of it each time::

    times      |----- group 0 -----|-- group 1 --|------ group 2 ------|
    order      7654321  <-  spill    hold           c  <-  b  <-  a
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedRandom
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from fvc.video.container import MAX_PIXELS, open_video
from fvc.video.decoding import decode
from fvc.video.packets import PacketTable, scan
from fvc.video.reading import PacketReader, Run, UnsureError

HELD_FRAMES = 64
HELD_BYTES = 96 << 20
SPILLED_BYTES = 4 << 30


def decode_reversed(
    path: Path | str,
    *,
    on_frame: Callable[[], object] | None = None,
    prepare: Callable[[VideoFrame], VideoFrame] | None = None,
    spill_folder: Path | None = None,
) -> Iterator[VideoFrame]:
    """Decode every frame that a player would show, the last one first.

    The frames are those of `decode`, with their own times (which descend here). At most 64 frames,
    or 96 MiB of them, are in memory; at most 4 GiB lie in a temporary file.

    Parameters
    ----------
    path
        The video file.
    on_frame
        Called once a decoded frame, to show progress.
    prepare
        Applied to each frame as it is decoded, in any order, such as a `Standardiser`. A frame that
        was in the temporary file has lost its side data, a rotation flag for one: use it before.
    spill_folder
        Where the temporary file is made; by default where the system keeps such files.

    Yields
    ------
    VideoFrame
        In the stream's own size and pixel format.

    Raises
    ------
    VideoError
        What `decode` raises.
    """
    path = Path(path)
    kit = _Kit(prepare or _as_it_is, spill_folder, on_frame)
    with open_video(path) as video:
        table = scan(video, on_frame=on_frame)
    bounds = _group_bounds(table) if table.regular else None
    given = None
    if bounds is not None:
        try:
            with PacketReader(path, table) as reader:
                for first_time, end_time in reversed(bounds):
                    for frame in _group(reader, first_time, end_time, kit):
                        yield frame
                        given = frame.pts
            return
        except UnsureError:
            # The rest comes from a decoding that begins at the start.
            pass
    yield from _all_before(path, given, kit)


@dataclass(frozen=True)
class _Kit:
    prepare: Callable[[VideoFrame], VideoFrame]
    folder: Path | None
    on_frame: Callable[[], object] | None


def _as_it_is(frame: VideoFrame) -> VideoFrame:
    return frame


def _group_bounds(table: PacketTable) -> list[tuple[int, int]]:
    """First and end time of each stretch that begins with a key frame's time."""
    times = table.shown_pts
    positions = np.flatnonzero(table.key)
    starts = np.unique(table.pts[positions])
    starts = starts[(starts > times[0]) & (starts <= times[-1])]
    edges = [int(times[0]), *starts.tolist(), int(times[-1]) + 1]
    return list(pairwise(edges))


def _group(
    reader: PacketReader,
    first_time: int,
    end_time: int,
    kit: "_Kit",
) -> Iterator[VideoFrame]:
    """One stretch of frames, last one first."""
    table = reader.table
    inside = np.flatnonzero(table.shown & (table.pts >= first_time) & (table.pts < end_time))
    if len(inside) == 0:
        return
    keys = np.flatnonzero(table.key)
    usable = keys[(keys <= inside[0]) & (table.pts[keys] <= first_time)]
    if len(usable) == 0:
        raise UnsureError("no key frame comes before")
    first = int(usable[-1])
    times = np.sort(table.pts[inside])

    def frames(wanted: NDArray[np.int64]) -> Iterator[VideoFrame]:
        last = int(inside[np.isin(table.pts[inside], wanted)].max())
        run = Run(first, last, frozenset(wanted.tolist()), skip=False)
        return map(kit.prepare, reader.decode(run, on_frame=kit.on_frame))

    context = reader.video.stream.codec_context
    yield from reverse_in_parts(frames, times, _frame_bytes(context), kit.folder)


def _all_before(
    path: Path,
    given: int | None,
    kit: "_Kit",
) -> Iterator[VideoFrame]:
    """Reverse what comes before a time, decoding from the start of the file."""
    times = np.array([f.pts for f in decode(path, on_frame=kit.on_frame)], dtype=np.int64)
    if given is not None:
        times = times[times < given]

    def frames(wanted: NDArray[np.int64]) -> Iterator[VideoFrame]:
        chosen = set(wanted.tolist())
        every = decode(path, on_frame=kit.on_frame)
        return (kit.prepare(f) for f in every if f.pts in chosen)

    with open_video(path) as video:
        size = _frame_bytes(video.stream.codec_context)
    yield from reverse_in_parts(frames, times, size, kit.folder)


def _frame_bytes(context: VideoCodecContext) -> int:
    """Bound the bytes of a frame; a container that does not tell the size may have any."""
    return 3 * (context.width * context.height or MAX_PIXELS)


def reverse_in_parts(
    frames: Callable[[NDArray[np.int64]], Iterator[VideoFrame]],
    times: NDArray[np.int64],
    frame_bytes: int,
    folder: Path | None,
) -> Iterator[VideoFrame]:
    """Reverse the frames of ascending `times`; ``frames(part of times)`` decodes such a part."""
    if len(times) <= max(1, min(HELD_FRAMES, HELD_BYTES // frame_bytes)):
        held = list(frames(times))
        while held:
            yield held.pop()
        return
    length = max(1, SPILLED_BYTES // frame_bytes)
    for end in range(len(times), 0, -length):
        with tempfile.TemporaryFile(dir=folder) as file:
            spill = Spill(file)
            for frame in frames(times[max(0, end - length) : end]):
                spill.append(frame)
            yield from spill.backwards()


class Spill:
    """Raw frames in a file, to be read back in either direction.

    Parameters
    ----------
    file
        An empty file, open for writing and reading.
    """

    def __init__(self, file: BufferedRandom) -> None:
        self._file = file
        self._frames: list[_Header] = []

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._file.tell()

    def append(self, frame: VideoFrame) -> None:
        """Add a frame; its side data are not kept."""
        header = _Header(
            place=self._file.tell(),
            width=frame.width,
            height=frame.height,
            pixel_format=frame.format.name,
            line_sizes=tuple(plane.line_size for plane in frame.planes),
            values={name: getattr(frame, name) for name in _KEPT},
        )
        self._frames.append(header)
        for plane in frame.planes:
            self._file.write(memoryview(plane))

    def forwards(self) -> Iterator[VideoFrame]:
        """Read all frames, the first one first; they stay."""
        for header in self._frames:
            yield self._read(header)

    def backwards(self) -> Iterator[VideoFrame]:
        """Read all frames, the last one first; they stay."""
        for header in reversed(self._frames):
            yield self._read(header)

    def clear(self) -> None:
        """Forget all frames and give the file's room back."""
        self._frames.clear()
        self._file.seek(0)
        self._file.truncate()

    def _read(self, header: "_Header") -> VideoFrame:
        self._file.seek(header.place)
        frame = VideoFrame(header.width, header.height, header.pixel_format)
        for plane, line_size in zip(frame.planes, header.line_sizes, strict=True):
            rows = plane.buffer_size // plane.line_size
            if line_size == plane.line_size:
                self._file.readinto(memoryview(plane)[: rows * line_size])
                continue
            data = np.frombuffer(self._file.read(rows * line_size), np.uint8)
            room = np.frombuffer(memoryview(plane), np.uint8)[: rows * plane.line_size]
            # Both kinds of padding are cut off; each line is at least as long as its samples.
            common = min(line_size, plane.line_size)
            room.reshape(rows, -1)[:, :common] = data.reshape(rows, -1)[:, :common]
        for name, value in header.values.items():
            setattr(frame, name, value)
        return frame


_KEPT = (
    "pts", "time_base", "duration", "pict_type",
    "colorspace", "color_range", "color_trc", "color_primaries",
)  # fmt: skip


@dataclass(frozen=True)
class _Header:
    place: int
    width: int
    height: int
    pixel_format: str
    line_sizes: tuple[int, ...]
    values: dict[str, Any]
