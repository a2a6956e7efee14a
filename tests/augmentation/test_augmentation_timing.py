from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fvc.augmentation.timing import (
    FrameDrop,
    FrameDuplicate,
    TemporalReverse,
    Unchanged,
)

# Timestamps of a clip with a variable rate: intervals of 1 to 50 ticks.
TIMES = st.lists(st.integers(1, 50), min_size=0, max_size=60).map(
    lambda steps: [sum(steps[:i]) for i in range(len(steps) + 1)]
)
EVERY = st.integers(3, 6)
SEEDS = st.integers(0, 2**63 - 1)


def run(timing: Any, times: list[int]) -> list[tuple[int, int]]:
    """Frame number and timestamp of each frame that comes out."""
    return [out for frame, pts in enumerate(times) for out in timing(frame, pts)]


@given(times=TIMES, every=EVERY, seed=SEEDS)
@settings(deadline=None)
def test_drop_keeps_the_time_of_what_is_left(times: list[int], every: int, seed: int) -> None:
    out = run(FrameDrop({"every": every}, seed), times)
    assert out == run(FrameDrop({"every": every}, seed), times)
    assert all(pts == times[frame] for frame, pts in out)
    kept = {frame for frame, _ in out}
    assert 0 in kept
    for start in range(0, len(times), every):
        whole = range(start, min(start + every, len(times)))
        lost = [frame for frame in whole if frame not in kept]
        assert len(lost) == 1 if len(whole) == every else len(lost) <= 1


@given(times=TIMES, every=EVERY, seed=SEEDS)
@settings(deadline=None)
def test_duplicate_shows_a_frame_twice_as_long(times: list[int], every: int, seed: int) -> None:
    out = run(FrameDuplicate({"every": every}, seed), times)
    assert out == run(FrameDuplicate({"every": every}, seed), times)
    frames = [frame for frame, _ in out]
    assert frames == sorted(frames)
    assert set(frames) == set(range(len(times)))
    shown = [pts for _, pts in out]
    assert shown == sorted(set(shown))
    twice = [frame for frame in range(len(times)) if frames.count(frame) == 2]
    for frame in range(len(times) - 1):
        first = frames.index(frame)
        length = times[frame + 1] - times[frame]
        for place in range(first, first + frames.count(frame)):
            assert shown[place + 1] - shown[place] == length
    for start in range(0, len(times) - every, every):
        assert len([f for f in twice if start <= f < start + every]) == 1
    assert len(times) - 1 not in twice


@given(times=TIMES)
@settings(deadline=None)
def test_reverse_mirrors_the_intervals(times: list[int]) -> None:
    reverse: TemporalReverse[int] = TemporalReverse()
    out = [o for i, t in reversed(list(enumerate(times))) for o in reverse(i, t)]
    assert [frame for frame, _ in out] == list(range(len(times)))[::-1]
    shown = [pts for _, pts in out]
    assert shown[0] == 0
    steps = [b - a for a, b in pairwise(times)]
    assert [b - a for a, b in pairwise(shown)] == steps[::-1]


def test_unchanged_is_unchanged() -> None:
    assert run(Unchanged(), [3, 5, 9]) == [(0, 3), (1, 5), (2, 9)]


@pytest.mark.parametrize("every", [3, 4, 5, 6])
@pytest.mark.parametrize("seed", range(20))
def test_a_clip_of_six_frames_loses_or_repeats_one(every: int, seed: int) -> None:
    times = list(range(6))
    assert len(run(FrameDrop({"every": every}, seed), times)) < 6
    assert len(run(FrameDuplicate({"every": every}, seed), times)) > 6


def test_other_seeds_choose_other_frames() -> None:
    times = list(range(60))
    assert len({tuple(run(FrameDrop({"every": 6}, seed), times)) for seed in range(20)}) == 20


def test_no_frame_is_held_but_the_one_to_repeat() -> None:
    duplicate: FrameDuplicate[object] = FrameDuplicate({"every": 3}, 0)
    for pts in range(100):
        list(duplicate(object(), pts))
    held = [v for v in vars(duplicate).values() if isinstance(v, tuple)]
    assert len(held) <= 1
