"""Sampled frames are those of a full decode, whatever the container and codec do with time."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from special_videos import SPECIAL, encode, full_decode, planes, same

from fvc.errors import VideoError
from fvc.video import FrameSample, decode, frames_at, sample_frames, sampling
from fvc.video.container import open_video
from fvc.video.packets import scan

Special = Callable[[str], Path]


def shown_at(times: np.ndarray, targets: np.ndarray) -> list[int]:
    """Positions of the frames on the screen, by looking at each of them."""
    return [max((i for i, t in enumerate(times) if t <= target), default=0) for target in targets]


def centres(path: Path, times: np.ndarray, tick: float, number: int) -> np.ndarray:
    """Centres of equal parts of the presentation, as PyAV's own packets and frames tell it."""
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        durations = {p.pts: p.duration for p in container.demux(stream) if p.size}
    last = durations[times[-1]] or round(0.04 / tick)
    start, end = times[0], times[-1] + last
    return start + (np.arange(number) + 0.5) * (end - start) / number


REGULAR = [name for name in SPECIAL if name != "negative_start"]


@pytest.mark.parametrize("name", REGULAR)
@pytest.mark.parametrize("number", [1, 6, 17])
def test_sampled_frames_are_those_of_a_full_decode(
    special: Special, name: str, number: int
) -> None:
    path = special(name)
    times, samples, tick = full_decode(path)
    if len(times) <= number:
        expected = list(range(len(times)))
    else:
        expected = shown_at(times, centres(path, times, tick, number))

    sample = sample_frames(path, num_frames=number)

    assert [f.pts for f in sample.frames] == [times[i] for i in expected]
    assert np.allclose(sample.pts_seconds, times[expected] * tick)
    for frame, position in zip(sample.frames, expected, strict=True):
        assert same(frame, samples[position])
        assert float(frame.pts * frame.time_base) == pytest.approx(times[position] * tick)


@pytest.mark.parametrize("name", REGULAR)
def test_frames_at_times_in_any_order(special: Special, name: str) -> None:
    path = special(name)
    times, samples, tick = full_decode(path)
    rng = np.random.default_rng(len(name))
    seconds = rng.uniform(times[0] * tick - 0.2, times[-1] * tick + 0.2, 9)
    seconds[:2] = times[-1] * tick, times[0] * tick

    sample = frames_at(path, seconds)

    expected = shown_at(times, seconds / tick + 0.5)
    assert [f.pts for f in sample.frames] == [times[i] for i in expected]
    for frame, position in zip(sample.frames, expected, strict=True):
        assert same(frame, samples[position])


def test_runs_are_used_and_decode_less_than_everything(
    special: Special, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the fallback: each of these must be answered from runs, and skip frames."""
    monkeypatch.setattr(sampling, "_take_by_decoding_all", None)
    for name in ("vfr", "pyramid", "open_gop", "mpegts", "mpeg4_avi", "hevc_open_gop"):
        decoded: list[int] = []
        sample_frames(special(name), num_frames=3, on_frame=lambda d=decoded: d.append(1))
        assert 3 <= len(decoded) < 60, name
    decoded = []
    sample_frames(special("all_intra"), num_frames=3, on_frame=lambda: decoded.append(1))
    assert len(decoded) == 3


def test_a_key_frame_that_is_not_intra_leads_to_a_full_decode(special: Special) -> None:
    path = special("intra_refresh")
    decoded: list[int] = []
    sample_frames(path, on_frame=lambda: decoded.append(1))
    assert len(decoded) > 90


def test_seeking_gives_the_same_as_reading_on(
    special: Special, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pyramid", "open_gop", "mpegts", "vp9_webm", "late_start", "edit_list"):
        path = special(name)
        plain = sample_frames(path, num_frames=4)
        monkeypatch.setattr("fvc.video.reading._SEEK_BYTES", -1)
        sought = sample_frames(path, num_frames=4)
        monkeypatch.undo()
        assert np.array_equal(plain.pts_seconds, sought.pts_seconds)
        for one, other in zip(plain.frames, sought.frames, strict=True):
            assert same(one, planes(other))


def test_repeated_times_are_put_right_and_sampled(special: Special) -> None:
    """In this container the last two packets carry one time, and the first a negative one."""
    path = special("negative_start")
    times, samples, _ = full_decode(path)
    assert times[-1] == times[-2]
    expected = [*times[:-1].tolist(), times[-1] + 40]

    frames = list(decode(path))
    sample = sample_frames(path)

    assert [f.pts for f in frames] == expected
    assert expected[0] < 0
    for frame in sample.frames:
        assert same(frame, samples[expected.index(frame.pts)])


def test_a_frame_held_for_long_is_given_again(tmp_path: Path) -> None:
    times = [0, 40, 80, 120, 160, 200, 240, 10_000]
    path = encode(tmp_path / "held.mkv", times=times)
    sample = sample_frames(path, num_frames=4)
    assert sample.frames[1] is sample.frames[2]
    assert sample.pts_seconds.tolist() == [0.24, 0.24, 0.24, 0.24]


def test_groups_of_pictures_are_counted(special: Special) -> None:
    path = special("all_intra")
    sample = sample_frames(path, num_frames=3)
    assert sample.gop_index.tolist() == [15, 45, 75]
    assert sample_frames(special("one_gop"), num_frames=3).gop_index.tolist() == [0, 0, 0]


def test_progress_is_shown(special: Special) -> None:
    calls: list[int] = []
    sample_frames(special("one_gop"), on_frame=lambda: calls.append(1))
    assert len(calls) >= 6


@pytest.mark.parametrize("seconds", [[], [float("nan")], [float("inf")]])
def test_times_must_be_finite(special: Special, seconds: list[float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        frames_at(special("vfr"), seconds)


def test_at_least_one_frame(special: Special) -> None:
    with pytest.raises(ValueError, match="num_frames is 0"):
        sample_frames(special("vfr"), num_frames=0)


def test_a_sample_checks_its_shapes() -> None:
    with pytest.raises(ValueError, match=r"0 frames need .* \(1,\)"):
        FrameSample((), np.zeros(1), np.zeros(0, np.int64))


def test_last_frames_are_flushed(special: Special) -> None:
    for name in REGULAR:
        times, samples, tick = full_decode(special(name))
        sample = frames_at(special(name), [times[-1] * tick])
        assert sample.frames[0].pts == times[-1], name
        assert same(sample.frames[0], samples[-1])


def test_packet_table(special: Special) -> None:
    with open_video(special("edit_list")) as video:
        table = scan(video)
    assert table.regular
    assert len(table.pts) == 90
    assert table.shown.sum() == 77


@pytest.mark.slow
@pytest.mark.real_clips
def test_real_clips(real_clips: Path) -> None:
    paths = sorted(p for p in real_clips.rglob("*.*") if p.suffix in {".mp4", ".webm", ".mkv"})
    assert len(paths) >= 90
    for path in paths:
        times, samples, tick = full_decode_of_some(path)
        sample = sample_frames(path)
        expected = shown_at(times, centres(path, times, tick, 6))
        assert [f.pts for f in sample.frames] == [times[i] for i in expected], path
        for frame, position in zip(sample.frames, expected, strict=True):
            assert same(frame, samples[position]), path


def full_decode_of_some(path: Path) -> tuple[np.ndarray, dict[int, list[np.ndarray]], float]:
    """As `full_decode`, keeping only the samples that six centres can need."""
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        assert stream is not None
        times = np.array([f.pts for f in container.decode(stream)])
        tick = float(stream.time_base)
    wanted = set(shown_at(times, centres(path, times, tick, 6)))
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        frames = enumerate(container.decode(stream))
        return times, {i: planes(f) for i, f in frames if i in wanted}, tick


def test_nothing_but_video_errors(tmp_path: Path) -> None:
    with pytest.raises(VideoError) as caught:
        sample_frames(tmp_path / "none.mp4")
    assert caught.value.kind == "missing"
