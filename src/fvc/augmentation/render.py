"""Write a source's copy and variants: decoded once, one frame in memory, one encoder each."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from fvc.augmentation.build import REVERSE, spatial_transform, timing
from fvc.augmentation.parameters import ORIGINAL, Variant
from fvc.augmentation.planes import Planes, blank_planes, planes_of
from fvc.errors import VideoError
from fvc.video import (
    Encoder,
    FilterGraph,
    Standardiser,
    decode,
    decode_reversed,
    probe,
    sample_frames,
)

COPY = Variant(-1, ORIGINAL, 0, {})
"""The unaugmented copy."""

OnFrame = Callable[[], object]


@dataclass(frozen=True)
class Rendered:
    """What was written for one variant.

    Parameters
    ----------
    width, height
        In pixels, even.
    fps
        Average frame rate, in Hz.
    frame_count
        Number of frames.
    """

    width: int
    height: int
    fps: float
    frame_count: int


def render(
    source: Path,
    outputs: Sequence[tuple[Variant, Path]],
    *,
    num_frames: int | None = None,
    on_frame: OnFrame | None = None,
) -> tuple[Rendered, ...]:
    """Write the copy and the variants of a source, each with the project's encoder settings.

    Parameters
    ----------
    source
        The raw video.
    outputs
        Each variant (`COPY` for the unaugmented one) and the file to write for it. The source is
        decoded once for all of them, and once more, backwards, for temporal reverse.
    num_frames
        Keep so many uniform frames; they are held in memory together. By default all are kept, and
        memory does not depend on how many there are.
    on_frame
        Called at least once a frame, to show progress.

    Returns
    -------
    tuple of Rendered
        In the order of `outputs`.

    Raises
    ------
    VideoError
        The source cannot be read to its end; files are then left unfinished, so hand in temporary
        paths.
    OutputError
        The disk is full or cannot be written.
    """
    info = probe(source, on_frame=on_frame)
    aspect = info.sample_aspect_ratio
    if info.rotation in (90, 270):
        aspect = 1 / aspect
    upright = _Upright()
    with ExitStack() as stack:
        writers = [
            stack.enter_context(_Writer(variant, path, fps=info.fps, aspect=aspect))
            for variant, path in outputs
        ]
        forward = [w for w in writers if w.variant.augmentation != REVERSE]
        backward = [w for w in writers if w.variant.augmentation == REVERSE]
        if num_frames is not None:
            sample = sample_frames(source, num_frames=num_frames, on_frame=on_frame).frames
            pictures = [upright(frame) for frame in sample]
            _feed(pictures, forward, on_frame)
            _feed(reversed(pictures), backward, on_frame)
        else:
            if forward:
                _feed(map(upright, decode(source, on_frame=on_frame)), forward, on_frame)
            # Each encoder keeps some frames: the forward ones go before the backward ones come.
            for writer in forward:
                writer.close()
            if backward:
                frames = decode_reversed(
                    source,
                    on_frame=on_frame,
                    prepare=_Upright(),
                    # Not the system's own folder, which may lie in memory.
                    spill_folder=outputs[0][1].absolute().parent,
                )
                _feed(frames, backward, on_frame)
        for writer in writers:
            writer.close()
    return tuple(w.rendered for w in writers)


class _Upright:
    """Standardises frames, and has their rows lie from the first to the last."""

    def __init__(self) -> None:
        self._standardise = Standardiser()
        self._copy = FilterGraph("copy")

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        frame = self._standardise(frame)
        # FFmpeg turns a picture upside down by counting its rows backwards.
        return self._copy.process(frame) if frame.planes[0].line_size < 0 else frame


def _feed(
    frames: Iterable[av.VideoFrame], writers: Sequence["_Writer"], on_frame: OnFrame | None
) -> None:
    for frame in frames:
        planes = planes_of(frame)
        for writer in writers:
            writer.take(frame, planes)
            if on_frame is not None:
                on_frame()


class _Writer:
    """Transforms and encodes the frames of one variant."""

    def __init__(self, variant: Variant, path: Path, *, fps: float, aspect: Fraction) -> None:
        self.variant = variant
        self._encoder = Encoder(path, fps=fps or None, sample_aspect_ratio=aspect)
        self._timing = timing(variant.augmentation, variant.parameters, seed=variant.seed)
        self._started = self._closed = False

    def take(self, frame: av.VideoFrame, planes: Planes) -> None:
        """Take the source's next frame, which other writers get too."""
        if not self._started:
            self._start(frame)
        pts, duration = frame.pts, frame.duration
        if pts is None:
            raise VideoError(self._encoder.path, "corrupt", "a decoded frame has no time")
        picture = frame
        if self._transform is not None:
            self._transform(planes, self._planes)
            picture = self._canvas
            picture.time_base, picture.duration = frame.time_base, duration
        for shown, time in self._timing(picture, pts):
            before, shown.pts = shown.pts, time
            self._encoder.write(shown)
            shown.pts = before

    def _start(self, frame: av.VideoFrame) -> None:
        self._started = True
        self._transform = spatial_transform(
            self.variant.augmentation,
            self.variant.parameters,
            seed=self.variant.seed,
            width=frame.width,
            height=frame.height,
        )
        if self._transform is not None:
            # One frame for the whole clip: the encoder has copied it when `write` returns.
            self._canvas, self._planes = blank_planes(frame.width, frame.height)
            self._canvas.color_range = frame.color_range
            self._canvas.colorspace = frame.colorspace
            self._canvas.color_primaries = frame.color_primaries
            self._canvas.color_trc = frame.color_trc

    @property
    def rendered(self) -> Rendered:
        encoder = self._encoder
        return Rendered(encoder.width, encoder.height, encoder.fps, encoder.frame_count)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._encoder.close()

    def __enter__(self) -> "_Writer":
        self._encoder.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if not self._closed:
            self._closed = True
            self._encoder.__exit__(*error)  # type: ignore[arg-type]
