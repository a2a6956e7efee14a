"""The plots of a trained model."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from fvc.errors import DataError
from fvc.evaluation.plots import (
    confusion_matrix,
    fold_comparison,
    roc_pr_curves,
    search_results,
)
from fvc.models import ModelSpec

logger = logging.getLogger("fvc.training")


def write_plots(
    folder: Path,
    spec: ModelSpec,
    predictions: pl.DataFrame,
    aggregate: dict[str, Any],
    search: list[dict[str, Any]],
    *,
    simulated: bool,
) -> None:
    """Write a model's plots: ``plots/*.png``, or the documented one for a flat layout.

    A plot for which there is nothing to draw, as when every fold failed, is left out and logged.

    Parameters
    ----------
    folder
        The model's folder.
    spec
        The model.
    predictions
        Out-of-fold scores.
    aggregate
        As `summarise_folds` returns it.
    search
        As `search_rows` returns them.
    simulated
        Whether the corpus is simulated.
    """
    said: dict[str, Any] = {"model": spec.name, "simulated": simulated}
    flat = spec.layout == "flat"
    own = folder if flat else folder / "plots"
    plots: dict[str, Callable[[Path], None]] = {
        "roc_pr_curves.png": lambda path: roc_pr_curves(predictions, path, **said),
    }
    if not flat:
        plots |= {
            "confusion_matrix.png": lambda path: confusion_matrix(predictions, path, **said),
            "fold_comparison.png": lambda path: fold_comparison(
                predictions, path, summary=aggregate, **said
            ),
        }
        if any(row["score"] is not None for row in search):
            plots["search_results.png"] = lambda path: search_results(search, path, **said)
    for name, draw in plots.items():
        try:
            draw(own / name)
        except DataError as error:
            logger.warning("%s: %s is not drawn: %s", spec.name, name, error)
