"""Whether two videos are near-duplicates: enough of their frames have near hashes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvc.dataset.hash_index import ORDERS, near_owners
from fvc.dataset.video_hash import CROPS, MIRROR, FrameHashes, distances

# Frames of one video no further apart than this are looked up once.
_SAME = 6

_PLAIN = np.zeros_like(MIRROR)


@dataclass(frozen=True)
class Match:
    """How two videos resemble one another.

    Attributes
    ----------
    matching_frames, frames
        Of how many voting frames of the video of which more agree, so many have a near frame in
        the other.
    distance
        Median distance of the matching frames, in bits.
    transform
        What was done to the first video to match the second, or the other way round: ``none``,
        ``crop``, ``mirror`` or ``mirror+crop``.
    frame_pairs
        Positions of the matching frames in the first and in the second video, nearest first.
    """

    matching_frames: int
    frames: int
    distance: float
    transform: str
    frame_pairs: tuple[tuple[int, int], ...]

    @property
    def share(self) -> float:
        """Part of the frames that match, 0 to 1."""
        return self.matching_frames / self.frames if self.frames else 0.0


def match_videos_by_hash(a: FrameHashes, b: FrameHashes, *, threshold: int) -> Match:
    """Compare two videos frame by frame, as they are, cropped and mirrored.

    Parameters
    ----------
    a, b
        Hashes of the two videos.
    threshold
        Number of bits, of 256, that may differ between matching frames.

    Returns
    -------
    Match
        Of the transform under which most frames match; on a tie the nearest, then the plainest.
    """
    places_a, places_b = np.flatnonzero(a.votes), np.flatnonzero(b.votes)
    none = Match(0, min(len(places_a), len(places_b)), float("nan"), "none", ())
    if not len(places_a) or not len(places_b):
        return none
    tables = _tables(a.hashes[places_a], b.hashes[places_b])
    near = tables <= threshold
    shares = np.maximum(near.any(2).mean(1), near.any(1).mean(1))
    if not shares.max():
        return none
    matches = (
        _match(tables[i], threshold, _TRANSFORMS[i], places_a, places_b)
        for i in np.flatnonzero(shares == shares.max()).tolist()
    )
    return min(matches, key=lambda match: match.distance)


# First what was done to neither, then the crops of the first video and those of the second; all of
# that again with one of them mirrored.
_HALF = ["none"] + ["crop"] * (2 * len(CROPS) - 2)
_TRANSFORMS = [*_HALF, *("mirror" if name == "none" else f"mirror+{name}" for name in _HALF)]


def _tables(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Give the distances under each transform, (transforms, frames of a, frames of b)."""
    tables = []
    for flip in (_PLAIN, MIRROR):
        for asked, stored, axes in ((a, b, (1, 0, 2)), (b[:, 1:], a, (1, 2, 0))):
            table = distances((asked ^ flip).reshape(-1, asked.shape[2]), stored[:, 0])
            tables.append(table.reshape(*asked.shape[:2], len(stored)).transpose(axes))
    return np.concatenate(tables)


def _match(
    table: NDArray[np.int64],
    threshold: int,
    transform: str,
    places_a: NDArray[np.intp],
    places_b: NDArray[np.intp],
) -> Match:
    """Read a table of distances, (frames of a, frames of b), at least one of them near."""
    near = table <= threshold
    counts = [(int(near.any(1).sum()), len(table)), (int(near.any(0).sum()), table.shape[1])]
    side = 0 if counts[0][0] * counts[1][1] >= counts[1][0] * counts[0][1] else 1
    matching, frames = counts[side]
    nearest = table.argmin(1 - side)
    lines = np.flatnonzero(near.any(1 - side))
    pairs = [(int(i), int(nearest[i])) if side == 0 else (int(nearest[i]), int(i)) for i in lines]
    pairs.sort(key=lambda pair: (table[pair], pair))
    return Match(
        matching_frames=matching,
        frames=frames,
        distance=float(np.median([table[pair] for pair in pairs])),
        transform=transform,
        frame_pairs=tuple((int(places_a[i]), int(places_b[j])) for i, j in pairs),
    )


def find_matches(
    videos: Sequence[FrameHashes],
    *,
    threshold: int,
    min_share: float,
    seed: int = 0,
    workers: int = 1,
    on_step: Callable[[int, int], object] | None = None,
) -> dict[tuple[int, int], Match]:
    """Find all pairs of videos that match.

    Parameters
    ----------
    videos
        Hashes of each video.
    threshold
        Number of bits, of 256, that may differ between matching frames.
    min_share
        Part of one video's voting frames that have to match frames of the other, 0 to 1.
    seed
        Of the index.
    workers
        Threads of the index.
    on_step
        Called with the steps of the index done and all steps.

    Returns
    -------
    dict
        (position, later position) → match, in ascending order.
    """
    chosen = [_distinct(video) for video in videos]
    counts = np.array([len(places) for places in chosen], dtype=np.int64)
    if not counts.sum():
        return {}
    owner = np.repeat(np.arange(len(videos), dtype=np.int64), counts)

    def of(crop: int) -> NDArray[np.uint64]:
        return np.concatenate([v.hashes[p, crop] for v, p in zip(videos, chosen, strict=True)])

    stored = of(0)
    turns = [(crop, flip) for crop in range(len(CROPS)) for flip in (_PLAIN, MIRROR)]
    candidates = np.empty((0, 2), dtype=np.int64)
    for step, (crop, flip) in enumerate(turns):
        near = near_owners(
            stored,
            owner,
            of(crop) ^ flip,
            owner,
            # A frame that was left out lies so near to a chosen one that no match is lost.
            max_distance=threshold + 2 * _SAME,
            seed=seed + step,
            # A crop that fits leaves few bits different. Captions and new edits leave many, and
            # are found on the whole picture.
            orders=ORDERS if crop else 3 * ORDERS,
            workers=workers,
        )
        candidates = np.unique(np.concatenate([candidates, near]), axis=0)
        if on_step is not None:
            on_step(step + 1, len(turns))
    found: dict[tuple[int, int], Match] = {}
    for a, b in candidates.tolist():
        match = match_videos_by_hash(videos[a], videos[b], threshold=threshold)
        if match.matching_frames and match.share >= min_share:
            found[a, b] = match
    return found


def _distinct(video: FrameHashes) -> NDArray[np.intp]:
    """Choose voting frames near which all others lie: a still picture is looked up once."""
    chosen: list[int] = []
    for place in np.flatnonzero(video.votes).tolist():
        away = np.bitwise_count(video.hashes[chosen] ^ video.hashes[place]).sum(-1, dtype=np.int64)
        if not chosen or away.max(1).min() > _SAME:
            chosen.append(place)
    return np.array(chosen, dtype=np.intp)
