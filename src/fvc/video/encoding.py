"""The one way in which this project writes video."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

import av
from av.codec.context import Flags as CodecFlags
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from fvc.errors import OutputError, VideoError
from fvc.video.colour import LIMITED, colour_tags

# docs/decisions/0001-encoder-settings.md says why these.
ENCODER_SETTINGS = MappingProxyType(
    {
        "codec": "libx264",
        "preset": "superfast",
        "qp": "19",
        "g": "16",
        "bf": "0",
        "coder": "vlc",
        "x264-params": "aq-mode=0:mbtree=0:weightp=0:partitions=none:scenecut=0"
        ":deadzone-inter=14:deadzone-intra=11:no-dct-decimate=1"
        ":rc-lookahead=0:sync-lookahead=0:sliced-threads=0:threads=1",
    }
)

# MP4 holds the distance of two frames in 31 bits, in ticks of which a second has at least so many.
_LONGEST_TICKS = 2**31 - 1
_LEAST_TIMESCALE = 20_000
_HIGHEST_RATE = 100_000


class Encoder:
    """Write frames into an MP4 file with the project's one set of encoder settings.

    The size is that of the first frame. Timestamps are kept relative to the first one, variable
    rate included. The same frames give the same bytes. Frames are not changed.

    Parameters
    ----------
    path
        File to write; whatever its ending, it becomes an MP4. To replace a file whole or not at
        all, hand in a temporary path.
    fps
        Nominal frame rate in Hz, for the header; timestamps come from the frames. By default the
        last frame lasts as long as the one before it.
    sample_aspect_ratio
        Width of a pixel over its height.

    Examples
    --------
    >>> with Encoder("copy.mp4", fps=info.fps) as out:  # doctest: +SKIP
    ...     for frame in decode("clip.mp4"):
    ...         out.write(frame)
    """

    def __init__(
        self,
        path: Path | str,
        *,
        fps: float | Fraction | None = None,
        sample_aspect_ratio: Fraction | None = None,
    ) -> None:
        self.path = Path(path)
        self.frame_count = 0
        self.width = 0
        self.height = 0
        # A single frame's own time may be as short as a tick; as a rate that is nonsense.
        is_rate = fps is not None and 0 < fps <= _HIGHEST_RATE
        self._fps = Fraction(fps or 0).limit_denominator(100_000) if is_rate else None
        self._aspect = sample_aspect_ratio
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._time_base = Fraction(1, 1000)
        self._first = 0
        self._last = 0
        self._duration = 0
        self._longest = 0

    @property
    def duration_seconds(self) -> float:
        """Length of what was written, the last frame's duration included."""
        return float((self._last + self._duration) * self._time_base)

    @property
    def fps(self) -> float:
        """Average frame rate of what was written, in Hz."""
        return self.frame_count / self.duration_seconds if self.frame_count else 0.0

    def write(self, frame: VideoFrame) -> None:
        """Encode the next frame.

        Parameters
        ----------
        frame
            yuv420p, limited range, both sides even, of the size of the first one, later than the
            one before it (``pts`` in ticks of its ``time_base``).

        Raises
        ------
        ValueError
            If the frame is not so.
        VideoError
            ``corrupt`` if its time is too far from the others, ``encoder`` if it cannot be encoded.
        OutputError
            If the disk is full or cannot be written.
        """
        try:
            if self._container is None:
                self._open(frame)
            self._encode(frame)
        except FFmpegError as error:
            raise self._output_error(error) from error

    def close(self) -> None:
        """Finish the file.

        Raises
        ------
        VideoError
            If no frame was written.
        OutputError
            If the disk is full or cannot be written.
        """
        if self._container is None or self._stream is None:
            raise VideoError(self.path, "no_frames", "there was no frame to write")
        try:
            self._mux(self._stream.encode(None))
            self._container.close()
        except FFmpegError as error:
            raise self._output_error(error) from error
        finally:
            self._container = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        elif self._container is not None:
            # The file is given up; what went wrong first is what counts.
            container, self._container = self._container, None
            try:
                container.close()
            except FFmpegError:
                return

    def _open(self, frame: VideoFrame) -> None:
        if frame.width % 2 or frame.height % 2:
            raise ValueError(f"a frame of {frame.width}×{frame.height}: both sides must be even")
        if frame.time_base is None:
            raise ValueError("the frame has no time_base")
        self.width, self.height = frame.width, frame.height
        self._time_base = frame.time_base
        ticks = max(_LEAST_TIMESCALE, self._time_base.denominator)
        self._longest = int(_LONGEST_TICKS / (ticks * self._time_base))
        self._container = av.open(
            f"file:{self.path.absolute()}",
            "w",
            format="mp4",
            container_options={"fflags": "+bitexact", "movflags": "+negative_cts_offsets"},
        )
        options = {k: v for k, v in ENCODER_SETTINGS.items() if k != "codec"}
        stream = self._container.add_stream(
            ENCODER_SETTINGS["codec"], rate=self._fps or Fraction(25), options=options
        )
        assert isinstance(stream, VideoStream)
        stream.time_base = self._time_base
        context = stream.codec_context
        context.time_base = self._time_base
        context.width, context.height, context.pix_fmt = frame.width, frame.height, "yuv420p"
        context.thread_count = 1
        context.flags |= CodecFlags.bitexact
        tags = colour_tags(frame)
        context.color_range = LIMITED
        context.colorspace = tags.matrix
        context.color_primaries = tags.primaries
        context.color_trc = tags.transfer
        if self._aspect is not None and self._aspect > 0:
            context.sample_aspect_ratio = self._aspect
        self._stream = stream

    def _encode(self, frame: VideoFrame) -> None:
        assert self._container is not None
        assert self._stream is not None
        if (frame.width, frame.height, frame.format.name) != (self.width, self.height, "yuv420p"):
            raise ValueError(
                f"a frame of {frame.width}×{frame.height} in {frame.format.name}; "
                f"{self.width}×{self.height} in yuv420p was expected"
            )
        original, time_base = frame.pts, frame.time_base
        if original is None or time_base is None:
            raise ValueError("the frame has no time")
        ticks = original
        # Fractions cost some microseconds each: where the ticks are the stream's, none is needed.
        is_same = time_base == self._time_base
        if not is_same:
            ticks = round(original * time_base / self._time_base)
        if self.frame_count == 0:
            self._first = ticks
        elif ticks - self._first <= self._last:
            raise ValueError(f"frame {self.frame_count} is not later than the one before it")
        else:
            self._duration = ticks - self._first - self._last
        duration = frame.duration
        if duration:
            if not is_same:
                duration = round(duration * time_base / self._time_base)
            self._duration = max(1, duration)
        self._duration = self._duration or self._nominal()
        if self._duration > self._longest:
            shown = float(self._duration * self._time_base)
            raise VideoError(
                self.path,
                "corrupt",
                f"after frame {self.frame_count} comes a gap of {shown:,.0f} seconds: the times in "
                "the file are damaged; re-encode it",
            )
        self._last = ticks - self._first
        frame.pict_type = 0
        frame.pts = self._last
        if not is_same:
            frame.time_base = self._time_base
        try:
            packets = self._stream.encode(frame)
        finally:
            frame.pts = original
            if not is_same:
                frame.time_base = time_base
        self._mux(packets)
        self.frame_count += 1

    def _mux(self, packets: list["Packet[VideoStream]"]) -> None:
        assert self._container is not None
        for packet in packets:
            if packet.pts == self._last:
                # MP4 stores the distances of frames, and the duration of the last one alone.
                packet.duration = self._duration
            self._container.mux(packet)

    def _nominal(self) -> int:
        return max(1, round(1 / ((self._fps or 25) * self._time_base)))

    def _output_error(self, error: FFmpegError) -> OutputError | VideoError:
        if isinstance(error, OSError):
            return OutputError(f"{self.path}: cannot be written ({error.strerror})")
        return VideoError(
            self.path,
            "encoder",
            f"its frames cannot be written as H.264 in MP4 ({error.strerror}); re-encode the file",
        )


def write_video(
    path: Path | str,
    frames: Iterable[VideoFrame],
    *,
    fps: float | Fraction | None = None,
    sample_aspect_ratio: Fraction | None = None,
) -> Encoder:
    """Write an iterable of frames to a file and return the closed `Encoder`, which knows its size.

    See `Encoder` for the parameters and what is raised.
    """
    with Encoder(path, fps=fps, sample_aspect_ratio=sample_aspect_ratio) as encoder:
        for frame in frames:
            encoder.write(frame)
    return encoder
