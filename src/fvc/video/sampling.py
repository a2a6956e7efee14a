"""Take the frames shown at given times, exactly, decoding as little as possible.

Packets are fed by hand. Wanted frames fall into runs; each run begins at the last key frame from
which all of it can be decoded, and between runs packets are read and thrown away::

    packets   K  p  b  p  b  K  p  b  p  b  K  p  b  p  b  p
    wanted          ^                             ^     ^
    decoded   ======                         ================
    skipped (no other frame refers to them)        b

What was taken is verified: each run must begin with an intact intra frame and give every wanted
frame, undamaged. If not, the whole video is decoded from its start instead.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import ArrayLike, NDArray

from fvc.errors import VideoError
from fvc.video.container import open_video
from fvc.video.decoding import decode
from fvc.video.packets import PacketTable, scan
from fvc.video.reading import PacketReader, Run, UnsureError

# Up to so many packets for each wanted frame it is quicker, and plainer, to decode them all.
_DECODE_ALL_FACTOR = 2


@dataclass(frozen=True)
class FrameSample:
    """Frames of a video and where in it they were.

    Parameters
    ----------
    frames
        The frames, as coded, in order of time. One that is shown at several of the asked times
        stands here several times.
    pts_seconds
        Presentation times of the frames in the stream's own timeline, shape ``(n,)``.
    gop_index
        Number of the group of pictures that each frame lies in, from 0, shape ``(n,)``.
    """

    frames: tuple[VideoFrame, ...]
    pts_seconds: NDArray[np.float64]
    gop_index: NDArray[np.int64]

    def __post_init__(self) -> None:
        n = len(self.frames)
        if self.pts_seconds.shape != (n,) or self.gop_index.shape != (n,):
            raise ValueError(
                f"{n} frames need times and groups of shape ({n},), not "
                f"{self.pts_seconds.shape} and {self.gop_index.shape}"
            )


def sample_frames(
    path: Path | str, *, num_frames: int = 6, on_frame: Callable[[], object] | None = None
) -> FrameSample:
    """Take the frames shown at the centres of equal parts of a video's presentation.

    Parameters
    ----------
    path
        The video file.
    num_frames
        Number of parts, 1 or more. A video with no more frames than that gives all of them.
    on_frame
        Called once a decoded frame, to show progress.

    Returns
    -------
    FrameSample
        ``num_frames`` frames, or fewer of a shorter video.

    Raises
    ------
    VideoError
        ``corrupt`` if a frame that was asked for is damaged; and what `decode` raises.
    """
    if num_frames < 1:
        raise ValueError(f"num_frames is {num_frames}; it must be 1 or more")

    def centres(table: PacketTable, pts: NDArray[np.int64]) -> NDArray[np.float64]:
        if len(pts) <= num_frames:
            return pts.astype(np.float64)
        start, end = table.span if table.regular else _span(pts)
        parts = (np.arange(num_frames, dtype=np.float64) + 0.5) / num_frames
        return np.asarray(start + parts * (end - start), dtype=np.float64)

    return _take(Path(path), centres, num_frames, on_frame)


def frames_at(
    path: Path | str,
    pts_seconds: ArrayLike,
    *,
    on_frame: Callable[[], object] | None = None,
) -> FrameSample:
    """Take the frames shown at given times.

    Parameters
    ----------
    path
        The video file.
    pts_seconds
        Times in seconds in the stream's own timeline, in any order; a time before the first frame
        means the first, one after the last means the last.
    on_frame
        Called once a decoded frame, to show progress.

    Returns
    -------
    FrameSample
        One frame for each time, in the order of the times.

    Raises
    ------
    VideoError
        ``corrupt`` if a frame that was asked for is damaged; and what `decode` raises.
    """
    seconds = np.asarray(pts_seconds, dtype=np.float64).reshape(-1)
    if len(seconds) == 0 or not np.isfinite(seconds).all():
        raise ValueError(f"pts_seconds must be one or more finite numbers, not {pts_seconds!r}")

    def ticks(table: PacketTable, pts: NDArray[np.int64]) -> NDArray[np.float64]:
        # Half a tick in: a time that was written as a decimal still means the frame at that time.
        return seconds / float(table.time_base) + 0.5

    return _take(Path(path), ticks, len(seconds), on_frame)


_Targets = Callable[[PacketTable, NDArray[np.int64]], NDArray[np.float64]]


def _take(
    path: Path,
    targets: _Targets,
    number: int,
    on_frame: Callable[[], object] | None,
) -> FrameSample:
    with open_video(path) as video:
        table = scan(video, on_frame=on_frame)
    taken: tuple[NDArray[np.int64], dict[int, VideoFrame]] | None = None
    if table.regular and len(table.pts) > number * _DECODE_ALL_FACTOR:
        taken = _take_runs(path, table, targets, on_frame)
    if taken is None:
        taken = _take_by_decoding_all(path, table, targets, on_frame)
    times, frames = taken
    key_times = np.sort(table.pts[table.key])
    return FrameSample(
        frames=tuple(frames[int(t)] for t in times),
        pts_seconds=np.asarray(times * float(table.time_base), dtype=np.float64),
        gop_index=np.maximum(np.searchsorted(key_times, times, side="right") - 1, 0),
    )


def _shown_at(pts: NDArray[np.int64], targets: NDArray[np.float64]) -> NDArray[np.int64]:
    """Find the times of the frames that are on the screen at the targets."""
    return pts[np.maximum(np.searchsorted(pts, targets, side="right") - 1, 0)]


def _span(pts: NDArray[np.int64]) -> tuple[int, int]:
    step = int(np.median(np.diff(pts))) if len(pts) > 1 else 1
    return int(pts[0]), int(pts[-1]) + max(step, 1)


def _take_by_decoding_all(
    path: Path,
    table: PacketTable,
    targets: _Targets,
    on_frame: Callable[[], object] | None,
) -> tuple[NDArray[np.int64], dict[int, VideoFrame]]:
    """Decode once to learn the times, and again to take the frames; memory stays flat."""
    times = np.array([frame.pts for frame in decode(path, on_frame=on_frame)], dtype=np.int64)
    wanted = _shown_at(times, targets(table, times))
    remaining = set(wanted.tolist())
    frames: dict[int, VideoFrame] = {}
    for frame in decode(path, on_frame=on_frame):
        if frame.pts is not None and frame.pts in remaining:
            remaining.discard(frame.pts)
            frames[frame.pts] = frame
            if not remaining:
                break
    damaged = sum(frame.is_corrupt for frame in frames.values())
    if damaged or remaining:
        raise VideoError(
            path,
            "corrupt",
            f"of {len(set(wanted.tolist()))} frame(s) taken from it {damaged + len(remaining)} "
            "cannot be decoded whole; get the file again",
        )
    return wanted, frames


def plan_runs(table: PacketTable, wanted: Sequence[int]) -> list[Run] | None:
    """Which packets to decode for the frames at the wanted times; None if no key frame will do."""
    index_of = {int(t): i for i, t in enumerate(table.pts.tolist()) if table.shown[i]}
    keys = np.flatnonzero(table.key)
    runs: list[Run] = []
    for time in sorted(set(wanted)):
        position = index_of[time]
        usable = keys[(keys <= position) & (table.pts[keys] <= time)]
        if len(usable) == 0:
            return None
        first = int(usable[-1])
        if runs and first <= runs[-1].last:
            run = runs[-1]
            runs[-1] = Run(run.first, max(run.last, position), run.wanted | {time})
        else:
            runs.append(Run(first, position, frozenset({time})))
    return runs


def _take_runs(
    path: Path,
    table: PacketTable,
    targets: _Targets,
    on_frame: Callable[[], object] | None,
) -> tuple[NDArray[np.int64], dict[int, VideoFrame]] | None:
    pts = table.shown_pts
    wanted = _shown_at(pts, targets(table, pts))
    runs = plan_runs(table, wanted.tolist())
    if runs is None:
        return None
    frames: dict[int, VideoFrame] = {}
    try:
        with PacketReader(path, table) as reader:
            for run in runs:
                for frame in reader.decode(run, on_frame=on_frame):
                    assert frame.pts is not None
                    frames[frame.pts] = frame
    except UnsureError:
        return None
    return wanted, frames
