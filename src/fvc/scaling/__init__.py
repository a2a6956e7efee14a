"""Stage 3: bring every clip to one size, so that models and features compare like with like."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fvc.scaling.stage import stage3_scale_videos

__all__ = ["stage3_scale_videos"]


def __getattr__(name: str) -> Any:
    # Workers need the work alone; the stage brings Polars and its threads.
    if name == "stage3_scale_videos":
        from fvc.scaling.stage import stage3_scale_videos

        return stage3_scale_videos
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
