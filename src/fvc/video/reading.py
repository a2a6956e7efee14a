"""Decode chosen stretches of a stream from packets that are fed by hand."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from fvc.video.container import OpenVideo, demux, open_video
from fvc.video.packets import PacketTable

# Decoders that leave out a frame to which no other refers without any effect on the others.
_SKIPS_NONREF = {"h264", "mpeg4", "mpeg2video", "mpeg1video"}

# Reading on and throwing away is as quick as seeking up to about here, and cannot go astray.
_SEEK_BYTES = 8 << 20


@dataclass(frozen=True)
class Run:
    """Packets ``first`` (a key frame) to ``last`` in decoding order, and the times wanted.

    Frames of other times are thrown away; with ``skip`` they are not even decoded where nothing
    refers to them.
    """

    first: int
    last: int
    wanted: frozenset[int]
    skip: bool = True


class PacketReader:
    """Reads stretches of a stream's packets by their number in a `PacketTable`.

    To be used as a context.
    """

    def __init__(self, path: Path, table: PacketTable) -> None:
        self.path = path
        self.table = table
        self._open_files = ExitStack()
        self._next = 0
        self._rewind()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open_files.close()

    def decode(
        self, run: Run, *, on_frame: Callable[[], object] | None = None
    ) -> Iterator[VideoFrame]:
        """Decode one run and yield its wanted frames in order of time.

        Raises
        ------
        UnsureError
            If anything about it leaves a doubt whether these are the frames of a full decode.
        """
        context = self.video.stream.codec_context
        skips = run.skip and context.name in _SKIPS_NONREF and context.field_order < 2
        remaining = len(run.wanted)
        begun = not self.table.shown[run.first]
        last: int | None = None
        context.flush_buffers()
        try:
            for packet in self._read(run.first, run.last):
                if skips and packet is not None:
                    whole = packet.is_keyframe or packet.pts in run.wanted
                    context.skip_frame = "DEFAULT" if whole else "NONREF"
                for frame in context.decode(packet):
                    if on_frame is not None:
                        on_frame()
                    if not begun:
                        begun = True
                        if frame.pict_type not in (PictureType.I, PictureType.NONE):
                            raise UnsureError("the key frame is not an intra frame")
                    if frame.pts is not None:
                        if last is not None and frame.pts <= last:
                            raise UnsureError("frames do not come in the order of their times")
                        last = frame.pts
                    if frame.pts in run.wanted:
                        if frame.is_corrupt:
                            raise UnsureError("a frame is damaged")
                        remaining -= 1
                        frame.time_base = self.video.time_base
                        yield frame
        except FFmpegError as error:
            raise UnsureError("a packet cannot be read or decoded") from error
        finally:
            context.skip_frame = "DEFAULT"
        if remaining:
            raise UnsureError(f"{remaining} frames did not come")

    def _read(self, first: int, last: int) -> Iterator["Packet[VideoStream] | None"]:
        """Packets `first` to `last`, then None, which makes the decoder give what it holds."""
        if first < self._next or self.table.size[self._next : first].sum() > _SEEK_BYTES:
            self._seek(first)
        while self._next <= last:
            packet = next(self._packets, None)
            if packet is None:
                raise UnsureError("the file ends earlier than before")
            number, self._next = self._next, self._next + 1
            if number >= first:
                yield packet
        yield None

    def _seek(self, first: int) -> None:
        """Go to packet `first` or somewhat before it."""
        video, table = self.video, self.table
        try:
            video.container.seek(int(table.pts[first]), stream=video.stream)
        except FFmpegError:
            self._rewind()
            return
        packets = self._demux()
        packet = next(packets, None)
        here = []
        if packet is not None and packet.pts is not None:
            same = (table.pts == packet.pts) & (table.size == packet.size)
            here = same.nonzero()[0].tolist()
        if packet is None or len(here) != 1 or here[0] > first:
            self._rewind()
            return
        self._next = here[0]
        self._packets = _chain(packet, packets)

    def _rewind(self) -> None:
        self._open_files.close()
        self.video: OpenVideo = self._open_files.enter_context(open_video(self.path))
        self._packets = self._demux()
        self._next = 0

    def _demux(self) -> Iterator["Packet[VideoStream]"]:
        for packet in demux(self.video.container, self.video.stream):
            if packet.size or packet.pts is not None:
                yield packet


class UnsureError(Exception):
    """Decoding from the middle cannot be trusted here; begin at the start of the file instead."""


def _chain(
    first: "Packet[VideoStream]", rest: Iterator["Packet[VideoStream]"]
) -> Iterator["Packet[VideoStream]"]:
    yield first
    yield from rest
