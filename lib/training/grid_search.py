"""The models' settings and grids under their documented path."""

from fvc.models import MODEL_CONFIGS, LogisticRegressionBaseline

__all__ = ["MODEL_CONFIGS", "LogisticRegressionBaseline"]
