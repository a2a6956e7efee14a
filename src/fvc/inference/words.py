"""Features in words: what each of them is called when a person reads the answer."""

import math

WORDS = {
    "noise_energy": "noise and fine detail",
    "noise_mad": "noise level in flat areas",
    "noise_correlation": "likeness of noise in neighbouring pixels",
    "noise_inconsistency": "unevenness of noise over the picture",
    "noise_persistence": "noise pattern that stays from frame to frame",
    "dct_ac_energy": "texture energy",
    "dct_high_ratio": "strength of the highest frequencies",
    "dct_first_digit": "departure from the digits of a single compression",
    "laplacian_var": "sharpness",
    "gradient_mean": "evenness of texture and edges",
    "blockiness": "blockiness at the 8×8 grid",
    "resampling_peaks": "trace of an earlier scaling",
    "codec_bits_per_pixel": "bits spent on a pixel",
    "codec_keyframe_interval": "time between key frames",
    "codec_packet_variation": "variation of frame sizes in the stream",
    "edge_preservation": "edges kept by scaling",
    "texture_uniformity": "smoothness of texture",
    "compression_artifacts": "trace of the original's 8×8 grid after scaling",
    "color_consistency_r": "change of mean red over time",
    "color_consistency_g": "change of mean green over time",
    "color_consistency_b": "change of mean blue over time",
    "is_upscaled": "enlarged to the common size",
    "is_downscaled": "reduced to the common size",
}
"""What a feature is called; before the names of the scaled copy's stands ``scaled_``."""

INDICATORS = frozenset({"is_upscaled", "is_downscaled"})
SCALED_PREFIX = "scaled_"


def feature_words(name: str) -> str:
    """Name a feature in words.

    Examples
    --------
    >>> feature_words("scaled_laplacian_var")
    'sharpness (scaled copy)'
    """
    base = name.removeprefix(SCALED_PREFIX)
    words = WORDS.get(base, base.replace("_", " "))
    if base == name or base in INDICATORS:
        return words
    # The codec's numbers are the raw file's in both tables.
    return f"{words} (again)" if base.startswith("codec_") else f"{words} (scaled copy)"


def place_in_words(name: str, value: float, real: float | None, fake: float | None) -> str:
    """Say where a value lies among the training sources.

    Parameters
    ----------
    name
        The feature.
    value
        Its value; NaN is missing.
    real, fake
        Share of real and of fake sources that lie below it, 0 … 1; None where unknown.

    Examples
    --------
    >>> place_in_words("noise_mad", 0.4, 0.08, 0.3)
    'noise level in flat areas lower than in 92 % of real and 70 % of fake sources'
    """
    words = feature_words(name)
    if math.isnan(value):
        return f"{words}: could not be measured"
    if name.removeprefix(SCALED_PREFIX) in INDICATORS:
        return f"{words}: {'yes' if value else 'no'}"
    if real is None or fake is None:
        return words
    if real + fake >= 1:
        side, shares = "higher", (real, fake)
    else:
        side, shares = "lower", (1 - real, 1 - fake)
    r, f = (f"{share:.0%}".replace("%", " %") for share in shares)
    if r == f:
        return f"{words} {side} than in {r} of real and fake sources alike"
    return f"{words} {side} than in {r} of real and {f} of fake sources"
