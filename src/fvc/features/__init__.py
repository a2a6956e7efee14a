"""Stages 2 and 4: fifteen and twenty-three handcrafted numbers a clip.

Which numbers these are, and what each means, stands in the docstrings of the modules `noise`,
`dct`, `blur`, `boundary`, `codec` and `scaled`, whose functions take arrays and give numbers.
"""

from typing import TYPE_CHECKING, Any

from fvc.features.names import EXTENDED_FEATURE_NAMES, FEATURE_NAMES, SCALED_FEATURE_NAMES

if TYPE_CHECKING:
    from fvc.features.extraction import extract_features, extract_scaled_features
    from fvc.features.scaled_stage import stage4_extract_scaled_features
    from fvc.features.stage import stage2_extract_features

__all__ = [
    "EXTENDED_FEATURE_NAMES",
    "FEATURE_NAMES",
    "SCALED_FEATURE_NAMES",
    "extract_features",
    "extract_scaled_features",
    "stage2_extract_features",
    "stage4_extract_scaled_features",
]


def __getattr__(name: str) -> Any:
    # Workers import the functions on arrays, not the stages, which bring Polars.
    if name in ("extract_features", "extract_scaled_features"):
        from fvc.features import extraction

        return getattr(extraction, name)
    if name == "stage2_extract_features":
        from fvc.features.stage import stage2_extract_features

        return stage2_extract_features
    if name == "stage4_extract_scaled_features":
        from fvc.features.scaled_stage import stage4_extract_scaled_features

        return stage4_extract_scaled_features
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
