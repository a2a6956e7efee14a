"""SQL over a project: what it finds, and what it must not be able to do."""

import json
from pathlib import Path

import polars as pl
import pytest

from fvc.cli.app import run
from fvc.errors import MissingInputError, OptionError, TableError
from fvc.tables import write_table
from fvc.tracking import DuckDBAnalytics, ProjectSQL
from fvc.workspace import Workspace


@pytest.fixture
def project(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "it's a project")
    index = pl.DataFrame({
        "source": ["001", "002"], "video_path": ["a.mp4", "b,c.mp4"], "label": [0, 1],
        "group": ["7", "8"], "has_audio": [True, None], "fps": [25.0, None], "mine": ["x", "9"],
    })  # fmt: skip
    write_table(index, workspace.index_csv)
    clips = pl.DataFrame({"clip": ["001_original", "001_aug0"], "source": ["001", "001"]})
    write_table(clips, workspace.stage1.table("arrow"))
    write_table(clips.with_columns(dct=pl.Series([1.5, 2.5])), workspace.stage2.table("parquet"))
    write_table(clips.with_columns(dct=pl.Series([3.5, 4.5])), workspace.stage4.table("csv"))
    for model, score in (("svm", 0.25), ("x3d", 0.75)):
        rows = pl.DataFrame({"source": ["001", "002"], "fold": [0, 1], "score": [score, None]})
        write_table(rows, workspace.model(model) / "predictions.parquet")
        document = {"model": model, "fold_results": [{"fold": 0, "test_f1": score}]}
        (workspace.model(model) / "metrics.json").write_text(json.dumps(document))
    write_table(
        pl.DataFrame({"stage": ["augment"], "unit": ["003"], "kind": ["corrupt"]}),
        workspace.failures,
    )
    return workspace


def test_every_view_reads_its_file_with_the_right_types(project: Workspace) -> None:
    with ProjectSQL(project.root) as sql:
        sources = sql.query("SELECT * FROM sources ORDER BY source")
        assert sources["source"].to_list() == ["001", "002"]
        assert sources["group"].to_list() == ["7", "8"]
        assert sources["label"].to_list() == [0, 1]
        assert sources["has_audio"].to_list() == [True, None]
        assert sources["fps"].to_list() == [25.0, None]
        assert sources["video_path"][1] == "b,c.mp4"
        joined = sql.query(
            "SELECT f.dct, s.dct AS scaled, i.label FROM features f JOIN clips USING (clip) "
            "JOIN scaled_features s USING (clip) JOIN sources i ON i.source = f.source "
            "ORDER BY clip"
        )
        assert joined.rows() == [(2.5, 4.5, 0), (1.5, 3.5, 0)]
        found = sql.query("SELECT model, avg(score) AS s FROM predictions GROUP BY ALL ORDER BY 1")
        assert found.rows() == [("svm", 0.25), ("x3d", 0.75)]
        assert sql.query("SELECT sum(test_f1) AS s FROM results")["s"].to_list() == [1.0]
        assert sql.query("SELECT kind FROM failures").rows() == [("corrupt",)]
        assert dict(sql.columns(sql.views[0]))["source"] == "VARCHAR"


def test_files_are_read_in_place_and_never_half_of_an_old_one(project: Workspace) -> None:
    with ProjectSQL(project.root) as sql:
        assert len(sql.query("FROM features")) == 2
        path = project.stage2.table("parquet")
        write_table(pl.concat([pl.read_parquet(path)] * 3), path)
        with pytest.raises(OptionError, match="replaced meanwhile"):
            sql.query("FROM features")


@pytest.mark.parametrize(
    ("view", "command"),
    [
        ("scaled_clips", "fvc scale"),
        ("folds", "fvc train"),
        ("leaderboard", "fvc train"),
    ],
)
def test_a_view_that_is_not_there_says_what_makes_it(
    project: Workspace, view: str, command: str
) -> None:
    with (
        ProjectSQL(project.root) as sql,
        pytest.raises(MissingInputError, match=f"{view} is not there.*Run `{command}`"),
    ):
        sql.query(f"SELECT * FROM {view}")


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_there(project: Workspace) -> None:
    project.stage1.table("arrow").write_bytes(b"nonsense")
    (project.model("x3d") / "predictions.parquet").write_bytes(b"nonsense")
    with ProjectSQL(project.root) as sql:
        with pytest.raises(TableError, match=r"augmented_metadata\.arrow"):
            sql.query("SELECT * FROM clips")
        assert sql.query("SELECT DISTINCT model FROM predictions").rows() == [("svm",)]
        view = next(view for view in sql.views if view.name == "predictions")
        assert "x3d" in view.problems[0]


ATTACKS = [
    "COPY (SELECT 1) TO '{out}'",
    "COPY (SELECT 1) TO '{own}' (USE_TMP_FILE false)",
    "WITH w AS (COPY (SELECT 1) TO '{own}' (USE_TMP_FILE false)) SELECT 1",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{own}' (USE_TMP_FILE false)",
    "SELECT * FROM query('COPY (SELECT 1) TO ''{out}''')",
    "EXPORT DATABASE '{out}'",
    "ATTACH '{out}'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "RESET enable_external_access",
    "SELECT 1; SELECT 2",
    "SELECT * FROM read_csv('{secret}')",
    "SELECT * FROM '{secret}'",
    "SELECT * FROM read_text('{secret}')",
    "SELECT * FROM read_blob('{own}/../../../../{secret}')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM sniff_csv('{secret}')",
    "SELECT * FROM read_parquet('http://127.0.0.1:9/x.parquet')",
    "SELECT * FROM attacker",
    "CREATE TABLE t AS SELECT 1",
    "DROP VIEW features",
    "PRAGMA database_list",
    "CALL pragma_version()",
    "",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_else_is_read_and_nothing_is_written(
    project: Workspace, tmp_path: Path, attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    secret, out = tmp_path / "secret.csv", tmp_path / "out"
    secret.write_text("password\nhunter2\n")
    attacker = pl.DataFrame({"a": [1]})
    own = project.stage2.table("parquet")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    places = {"out": out, "secret": secret, "folder": tmp_path, "own": own}
    quoted = {name: str(path).replace("'", "''") for name, path in places.items()}
    with ProjectSQL(project.root) as sql, pytest.raises(OptionError):
        print(sql.query(attack.format(**quoted)))
    assert len(attacker) == 1
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_a_file_that_is_asked_for_gets_a_name(project: Workspace, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("source,label\n001,fake\n")
    with ProjectSQL(project.root, also={"other": other}) as sql:
        assert sql.query("SELECT label FROM other").rows() == [("fake",)]
    with pytest.raises(OptionError, match="no free name"):
        ProjectSQL(project.root, also={"clips": other})
    with pytest.raises(MissingInputError, match="no such file"):
        ProjectSQL(project.root, also={"o": tmp_path / "none.csv"})
    with pytest.raises(OptionError, match="memory-limit"):
        ProjectSQL(project.root, memory_limit="many")


def test_the_verb_prints_tables_csv_and_json(
    project: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--project", str(project.root)]
    sql = "SELECT model, score, score AS score, 'nan'::DOUBLE AS n FROM predictions ORDER BY ALL"
    assert run(["query", sql, *where, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [c["name"] for c in document["columns"]] == ["model", "score", "score_2", "n"]
    assert document["rows"][0] == {"model": "svm", "score": 0.25, "score_2": 0.25, "n": None}
    assert len(document["rows"]) == 4
    assert run(["query", sql, *where, "--output-format", "csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["model,score,score,n", "svm,0.25,0.25,nan", "svm,,,nan"]
    assert run(["query", "SELECT sum(fold) AS s FROM predictions", *where, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == [{"s": 2}]
    assert run(["query", sql, *where, "--limit", "1"]) == 0
    said = capsys.readouterr()
    assert said.out.split() == ["model", "score", "score", "n", "svm", "0.25", "0.25", "nan"]
    assert "--limit" in said.err
    assert run(["query", "SELECT * FROM nowhere", *where]) == 2
    assert "Views: sources" in capsys.readouterr().err
    assert run(["query", "SELECT * FROM folds", *where, "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["exit_code"] == 3
    assert run(["query", *where]) == 2


def test_an_error_in_the_midst_of_the_rows_is_one_for_people(project: Workspace) -> None:
    sql = "SELECT CASE WHEN i < 50000 THEN i ELSE error('stop here') END FROM range(60000) t(i)"
    with ProjectSQL(project.root) as opened, pytest.raises(OptionError, match="stop here"):
        list(opened.stream(sql).rows)


def test_long_queries_draw_nothing_on_standard_output(project: Workspace) -> None:
    with ProjectSQL(project.root) as sql, DuckDBAnalytics() as analytics:
        for one in (sql, analytics):
            found = one.query("SELECT current_setting('enable_progress_bar') AS drawn")
            assert found["drawn"].to_list() == [False]


def test_the_verb_lists_views_and_columns(
    project: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--project", str(project.root)]
    assert run(["query", "--list", *where]) == 0
    text = capsys.readouterr().out
    assert "Run `fvc scale` first" in text
    assert run(["query", "--schema", "--json", *where]) == 0
    views = {row["view"]: row for row in json.loads(capsys.readouterr().out)["views"]}
    assert {"name": "source", "type": "VARCHAR"} in views["sources"]["columns"]
    assert views["folds"]["columns"] == []
    assert run(["query", "--schema", *where, "--output-format", "csv"]) == 0
    assert "sources,source,VARCHAR" in capsys.readouterr().out


def test_the_printed_query_runs_as_it_stands(
    project: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    analytics = DuckDBAnalytics()
    analytics.register_parquet("results", "data/stage5/{model_type}/metrics.json")
    result = analytics.query("""
    SELECT 
        fold,
        AVG(test_f1) as avg_f1,
        STDDEV(test_f1) as std_f1
    FROM results
    GROUP BY fold
""")  # noqa: W291 - as printed
    assert result["avg_f1"].to_list() == [0.5]
    assert result["std_f1"].to_list() == pytest.approx([0.5 / 2**0.5])


def test_parquet_and_arrow_are_read_in_place_by_the_documented_class(tmp_path: Path) -> None:
    for ending in ("parquet", "arrow"):
        path = tmp_path / f"it's.{ending}"
        write_table(pl.DataFrame({"a": [1, 2]}), path)
        analytics = DuckDBAnalytics()
        analytics.register_parquet('odd "name"', path)
        assert analytics.query('SELECT sum(a) AS s FROM "odd ""name"""')["s"].to_list() == [3]
        analytics.register_dataframe('odd "name"', pl.DataFrame({"a": [7]}))
        assert analytics.query('SELECT a FROM "odd ""name"""')["a"].to_list() == [7]
        analytics.register_parquet('odd "name"', path)
        assert analytics.query('SELECT count(*) AS n FROM "odd ""name"""')["n"].to_list() == [2]
