import polars as pl
import pytest

from fvc.errors import TableError
from fvc.tables import FailureSchema, FoldSchema, check

GOOD = pl.DataFrame(
    {
        "source": ["a", "b"],
        "repeat": [0, 0],
        "group": ["x", "y"],
        "label": [0, 1],
        "platform": pl.Series([None, None], dtype=pl.String),
        "collection": ["c", "c"],
        "fold": [0, 1],
        "beyond": [1.5, 2.5],
    }
)


def test_a_good_table_is_cast_and_keeps_its_other_columns() -> None:
    checked = check(GOOD, FoldSchema, "folds.parquet")
    assert checked.schema["label"] == pl.Int8
    assert checked["beyond"].to_list() == [1.5, 2.5]
    assert checked.columns == GOOD.columns


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (GOOD.drop("fold"), "columns are missing: fold"),
        (GOOD.with_columns(label=pl.lit(3)), "label.* for example 3"),
        (GOOD.with_columns(label=pl.lit(0.5)), "'label' is not Int8: it holds 0.5"),
        (GOOD.with_columns(fold=pl.lit("q")), "'fold' is not Int32"),
        (GOOD.with_columns(group=pl.lit(None, pl.String)), "group.*null"),
        (GOOD.with_columns(source=pl.lit("a")), "2 row.*primary_key"),
        (GOOD.with_columns(group=pl.lit("")), "group"),
    ],
)
def test_what_breaks_a_rule_is_named(broken: pl.DataFrame, message: str) -> None:
    with pytest.raises(TableError, match=message) as caught:
        check(broken, FoldSchema, "data/folds.parquet")
    assert "data/folds.parquet" in str(caught.value)


def test_an_empty_table_is_a_table() -> None:
    empty = pl.DataFrame(
        schema=dict.fromkeys(("stage", "unit", "path", "kind", "reason"), pl.String)
    )
    assert check(empty, FailureSchema, "failures.csv").height == 0
