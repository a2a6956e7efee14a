import os
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fvc.errors import MissingInputError, OptionError, TableError
from fvc.tables import find_table, load_metadata_flexible, read_table, require_table, write_table
from fvc.workspace import Workspace

FORMATS = ("arrow", "parquet", "csv")


@pytest.mark.parametrize("format", FORMATS)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), min_size=1),
            st.one_of(st.none(), st.integers(-(2**60), 2**60)),
            st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
        ),
        min_size=1,
    )
)
def test_what_is_written_is_read_back(tmp_path: Path, format: str, rows: list[tuple]) -> None:
    schema = {"source": pl.String, "n": pl.Int64, "x": pl.Float64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    write_table(frame, tmp_path / f"t.{format}")
    back = read_table(tmp_path / f"t.{format}")
    # CSV knows no types: a column of nothing but nulls comes back as text.
    assert_frame_equal(back.cast(schema), frame)


def test_ids_of_digits_stay_text_in_csv(tmp_path: Path) -> None:
    frame = pl.DataFrame({"source": ["007", "1e5"], "clip": ["01", "02"], "n": [1, 2]})
    write_table(frame, tmp_path / "t.csv")
    assert_frame_equal(read_table(tmp_path / "t.csv"), frame)


def test_numbers_that_turn_decimal_late_in_a_csv_are_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x\n" + "1\n" * 5000 + "0.5\n")
    assert read_table(path)["x"][-1] == 0.5


@pytest.mark.parametrize("format", FORMATS[:2])
def test_a_file_that_is_not_what_its_ending_says(tmp_path: Path, format: str) -> None:
    path = tmp_path / f"t.{format}"
    path.write_text("not a table")
    with pytest.raises(TableError, match=f"t.{format}: cannot be read as {format}"):
        read_table(path)


def test_unknown_endings_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"\.arrow, \.parquet, \.csv"):
        read_table(tmp_path / "t.xlsx")
    with pytest.raises(MissingInputError, match="no such table"):
        read_table(tmp_path / "t.csv")


def test_a_table_is_found_under_each_documented_name(tmp_path: Path) -> None:
    files = Workspace(tmp_path).stage3
    with pytest.raises(MissingInputError, match="Run `fvc scale` first"):
        require_table(files)
    asked = tmp_path / "data" / "stage3" / "scaled_metadata.parquet"
    assert load_metadata_flexible(str(asked)) is None
    frame = pl.DataFrame({"clip": ["a"]})
    for folder in ("scaled_videos", "stage3"):
        for format in FORMATS:
            path = tmp_path / "data" / folder / f"scaled_metadata.{format}"
            write_table(frame, path)
            assert find_table(files) == path
            found = load_metadata_flexible(str(asked))
            assert found is not None
            assert_frame_equal(found, frame)
            path.unlink()


def test_the_table_made_last_wins(tmp_path: Path) -> None:
    files = Workspace(tmp_path).stage2
    for age, format in enumerate(FORMATS):
        write_table(pl.DataFrame({"clip": ["a"]}), files.table(format))  # type: ignore[arg-type]
        os.utime(files.table(format), (100 - age, 100 - age))  # type: ignore[arg-type]
    assert find_table(files) == files.table("arrow")


def test_a_relative_path_of_the_documents_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_table(pl.DataFrame({"clip": ["a"]}), Workspace(".").stage2.table("arrow"))
    found = load_metadata_flexible("data/stage2/features_metadata.parquet")
    assert found is not None
    assert found.height == 1
