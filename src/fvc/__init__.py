"""FVC: from a corpus of real and fake videos to detectors whose numbers hold.

The public functions are loaded on first use, so that ``import fvc`` stays quick.

Examples
--------
>>> import fvc
>>> report = fvc.setup_dataset("project", corpus="clips")  # doctest: +SKIP
>>> report = fvc.stage1_augment_videos("project")  # doctest: +SKIP
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "setup_dataset": "fvc.dataset",
    "stage1_augment_videos": "fvc.augmentation",
    "stage2_extract_features": "fvc.features",
    "stage3_scale_videos": "fvc.scaling",
    "stage4_extract_scaled_features": "fvc.features",
    "stage5_train_models": "fvc.training",
    "run_pipeline": "fvc.pipeline",
    "load": "fvc.inference",
}

__all__ = ["__version__", *sorted(_HOME)]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'fvc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
