"""The hash of frames, against what a copy does to a picture."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import scipy.fft
from duplicate_films import Picture, film, scene
from hypothesis import given, settings
from hypothesis import strategies as st

from fvc.dataset.hash_match import match_videos_by_hash
from fvc.dataset.video_hash import (
    CROPS,
    MIRROR,
    FrameHashes,
    distances,
    find_picture,
    hash_frames,
    pack_bits,
)


def test_bits_are_the_signs_of_a_cosine_transform() -> None:
    picture = scene(0, 64, 64)
    expected = scipy.fft.dctn(picture.astype(float))[1:17, 1:17] > 0
    hashed = hash_frames([picture]).hashes[0, 0]
    bits = np.unpackbits(hashed.astype(">u8").view(np.uint8)).reshape(16, 16)
    assert (bits.astype(bool) == expected).all()


def test_one_hash_stands_for_a_picture_and_its_mirror_image() -> None:
    frames = film(1)
    mirrored = hash_frames([frame[:, ::-1] for frame in frames]).hashes[:, 0]
    away = distances(hash_frames(frames).hashes[:, 0] ^ MIRROR, mirrored)
    assert np.diag(away).max() <= 2
    # Mirroring a left crop gives the right one.
    left, right = list(CROPS).index("left"), list(CROPS).index("right")
    a = hash_frames(frames).hashes[:, left] ^ MIRROR
    b = hash_frames([frame[:, ::-1] for frame in frames]).hashes[:, right]
    assert np.diag(distances(a, b)).max() <= 2


def test_distances_count_bits() -> None:
    rng = np.random.default_rng(0)
    bits_a, bits_b = rng.random((5, 256)) < 0.5, rng.random((3, 256)) < 0.5
    expected = (bits_a[:, None] != bits_b[None]).sum(-1)
    assert (distances(pack_bits(bits_a), pack_bits(bits_b)) == expected).all()


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    height=st.integers(64, 400),
    width=st.integers(64, 400),
    gain=st.floats(0.6, 1.15),
)
def test_size_aspect_and_contrast_do_not_matter(
    seed: int, height: int, width: int, gain: float
) -> None:
    frames = film(seed, 2)
    shown = [
        np.clip(cv2.resize(f, (width, height), interpolation=cv2.INTER_AREA) * gain, 0, 255).astype(
            np.uint8
        )
        for f in frames
    ]
    away = distances(hash_frames(frames).hashes[:, 0], hash_frames(shown).hashes[:, 0])
    assert np.diag(away).max() <= 32


@pytest.mark.parametrize("colour", [0, 16, 128, 255])
@pytest.mark.parametrize("bars", [(20, 20, 0, 0), (0, 0, 40, 40), (15, 30, 25, 10), (60, 0, 0, 0)])
def test_borders_are_found_to_the_line(colour: int, bars: tuple[int, int, int, int]) -> None:
    stack = np.stack(film(3))
    top, bottom, left, right = bars
    framed = np.pad(stack, ((0, 0), (top, bottom), (left, right)), constant_values=colour)
    noise = np.random.default_rng(0).integers(-3, 4, framed.shape)
    framed = np.clip(framed + noise, 0, 255).astype(np.uint8)
    height, width = stack.shape[1:]
    assert find_picture(framed) == (top, top + height, left, left + width)


def test_a_caption_within_a_bar_belongs_to_the_bar() -> None:
    framed = np.pad(np.stack(film(3)), ((0, 0), (40, 40), (0, 0)))
    cv2_ready = [np.ascontiguousarray(frame) for frame in framed]
    for frame in cv2_ready:
        cv2.putText(frame, "via @someone", (10, 25), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255,), 1)
    assert find_picture(np.stack(cv2_ready)) == (40, 220, 0, 320)


def test_a_plain_wall_is_no_border_and_a_flat_picture_is_kept_whole() -> None:
    wall = np.full((3, 288, 384), 200, np.uint8)
    for frame in wall:
        cv2.fillConvexPoly(
            frame, np.array([[200, 60], [330, 150], [200, 230], [70, 150]], np.int32), (60,)
        )
    assert find_picture(wall) == (0, 288, 0, 384)
    assert find_picture(np.zeros((3, 120, 160), np.uint8)) == (0, 120, 0, 160)


def copied(change: Callable[[Picture], Picture], seed: int = 7) -> tuple[FrameHashes, FrameHashes]:
    frames = film(seed)
    return hash_frames(frames), hash_frames([change(frame) for frame in frames])


COPIES: dict[str, tuple[Callable[[Picture], Picture], str]] = {
    "half": (lambda f: cv2.resize(f, (160, 90), interpolation=cv2.INTER_AREA), "none"),
    "letterbox": (lambda f: np.pad(f, ((35, 35), (0, 0))), "none"),
    "mirror": (lambda f: f[:, ::-1], "mirror"),
    "crop centre": (lambda f: f[9:171, 16:304], "crop"),
    "crop corner": (lambda f: f[18:, 32:], "crop"),
    "crop side": (lambda f: f[:, :288], "crop"),
    "mirrored crop": (lambda f: f[9:171, 16:304][:, ::-1], "mirror+crop"),
}  # fmt: skip


@pytest.mark.parametrize("name", COPIES)
def test_copies_match_and_say_how_they_were_made(name: str) -> None:
    change, transform = COPIES[name]
    original, copy = copied(change)
    for a, b in ((original, copy), (copy, original)):
        match = match_videos_by_hash(a, b, threshold=64)
        assert match.transform == transform
        assert match.share == 1
        assert match.distance <= 24


def test_the_best_transform_wins_and_on_a_tie_the_plainest() -> None:
    rng = np.random.default_rng(0)
    votes, box = np.ones(3, bool), (0.0, 1.0, 0.0, 1.0)
    a = rng.integers(0, 2**64, (3, len(CROPS), 4), dtype=np.uint64)
    b = rng.integers(0, 2**64, (3, len(CROPS), 4), dtype=np.uint64)
    b[:2, 0] = a[:2, 4] ^ MIRROR
    a[0, 0] = b[2, 5]
    best = match_videos_by_hash(FrameHashes(a, votes, box), FrameHashes(b, votes, box), threshold=9)
    assert (best.transform, best.matching_frames, best.frames) == ("mirror+crop", 2, 3)
    assert (best.distance, best.frame_pairs) == (0, ((0, 0), (1, 1)))
    same = FrameHashes(np.repeat(a[:, :1], len(CROPS), axis=1), votes, box)
    assert match_videos_by_hash(same, same, threshold=9).transform == "none"


def test_other_scenes_do_not_match() -> None:
    videos = [hash_frames(film(seed)) for seed in range(12)]
    for i, a in enumerate(videos):
        for b in videos[:i]:
            assert match_videos_by_hash(a, b, threshold=64).matching_frames == 0


def test_an_excerpt_matches_by_the_share_of_the_shorter_one() -> None:
    frames = film(5, 12)
    whole, part = hash_frames(frames), hash_frames(frames[:2])
    match = match_videos_by_hash(whole, part, threshold=8)
    assert (match.matching_frames, match.frames) == (2, 2)
    assert sorted(match.frame_pairs) == [(0, 0), (1, 1)]


def test_flat_frames_have_no_vote() -> None:
    black = hash_frames([np.zeros((90, 160), np.uint8)] * 3)
    noisy = np.random.default_rng(0).integers(14, 19, (3, 90, 160)).astype(np.uint8)
    assert not black.votes.any()
    assert not hash_frames(list(noisy)).votes.any()
    match = match_videos_by_hash(black, black, threshold=64)
    assert match.matching_frames == 0
    assert match.share == 0
    mixed = hash_frames([film(1)[0], np.zeros((180, 320), np.uint8)])
    assert mixed.votes.tolist() == [True, False]


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (8, 400), (400, 8)])
def test_pictures_of_any_size_are_hashed(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    assert hash_frames([picture]).hashes.shape == (1, len(CROPS), 4)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="no frames"):
        hash_frames([])
    with pytest.raises(ValueError, match=r"2 votes need hashes of shape \(2, 10, 4\)"):
        FrameHashes(np.zeros((1, 10, 4), np.uint64), np.ones(2, bool), (0, 1, 0, 1))
