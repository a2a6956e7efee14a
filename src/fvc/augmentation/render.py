"""Write a source's copy and variants: one frame in memory, and an encoder for each file.

One decoding serves all files, as far as their encoders fit into memory together: up to 480p for the
copy and ten variants. Of a larger picture, they are written a few at a time. For these, and for the
variant that runs backwards, frames are put by in a file as they come; a clip too long for that is
decoded again.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
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
    VideoInfo,
    decode,
    decode_reversed,
    probe,
    sample_frames,
)
from fvc.video.reversing import Spill

COPY = Variant(-1, ORIGINAL, 0, {})
"""The unaugmented copy."""

# Resident bytes of one encoder a pixel, the frame its variant is drawn into included: measured.
_ENCODER_BYTES = 26
# Encoders at work together may hold so much: a worker stays below 200 MiB with 1080p.
_ENCODERS_BYTES = 110 << 20

# Frames that each encoder gets in one go: its own memory then stays in the processor's caches.
_BATCH_BYTES = 4 << 20
# Raw frames of a clip that are put by: so many bytes at most, and so small a part of the free disk.
_SPILL_BYTES = 6 << 30
_SPILL_PART = 1 / 8

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
        Each variant (`COPY` for the unaugmented one) and the file to write for it.
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
    at_once = max(1, _ENCODERS_BYTES // (_ENCODER_BYTES * info.width * info.height))
    places = {
        backwards: [
            i for i, (v, _) in enumerate(outputs) if (v.augmentation == REVERSE) == backwards
        ]
        for backwards in (False, True)
    }
    # Not in the system's own folder for temporary files, which may lie in memory.
    folder = outputs[0][1].absolute().parent
    rendered: dict[int, Rendered] = {}
    with tempfile.TemporaryFile(dir=folder) as file:
        is_again = bool(places[True]) or len(places[False]) > at_once
        keeps = is_again and num_frames is None and _has_room(folder, info)
        spill = Spill(file) if keeps else None
        reader = _Reader(source, num_frames, folder, on_frame, spill)
        for backwards, chosen in places.items():
            for start in range(0, len(chosen), at_once):
                group = chosen[start : start + at_once]
                writers = [
                    _Writer(*outputs[i], fps=info.fps, aspect=info.sample_aspect_ratio)
                    for i in group
                ]
                _write(reader.frames(backwards=backwards), writers, on_frame)
                rendered |= {i: w.rendered for i, w in zip(group, writers, strict=True)}
                # The encoders' memory goes before the next ones come.
                del writers
    return tuple(rendered[i] for i in range(len(outputs)))


def _has_room(folder: Path, info: VideoInfo) -> bool:
    """Whether all frames of a video may be put by in a folder."""
    needed = info.frame_count * info.width * info.height * 3 // 2
    free = shutil.disk_usage(folder).free
    return needed <= min(_SPILL_BYTES, _SPILL_PART * free)


@dataclass
class _Reader:
    """Gives the standardised frames of a source, as often as they are asked for.

    The first time, they are put by in ``spill``, if there is one and they fit, and come from there
    ever after.
    """

    source: Path
    num_frames: int | None
    spill_folder: Path
    on_frame: OnFrame | None
    spill: Spill | None
    is_spilled: bool = False

    def frames(self, *, backwards: bool) -> Iterable[av.VideoFrame]:
        if self.num_frames is not None:
            sample = sample_frames(
                self.source, num_frames=self.num_frames, on_frame=self.on_frame
            ).frames
            # The first one settles the size, in either direction.
            pictures = list(map(_Upright(), sample))
            return reversed(pictures) if backwards else pictures
        if self.spill is not None and self.is_spilled:
            return self.spill.backwards() if backwards else self.spill.forwards()
        if backwards:
            return decode_reversed(
                self.source,
                on_frame=self.on_frame,
                prepare=_Upright(),
                spill_folder=self.spill_folder,
            )
        upright = map(_Upright(), decode(self.source, on_frame=self.on_frame))
        if self.spill is None:
            return upright
        return self._put_by(upright, self.spill)

    def _put_by(self, frames: Iterable[av.VideoFrame], spill: Spill) -> Iterator[av.VideoFrame]:
        for frame in frames:
            if self.spill is not None:
                spill.append(frame)
                if spill.size > _SPILL_BYTES:
                    spill.clear()
                    self.spill = None
            yield frame
        self.is_spilled = self.spill is not None


class _Upright:
    """Standardises frames, and has their rows lie from the first to the last."""

    def __init__(self) -> None:
        self._standardise = Standardiser()
        self._copy = FilterGraph("copy")

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        frame = self._standardise(frame)
        # FFmpeg turns a picture upside down by counting its rows backwards.
        return self._copy.process(frame) if frame.planes[0].line_size < 0 else frame


def _write(
    frames: Iterable[av.VideoFrame], writers: Sequence["_Writer"], on_frame: OnFrame | None
) -> None:
    with ExitStack() as stack:
        for writer in writers:
            stack.enter_context(writer.encoder)
        for batch in _batches(frames):
            for writer in writers:
                for frame, planes in batch:
                    writer.take(frame, planes)
                    if on_frame is not None:
                        on_frame()


def _batches(
    frames: Iterable[av.VideoFrame],
) -> Iterator[list[tuple[av.VideoFrame, Planes]]]:
    batch: list[tuple[av.VideoFrame, Planes]] = []
    for frame in frames:
        batch.append((frame, planes_of(frame)))
        if (len(batch) + 1) * frame.width * frame.height * 3 // 2 > _BATCH_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


class _Writer:
    """Transforms and encodes the frames of one variant."""

    def __init__(self, variant: Variant, path: Path, *, fps: float, aspect: Fraction) -> None:
        self.variant = variant
        self.encoder = Encoder(path, fps=fps or None, sample_aspect_ratio=aspect)
        self._timing = timing(variant.augmentation, variant.parameters, seed=variant.seed)
        self._started = False

    def take(self, frame: av.VideoFrame, planes: Planes) -> None:
        """Take the source's next frame, which other writers get too."""
        if not self._started:
            self._start(frame)
        pts, duration = frame.pts, frame.duration
        if pts is None:
            raise VideoError(self.encoder.path, "corrupt", "a decoded frame has no time")
        picture = frame
        if self._transform is not None:
            self._transform(planes, self._planes)
            picture = self._canvas
            picture.time_base, picture.duration = frame.time_base, duration
        for shown, time in self._timing(picture, pts):
            before, shown.pts = shown.pts, time
            self.encoder.write(shown)
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
        """What was written, once the encoder is closed."""
        encoder = self.encoder
        return Rendered(encoder.width, encoder.height, encoder.fps, encoder.frame_count)
