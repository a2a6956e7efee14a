"""The reference pages say what the code says."""

import ast
import doctest
import inspect
import re

import polars as pl
import pytest
from docs_pages import DOCS, ROOT, table_after

import fvc.errors
from fvc.features.names import FEATURE_NAMES, INDICATOR_NAMES, SCALED_ONLY_NAMES
from fvc.models import list_models
from fvc.tables import schemas

FILES = DOCS / "reference" / "files.md"
CODES = DOCS / "reference" / "exit-codes.md"
FEATURES = DOCS / "reference" / "features.md"
FAILURES = DOCS / "how-to" / "failures.md"


def _words(schema: type) -> dict[str, str]:
    types = schema.create_empty().schema
    return {name: _word(kind) for name, kind in types.items()}


def _word(kind: pl.DataType) -> str:
    if kind.is_integer():
        return "integer"
    if kind.is_float():
        return "number"
    return {pl.String(): "text", pl.Boolean(): "boolean"}[kind]


def _documented(marker: str) -> dict[str, str]:
    return {row[0]: row[1] for row in table_after(FILES, marker)}


@pytest.mark.parametrize(
    "name",
    ["IndexSchema", "ClipSchema", "FeatureSchema", "FoldSchema", "PredictionSchema",
     "FailureSchema"],
)  # fmt: skip
def test_columns_are_those_of_the_schema(name: str) -> None:
    assert _documented(f"<!-- schema: {name} -->") == _words(getattr(schemas, name))


def test_columns_of_scaled_clips() -> None:
    further = _documented("<!-- schema: ScaledSchema beyond ClipSchema -->")
    assert further == {
        name: word
        for name, word in _words(schemas.ScaledSchema).items()
        if name not in schemas.ClipSchema.column_names()
    }


def test_every_schema_is_documented() -> None:
    text = FILES.read_text(encoding="utf-8")
    for name, schema in inspect.getmembers(schemas, inspect.isclass):
        own = issubclass(schema, schemas.dy.Schema) and schema.__module__ == schemas.__name__
        if own and not name.startswith("_"):
            assert f"<!-- schema: {name}" in text


def test_columns_of_the_failures_list() -> None:
    rows = table_after(FAILURES, "# Read failures.csv")
    assert [row[0] for row in rows] == schemas.FailureSchema.column_names()


def test_exit_codes_are_those_of_the_errors() -> None:
    rows = table_after(CODES, "# Exit codes")
    documented = {row[1]: int(row[0]) for row in rows if row[1]}
    classes = {
        name: error.exit_code
        for name, error in inspect.getmembers(fvc.errors, inspect.isclass)
        if issubclass(error, fvc.errors.FVCError)
    }
    assert documented == classes
    without = {int(row[0]) for row in rows if not row[1]}
    assert without == {0, fvc.errors.EXIT_SOME_FAILED, 130, 143}


def test_features_stand_in_the_order_of_the_columns() -> None:
    first = [row[0] for row in table_after(FEATURES, "## Stages 2 and 4")]
    own = [row[0] for row in table_after(FEATURES, "## Stage 4 only")]
    assert tuple(first) == FEATURE_NAMES
    assert tuple(own) == SCALED_ONLY_NAMES + INDICATOR_NAMES


def _kinds_in_code() -> set[str]:
    """Kinds that the code gives failures, read from its calls."""
    place = {"VideoError": 1, "MemberError": 0, "LeftOut": 2, "Failure": 0, "Problem": 1}
    kinds = set()
    for path in (ROOT / "src" / "fvc").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                index = place.get(node.func.id)
                if index is not None and len(node.args) > index:
                    kind = node.args[index]
                    if isinstance(kind, ast.Constant):
                        kinds.add(kind.value)
    return kinds


def test_every_kind_of_failure_is_explained() -> None:
    rows = table_after(FAILURES, "## Kinds")
    documented = {kind.strip(" `") for row in rows for kind in row[0].split(",")}
    found = _kinds_in_code()
    assert {"corrupt", "unsafe_path", "no_label", "stalled"} <= found
    assert found - documented == set()


def test_the_example_of_grouped_folds_runs() -> None:
    path = DOCS / "explanation" / "grouped-folds.md"
    result = doctest.testfile(
        str(path), module_relative=False, optionflags=doctest.IGNORE_EXCEPTION_DETAIL
    )
    assert result.attempted >= 4
    assert result.failed == 0


def test_the_readme_calls_its_result_simulated_and_names_its_n() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text.split("<!-- begin: result -->")[1].split("<!-- end: result -->")[0]
    assert "**simulated videos**" in block
    assert re.search(r"\d+ sources \(\d+ real, \d+ fake\) in \d+ groups", block)
    rows = table_after(ROOT / "README.md", "<!-- begin: result -->")
    models = [row[0] for row in rows if not row[0].startswith("*")]
    assert models
    assert set(models) <= set(list_models(available=True))
    assert any(row[0].startswith("*") for row in rows)
