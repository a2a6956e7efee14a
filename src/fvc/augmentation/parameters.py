"""Which augmentation a variant is, and its parameters: drawn once a variant, from a seed.

====================  ==================================================================
augmentation          parameters and their ranges
====================  ==================================================================
``rotation``          ``degrees`` ±[2, 15], counter-clockwise as seen
``flip``              ``axis`` "horizontal" (three in four) or "vertical"
``brightness``        ``shift`` ±[0.05, 0.2] of the span from black to white
``contrast``          ``gain`` [0.6, 0.85] or [1.15, 1.5], around mid-grey
``saturation``        ``gain`` [0.4, 0.8] or [1.2, 1.7], around neutral
``noise``             ``sigma`` [2, 8], standard deviation in 8-bit luma codes
``blur``              ``sigma`` [0.6, 2], Gaussian, in luma pixels
``affine``            ``scale`` [0.9, 1.1]; ``shear_x``, ``shear_y`` ±0.1;
                      ``shift_x``, ``shift_y`` ±0.05 of the width and height
``cutout``            ``width``, ``height`` [0.15, 0.35] and ``left``, ``top``, of the frame
``frame_drop``        ``every`` 3…6: one frame is dropped of each run of so many
``frame_duplicate``   ``every`` 3…6: one frame is repeated of each run of so many
``temporal_reverse``  none
====================  ==================================================================

The variant's seed depends on the source's id, the variant's index and the user's seed, and on
nothing else: neither on the number of variants nor on the order of sources. What is random within
a variant (the grain of noise, which frame of a run is dropped) follows from the same seed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import blake2b
from typing import TypeAlias

import numpy as np

from fvc.errors import OptionError

Parameters: TypeAlias = dict[str, float | int | str]

ORIGINAL = "original"
"""The name in the column ``augmentation`` of a source's unaugmented copy."""


@dataclass(frozen=True)
class Variant:
    """What one augmented copy of a source is.

    Parameters
    ----------
    index
        ``augmentation_idx``, 0 and up.
    augmentation
        One of `AUGMENTATIONS`.
    seed
        The variant's own seed, 0 … 2**63 − 1.
    parameters
        As in the table at the top of this module.
    """

    index: int
    augmentation: str
    seed: int
    parameters: Parameters


def _uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return round(float(rng.uniform(low, high)), 4)


def _either_sign(rng: np.random.Generator, low: float, high: float) -> float:
    return _uniform(rng, low, high) * (1 if rng.random() < 0.5 else -1)


def _around_one(
    rng: np.random.Generator, below: tuple[float, float], above: tuple[float, float]
) -> float:
    return _uniform(rng, *(below if rng.random() < 0.5 else above))


def _rotation(rng: np.random.Generator) -> Parameters:
    return {"degrees": _either_sign(rng, 2, 15)}


def _flip(rng: np.random.Generator) -> Parameters:
    return {"axis": "horizontal" if rng.random() < 0.75 else "vertical"}


def _brightness(rng: np.random.Generator) -> Parameters:
    return {"shift": _either_sign(rng, 0.05, 0.2)}


def _contrast(rng: np.random.Generator) -> Parameters:
    return {"gain": _around_one(rng, (0.6, 0.85), (1.15, 1.5))}


def _saturation(rng: np.random.Generator) -> Parameters:
    return {"gain": _around_one(rng, (0.4, 0.8), (1.2, 1.7))}


def _noise(rng: np.random.Generator) -> Parameters:
    return {"sigma": _uniform(rng, 2, 8)}


def _blur(rng: np.random.Generator) -> Parameters:
    return {"sigma": _uniform(rng, 0.6, 2)}


def _affine(rng: np.random.Generator) -> Parameters:
    return {
        "scale": _uniform(rng, 0.9, 1.1),
        "shear_x": _uniform(rng, -0.1, 0.1),
        "shear_y": _uniform(rng, -0.1, 0.1),
        "shift_x": _uniform(rng, -0.05, 0.05),
        "shift_y": _uniform(rng, -0.05, 0.05),
    }


def _cutout(rng: np.random.Generator) -> Parameters:
    width, height = _uniform(rng, 0.15, 0.35), _uniform(rng, 0.15, 0.35)
    left, top = _uniform(rng, 0, 1 - width), _uniform(rng, 0, 1 - height)
    return {"left": left, "top": top, "width": width, "height": height}


def _every(rng: np.random.Generator) -> Parameters:
    # Up to six, so that even a clip of six frames loses or repeats one.
    return {"every": int(rng.integers(3, 7))}


def _nothing(rng: np.random.Generator) -> Parameters:
    return {}


_DRAW: dict[str, Callable[[np.random.Generator], Parameters]] = {
    "rotation": _rotation,
    "flip": _flip,
    "brightness": _brightness,
    "contrast": _contrast,
    "saturation": _saturation,
    "noise": _noise,
    "blur": _blur,
    "affine": _affine,
    "cutout": _cutout,
    "frame_drop": _every,
    "frame_duplicate": _every,
    "temporal_reverse": _nothing,
}

AUGMENTATIONS: tuple[str, ...] = tuple(_DRAW)
"""The names of the twelve, spatial ones first."""


def variant_seed(source: str, index: int, seed: int) -> int:
    """Derive a variant's seed, 0 … 2**63 − 1, from the source's id, its index and the user's seed.

    The first 63 bits of a BLAKE2b digest [1]_, so that neighbouring inputs give unrelated seeds.

    References
    ----------
    .. [1] RFC 7693, The BLAKE2 Cryptographic Hash and Message Authentication Code.
    """
    return _digest(f"variant\0{seed}\0{index}\0{source}")


def _digest(text: str) -> int:
    digest = blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def frame_generator(seed: int) -> np.random.Generator:
    """Make the generator of what is random within a variant, apart from its parameters."""
    return np.random.default_rng([seed, 1])


def draw_parameters(augmentation: str, seed: int) -> Parameters:
    """Draw the parameters of a variant.

    Parameters
    ----------
    augmentation
        One of `AUGMENTATIONS`.
    seed
        The variant's seed, from `variant_seed`.

    Returns
    -------
    dict
        Numbers and words that survive JSON exactly; ranges are at the top of this module.
    """
    return _DRAW[augmentation](np.random.default_rng([seed, 0]))


def check_augmentations(names: Sequence[str]) -> tuple[str, ...]:
    """Check names of augmentations and return them once each, in the order of `AUGMENTATIONS`.

    Raises
    ------
    OptionError
        A name is unknown, or there is none.
    """
    for name in names:
        if name not in _DRAW:
            near = get_close_matches(name, AUGMENTATIONS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise OptionError(
                f"unknown augmentation {name!r}.{hint} There are: {', '.join(AUGMENTATIONS)}"
            )
    if not names:
        raise OptionError(f"no augmentation is named. There are: {', '.join(AUGMENTATIONS)}")
    return tuple(name for name in AUGMENTATIONS if name in names)


def plan_variants(
    source: str,
    count: int,
    *,
    seed: int = 0,
    augmentations: Sequence[str] = AUGMENTATIONS,
) -> tuple[Variant, ...]:
    """Say what the variants of a source are.

    The augmentations are put in an order of the source's own, drawn from its id and `seed`, and
    handed out along it; after the last the order begins again, with new parameters. With ten
    variants out of twelve augmentations each source misses two, and over many sources each
    augmentation is missed equally often. Variant k is the same however many there are.

    Parameters
    ----------
    source
        The source's id.
    count
        How many variants, 0 and up.
    seed
        The user's seed.
    augmentations
        The augmentations to take from, in any order.

    Raises
    ------
    OptionError
        An augmentation is unknown, or there is none; `count` is negative.

    Examples
    --------
    >>> [v.augmentation for v in plan_variants("youtube_abc", 3)]
    ['frame_duplicate', 'affine', 'cutout']
    """
    if count < 0:
        raise OptionError(f"the number of augmentations is 0 or more, got {count}")
    kinds = check_augmentations(augmentations)
    order = np.random.default_rng(_digest(f"order\0{seed}\0{source}")).permutation(len(kinds))
    variants = []
    for index in range(count):
        kind = kinds[order[index % len(kinds)]]
        own_seed = variant_seed(source, index, seed)
        variants.append(Variant(index, kind, own_seed, draw_parameters(kind, own_seed)))
    return tuple(variants)
