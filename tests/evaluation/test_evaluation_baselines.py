"""What metadata give away, and the warning that follows from it."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fvc.evaluation import make_folds, metadata_baselines, rival_warning
from fvc.evaluation.baselines import FILE_TOGETHER, MAJORITY, PROPERTIES, TOGETHER


def index(n: int = 120, seed: int = 0) -> pl.DataFrame:
    """Real and fake files alike, but for the frame rate and one telling size."""
    rng = np.random.default_rng(seed)
    label = np.arange(n) % 5 < 2
    square = label & (rng.random(n) < 0.8)
    return pl.DataFrame(
        {
            "source": [f"s{i:03}" for i in range(n)],
            "group": [f"g{i:03}" for i in range(n)],
            "label": label.astype(np.int8),
            "width": np.where(square, 512, rng.choice([320, 480, 640, 720, 1280, 1920], n)),
            "height": np.where(square, 512, rng.choice([240, 360, 480, 720, 1080], n)),
            "fps": np.where(label, 24.0, 30.0),
            "duration_sec": rng.lognormal(3, 1, n),
            "file_size_bytes": rng.integers(10_000, 10_000_000, n),
            "bitrate": pl.Series([None] * n, dtype=pl.Int64),
            "codec_name": ["h264"] * n,
            "has_audio": rng.random(n) < 0.5,
            "platform": rng.choice(["a", "b", "c"], n),
        }
    )


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, Any]]:
    table = index()
    folds = make_folds(table, repeats=2)
    return {row["baseline"]: row for row in metadata_baselines(table, folds, resamples=200)}


def test_each_property_alone_and_all_together(rows: dict[str, dict[str, Any]]) -> None:
    assert list(rows) == [MAJORITY, *(p.name for p in PROPERTIES), FILE_TOGETHER, TOGETHER]
    assert rows["frame rate"]["roc_auc"] == 1
    assert rows["frame rate"]["roc_auc_low"] < 1
    assert rows[TOGETHER]["roc_auc"] > 0.97
    # A size in the middle of the others tells, though neither large nor small does.
    assert rows["size"]["roc_auc"] > 0.75
    for name in ("duration", "bytes", "audio", "platform"):
        assert 0.3 < rows[name]["roc_auc"] < 0.7, name
        assert rows[name]["roc_auc_low"] < 0.5 < rows[name]["roc_auc_high"], name
    assert {row["unit"] for row in rows.values()} == {"source"}


def test_the_majority_class_needs_no_video(rows: dict[str, dict[str, Any]]) -> None:
    assert rows[MAJORITY]["accuracy"] == pytest.approx(0.6, abs=0.005)
    assert rows[MAJORITY]["roc_auc"] == 0.5


def test_what_cannot_be_used_says_why(rows: dict[str, dict[str, Any]]) -> None:
    assert rows["codec"]["reason"] == "all sources have the value h264"
    assert rows["bitrate"]["reason"] == "no source has a value"
    assert rows["collection"]["reason"] == "the index has no column collection"
    assert rows["codec"]["roc_auc"] is None
    assert rows["codec"]["n_scored"] == 0


@pytest.mark.slow
def test_missing_values_tell_too() -> None:
    table = index().with_columns(
        fps=pl.when(pl.col("label") == 1).then(None).otherwise(25.0),
        width=pl.lit(None, dtype=pl.Int64),
    )
    rows = metadata_baselines(table, make_folds(table, repeats=1), resamples=50)
    by_name = {row["baseline"]: row for row in rows}
    assert by_name["frame rate"]["roc_auc"] == 1
    assert by_name["size"]["reason"] == by_name["aspect"]["reason"] == "no source has a value"


def test_nothing_but_a_label_leaves_the_majority_class() -> None:
    table = index().select("source", "group", "label")
    rows = metadata_baselines(table, make_folds(table, repeats=1))
    assert [row["baseline"] for row in rows if row["reason"] is None] == [MAJORITY]
    assert rows[-1]["reason"] == "only 0 of them can be used"


def test_a_rival_is_named() -> None:
    model = {"model": "svm", "roc_auc": 0.8, "roc_auc_low": 0.7, "roc_auc_high": 0.88}
    baselines = [
        {"baseline": MAJORITY, "roc_auc": 0.5},
        {"baseline": "size", "roc_auc": 0.69},
        {"baseline": "codec", "roc_auc": None},
        {"baseline": "frame rate", "roc_auc": 0.75},
        {"baseline": "collection", "roc_auc": 0.92},
    ]
    warning = str(rival_warning(model, baselines))
    assert "AUC interval of svm (0.70–0.88): collection 0.92, frame rate 0.75" in warning
    assert "size" not in warning
    assert rival_warning(model, baselines[:3]) is None
    assert rival_warning({**model, "roc_auc_low": None}, baselines) is None


@pytest.mark.real_clips
def test_metadata_of_the_real_clips_give_the_class_away(real_clips: Path) -> None:
    raw = pl.read_csv(real_clips / "index.csv")
    table = raw.select(
        "group", "collection", "width", "height", "fps",
        source="path",
        label=(pl.col("label") == "fake").cast(pl.Int8),
        duration_sec="duration_s",
        codec_name="codec",
        has_audio=pl.col("has_audio") == 1,
    )  # fmt: skip
    rows = metadata_baselines(table, make_folds(table, repeats=2), resamples=200)
    by_name = {row["baseline"]: row["roc_auc"] for row in rows}
    assert by_name["frame rate"] > 0.65
    assert by_name["collection"] > 0.85
    assert by_name[FILE_TOGETHER] > 0.7
