"""The split file: made from the index, stale when that has changed, torn when edited."""

from pathlib import Path

import polars as pl
import pytest

from fvc.errors import LeakageError, MissingInputError, OptionError, StaleError, TableError
from fvc.evaluation import (
    describe_split,
    index_fingerprint,
    load_folds,
    make_folds,
    read_folds_info,
    save_folds,
    split_hash,
)
from fvc.tables import FoldSchema


@pytest.fixture
def index() -> pl.DataFrame:
    n = 40
    return pl.DataFrame(
        {
            "source": [f"s{i:02}" for i in range(n)],
            "group": [f"g{i // 2}" for i in range(n)],
            "label": [i // 2 % 2 for i in range(n)],
            "platform": ["youtube"] * n,
            "collection": ["a", "b"] * (n // 2),
            "video_path": [f"videos/{i}.mp4" for i in range(n)],
        }
    )


def test_every_source_is_tested_once_a_repeat(index: pl.DataFrame) -> None:
    folds = make_folds(index, n_splits=4, repeats=3, seed=5)
    assert folds.columns == [
        *("source", "group", "label", "platform", "collection", "repeat", "fold"),
    ]  # fmt: skip
    assert len(folds) == 3 * len(index)
    assert not folds.select("source", "repeat").is_duplicated().any()
    torn = folds.group_by("repeat", "group").agg(pl.col("fold").n_unique())
    assert (torn["fold"] == 1).all()
    assert folds["fold"].unique().sort().to_list() == [0, 1, 2, 3]
    per_repeat = [part["fold"].to_list() for part in folds.partition_by("repeat")]
    assert per_repeat[0] != per_repeat[1] != per_repeat[2]
    FoldSchema.validate(folds, cast=True)


def test_the_order_of_the_index_does_not_matter(index: pl.DataFrame) -> None:
    shuffled = index.sample(fraction=1, shuffle=True, seed=1)
    assert make_folds(index).equals(make_folds(shuffled))
    assert index_fingerprint(index) == index_fingerprint(shuffled)
    assert split_hash(make_folds(index)) == split_hash(make_folds(index).reverse())


def test_the_fingerprint_follows_what_the_folds_depend_on(index: pl.DataFrame) -> None:
    before = index_fingerprint(index)
    assert index_fingerprint(index.with_columns(video_path=pl.lit("moved"))) == before
    assert index_fingerprint(index.with_columns(pl.col("label").cast(pl.Int8))) == before
    first = pl.col("source") == "s00"
    for change in (
        pl.when(first).then(pl.lit("gx")).otherwise("group").alias("group"),
        pl.when(first).then(1 - pl.col("label")).otherwise("label").alias("label"),
        pl.when(first).then(None).otherwise("platform").alias("platform"),
        pl.when(first).then(pl.lit("s99")).otherwise("source").alias("source"),
    ):
        assert index_fingerprint(index.with_columns(change)) != before
    assert index_fingerprint(index.head(39)) != before


def test_another_seed_is_another_split(index: pl.DataFrame) -> None:
    assert split_hash(make_folds(index, seed=0)) != split_hash(make_folds(index, seed=1))


def test_missing_platform_and_collection_become_null(index: pl.DataFrame) -> None:
    folds = make_folds(index.drop("platform", "collection"))
    assert folds["platform"].null_count() == folds["collection"].null_count() == len(folds)


def test_written_folds_come_back_and_say_what_they_are(index: pl.DataFrame, tmp_path: Path) -> None:
    path, fingerprint = tmp_path / "folds.parquet", index_fingerprint(index)
    folds = make_folds(index, n_splits=3, repeats=2, seed=9)
    save_folds(folds, path, fingerprint=fingerprint, seed=9)
    loaded = load_folds(path, fingerprint=fingerprint, n_splits=3, repeats=1, seed=9)
    assert loaded.equals(folds)
    split = describe_split(loaded, read_folds_info(path))
    assert split["hash"] == split_hash(folds)
    assert (split["n_splits"], split["repeats"], split["seed"]) == (3, 2, 9)
    assert (split["n_sources"], split["n_groups"]) == (40, 20)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"fingerprint": "other"}, "the index has changed"),
        ({"n_splits": 4}, "has n_splits 3, asked for is 4"),
        ({"repeats": 3}, "has repeats 2, asked for is 3"),
        ({"seed": 1}, "has seed 9, asked for is 1"),
    ],
)
def test_a_stale_split_names_the_command(
    index: pl.DataFrame, tmp_path: Path, wish: dict[str, object], said: str
) -> None:
    path, fingerprint = tmp_path / "folds.parquet", index_fingerprint(index)
    save_folds(
        make_folds(index, n_splits=3, repeats=2, seed=9), path, fingerprint=fingerprint, seed=9
    )
    with pytest.raises(StaleError, match=said) as error:
        load_folds(path, **{"fingerprint": fingerprint, **wish})  # type: ignore[arg-type]
    assert "fvc train --delete-existing" in str(error.value)


def test_files_that_are_no_split_are_told_apart(index: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "folds.parquet"
    with pytest.raises(MissingInputError, match="no split file"):
        load_folds(path, fingerprint="x")
    make_folds(index).write_parquet(path)
    with pytest.raises(StaleError, match="does not say"):
        load_folds(path, fingerprint="x")
    path.write_text("no parquet")
    with pytest.raises(StaleError, match="does not say"):
        load_folds(path, fingerprint="x")


def test_a_split_of_another_format_is_stale(
    index: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "folds.parquet"
    save_folds(make_folds(index), path, fingerprint="x")
    monkeypatch.setattr("fvc.evaluation.folds.FOLDS_VERSION", 99)
    with pytest.raises(StaleError, match="has format 1, this version reads 99"):
        load_folds(path, fingerprint="x")


def test_a_split_made_wrong_on_purpose_is_a_leak(index: pl.DataFrame, tmp_path: Path) -> None:
    folds = make_folds(index, n_splits=4, repeats=1)
    moved = folds.with_columns(
        fold=pl.when(pl.col("source") == "s00")
        .then((pl.col("fold") + 1) % 4)
        .otherwise("fold")
        .cast(pl.Int32)
    )
    save_folds(moved, tmp_path / "folds.parquet", fingerprint="x")
    with pytest.raises(LeakageError) as error:
        load_folds(tmp_path / "folds.parquet", fingerprint="x")
    assert error.value.groups == ["g0"]


def test_wrong_indexes_are_named(index: pl.DataFrame) -> None:
    with pytest.raises(TableError, match="columns are missing: group"):
        make_folds(index.drop("group"))
    with pytest.raises(TableError, match="'s00' stands in more than one row"):
        make_folds(pl.concat([index, index.head(1)]))
    with pytest.raises(OptionError, match="repeats is 0"):
        make_folds(index, repeats=0)
