"""Scores that are handed in: what can be said of them, and what cannot is said too."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fvc.audit import audit_model, audit_scores
from fvc.audit.reading import read_scores
from fvc.errors import DataError, MissingInputError, TableError
from fvc.workspace import Workspace


def scores(folds: str | None, effect: float = 1.0, seed: int = 0) -> pl.DataFrame:
    """Three clips of each of eighty sources, two sources a group."""
    rng = np.random.default_rng(seed)
    source = np.repeat(np.arange(80), 3)
    group = source // 2
    label = group % 2
    fold = {"grouped": group % 5, "source-wise": (source // 2 + source) % 5, "row-wise": None}
    dealt = np.arange(len(source)) % 5 if folds == "row-wise" else fold.get(folds or "")
    columns: dict[str, Any] = {
        "clip": [f"c{i}" for i in range(len(source))],
        "source": [f"s{s}" for s in source],
        "group": [f"g{g}" for g in group],
        "label": label,
        "score": 1 / (1 + np.exp(-effect * (2 * label - 1) - rng.normal(size=80)[source])),
        "repeat": np.zeros(len(source), dtype=np.int32),
    }
    if dealt is not None:
        columns["fold"] = [str(k) for k in dealt]
    return pl.DataFrame(columns)


@pytest.mark.parametrize("kind", ["grouped", "source-wise", "row-wise"])
def test_the_kind_of_split_is_read_off_the_folds(kind: str) -> None:
    document = audit_scores(scores(kind), permutations=20, resamples=100)
    leakage = document["leakage"]
    assert leakage["folds"] == kind
    assert {row["folds"] for row in document["rows"]} == {kind}
    if kind == "grouped":
        assert leakage["groups_in_several_folds"] == 0
        assert "the score is that of grouped folds" in document["verdict"]
        assert leakage["auc_of_clips_that_leak"] is None
    else:
        assert leakage["groups_in_several_folds"] > 0
        assert "measures memory as well" in document["verdict"]
    assert leakage["sources_in_several_folds"] == (80 if kind == "row-wise" else 0)


def test_units_are_kept_apart() -> None:
    document = audit_scores(scores("grouped"), permutations=20, resamples=100)
    kinds = [(row["unit"], row["labels"], row["n"], row["n_groups"]) for row in document["rows"]]
    assert kinds == [
        ("clip", "true", 240, 40),
        ("clip", "permuted", 240, 40),
        ("source", "true", 80, 40),
        ("source", "permuted", 80, 40),
    ]


def test_scores_that_go_with_labels_and_scores_that_do_not() -> None:
    good = audit_scores(scores("grouped", 1.0), permutations=99, resamples=100)
    none = audit_scores(scores("grouped", 0.0, seed=2), permutations=99, resamples=100)
    assert good["rows"][2]["p_value"] == pytest.approx(0.01)
    assert none["rows"][2]["p_value"] > 0.05
    assert "cannot be shown to go with the labels" in none["verdict"]
    assert np.mean(good["permuted_aucs"]["source"]) == pytest.approx(0.5, abs=0.03)


def test_what_cannot_be_computed_is_said() -> None:
    document = audit_scores(scores(None), permutations=5, resamples=100)
    told = " ".join(document["cannot"])
    assert document["leakage"] is None
    assert document["memory"] is None
    assert {row["folds"] for row in document["rows"]} == {"unknown"}
    for said in ("cannot be computed", "no column 'fold'", "not whether they were learnt"):
        assert said in told
    assert "whether this is memory cannot be said" in document["verdict"]


def test_scores_beyond_0_to_1_have_no_threshold() -> None:
    table = scores("grouped").with_columns(pl.col("score") * 10)
    row = audit_scores(table, permutations=0, resamples=100)["rows"][0]
    assert row["f1"] is row["accuracy_low"] is None
    assert row["auc"] > 0.7


def test_a_source_has_one_label_and_one_group() -> None:
    table = scores("grouped")
    for name in ("label", "group"):
        torn = table.with_columns(
            pl.when(pl.col("clip") == "c0")
            .then(pl.lit(table[name][-1]))
            .otherwise(name)
            .alias(name)
        )
        with pytest.raises(DataError, match=f"more than one {name}"):
            audit_scores(torn, permutations=0, resamples=100)


def write(path: Path, table: pl.DataFrame) -> Path:
    table.write_csv(path)
    return path


def test_a_csv_with_words_gaps_and_no_groups(tmp_path: Path) -> None:
    table = scores(None).drop("group", "repeat")
    table = table.with_columns(
        label=pl.when(pl.col("label") == 1).then(pl.lit("Fake")).otherwise(pl.lit(" real")),
        score=pl.when(pl.col("clip") == "c5").then(None).otherwise("score"),
    )
    path = write(tmp_path / "theirs (v2).csv", table)
    report = audit_model(tmp_path, predictions=path, permutations=5, resamples=100)
    document = report.to_dict()
    assert document["target"] == "theirs_v2"
    assert document["unscored"] == 1
    assert document["rows"][0]["n"] == 239
    assert any(
        "every source is taken for a group of its own" in note for note in document["cannot"]
    )
    assert sorted(p.name for p in report.folder.iterdir()) == [
        "audit.csv", "audit.json", "audit.parquet", "audit.png", "audit.svg",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"drop": "score"}, "columns are missing: score"),
        ({"label": pl.lit("maybe")}, "label 'maybe'"),
        ({"score": pl.lit("high")}, "no number"),
        ({"score": pl.lit(float("inf"))}, "infinite"),
        ({"score": pl.lit(None, dtype=pl.Float64)}, "no clip has a score"),
        ({"clip": pl.lit("same")}, "'same' stands in several rows"),
        ({"source": pl.lit(None, dtype=pl.String)}, "have no source"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, change: Any, message: str) -> None:
    table = scores("grouped")
    table = table.drop("score") if "drop" in change else table.with_columns(**change)
    with pytest.raises(TableError, match=message):
        read_scores(write(tmp_path / "x.csv", table), Workspace(tmp_path))


def test_no_file_is_missing_input(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError):
        audit_model(tmp_path, predictions=tmp_path / "nothing.csv")
