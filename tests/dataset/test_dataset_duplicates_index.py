"""The index of hashes, against the comparison of all with all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fvc.dataset.hash_index import near_owners
from fvc.dataset.hash_match import find_matches, match_videos_by_hash
from fvc.dataset.video_hash import CROPS, MIRROR, FrameHashes, distances, pack_bits

Hashes = NDArray[np.uint64]


def flipped(hashes: Hashes, bits: int, rng: np.random.Generator) -> Hashes:
    """Flip exactly so many bits of each hash."""
    flips = np.zeros((len(hashes), 256), bool)
    for row in flips:
        row[rng.permutation(256)[:bits]] = True
    return hashes ^ pack_bits(flips)


def planted(seed: int, n: int, near: int, bits: int) -> tuple[Hashes, NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, (n, 4), dtype=np.uint64)
    near = min(near, n // 2)
    hashes[n - near :] = flipped(hashes[:near], bits, rng)
    return hashes, rng.integers(0, max(2, n // 3), n)


def all_pairs(hashes: Hashes, owner: NDArray[np.int64], limit: int) -> set[tuple[int, int]]:
    rows, columns = np.nonzero(distances(hashes, hashes) <= limit)
    pairs = zip(owner[rows].tolist(), owner[columns].tolist(), strict=True)
    return {(min(p), max(p)) for p in pairs if p[0] != p[1]}


def search(hashes: Hashes, owner: NDArray[np.int64], limit: int, **options: int) -> set[object]:
    found = near_owners(hashes, owner, hashes, owner, max_distance=limit, **options)
    assert (found[:, 0] < found[:, 1]).all()
    assert (np.lexsort((found[:, 1], found[:, 0])) == np.arange(len(found))).all()
    return set(map(tuple, found.tolist()))


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**31), n=st.integers(2, 300), near=st.integers(0, 60),
    bits=st.integers(0, 80), limit=st.integers(0, 110), workers=st.integers(1, 3),
)  # fmt: skip
def test_with_few_hashes_every_pair_is_found(
    seed: int, n: int, near: int, bits: int, limit: int, workers: int
) -> None:
    hashes, owner = planted(seed, n, near, bits)
    assert search(hashes, owner, limit, workers=workers) == all_pairs(hashes, owner, limit)


@settings(deadline=None, max_examples=6)
@given(seed=st.integers(0, 2**31), bits=st.integers(0, 40))
def test_sorted_neighbours_are_those_of_all_pairs(seed: int, bits: int) -> None:
    hashes, _ = planted(seed, 3000, 300, bits)
    owner = np.arange(3000)
    found = search(hashes, owner, 64, exact=0, orders=24, window=32, seed=seed)
    assert found == all_pairs(hashes, owner, 64)


def test_neighbours_find_no_pair_that_is_none() -> None:
    hashes, owner = planted(1, 3000, 300, 64)
    found = search(hashes, owner, 64, exact=0, orders=4, window=16)
    assert found <= all_pairs(hashes, owner, 64)
    assert search(hashes, owner, 63, exact=0, orders=4, window=16) == set()


def test_equal_hashes_in_great_number_stay_connected_at_bounded_cost() -> None:
    """A title card of a thousand videos: not half a million pairs, and still one group."""
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, (3000, 4), dtype=np.uint64)
    hashes[:1000] = hashes[0]
    found = search(hashes, np.arange(3000), 64, exact=0, orders=3, window=16)
    assert len(found) <= 3 * 16 * 3000
    linked = {0}
    while True:
        more = {x for pair in found if linked & set(pair) for x in pair} - linked  # type: ignore[call-overload]
        if not more:
            break
        linked |= more
    assert linked == set(range(1000))


def test_no_hashes_have_no_neighbours() -> None:
    empty, nobody = np.empty((0, 4), np.uint64), np.empty(0, np.int64)
    assert near_owners(empty, nobody, empty, nobody, max_distance=64).shape == (0, 2)


def videos(seed: int, number: int, frames: int = 6) -> list[FrameHashes]:
    """Random videos; every second one is a copy of the one before in some of its frames."""
    rng = np.random.default_rng(seed)
    made: list[FrameHashes] = []
    for i in range(number):
        hashes = rng.integers(0, 2**64, (frames, len(CROPS), 4), dtype=np.uint64)
        if i % 2:
            some = rng.permutation(frames)[: rng.integers(1, frames + 1)]
            source = made[-1].hashes[some, rng.integers(len(CROPS))]
            hashes[some, 0] = flipped(source, int(rng.integers(0, 70)), rng)
            if rng.random() < 0.5:
                hashes[some, 0] ^= MIRROR
        elif rng.random() < 0.3:
            hashes[1:3] = hashes[0]
        made.append(FrameHashes(hashes, rng.random(frames) < 0.9, (0, 1, 0, 1)))
    return made


@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 2**31), number=st.integers(2, 16), share=st.sampled_from([0.2, 0.5, 1.0]),
    threshold=st.integers(0, 80),
)  # fmt: skip
def test_matches_are_those_of_all_pairs_of_videos(
    seed: int, number: int, share: float, threshold: int
) -> None:
    corpus = videos(seed, number)
    expected = {}
    for a in range(number):
        for b in range(a + 1, number):
            match = match_videos_by_hash(corpus[a], corpus[b], threshold=threshold)
            if match.matching_frames and match.share >= share:
                expected[a, b] = match
    found = find_matches(corpus, threshold=threshold, min_share=share)
    assert found == expected
    assert list(found) == sorted(found)


@pytest.mark.slow
def test_the_index_at_scale_loses_no_video_pair() -> None:
    """3,000 videos take the sorted neighbours; copies at up to a fifth of the bits are found."""
    rng = np.random.default_rng(5)
    corpus = []
    for _ in range(3000):
        hashes = rng.integers(0, 2**64, (8, len(CROPS), 4), dtype=np.uint64)
        corpus.append(FrameHashes(hashes, np.ones(8, bool), (0, 1, 0, 1)))
    expected = set()
    for k in range(100):
        a, b = 2 * k, 2 * k + 1
        hashes = corpus[b].hashes.copy()
        hashes[:4, 0] = flipped(corpus[a].hashes[:4, k % len(CROPS)], k // 2, rng)
        corpus[b] = FrameHashes(hashes, corpus[b].votes, (0, 1, 0, 1))
        expected.add((a, b))
    assert set(find_matches(corpus, threshold=64, min_share=0.4, workers=2)) == expected
