"""Picture of a search: the settings tried and their inner scores."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fvc.errors import DataError
from fvc.evaluation.plot_style import BLUE, GREEN, GRID, RED, metric_name, save_png, titled_figure


def search_results(
    results: Sequence[Mapping[str, Any]],
    path: Path,
    *,
    model: str,
    metric: str = "roc_auc",
    split: str = "inner grouped folds",
    n_sources: int | None = None,
    simulated: bool = False,
    shown: int = 20,
) -> None:
    """Draw the inner scores of the settings that a search tried, best first.

    Parameters
    ----------
    results
        One entry a setting and outer fold: ``settings`` (a mapping), ``score`` (mean inner score,
        None where it failed), and where known ``fold``, ``repeat`` and ``chosen``.
    path, model, simulated
        As for `roc_pr_curves`.
    metric
        What the scores are.
    split
        On what they were computed; inner scores choose, they do not tell the model's worth.
    n_sources
        Sources that the search saw, for the title.
    shown
        Settings shown at most, best first; the title says how many there were.

    Raises
    ------
    DataError
        No setting has a score.
    """
    scores: dict[str, list[float]] = {}
    chosen: dict[str, int] = {}
    for entry in results:
        label = ", ".join(f"{k}={_setting(v)}" for k, v in entry["settings"].items()) or "(default)"
        scores.setdefault(label, [])
        chosen[label] = chosen.get(label, 0) + bool(entry.get("chosen"))
        if entry["score"] is not None:
            scores[label].append(float(entry["score"]))
    ranked = sorted((k for k in scores if scores[k]), key=lambda k: -float(np.mean(scores[k])))
    if not ranked:
        raise DataError("no setting has a score; there is no search to draw")
    drawn = ranked[:shown][::-1]
    name = metric_name(metric)
    height = 2.3 + 0.32 * len(drawn)
    count = f"the best {len(drawn)} of {len(scores)}" if len(drawn) < len(scores) else len(scores)
    n = "" if n_sources is None else f", n = {n_sources}"
    title = f"{count} settings, {split}, unit: source{n}"
    figure = titled_figure(9, height, f"Settings tried · {model}", title, simulated)
    axes = figure.subplots()
    for y, label in enumerate(drawn):
        values = scores[label]
        (points,) = axes.plot(values, np.full(len(values), y), "o", color=BLUE, alpha=0.4, ms=5)
        (mean,) = axes.plot(np.mean(values), y, "D", color=RED, ms=7)
        if chosen[label]:
            at = axes.get_yaxis_transform()
            told = f"chosen {chosen[label]}×"
            axes.text(1.01, y, told, transform=at, va="center", fontsize=9, color=GREEN)
    points.set_label("one outer fold")
    mean.set_label("mean")
    axes.set_yticks(range(len(drawn)), drawn, fontsize=9)
    axes.set_ylim(-0.7, len(drawn) - 0.3)
    axes.set_xlabel(f"inner {name} (chooses the setting; it is not the model's expected score)")
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    figure.legend(
        *axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9
    )
    save_png(figure, path)


def _setting(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
