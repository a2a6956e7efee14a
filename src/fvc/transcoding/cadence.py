"""Another frame rate: which frame is on the screen when."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


def at_rate(frames: Iterable["VideoFrame"], fps: Fraction) -> Iterator["VideoFrame"]:
    """Give frames a constant rate by leaving out and repeating; none is made up.

    Frame k of the result is the one that was on the screen at (k + ½) / fps seconds after the
    first: the middle of its own time, so that times rounded by a container move nothing.

    ::

        in   |  a  |  b  |  c  |  d  |          t of the middle:   ·
        out  |   a  ·     |   c  ·     |        of each output frame

    Parameters
    ----------
    frames
        In ascending order of time.
    fps
        Rate of the result, in Hz.

    Yields
    ------
    VideoFrame
        With ``pts`` 0, 1, … in a ``time_base`` of 1 / fps; a repeated frame is the same object.
    """
    held: VideoFrame | None = None
    start = shown = step = Fraction(0)
    number = 0
    for frame in frames:
        assert frame.pts is not None
        assert frame.time_base is not None
        time = frame.pts * frame.time_base
        if held is None:
            start = time
        else:
            step = time - shown
            while (number + Fraction(1, 2)) / fps < time - start:
                yield _timed(held, number, fps)
                number += 1
        # The frame may be given out with other times; its own are kept beside it.
        held, shown = frame, time
        length = frame.duration * frame.time_base if frame.duration else Fraction(0)
    if held is None:
        return
    end = shown + (length or step or 1 / fps) - start
    while (number + Fraction(1, 2)) / fps < end or number == 0:
        yield _timed(held, number, fps)
        number += 1


def _timed(frame: "VideoFrame", number: int, fps: Fraction) -> "VideoFrame":
    frame.pts, frame.time_base, frame.duration = number, 1 / fps, 1
    return frame
