"""Write frames with an encoder of one's choice, as a platform does to what it is sent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fvc.errors import OutputError, VideoError

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

# MP4 and WebM hold times in ticks of which a second has at least so many.
_LEAST_TICKS = 1000


@dataclass(frozen=True)
class Encoding:
    """An encoder and its settings.

    Attributes
    ----------
    codec
        FFmpeg's name of the encoder.
    container
        ``mp4`` or ``webm``; the ending of the file, too.
    options
        The encoder's own options.
    """

    codec: str
    container: str
    options: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, Any]:
        """Give it in plain JSON types."""
        return {"codec": self.codec, "container": self.container, "options": dict(self.options)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Encoding":
        """Inverse of `to_dict`."""
        options = tuple((str(k), str(v)) for k, v in document["options"].items())
        return cls(str(document["codec"]), str(document["container"]), options)


def h264(crf: int) -> Encoding:
    """H.264 in MP4 at a constant quality; 18 is fine, 23 usual, 35 coarse."""
    # With its macroblock tree x264 now and then gives other bytes for the same frames.
    options = (("preset", "veryfast"), ("crf", str(crf)), ("x264-params", "mbtree=0"))
    return Encoding("libx264", "mp4", options)


def vp9(crf: int) -> Encoding:
    """VP9 in WebM at a constant quality; 31 is usual, 50 coarse."""
    options = (("crf", str(crf)), ("deadline", "realtime"), ("cpu-used", "7"), ("row-mt", "0"))
    return Encoding("libvpx-vp9", "webm", options)


def write_frames(
    path: Path,
    frames: Iterable["VideoFrame"],
    encoding: Encoding,
    *,
    fps: Fraction,
    sample_aspect_ratio: Fraction = Fraction(1),
) -> int:
    """Encode frames into a file, on one thread, without sound.

    Parameters
    ----------
    path
        File to write; hand in a temporary path to replace a file whole or not at all.
    frames
        yuv420p, limited range, both sides even, all of one size, in ascending order of time.
    encoding
        How.
    fps
        Nominal frame rate in Hz; times come from the frames.
    sample_aspect_ratio
        Width of a pixel over its height.

    Returns
    -------
    int
        Number of frames.

    Raises
    ------
    VideoError
        ``no_frames``, or ``encoder`` where the frames cannot be encoded.
    OutputError
        The disk is full or cannot be written.
    """
    import av
    from av.error import FFmpegError

    count = 0
    try:
        with av.open(
            f"file:{path.absolute()}",
            "w",
            format=encoding.container,
            container_options={"fflags": "+bitexact"},
        ) as container:
            stream: Any = None
            for frame in frames:
                if frame.pts is None or frame.time_base is None:
                    raise ValueError("the frame has no time")
                if stream is None:
                    stream = _stream(container, frame, encoding, fps, sample_aspect_ratio)
                    first, base = frame.pts, stream.codec_context.time_base
                ticks, time_base = frame.pts, frame.time_base
                # The decoder's choice of frame types is not to be the encoder's.
                frame.pict_type = 0
                frame.pts = round((ticks - first) * time_base / base)
                frame.time_base = base
                try:
                    container.mux(stream.encode(frame))
                finally:
                    frame.pts, frame.time_base = ticks, time_base
                count += 1
            if stream is None:
                raise VideoError(path, "no_frames", "there was no frame to write")
            container.mux(stream.encode(None))
    except FFmpegError as error:
        if isinstance(error, OSError):
            raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
        raise VideoError(
            path,
            "encoder",
            f"its frames cannot be written as {encoding.codec} ({error.strerror}); "
            "re-encode the file",
        ) from error
    return count


def _stream(
    container: Any,
    frame: "VideoFrame",
    encoding: Encoding,
    fps: Fraction,
    sample_aspect_ratio: Fraction,
) -> Any:
    from av.codec.context import Flags

    options = {**dict(encoding.options), "threads": "1"}
    stream = container.add_stream(encoding.codec, rate=fps, options=options)
    context = stream.codec_context
    context.width, context.height, context.pix_fmt = frame.width, frame.height, "yuv420p"
    context.thread_count = 1
    # Zero leaves the rate to the constant quality.
    context.bit_rate = 0
    context.flags |= Flags.bitexact
    base = frame.time_base
    assert base is not None
    context.time_base = base if base.denominator >= _LEAST_TICKS * base.numerator else base / 1000
    context.color_range = frame.color_range
    context.colorspace = frame.colorspace
    context.color_primaries = frame.color_primaries
    context.color_trc = frame.color_trc
    if sample_aspect_ratio > 0:
        context.sample_aspect_ratio = sample_aspect_ratio
    return stream
