"""Which features belong together, for ablation and joint permutation."""

from collections.abc import Sequence

from fvc.features.names import INDICATOR_NAMES, SCALED_ONLY_NAMES

_PREFIX = "scaled_"
_BY_START = {
    "noise": "noise",
    "dct": "DCT",
    "codec": "codec",
    "temporal": "temporal consistency",
    "chroma": "chroma noise",
    "spectrum": "spectrum",
    "double": "recompression",
    "motion": "motion vectors",
    "residual": "predicted frames",
    "flow": "optical flow",
}
_BY_NAME = {
    "laplacian_var": "blur",
    "gradient_mean": "blur",
    "blockiness": "boundary",
    "resampling_peaks": "boundary",
    **dict.fromkeys((*SCALED_ONLY_NAMES, *INDICATOR_NAMES), "scaled-only"),
}
OTHER = "other"
STAGE_2, STAGE_4 = "all of stage 2", "all of stage 4"


def family_of(name: str) -> str:
    """Name the family of a feature: noise, DCT, blur, boundary, codec, scaled-only or other.

    Features of the extended set have families of their own.

    Examples
    --------
    >>> family_of("scaled_noise_mad"), family_of("scaled_texture_uniformity")
    ('noise', 'scaled-only')
    """
    bare = name.removeprefix(_PREFIX)
    return _BY_NAME.get(bare) or _BY_START.get(bare.split("_")[0], OTHER)


def families(names: Sequence[str]) -> dict[str, list[int]]:
    """Give the columns of each family, and of each stage where there are features of both.

    Parameters
    ----------
    names
        Feature names; those of stage 4 begin with ``scaled_``.
    """
    found: dict[str, list[int]] = {}
    for column, name in enumerate(names):
        found.setdefault(family_of(name), []).append(column)
    scaled = [column for column, name in enumerate(names) if name.startswith(_PREFIX)]
    if 0 < len(scaled) < len(names):
        found[STAGE_2] = [column for column in range(len(names)) if column not in scaled]
        found[STAGE_4] = scaled
    return found
