"""Draw ``grouped-folds.svg``: what a split by rows and a split by groups say of the same features.

The features are simulated. They say which source a clip comes from and nothing about its label, so
that the true score is that of a coin. Run ``python docs/images/grouped_folds.py`` to draw again.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fvc.evaluation import GroupedStratifiedKFold, compute_classification_metrics
from fvc.models import GradientBoosting

SOURCES, CLIPS, FEATURES = 298, 11, 26
"""A corpus of this kind: 298 sources, each with an unaugmented copy and ten variants."""

SPREAD = 0.3
"""How much the clips of a source differ, in standard deviations between sources."""

DRAWS = 10
"""Simulated corpora; one alone may lie 0.1 off, since 298 sources are few."""

FILE = Path(__file__).with_name("grouped-folds.svg")


def simulate(seed: int = 0) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], list[str]]:
    """Features, labels and sources of the clips; labels are drawn apart from the features."""
    rng = np.random.default_rng(seed)
    of_source = rng.normal(size=(SOURCES, FEATURES))
    labels = rng.permutation(np.arange(SOURCES) % 2)
    clips = np.repeat(of_source, CLIPS, axis=0)
    clips += SPREAD * rng.normal(size=clips.shape)
    groups = [f"source {i}" for i in range(SOURCES) for _ in range(CLIPS)]
    return clips.astype(np.float32), np.repeat(labels, CLIPS), groups


def score(seed: int = 0) -> dict[str, dict[str, float]]:
    """ROC AUC and F1, averaged over five folds, of each way to split."""
    X, y, groups = simulate(seed)
    rows = [f"row {i}" for i in range(len(y))]
    return {
        "rows": _score(X, y, GroupedStratifiedKFold(5, random_state=seed).split(X, y, rows)),
        "groups": _score(X, y, GroupedStratifiedKFold(5, random_state=seed).split(X, y, groups)),
    }


def _score(
    X: npt.NDArray[np.float32],
    y: npt.NDArray[np.int64],
    folds: Iterable[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]],
) -> dict[str, float]:
    found = []
    for train, test in folds:
        model = GradientBoosting(n_estimators=200, max_depth=4, learning_rate=0.2)
        model.fit(X[train], y[train])
        found.append(compute_classification_metrics(y[test], model.predict_proba(X[test])[:, 1]))
    return {name: float(np.mean([m[name] for m in found])) for name in ("roc_auc", "f1")}


STYLE = """
  .card { fill: #ffffff; stroke: #c9ced6 }
  text { font-family: system-ui, sans-serif; fill: #1f2933 }
  .title { font-size: 17px; font-weight: 600 }
  .name { font-size: 15px; font-weight: 600 }
  .note { font-size: 13px; fill: #52606d }
  .value { font-size: 15px; font-weight: 600 }
  .rows { fill: #c2571a }
  .groups { fill: #1769aa }
  .line { stroke: #9aa5b1; stroke-dasharray: 4 4 }
  .range { stroke: #1f2933; stroke-width: 1.5; fill: none }
  @media (prefers-color-scheme: dark) {
    .card { fill: #161b22; stroke: #3d444d }
    text { fill: #e6edf3 }
    .note { fill: #9da7b3 }
    .rows { fill: #e8894a }
    .groups { fill: #58a6e0 }
    .line { stroke: #6e7681 }
    .range { stroke: #e6edf3 }
  }
"""


def draw(scores: list[dict[str, dict[str, float]]]) -> str:
    """SVG of the mean scores of several simulated corpora, their ranges, and a line at chance."""
    left, width, top = 290, 400, 92
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 330" role="img" '
        'aria-label="ROC AUC and F1 of one model on one simulated table, split by rows and by '
        'groups">',
        f"<style>{STYLE}</style>",
        '<rect class="card" x="1" y="1" width="758" height="328" rx="10"/>',
        '<text class="title" x="28" y="38">Features that say nothing about the label</text>',
        f'<text class="note" x="28" y="60">Simulated: {SOURCES} sources × {CLIPS} clips, '
        f"{FEATURES} features; gradient boosting, 5 folds</text>",
    ]
    split_names = {
        "rows": ("Split by rows", "clips of one source on both sides"),
        "groups": ("Split by groups", "every source on one side"),
    }
    for i, (kind, (name, note)) in enumerate(split_names.items()):
        y = top + i * 100
        parts += [
            f'<text class="name" x="28" y="{y + 30}">{name}</text>',
            f'<text class="note" x="28" y="{y + 50}">{note}</text>',
        ]
        for j, (metric, label) in enumerate((("roc_auc", "AUC"), ("f1", "F1"))):
            values = [score[kind][metric] for score in scores]
            value, middle = float(np.mean(values)), y + 20 + 36 * j
            low, high = left + min(values) * width, left + max(values) * width
            parts += [
                f'<text class="note" x="{left - 10}" y="{y + 25 + 36 * j}" '
                f'text-anchor="end">{label}</text>',
                f'<rect class="{kind}" x="{left}" y="{y + 7 + 36 * j}" '
                f'width="{value * width:.1f}" height="26" rx="3"/>',
                f'<path class="range" d="M{low:.1f} {middle}H{high:.1f}m0 -5v10M{low:.1f} '
                f'{middle - 5}v10"/>',
                f'<text class="value" x="{high + 10:.1f}" y="{y + 25 + 36 * j}">{value:.3f}</text>',
            ]
    chance = left + width / 2
    parts += [
        f'<line class="line" x1="{chance}" y1="{top - 4}" x2="{chance}" y2="{top + 190}"/>',
        f'<text class="note" x="{chance}" y="{top + 212}" text-anchor="middle">0.5: a coin</text>',
        f'<text class="note" x="28" y="{top + 212}">Mean and range of {len(scores)} draws</text>',
        "</svg>\n",
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    found = [score(seed) for seed in range(DRAWS)]
    for kind in ("rows", "groups"):
        for metric in ("roc_auc", "f1"):
            values = [one[kind][metric] for one in found]
            print(kind, metric, f"{np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})")
    FILE.write_text(draw(found), encoding="utf-8")
