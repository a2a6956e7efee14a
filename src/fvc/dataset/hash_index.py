"""Which hashes are near one another, without comparing all with all.

Hashes are sorted by a random choice of their bits, many times; each is compared with its neighbours
in each order (Charikar 2002). Near hashes agree in the leading bits of some order and then stand
close. The work is bounded whatever the data look like: thousands of equal title cards cost no more
than other frames, since a hash meets a fixed number of neighbours.

References
----------
Charikar, M. (2002). "Similarity estimation techniques from rounding algorithms". STOC.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from fvc.dataset.video_hash import HASH_BITS, WORDS

ORDERS = 12
"""How often hashes are sorted by other bits."""

WINDOW = 64
"""How many neighbours a hash is compared with in each order."""

EXACT = 16_384
"""Up to so many stored hashes all are compared with all: that takes some seconds."""

_KEY_BITS = 32
_CHUNK = 1024

Hashes = NDArray[np.uint64]
Pairs = NDArray[np.int64]


def near_owners(
    stored: Hashes,
    stored_owner: NDArray[np.int64],
    asked: Hashes,
    asked_owner: NDArray[np.int64],
    *,
    max_distance: int,
    orders: int = ORDERS,
    window: int = WINDOW,
    exact: int = EXACT,
    seed: int = 0,
    workers: int = 1,
) -> Pairs:
    """Find the owners of hashes that lie near a hash of another owner.

    Parameters
    ----------
    stored : (n, 4) uint64
        Hashes to find.
    stored_owner : (n,) int64
        Whose they are, from 0.
    asked : (m, 4) uint64
        Hashes to find them with.
    asked_owner : (m,) int64
        Whose these are.
    max_distance
        Number of bits, 0 to 256, that may differ.
    orders, window
        More of either find more of the pairs, in proportionally more time.
    exact
        With no more stored hashes than this all are compared with all, and every pair is found.
    seed
        Draws the bits of each order.
    workers
        Threads.

    Returns
    -------
    ndarray of int64, shape (pairs, 2)
        Distinct owners, the smaller first, in ascending order, each pair once.
    """
    if not len(stored) or not len(asked):
        return np.empty((0, 2), dtype=np.int64)
    owners = int(max(stored_owner.max(), asked_owner.max())) + 1
    if len(stored) <= exact:
        orders, window = 1, len(stored)
    rng = np.random.default_rng(seed)
    choices = [rng.permutation(HASH_BITS)[:_KEY_BITS] for _ in range(orders)]

    def one(bits: NDArray[np.int64]) -> Pairs:
        sorted_by = _keys(stored, bits)
        order = np.argsort(sorted_by, kind="stable")
        keys = _keys(asked, bits)
        turn = np.argsort(keys, kind="stable")
        codes = [
            np.minimum(mine, theirs) * owners + np.maximum(mine, theirs)
            for mine, theirs in _near(
                stored[order],
                stored_owner[order],
                sorted_by[order],
                asked[turn],
                asked_owner[turn],
                keys[turn],
                max_distance,
                window,
            )
        ]
        return np.unique(np.concatenate(codes)) if codes else np.empty(0, dtype=np.int64)

    found = np.empty(0, dtype=np.int64)
    with ThreadPoolExecutor(max(1, min(workers, orders))) as pool:
        for codes in pool.map(one, choices):
            found = np.union1d(found, codes)
    return np.stack([found // owners, found % owners], axis=1)


def _near(
    stored: Hashes,
    stored_owner: NDArray[np.int64],
    stored_keys: NDArray[np.uint32],
    asked: Hashes,
    asked_owner: NDArray[np.int64],
    asked_keys: NDArray[np.uint32],
    max_distance: int,
    window: int,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Give the owners of near hashes of one order, chunk by chunk."""
    # Columns, since a row of four words would be fetched four times over.
    words = [np.ascontiguousarray(stored[:, j]) for j in range(WORDS)]
    window = min(window, len(stored))
    neighbours = np.arange(window)
    chunk = max(1, _CHUNK * WINDOW // window)
    for begin in range(0, len(asked), chunk):
        part = slice(begin, begin + chunk)
        place = np.searchsorted(stored_keys, asked_keys[part])
        first = np.clip(place - window // 2, 0, len(stored) - window)
        beside = first[:, None] + neighbours
        away = np.zeros(beside.shape, dtype=np.uint16)
        for j in range(WORDS):
            away += np.bitwise_count(words[j][beside] ^ asked[part, j, None])
        row, column = np.nonzero(away <= max_distance)
        mine = asked_owner[part][row]
        theirs = stored_owner[beside[row, column]]
        other = mine != theirs
        if other.any():
            yield mine[other], theirs[other]


def _keys(hashes: Hashes, bits: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Make a sort key of some of each hash's bits, the first of them highest."""
    keys = np.zeros(len(hashes), dtype=np.uint32)
    for place, bit in enumerate(bits.tolist()):
        word, shift = divmod(bit, 64)
        one = (hashes[:, word] >> np.uint64(63 - shift)) & np.uint64(1)
        keys |= one.astype(np.uint32) << np.uint32(_KEY_BITS - 1 - place)
    return keys
