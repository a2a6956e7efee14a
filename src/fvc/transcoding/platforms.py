"""What happens to a video on its way through a platform, one thing at a time.

Platforms do not publish their settings, and change them. The steps below span what is usual: a
second encoding by H.264 or VP9 at a high, a middle and a low quality; a smaller picture shown large
again; half the frames; the edges cut off; a bar of text. The last four are followed by H.264 at the
high quality, since nobody passes on raw pixels: what they cost beyond that is their distance from
``h264 crf 23``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fvc.transcoding.writing import Encoding, h264, vp9, write_frames

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

# The same on every processor.
_SCALE = "flags=bicubic+accurate_rnd+full_chroma_int+bitexact"
_LEAST_SIDE = 16


@dataclass(frozen=True)
class Transformation:
    """One thing that a platform does.

    Attributes
    ----------
    name
        Unique; part of file names, so letters, digits and hyphens.
    family
        Those of one family differ in strength alone.
    words
        What is done, for people.
    encoding
        What the result is written with.
    quality
        The encoder's constant rate factor, more being coarser.
    downscale
        Share of each side that is left before the picture is brought back to its size; 1 for none.
    keep
        Share of each side that a central crop leaves; 1 for none.
    fps
        Constant frame rate in Hz; None keeps the times.
    caption
        Whether a bar of text covers the lower edge.
    """

    name: str
    family: str
    words: str
    encoding: Encoding
    quality: int
    downscale: float = 1.0
    keep: float = 1.0
    fps: int | None = None
    caption: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Give everything that changes the result, in plain JSON types."""
        return {**vars(self), "encoding": self.encoding.to_dict()}


_H264, _VP9, _AFTER = (23, 28, 35), (31, 40, 50), 23


def _platforms() -> Iterator[Transformation]:
    for crf in _H264:
        yield Transformation(f"h264-{crf}", "H.264", f"H.264, crf {crf}", h264(crf), crf)
    for crf in _VP9:
        yield Transformation(f"vp9-{crf}", "VP9", f"VP9, crf {crf}", vp9(crf), crf)
    written: dict[str, Any] = {"encoding": h264(_AFTER), "quality": _AFTER}
    yield Transformation("downscaled", "downscale", "half size and back", **written, downscale=0.5)
    yield Transformation("fps-15", "frame rate", "15 frames a second", **written, fps=15)
    yield Transformation("cropped", "crop", "central 80 % of each side", **written, keep=0.8)
    yield Transformation("captioned", "caption", "bar of text", **written, caption=True)


PLATFORMS: tuple[Transformation, ...] = tuple(_platforms())
"""All that is done, in the order in which it is reported."""


def transform_video(
    source: Path,
    target: Path,
    transformation: Transformation,
    *,
    on_frame: Callable[[], object] | None = None,
) -> None:
    """Do to a video what a platform does; the sound is left out.

    Parameters
    ----------
    source
        The raw video.
    target
        File to write, in the container of the transformation's encoding.
    transformation
        What to do.
    on_frame
        Called once a frame, to show progress.

    Raises
    ------
    VideoError
        The source cannot be read to its end, or what is left of it is too small to be written.
    OutputError
        The disk is full or cannot be written.
    """
    from fvc.transcoding.cadence import at_rate
    from fvc.video import Standardiser, decode, probe

    info = probe(source, on_frame=on_frame)
    frames: Iterator[VideoFrame] = map(Standardiser(), decode(source, on_frame=on_frame))
    fps = Fraction(info.fps or 25).limit_denominator(1001)
    if transformation.fps is not None and transformation.fps < info.fps:
        fps = Fraction(transformation.fps)
        frames = at_rate(frames, fps)
    write_frames(
        target,
        map(_Picture(transformation, source), frames),
        transformation.encoding,
        fps=fps,
        sample_aspect_ratio=info.sample_aspect_ratio,
    )


class _Picture:
    """What is done to each picture."""

    def __init__(self, transformation: Transformation, source: Path) -> None:
        from fvc.transcoding.caption import Caption

        self.how, self.source = transformation, source
        self._graph: Any = None
        self._caption = Caption() if transformation.caption else None

    def __call__(self, frame: "VideoFrame") -> "VideoFrame":
        if self._caption is not None:
            return self._caption(frame)
        if self._graph is None:
            self._graph = self._chain(frame.width, frame.height)
        return frame if self._graph is False else self._graph.process(frame)

    def _chain(self, width: int, height: int) -> Any:
        from fvc.errors import VideoError
        from fvc.video import FilterGraph

        small = tuple(even(side * self.how.downscale) for side in (width, height))
        left = kept_region(width, height, self.how.keep)
        if min(*small, *left[2:]) < _LEAST_SIDE:
            raise VideoError(
                self.source,
                "too_small",
                f"of {width}×{height} pixels too little is left after {self.how.words!r}",
            )
        filters = []
        if self.how.downscale < 1:
            filters += [("scale", f"{w}:{h}:{_SCALE}") for w, h in (small, (width, height))]
        if self.how.keep < 1:
            x, y, w, h = left
            filters.append(("crop", f"{w}:{h}:{x}:{y}"))
        return FilterGraph(filters) if filters else False


def even(length: float) -> int:
    """Round a length in pixels to the nearest even one, at least 2."""
    return max(2, round(length / 2) * 2)


def kept_region(width: int, height: int, keep: float) -> tuple[int, int, int, int]:
    """Give the place and size (x, y, width, height) of a central crop, all even, in pixels."""
    w, h = min(width, even(width * keep)), min(height, even(height * keep))
    return (width - w) // 4 * 2, (height - h) // 4 * 2, w, h
