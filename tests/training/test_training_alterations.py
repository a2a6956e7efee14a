"""What alterations take away from stored frames, and what they leave."""

import numpy as np
import pytest

from fvc.training.video.alterations import alterations
from fvc.training.video.frames import FLOW_ZERO

RNG = np.random.default_rng(0)
FRAMES = RNG.integers(0, 256, (8, 30, 60, 3), dtype=np.uint8)
FLOW = RNG.integers(0, 256, (8, 30, 60, 4), dtype=np.uint8)
STEPS = {step.name: step for step in alterations(flow=True)}


def altered(name: str) -> dict[str, np.ndarray]:
    before = FRAMES.copy(), FLOW.copy()
    found = STEPS[name].apply({"frames": FRAMES, "flow": FLOW}, np.random.default_rng(1))
    # What is stored stays as it is.
    np.testing.assert_array_equal(FRAMES, before[0])
    np.testing.assert_array_equal(FLOW, before[1])
    for stream, array in (("frames", FRAMES), ("flow", FLOW)):
        assert (found[stream].shape, found[stream].dtype) == (array.shape, array.dtype)
    return found


def test_a_random_order_keeps_every_frame_with_its_flow() -> None:
    found = altered("shuffled")
    place = [next(i for i in range(8) if (FRAMES[i] == frame).all()) for frame in found["frames"]]
    assert sorted(place) == list(range(8))
    assert place != list(range(8))
    np.testing.assert_array_equal(found["flow"], FLOW[place])


def test_a_still_clip_has_one_frame_and_no_motion() -> None:
    found = altered("still")
    assert all((frame == FRAMES[4]).all() for frame in found["frames"])
    assert (found["flow"] == FLOW_ZERO).all()
    only = altered("no motion")
    np.testing.assert_array_equal(only["frames"], FRAMES)
    assert (only["flow"] == FLOW_ZERO).all()


def test_without_colour_the_channels_are_alike_and_the_luma_stays() -> None:
    frames = altered("no colour")["frames"]
    assert (frames == frames[..., :1]).all()
    luma = FRAMES.astype(float) @ [0.299, 0.587, 0.114]
    assert np.abs(frames[..., 0] - luma).max() <= 0.5


def test_a_blur_and_what_it_takes_away_make_up_the_picture() -> None:
    blurred = altered("no fine detail")["frames"].astype(int)
    fine = altered("fine detail alone")["frames"].astype(int)
    inside = (fine > 0) & (fine < 255)
    np.testing.assert_array_equal((blurred + fine - 128)[inside], FRAMES.astype(int)[inside])
    assert inside.mean() > 0.9
    steps = [np.abs(np.diff(x.astype(float), axis=2)).mean() for x in (FRAMES, blurred)]
    assert steps[1] < 0.8 * steps[0]


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [("without top left", (0, 10), (0, 20)), ("without bottom centre", (20, 30), (20, 40))],
)
def test_a_part_is_the_mean_colour_and_the_rest_stays(
    name: str, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    found = altered(name)
    part = (slice(None), slice(*rows), slice(*columns))
    mean = np.rint(FRAMES.mean(axis=(0, 1, 2)))
    assert (found["frames"][part] == mean).all()
    assert (found["flow"][part] == FLOW_ZERO).all()
    rest = np.ones((30, 60), dtype=bool)
    rest[part[1:]] = False
    np.testing.assert_array_equal(found["frames"][:, rest], FRAMES[:, rest])
    np.testing.assert_array_equal(found["flow"][:, rest], FLOW[:, rest])


def test_parts_cover_the_picture_once() -> None:
    touched = np.zeros((30, 60), dtype=int)
    for name in STEPS:
        if name.startswith("without "):
            touched += (altered(name)["flow"] != FLOW).any(axis=(0, 3))
    assert (touched == 1).all()
    assert not [step for step in alterations(flow=False) if step.kind == "motion"]
