import json
from pathlib import Path

import polars as pl
import pytest

from fvc.errors import MissingInputError, OptionError, TableError
from fvc.tables import write_table
from fvc.tracking import DuckDBAnalytics


def metrics(root: Path, model: str, scores: list[float | None]) -> Path:
    path = root / "data" / "stage5" / model / "metrics.json"
    path.parent.mkdir(parents=True)
    rows = [
        {"fold": fold, "repeat": 0, "reason": None, "settings": {"C": 1}, "test_f1": score}
        for fold, score in enumerate(scores)
    ]
    rows[0]["val_roc_auc"] = None
    path.write_text(json.dumps({"model": model, "fold_results": rows}))
    return path


@pytest.mark.parametrize("format", ["parquet", "arrow", "csv"])
def test_a_table_of_any_format_gets_a_name(tmp_path: Path, format: str) -> None:
    path = tmp_path / f"t.{format}"
    write_table(pl.DataFrame({"source": ["a", "b"], "n": [1, 2]}), path)
    with DuckDBAnalytics() as analytics:
        analytics.register_parquet("t", path)
        assert analytics.query("SELECT sum(n) AS n FROM t")["n"].to_list() == [3]
        getattr(analytics, f"register_{format}")("again", path)
        assert analytics.tables() == ["again", "t"]


def test_fold_rows_of_one_model(tmp_path: Path) -> None:
    path = metrics(tmp_path, "svm", [0.5, 0.7, None])
    analytics = DuckDBAnalytics()
    analytics.register_parquet("results", path)
    found = analytics.query("SELECT * FROM results ORDER BY fold")
    assert found["model"].to_list() == ["svm"] * 3
    assert found["test_f1"].to_list() == [0.5, 0.7, None]
    assert found["val_roc_auc"].dtype == pl.Float64
    assert json.loads(found["settings"][0]) == {"C": 1}


def test_the_documented_path_means_every_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics(tmp_path, "svm", [0.5, 0.7])
    metrics(tmp_path, "x3d", [0.1, 0.3])
    monkeypatch.chdir(tmp_path)
    analytics = DuckDBAnalytics()
    analytics.register_parquet("results", "data/stage5/{model_type}/metrics.json")
    sql = "SELECT fold, AVG(test_f1) AS f1 FROM results GROUP BY fold ORDER BY fold"
    assert analytics.query(sql)["f1"].to_list() == pytest.approx([0.3, 0.5])
    absolute = tmp_path / "data/stage5/{model_type}/metrics.json"
    analytics.register_json("same", absolute)
    assert analytics.query("SELECT count(*) AS n FROM same")["n"][0] == 4


def test_a_name_can_be_given_anew_and_a_list_of_objects_is_a_table(tmp_path: Path) -> None:
    analytics = DuckDBAnalytics()
    analytics.register_dataframe("t", pl.DataFrame({"a": [1]}))
    (tmp_path / "rows.json").write_text('[{"a": 5}, {"a": 6, "b": "x"}]')
    analytics.register_json("t", tmp_path / "rows.json")
    assert analytics.query("SELECT a, b FROM t ORDER BY a").rows() == [(5, None), (6, "x")]


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("none.json", None, MissingInputError, "no such file"),
        ("none.parquet", None, MissingInputError, "no such table"),
        ("bad.json", "{", TableError, "is not JSON"),
        ("other.json", '{"a": 1}', TableError, "neither fold_results"),
        ("a.txt", "a", OptionError, r"\.parquet, \.arrow, \.csv or \.json"),
        ("bad.parquet", "x", TableError, "cannot be read as parquet"),
    ],
)
def test_what_cannot_be_read_is_named(
    tmp_path: Path, name: str, content: str | None, error: type[Exception], message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(error, match=message):
        DuckDBAnalytics().register_parquet("t", tmp_path / name)


def test_no_trained_model_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="fvc train"):
        DuckDBAnalytics().register_parquet("t", tmp_path / "{model_type}" / "metrics.json")


def test_a_wrong_query_is_a_users_error() -> None:
    with pytest.raises(OptionError, match="cannot be run"):
        DuckDBAnalytics().query("SELEC 1")
