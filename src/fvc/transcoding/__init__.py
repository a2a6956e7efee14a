"""Files as others would have made them: one size, rate and encoder for all; what platforms do."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fvc.transcoding.match_stage import MatchReport, match_sources
    from fvc.transcoding.matching import Matching, match_video, read_matching
    from fvc.transcoding.platform_stage import transform_sources
    from fvc.transcoding.platforms import PLATFORMS, Transformation, transform_video

__all__ = [
    "PLATFORMS",
    "MatchReport",
    "Matching",
    "Transformation",
    "match_sources",
    "match_video",
    "read_matching",
    "transform_sources",
    "transform_video",
]

_HOME = {
    "MatchReport": "match_stage",
    "Matching": "matching",
    "PLATFORMS": "platforms",
    "Transformation": "platforms",
    "match_sources": "match_stage",
    "match_video": "matching",
    "read_matching": "matching",
    "transform_sources": "platform_stage",
    "transform_video": "platforms",
}


def __getattr__(name: str) -> Any:
    # Workers import single modules: not the stage runner, nor Polars.
    if name in _HOME:
        return getattr(import_module(f"fvc.transcoding.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
