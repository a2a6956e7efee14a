"""How strong a variant is: one number out of an augmentation's recorded parameters."""

from collections.abc import Callable, Mapping
from math import hypot, log
from typing import Any

_MEASURES: dict[str, tuple[str, Callable[[Mapping[str, Any]], float]]] = {
    "rotation": ("degrees", lambda p: abs(p["degrees"])),
    "brightness": ("shift, share of the span", lambda p: abs(p["shift"])),
    "contrast": ("gain, |log₂|", lambda p: abs(log(p["gain"], 2))),
    "saturation": ("gain, |log₂|", lambda p: abs(log(p["gain"], 2))),
    "noise": ("sigma, luma codes", lambda p: p["sigma"]),
    "blur": ("sigma, pixels", lambda p: p["sigma"]),
    "affine": (
        "length of scale, shear and shift",
        lambda p: hypot(p["scale"] - 1, p["shear_x"], p["shear_y"], p["shift_x"], p["shift_y"]),
    ),
    "cutout": ("share of the frame", lambda p: p["width"] * p["height"]),
    "frame_drop": ("share of frames dropped", lambda p: 1 / p["every"]),
    "frame_duplicate": ("share of frames repeated", lambda p: 1 / p["every"]),
}


def strength_name(augmentation: str) -> str | None:
    """Say what the strength of an augmentation is; None where it has none, as a flip."""
    return _MEASURES[augmentation][0] if augmentation in _MEASURES else None


def strength(augmentation: str, parameters: Mapping[str, Any] | None) -> float | None:
    """Return how strong a variant is, more being further from the source.

    Parameters
    ----------
    augmentation
        Its name.
    parameters
        As stage 1 recorded them.

    Returns
    -------
    float or None
        None where the augmentation has no strength, or the parameters are not there.

    Examples
    --------
    >>> strength("rotation", {"degrees": -7.5})
    7.5
    >>> strength("flip", {"axis": "horizontal"})
    """
    if augmentation not in _MEASURES or not parameters:
        return None
    try:
        return float(_MEASURES[augmentation][1](parameters))
    except KeyError:
        # A table of another maker, with parameters of its own.
        return None
