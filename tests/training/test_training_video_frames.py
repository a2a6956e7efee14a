"""Frames and flow: which, with which values, and where in a net's input."""

from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fvc.models.video_spec import VideoInput
from fvc.training.video.frames import FLOW_STEPS, FLOW_ZERO, FrameSetting, take_frames
from fvc.training.video.picture import Layout, fit_pictures, flow_scale, layout

MakeVideo = Callable[..., Path]


def whole(path: Path) -> tuple[list[float], np.ndarray]:
    """Decode everything with PyAV alone."""
    times, pictures = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            times.append(float(frame.pts * frame.time_base))
            rgb = frame.reformat(format="rgb24", src_colorspace="itu601", threads=1)
            pictures.append(rgb.to_ndarray())
    return times, np.stack(pictures)


@pytest.mark.parametrize("frames", [5, 12, 30, 61])
@pytest.mark.parametrize("wanted", [1, 4, 8])
def test_frames_over_the_clip_are_those_at_the_centres_of_equal_parts(
    tmp_path: Path, make_video: MakeVideo, frames: int, wanted: int
) -> None:
    path = make_video(tmp_path / "a.mp4", frames=frames, width=48, height=32, fps=25)
    times, pictures = whole(path)
    found = take_frames(path, FrameSetting(wanted))
    assert found.shape == (wanted, 32, 48, 3)
    if frames <= wanted:
        expected = [i * frames // wanted for i in range(wanted)]
    else:
        span = frames / 25
        centres = times[0] + span * (np.arange(wanted) + 0.5) / wanted
        expected = [max(i for i, t in enumerate(times) if t <= c + 1e-9) for c in centres]
    np.testing.assert_array_equal(found, pictures[expected])


def test_a_window_lies_in_the_middle_at_its_rate(tmp_path: Path, make_video: MakeVideo) -> None:
    path = make_video(tmp_path / "a.mp4", frames=50, fps=25)
    _, pictures = whole(path)
    # Four frames a fifth of a second apart around the middle, at one second.
    found = take_frames(path, FrameSetting(4, 5.0))
    np.testing.assert_array_equal(found, pictures[[17, 22, 27, 32]])
    # A clip that is shorter than the window is looked at from end to end.
    longer = take_frames(path, FrameSetting(4, 1.0))
    np.testing.assert_array_equal(longer, take_frames(path, FrameSetting(4)))


def test_a_video_of_one_frame_shows_it_again_and_does_not_move(
    tmp_path: Path, make_video: MakeVideo
) -> None:
    path = make_video(tmp_path / "a.mp4", frames=1)
    found = take_frames(path, FrameSetting(3, 10.0))
    assert found.shape[0] == 3
    assert (found == found[0]).all()
    assert (take_frames(path, FrameSetting(3, flow=2)) == FLOW_ZERO).all()


def test_flow_is_that_of_consecutive_frames_and_points_the_way_things_move(
    tmp_path: Path, make_video: MakeVideo
) -> None:
    # The scene is cut out one pixel further to the right in each frame: it moves to the left.
    path = make_video(
        tmp_path / "a.mp4", frames=20, width=96, height=64, options={"crf": "5"}, seed=3
    )
    found = take_frames(path, FrameSetting(2, flow=3))
    assert found.shape == (2, 64, 96, 6)
    motion = (found.astype(float) - FLOW_ZERO) / FLOW_STEPS
    inner = motion[:, 16:-16, 16:-16]
    assert np.median(inner[..., 0::2]) == pytest.approx(-1, abs=0.3)
    assert np.median(inner[..., 1::2]) == pytest.approx(0, abs=0.2)
    # The same by hand, for the first pair of the last stack, which ends with the last frame.
    with av.open(str(path)) as container:
        luma = [f.reformat(format="gray", threads=1) for f in container.decode(video=0)]
    planes = [frame.to_ndarray() for frame in luma]
    starts = [5, 15]
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    for stack, start in zip(motion, starts, strict=True):
        by_hand = dis.calc(planes[start], planes[start + 1], None)
        assert np.abs(stack[..., :2] - by_hand).mean() < 0.15


def test_the_picture_fits_into_its_place() -> None:
    square = VideoInput(num_frames=1, size=64)
    place = layout(30, 60, square)
    assert (place.shape, place.box) == ((64, 64), (16, 0, 32, 64))
    frames = np.full((2, 30, 60, 3), 200, dtype=np.uint8)
    put = fit_pictures(frames, place, fill=7)
    assert put.shape == (2, 64, 64, 3)
    assert (put[:, 16:48] == 200).all()
    assert (put[:, :16] == 7).all()
    assert (put[:, 48:] == 7).all()
    assert flow_scale(30, 60, place) == pytest.approx((64 / 60, 32 / 30))
    own = layout(100, 256, VideoInput(num_frames=1, size=256, padding="aspect", multiple=16))
    assert own.shape == (96, 256)
    assert own.box == (0, 0, 96, 256)
    wide = fit_pictures(np.zeros((1, 20, 40, 20), dtype=np.uint8), layout(20, 40, square))
    assert wide.shape == (1, 64, 64, 20)


@pytest.mark.parametrize("side", [24, 96])
def test_flow_of_many_pairs_is_scaled_channel_by_channel(side: int) -> None:
    flow = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 20), dtype=np.uint8)
    place = Layout((side, side), (0, 0, side, side))
    found = fit_pictures(flow, place, fill=FLOW_ZERO)
    method = cv2.INTER_AREA if side < 48 else cv2.INTER_LINEAR
    for channel in (0, 3, 4, 19):
        own = np.ascontiguousarray(flow[1, :, :, channel])
        expected = cv2.resize(own, (side, side), interpolation=method)
        np.testing.assert_array_equal(found[1, :, :, channel], expected)


def test_names_of_stores_tell_settings_apart() -> None:
    settings = [
        FrameSetting(16), FrameSetting(16, 15.0), FrameSetting(16, 7.5), FrameSetting(1, 6.0),
        FrameSetting(16, flow=10), FrameSetting(6, 15.0, flow=1),
    ]  # fmt: skip
    names = [setting.name for setting in settings]
    assert len(set(names)) == len(names)
    assert all(name.isalnum() for name in names)
    with pytest.raises(ValueError, match="negative"):
        FrameSetting(0)
