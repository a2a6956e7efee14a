"""The order of the columns, which is the order of the numbers in every ``.npy`` file."""

VERSION = 2
"""Counted up when a definition changes; tables of another version are made anew."""

PIXEL_FEATURE_NAMES = (
    "noise_energy",
    "noise_mad",
    "noise_correlation",
    "noise_inconsistency",
    "noise_persistence",
    "dct_ac_energy",
    "dct_high_ratio",
    "dct_first_digit",
    "laplacian_var",
    "gradient_mean",
    "blockiness",
    "resampling_peaks",
)
"""The twelve that are measured on sampled frames."""

CODEC_FEATURE_NAMES = (
    "codec_bits_per_pixel",
    "codec_keyframe_interval",
    "codec_packet_variation",
)
"""The three that are read from the packets of the source's raw file."""

FEATURE_NAMES = PIXEL_FEATURE_NAMES + CODEC_FEATURE_NAMES
"""The fifteen columns of stage 2."""

EXTENDED_ONLY_NAMES = (
    "noise_kurtosis",
    "noise_brightness",
    "temporal_noise",
    "temporal_flicker",
    "chroma_noise",
    "chroma_luma_ratio",
    "chroma_correlation",
    "spectrum_slope",
    "spectrum_tail",
    "spectrum_lattice",
    "double_histogram",
    "double_grid",
    "double_rhythm",
    "motion_still",
    "motion_intra",
    "motion_roughness",
    "motion_change",
    "residual_bits",
    "residual_share",
    "residual_unrest",
    "flow_roughness",
    "flow_change",
    "flow_error",
)
"""The twenty-three that the extended set adds in stage 2."""

EXTENDED_FEATURE_NAMES = FEATURE_NAMES + EXTENDED_ONLY_NAMES
"""The thirty-eight columns of stage 2 with ``--feature-set extended``."""

FEATURE_SETS = {"standard": FEATURE_NAMES, "extended": EXTENDED_FEATURE_NAMES}
"""The columns of stage 2 by the name of the feature set."""

SCALED_ONLY_NAMES = (
    "edge_preservation",
    "texture_uniformity",
    "compression_artifacts",
    "color_consistency_r",
    "color_consistency_g",
    "color_consistency_b",
)
"""The six that only a scaled clip has."""

INDICATOR_NAMES = ("is_upscaled", "is_downscaled")

SCALED_FEATURE_NAMES = FEATURE_NAMES + SCALED_ONLY_NAMES + INDICATOR_NAMES
"""The twenty-three columns of stage 4.

The first fifteen bear the names that they have in stage 2, where they are measured on the unscaled
clip. Whoever joins the two tables puts ``scaled_`` before those of stage 4.
"""
