"""The twelve pixel features of a clip, from its sampled frames."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from fvc.features import blur, boundary, dct, noise, resampling
from fvc.features.differences import SecondDifferences, second_differences
from fvc.features.names import PIXEL_FEATURE_NAMES
from fvc.features.picture import Luma, PictureArea, is_blank, picture_area
from fvc.features.scratch import Scratch


def pixel_features(frames: Sequence[Luma], *, area: PictureArea | None = None) -> dict[str, float]:
    """Compute the twelve pixel features of a clip.

    Bars are cropped off, frames that show nothing are left out, and every feature but
    ``noise_persistence`` is averaged over the frames that have it.

    Parameters
    ----------
    frames
        Luma planes of the sampled frames, in order of time, each uint8 of shape (height, width),
        full range.
    area
        Where the picture lies; found in the frames if not given.

    Returns
    -------
    dict
        Every name of `PIXEL_FEATURE_NAMES`, in that order; NaN for what cannot be computed.

    Raises
    ------
    ValueError
        There are no frames.
    """
    if not frames:
        raise ValueError("there are no frames")
    area = area or picture_area(frames)
    pictures = [area.crop(frame) for frame in frames]
    shown = [i for i, picture in enumerate(pictures) if not is_blank(picture)]
    # First where all frames are flat: then residuals need not be kept, whatever their size.
    activities = {i: noise.block_activity(pictures[i]) for i in shown}
    always_flat = noise.flattest(
        np.maximum.reduce(list(activities.values())) if shown else np.empty((0, 0), np.float32)
    )
    scratch = Scratch()
    rows: list[dict[str, float]] = []
    flat: list[noise.Residual] = []
    for i in shown:
        second = second_differences(pictures[i], scratch=scratch)
        residual = noise.residual(pictures[i], second=second, scratch=scratch)
        own_flat = noise.gather_blocks(residual, noise.flattest(activities[i]))
        flat.append(noise.gather_blocks(residual, always_flat))
        rows.append(
            _frame_features(
                pictures[i], area.crop_to_grid(frames[i]), second, residual, own_flat, scratch
            )
        )
    means = average(rows)
    means["noise_persistence"] = noise.noise_persistence(flat)
    return {name: means.get(name, math.nan) for name in PIXEL_FEATURE_NAMES}


def _frame_features(
    picture: Luma,
    on_grid: Luma,
    second: SecondDifferences,
    residual: noise.Residual,
    flat: noise.Residual,
    scratch: Scratch,
) -> dict[str, float]:
    coefficients = dct.coefficients(on_grid, scratch=scratch)
    energies = dct.energies(coefficients, scratch=scratch)
    profiles = boundary.difference_profiles(on_grid, scratch=scratch)
    return {
        "noise_energy": noise.noise_energy(residual),
        "noise_mad": noise.noise_mad(flat),
        "noise_correlation": noise.noise_correlation(residual, scratch=scratch),
        "noise_inconsistency": noise.noise_inconsistency(residual, picture, scratch=scratch),
        "dct_ac_energy": dct.dct_ac_energy(energies),
        "dct_high_ratio": dct.dct_high_ratio(energies),
        "dct_first_digit": dct.dct_first_digit(coefficients, scratch=scratch),
        "laplacian_var": blur.laplacian_var(picture, second=second, scratch=scratch),
        "gradient_mean": blur.gradient_mean(picture, scratch=scratch),
        "blockiness": boundary.blockiness(profiles),
        "resampling_peaks": resampling.resampling_peaks(picture, second=second, scratch=scratch),
    }


def average(rows: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Average each name over the rows in which it is a number; NaN where it is one in none.

    Examples
    --------
    >>> average([{"a": 1.0, "b": math.nan}, {"a": 3.0, "b": 5.0}])
    {'a': 2.0, 'b': 5.0}
    """
    values: dict[str, list[float]] = {}
    for row in rows:
        for name, value in row.items():
            values.setdefault(name, [])
            if not math.isnan(value):
                values[name].append(value)
    return {name: math.fsum(v) / len(v) if v else math.nan for name, v in values.items()}
