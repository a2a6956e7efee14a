"""Training curves: loss and inner score by epoch, fold by fold."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.ticker import MaxNLocator

from fvc.errors import DataError
from fvc.evaluation.plot_style import BLUE, GREY, GRID, ORANGE, save_png, titled_figure


def training_curves(
    histories: Sequence[Sequence[dict[str, Any]]],
    path: Path,
    *,
    model: str,
    simulated: bool = False,
) -> None:
    """Draw how loss and inner ROC AUC went, one line a fold; a dot marks the epoch that is taken.

    Parameters
    ----------
    histories
        Of each fold one row an epoch: ``epoch, train_loss, val_loss, val_roc_auc``.
    path
        The PNG to write.
    model
        Name of the model, for the title.
    simulated
        Whether the corpus is simulated.

    Raises
    ------
    DataError
        There is no epoch.
    """
    told = [list(history) for history in histories if history]
    if not told:
        raise DataError("no fold has an epoch")
    second = "training side weighted by source and class, inner side on sources; outer side unseen"
    figure = titled_figure(10, 4.5, f"Training curves · {model}", second, simulated)
    losses, scores = figure.subplots(1, 2)
    for number, history in enumerate(told):
        epochs = [row["epoch"] for row in history]
        first = number == 0
        losses.plot(epochs, [row["train_loss"] for row in history], color=BLUE, lw=1.2, marker=".",
                    label="training side" if first else None)  # fmt: skip
        inner = [row for row in history if row.get("val_loss") is not None]
        losses.plot([row["epoch"] for row in inner], [row["val_loss"] for row in inner],
                    color=ORANGE, lw=1.2, marker=".",
                    label="inner side" if first else None)  # fmt: skip
        known = [row for row in history if row.get("val_roc_auc") is not None]
        if known:
            scores.plot([row["epoch"] for row in known], [row["val_roc_auc"] for row in known],
                        color=ORANGE, lw=1.2, marker=".",
                        label="inner side" if first else None)  # fmt: skip
            best = max(known, key=lambda row: (row["val_roc_auc"], -row["val_loss"]))
            scores.plot(best["epoch"], best["val_roc_auc"], "o", color=ORANGE, ms=7,
                        label="taken" if first else None)  # fmt: skip
    scores.axhline(0.5, color=GREY, lw=0.8, ls=":")
    scores.set(xlabel="epoch", ylabel="ROC AUC", ylim=(-0.02, 1.02))
    losses.set(xlabel="epoch", ylabel="cross-entropy")
    for axes in (losses, scores):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(color=GRID, lw=0.6)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False)
    save_png(figure, path)
