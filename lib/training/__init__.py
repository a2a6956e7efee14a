"""Stage 5 under its documented paths."""

from fvc.models import MODEL_CONFIGS, LogisticRegressionBaseline

__all__ = ["MODEL_CONFIGS", "LogisticRegressionBaseline"]
