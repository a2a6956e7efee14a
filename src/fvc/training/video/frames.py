"""The frames of a clip that a model looks at, and the optical flow at each of them."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from fvc.models.video_spec import VideoInput
from fvc.video import colour_tags, decode, frames_at, luma_plane
from fvc.video.container import open_video
from fvc.video.packets import scan

FLOW_RANGE = 20.0
"""Flow is kept from −20 to 20 pixels a frame, in 255 steps."""

FLOW_ZERO, FLOW_STEPS = 128, 127 / FLOW_RANGE
"""How flow is kept in eight bits: `FLOW_ZERO` is no motion, `FLOW_STEPS` steps are a pixel."""

_BT709 = 1
# Flow is found between luma pictures: at the size of the scaled clip.
_DIS_PRESET = cv2.DISOPTICAL_FLOW_PRESET_FAST
_SMALLEST_FLOW = 16


@dataclass(frozen=True)
class FrameSetting:
    """Which frames of a clip are taken.

    Parameters
    ----------
    frames
        How many, at least 1.
    fps
        Their rate in Hz: the frames of a window in the middle of the clip; frames spread over the
        whole clip where None, or where the clip is shorter than the window.
    flow
        Instead of pictures, take the optical flow of so many consecutive pairs of frames of the
        clip that begin with each of them; 0 takes pictures.
    """

    frames: int
    fps: float | None = None
    flow: int = 0

    def __post_init__(self) -> None:
        if self.frames < 1 or self.flow < 0 or (self.fps is not None and not self.fps > 0):
            raise ValueError(f"frames, fps and flow must not be negative: {self}")

    @property
    def name(self) -> str:
        """A name for files, such as ``frames16at15`` or ``flow10of8``."""
        rate = "" if self.fps is None else f"at{self.fps:g}"
        kind = f"flow{self.flow}of" if self.flow else "frames"
        return f"{kind}{self.frames}{rate}".replace(".", "p")

    def to_dict(self) -> dict[str, Any]:
        """Give it in plain JSON types, with what else decides on the values."""
        found: dict[str, Any] = asdict(self)
        if self.flow:
            found |= {"method": "DIS, preset fast, at the size of the clip", "range": FLOW_RANGE}
        return found


def frame_settings(form: VideoInput) -> dict[str, FrameSetting]:
    """Say which frames, and which flow, a net looks at."""
    found = {"frames": FrameSetting(form.num_frames, form.frame_rate)}
    if form.flow:
        found["flow"] = FrameSetting(form.num_frames, form.frame_rate, form.flow_length)
    return found


def take_frames(
    path: Path, setting: FrameSetting, *, on_frame: Callable[[], object] | None = None
) -> NDArray[np.uint8]:
    """Take the frames of a clip, or the flow at each of them.

    Parameters
    ----------
    path
        A clip as stage 3 writes it.
    setting
        Which frames.
    on_frame
        Called once a decoded frame, to show progress.

    Returns
    -------
    (t, h, w, 3) uint8, or (t, h, w, 2 L) for flow of L pairs
        Red, green and blue; or motion to the right and down by pair, in eight bits as `FLOW_ZERO`
        and `FLOW_STEPS` say. ``t`` is ``setting.frames`` whatever the clip's length: a clip
        with fewer frames shows some of them again.

    Raises
    ------
    VideoError
        As `fvc.video.frames_at`.

    References
    ----------
    Kroeger et al. 2016 (DIS); Simonyan & Zisserman 2014 (flow as eight-bit pictures).
    """
    times, end = _times(path, on_frame)
    chosen = _choose(times, end, setting)
    if setting.flow:
        return _flow(path, times, chosen, setting.flow, on_frame)
    needed, place = np.unique(chosen, return_inverse=True)
    sample = frames_at(path, times[needed], on_frame=on_frame)
    pictures = [rgb_array(frame) for frame in sample.frames]
    return np.stack([pictures[i] for i in place])


def _flow(
    path: Path,
    times: NDArray[np.float64],
    chosen: NDArray[np.intp],
    pairs: int,
    on_frame: Callable[[], object] | None,
) -> NDArray[np.uint8]:
    last = len(times) - 1
    # Towards the end of a clip: the pairs that end with its last frame.
    first = np.clip(chosen, 0, max(last - pairs, 0))
    ends = np.minimum(first[:, None] + np.arange(pairs + 1), last)
    needed = np.unique(ends)
    sample = frames_at(path, times[needed], on_frame=on_frame)
    plane = {int(n): luma_plane(f) for n, f in zip(needed, sample.frames, strict=True)}
    found: dict[tuple[int, int], NDArray[np.uint8]] = {}
    stacks = []
    for row in ends.tolist():
        for pair in pairwise(row):
            if pair not in found:
                found[pair] = flow_array(plane[pair[0]], plane[pair[1]])
                if on_frame is not None:
                    on_frame()
        stacks.append(np.concatenate([found[pair] for pair in pairwise(row)], axis=-1))
    return np.stack(stacks)


def _times(path: Path, on_frame: Callable[[], object] | None) -> tuple[NDArray[np.float64], float]:
    """Give the time of every frame, and the end of the last one, in seconds."""
    with open_video(path) as video:
        table = scan(video, on_frame=on_frame)
    tick = float(table.time_base)
    if table.regular:
        return np.asarray(table.shown_pts * tick, dtype=np.float64), table.span[1] * tick
    found = [float(f.pts * f.time_base) for f in decode(path, on_frame=on_frame)
             if f.pts is not None and f.time_base is not None]  # fmt: skip
    times = np.array(found)
    return times, float(times[-1] + (np.median(np.diff(times)) if len(times) > 1 else tick))


def _choose(times: NDArray[np.float64], end: float, setting: FrameSetting) -> NDArray[np.intp]:
    """Choose frames: those shown at the wanted times.

    ::

        clip        |--------------------------------------|
        spread         x        x        x        x           centres of equal parts
        window                 x  x  x  x                     1/fps apart, in the middle
    """
    n, start = setting.frames, float(times[0])
    length = end - start
    if setting.fps is not None and n / setting.fps <= length:
        wanted = start + length / 2 + (np.arange(n) - (n - 1) / 2) / setting.fps
    elif len(times) <= n:
        return np.minimum((np.arange(n) * len(times)) // n, len(times) - 1)
    else:
        wanted = start + length * (np.arange(n) + 0.5) / n
    # A hair later: a time that falls on a frame means this frame, however it is rounded.
    return np.maximum(np.searchsorted(times, wanted + 1e-9, side="right") - 1, 0)


def rgb_array(frame: VideoFrame) -> NDArray[np.uint8]:
    """Give a frame as (h, w, 3) red, green and blue, with its own matrix and range."""
    matrix = "itu709" if colour_tags(frame).matrix == _BT709 else "itu601"
    # On one thread: FFmpeg's conversion on several is not the same every time.
    shown = frame.reformat(format="rgb24", src_colorspace=matrix, threads=1)
    return np.asarray(shown.to_ndarray(), dtype=np.uint8)


def flow_array(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give the optical flow between two luma planes as (h, w, 2) eight-bit numbers."""
    if min(one.shape) < _SMALLEST_FLOW:
        # DIS takes no smaller pictures: there motion is that of the enlarged one, scaled back.
        factor = -(-_SMALLEST_FLOW // min(one.shape))
        size = (one.shape[1] * factor, one.shape[0] * factor)
        large = [cv2.resize(p, size, interpolation=cv2.INTER_LINEAR) for p in (one, other)]
        flow = _dis(large[0], large[1])
        flow = cv2.resize(flow, one.shape[::-1], interpolation=cv2.INTER_AREA) / factor
    else:
        flow = _dis(one, other)
    steps = np.clip(np.rint(flow * FLOW_STEPS) + FLOW_ZERO, 0, 255)
    return np.asarray(steps, dtype=np.uint8)


def _dis(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float32]:
    flow = cv2.DISOpticalFlow.create(_DIS_PRESET).calc(
        np.ascontiguousarray(one),
        np.ascontiguousarray(other),
        None,  # type: ignore[call-overload]
    )
    return np.asarray(flow, dtype=np.float32)
