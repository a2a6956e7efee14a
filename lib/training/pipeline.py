"""Stage 5 under its documented path."""

from fvc.training import stage5_train_models

__all__ = ["stage5_train_models"]
