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
    "noise_kurtosis": "heavy tails of noise",
    "noise_brightness": "growth of noise with brightness",
    "temporal_noise": "noise that does not change from frame to frame",
    "temporal_flicker": "flicker of brightness",
    "chroma_noise": "noise in colour",
    "chroma_luma_ratio": "noise in colour against that in brightness",
    "chroma_correlation": "likeness of noise in both colours",
    "spectrum_slope": "fall of the spectrum",
    "spectrum_tail": "excess of the highest frequencies over the spectrum's fall",
    "spectrum_lattice": "regular peaks of the spectrum",
    "double_histogram": "comb left by an earlier compression",
    "double_grid": "8×8 grid of an earlier compression",
    "double_rhythm": "rhythm of an earlier compression's key frames",
    "motion_still": "share of blocks that stand still",
    "motion_intra": "share of blocks coded without a reference",
    "motion_roughness": "unevenness of motion over the picture",
    "motion_change": "unevenness of motion over time",
    "residual_bits": "bits that prediction leaves over",
    "residual_share": "size of predicted frames against key frames",
    "residual_unrest": "unrest of the sizes of predicted frames",
    "flow_roughness": "unevenness of optical flow over the picture",
    "flow_change": "unevenness of optical flow over time",
    "flow_error": "difference that optical flow leaves over",
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
