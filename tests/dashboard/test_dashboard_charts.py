"""What charts draw, as numbers."""

import numpy as np
import polars as pl
import pytest

pytestmark = pytest.mark.slow

CURVES = [
    {
        "repeat": 0,
        "fold": fold,
        "epochs": [
            {"epoch": 1, "train_loss": 0.7 + fold, "val_loss": 0.8, "val_roc_auc": 0.5},
            {"epoch": 2, "train_loss": 0.6 + fold, "val_loss": 0.9, "val_roc_auc": 0.6},
        ],
    }
    for fold in (0, 1)
]


def test_training_curves_are_those_of_the_metrics_file() -> None:
    from fvc.dashboard import charts

    losses = {(line.name, tuple(line.y)) for line in charts.training(CURVES, "loss").data}
    assert losses == {
        ("training loss", (0.7, 0.6)),
        ("training loss", (1.7, 1.6)),
        ("inner loss", (0.8, 0.9)),
    }
    assert [tuple(line.y) for line in charts.training(CURVES, "auc").data] == 2 * [(0.5, 0.6)]


def test_both_classes_have_the_same_bins() -> None:
    from fvc.dashboard import charts

    rng = np.random.default_rng(0)
    values = [*rng.normal(0, 1, 300), *rng.normal(2, 0.1, 100), None]
    table = pl.DataFrame({"label": [0] * 300 + [1] * 101, "sharpness": values})
    real, fake = charts.distribution(table, "sharpness", "sharpness").data
    assert list(real.x) == list(fake.x)
    assert list(real.width) == list(fake.width)
    assert sum(real.y) == pytest.approx(1)
    assert sum(fake.y) == pytest.approx(1)
    assert (real.name, fake.name) == ("real, 300 clips", "fake, 100 clips")


def test_a_score_that_is_not_what_it_seems_is_named_so() -> None:
    from fvc.dashboard import charts

    row = {"model": "x3d", "complete": True, "stale": False, "random_weights": True}
    assert charts.named(row) == "x3d (random weights)"
    assert charts.named(row | {"random_weights": False}) == "x3d"
    lacking = {"complete": False, "stale": True}
    assert charts.named(row | lacking) == "x3d (incomplete, other folds, random weights)"


def test_true_and_permuted_labels_do_not_lie_on_one_another() -> None:
    from fvc.dashboard import charts

    rows = [
        {"folds": folds, "labels": labels, "auc": 0.9, "auc_low": 0.8, "auc_high": 1.0}
        for folds in ("grouped", "row-wise")
        for labels in ("true", "permuted")
    ]
    figure = charts.schemes(rows)
    heights = [height for line in figure.data for height in line.y]
    assert len(set(heights)) == 4
    assert list(figure.layout.yaxis.ticktext) == ["grouped", "row-wise"]
