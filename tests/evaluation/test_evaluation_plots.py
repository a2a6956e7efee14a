"""Pictures: written whole, with what was measured in their title."""

from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from fvc.errors import DataError
from fvc.evaluation import make_folds, summarise_folds
from fvc.evaluation.plots import confusion_matrix, fold_comparison, roc_pr_curves, search_results

SEARCH = [
    {"settings": {"C": c}, "score": None if c > 1 else 0.6 + c / 20 + k / 100, "chosen": c == 1.0}
    for c in (0.1, 1.0, 10.0)
    for k in range(3)
]


@pytest.fixture(scope="module")
def predictions() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    index = pl.DataFrame(
        {
            "source": [f"s{i:03}" for i in range(60)],
            "group": [f"g{i // 2:03}" for i in range(60)],
            "label": np.arange(60) // 2 % 2,
        }
    )
    folds = make_folds(index, repeats=2)
    score = np.clip(rng.normal(0.4 + 0.2 * folds["label"].to_numpy(), 0.2), 0, 1)
    return folds.with_columns(score=pl.Series(score))


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    saved: list[Figure] = []
    original = Figure.savefig

    def remember(self: Figure, *args: Any, **kwargs: Any) -> None:
        saved.append(self)
        original(self, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", remember)
    return saved


def texts(figure: Figure) -> str:
    legends = [*figure.legends, *(a.get_legend() for a in figure.axes if a.get_legend())]
    labels = [text.get_text() for legend in legends for text in legend.get_texts()]
    inside = [text.get_text() for axes in figure.axes for text in axes.texts]
    return "\n".join([str(figure.get_suptitle()), *labels, *inside])


def test_every_picture_is_written_with_unit_n_and_split(
    predictions: pl.DataFrame, figures: list[Figure], tmp_path: Path
) -> None:
    summary = summarise_folds(predictions, resamples=100)
    roc_pr_curves(predictions, tmp_path / "roc.png", model="svm", simulated=True)
    confusion_matrix(predictions, tmp_path / "matrix.png", model="svm", simulated=True)
    fold_comparison(
        predictions, tmp_path / "folds.png", model="svm", summary=summary, simulated=True
    )
    search_results(SEARCH, tmp_path / "search.png", model="svm", n_sources=60, simulated=True)
    assert len(figures) == 4
    for name, figure in zip(("roc", "matrix", "folds", "search"), figures, strict=True):
        image = matplotlib.image.imread(tmp_path / f"{name}.png")
        assert min(image.shape[:2]) > 400
        assert image[..., :3].std() > 0.02
        title = str(figure.get_suptitle())
        assert "svm" in title
        assert "SIMULATED DATA" in title
        assert "unit: source" in title
        assert "n = 60" in title
        figure.canvas.draw()
        box = figure._suptitle.get_window_extent()  # type: ignore[attr-defined]
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.width
    for figure in figures[:3]:
        assert "5 grouped folds × 2 repeats" in str(figure.get_suptitle())
    assert not list(tmp_path.glob(".part-*"))


def test_curves_tell_mean_and_spread(
    predictions: pl.DataFrame, figures: list[Figure], tmp_path: Path
) -> None:
    summary = summarise_folds(predictions, resamples=0)
    roc_pr_curves(predictions, tmp_path / "roc.png", model="svm")
    said = texts(figures[0])
    assert f"mean of 10 folds, AUC {summary['roc_auc']:.3f} ± {summary['roc_auc_sd']:.3f}" in said
    assert f"AP {summary['average_precision']:.3f}" in said
    assert "chance, 0.50 fake" in said
    assert "SIMULATED" not in said


def test_matrix_shows_counts_of_a_repeat_and_shares(
    predictions: pl.DataFrame, figures: list[Figure], tmp_path: Path
) -> None:
    summary = summarise_folds(predictions, resamples=0)
    confusion_matrix(predictions, tmp_path / "matrix.png", model="svm")
    counts = summary["confusion_matrix"]
    for key in ("tn", "tp"):
        assert f"{counts[key]:g}\n{counts[key] / 30:.0%}" in texts(figures[0])


def test_a_failed_fold_is_seen(
    predictions: pl.DataFrame, figures: list[Figure], tmp_path: Path
) -> None:
    failed = predictions.with_columns(
        score=pl.when((pl.col("fold") == 2) & (pl.col("repeat") == 0)).then(None).otherwise("score")
    )
    fold_comparison(failed, tmp_path / "a.png", model="svm", summary=summarise_folds(failed))
    roc_pr_curves(failed, tmp_path / "b.png", model="svm")
    assert "undefined in 1 fold(s)" in texts(figures[0])
    assert "48 scored" in texts(figures[0])
    assert "mean of 9 of 10 folds" in texts(figures[1])


def test_search_shows_the_best_first_and_what_was_chosen(
    figures: list[Figure], tmp_path: Path
) -> None:
    search_results(SEARCH, tmp_path / "s.png", model="svm", shown=1)
    axes = figures[0].axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["C=1"]
    assert "the best 1 of 3 settings" in texts(figures[0])
    assert "chosen 3×" in texts(figures[0])


def test_the_same_results_give_the_same_bytes(predictions: pl.DataFrame, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        confusion_matrix(predictions, tmp_path / name, model="svm")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_nothing_to_draw_is_said(predictions: pl.DataFrame, tmp_path: Path) -> None:
    nothing = predictions.with_columns(score=pl.lit(None, dtype=pl.Float64))
    with pytest.raises(DataError, match="no curve to draw"):
        roc_pr_curves(nothing, tmp_path / "a.png", model="svm")
    with pytest.raises(DataError, match="no confusion matrix"):
        confusion_matrix(nothing, tmp_path / "a.png", model="svm")
    with pytest.raises(DataError, match="no search"):
        search_results([{"settings": {}, "score": None}], tmp_path / "a.png", model="svm")
    assert not list(tmp_path.iterdir())
