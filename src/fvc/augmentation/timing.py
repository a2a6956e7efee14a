"""Frame drop, frame duplicate and temporal reverse: which frame is shown when.

Timestamps are whole ticks of the stream's time base. The forward ones see one frame at a time and
hold at most one::

    source      0    1    2    3    4    5          every = 3, chosen: 1 and 5
    drop        0         2    3    4               what is left keeps its time
    duplicate   0    1    1'   2    3    4    5     1' takes the time of 2; 2 and all that follow
                                                    move later by as long as 1 was shown
    reverse     5    4    3    2    1    0          every interval kept, in reverse order

The last frame is never repeated, since timestamps do not say how long it is shown.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar

from fvc.augmentation.parameters import Parameters, frame_generator

F = TypeVar("F")


class _Chosen:
    """Chooses one frame of each run of `every`; calls are one a frame, in order."""

    def __init__(self, every: int, seed: int, first: tuple[int, int]) -> None:
        self._generator = frame_generator(seed)
        self._every = every
        self._first = first
        self._place = 0
        self._choice: int | None = None

    def __call__(self) -> bool:
        if self._place == self._every:
            self._place = 0
        if self._place == 0:
            # In the first run a choice is kept off the clip's first or last frame.
            span = self._first if self._choice is None else (0, self._every)
            self._choice = int(self._generator.integers(*span))
        self._place += 1
        return self._place - 1 == self._choice


class Unchanged(Generic[F]):
    """Passes frames on as they come: the timing of all spatial augmentations."""

    def __call__(self, frame: F, pts: int) -> Iterator[tuple[F, int]]:
        """Let the frame through."""
        yield frame, pts


class FrameDrop(Generic[F]):
    """Drops one frame of each run of ``every``, never the first; the rest keep their timestamps.

    What was shown before a dropped frame stays on for as long as both.
    """

    def __init__(self, parameters: Parameters, seed: int) -> None:
        every = int(parameters["every"])
        self._chosen = _Chosen(every, seed, (1, every))

    def __call__(self, frame: F, pts: int) -> Iterator[tuple[F, int]]:
        """Let the frame through, or not."""
        if not self._chosen():
            yield frame, pts


class FrameDuplicate(Generic[F]):
    """Shows one frame of each run of ``every`` twice, each time for as long as it was shown.

    All later frames move by that much; the clip grows by the time of the repeated frames.
    """

    def __init__(self, parameters: Parameters, seed: int) -> None:
        every = int(parameters["every"])
        self._chosen = _Chosen(every, seed, (0, every - 1))
        self._held: tuple[F, int] | None = None
        self._later = 0

    def __call__(self, frame: F, pts: int) -> Iterator[tuple[F, int]]:
        """Let the frame through, after the one before it once more where that was chosen."""
        if self._held is not None:
            held, since = self._held
            yield held, pts + self._later
            self._later += pts - since
        self._held = (frame, pts) if self._chosen() else None
        yield frame, pts + self._later


class TemporalReverse(Generic[F]):
    """Takes frames from the last to the first and gives them times from 0 on.

    The interval between two frames is what it was between them before.
    """

    def __init__(self) -> None:
        self._last: int | None = None

    def __call__(self, frame: F, pts: int) -> Iterator[tuple[F, int]]:
        """Give the frame its new time."""
        if self._last is None:
            self._last = pts
        yield frame, self._last - pts
