import json
import logging
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from stage_toy import Inline, calls, contents, run, toy_stage, toy_units

from fvc.errors import DataError, NothingLeftError, OptionError
from fvc.stages import RunOptions, Unit, run_stage, unit_key
from fvc.tables import read_table
from fvc.workspace import Workspace


def failures(root: Path) -> list[dict[str, Any]]:
    return pl.read_csv(root / "data/failures.csv").to_dicts()


def test_a_run_makes_a_row_for_each_file_in_the_inputs_order(tmp_path: Path) -> None:
    report = run(tmp_path)
    assert (report.done, report.resumed, report.failed, report.exit_code) == (6, 0, 0, 0)
    assert report.table == Workspace(tmp_path).stage1.table("arrow")
    table = read_table(report.table)
    expected = [f"unit{i:03d}_{k}" for i in range(6) for k in range(1 + i % 3)]
    assert table["clip"].to_list() == expected
    assert report.rows == table.height == len(expected)
    assert table.schema == {
        "clip": pl.String, "source": pl.String, "video_path": pl.String, "label": pl.Int8,
        "flag": pl.Boolean, "number": pl.Float64, "extra": pl.Float32, "key": pl.String,
    }  # fmt: skip
    stage = toy_stage(tmp_path)
    keys = {unit.id: unit_key(stage, unit) for unit in toy_units()}
    assert table["key"].to_list() == [keys[source] for source in table["source"]]
    for path, number in table.select("video_path", "number").iter_rows():
        length = len((tmp_path / path).read_text())
        assert number in (None, length / 7)
    assert failures(tmp_path) == []
    json.dumps(report.to_dict(), allow_nan=False)


def test_a_second_run_does_nothing_and_changes_nothing(tmp_path: Path) -> None:
    run(tmp_path)
    before = contents(tmp_path)
    report = run(tmp_path)
    assert (report.done, report.resumed) == (0, 6)
    assert len(calls(tmp_path)) == 6
    assert contents(tmp_path) == before


def test_workers_and_a_stream_of_units_do_not_show_in_the_result(tmp_path: Path) -> None:
    run(tmp_path / "a", workers=1)
    run(tmp_path / "b", iter(toy_units()), workers=3)
    a, b = contents(tmp_path / "a"), contents(tmp_path / "b")
    assert a == b
    assert len(a) == 12 + 2


@pytest.mark.parametrize("format", ["arrow", "parquet", "csv"])
def test_there_is_one_table_in_the_format_asked_for(tmp_path: Path, format: str) -> None:
    first = run(tmp_path, format="csv" if format == "arrow" else "arrow")
    second = run(tmp_path, format=format)
    assert second.table is not None
    assert second.table.suffix == f".{format}"
    assert first.table is not None
    assert second.table == first.table or not first.table.exists()
    assert read_table(second.table).height == 12


@pytest.mark.parametrize("change", ["settings", "version", "row", "fingerprint"])
def test_what_was_made_otherwise_is_made_again(
    tmp_path: Path, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    run(tmp_path, engine=Inline(), settings={"frames": 6})
    units, again = toy_units(), {unit.id for unit in toy_units()}
    changed: dict[str, Any] = {"settings": {"frames": 6}}
    if change == "settings":
        changed = {"settings": {"frames": 8}}
    elif change == "version":
        changed["version"] = 2
    else:
        old = units[2]
        again = {old.id}
        units[2] = (
            Unit(old.id, {**old.row, "label": 1}, old.fingerprint)
            if change == "row"
            else Unit(old.id, old.row, "other")
        )
    caplog.clear()
    report = run(tmp_path, units, engine=Inline(), **changed)
    assert report.done == len(again)
    assert report.resumed == 6 - len(again)
    assert set(calls(tmp_path)[6:]) == again
    says = " ".join(r.getMessage() for r in caplog.records if r.levelno == logging.WARNING)
    assert ("frames: 6 → 8" in says) == (change == "settings")
    assert ("version: 1 → 2" in says) == (change == "version")
    run(tmp_path / "afresh", units, engine=Inline(), **changed)
    assert contents(tmp_path) == contents(tmp_path / "afresh")


def test_a_claim_about_overwritten_files_does_not_survive_a_kill(tmp_path: Path) -> None:
    """Files of the same size, written under other settings and never recorded."""
    one, two = {"settings": {"mode": "a"}}, {"settings": {"mode": "b"}}
    run(tmp_path, engine=Inline(), **one)
    expected = contents(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, engine=Inline(stop_after=0), **two)
    assert contents(tmp_path) != expected
    assert run(tmp_path, engine=Inline(), **one).done == 1
    assert contents(tmp_path) == expected


@pytest.mark.parametrize("how", ["missing", "truncated"])
def test_damaged_output_is_made_again(tmp_path: Path, how: str) -> None:
    run(tmp_path, engine=Inline())
    expected = contents(tmp_path)
    path = tmp_path / "data/augmented_videos/unit002_1.bin"
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    report = run(tmp_path, engine=Inline())
    assert (report.done, report.resumed) == (1, 5)
    assert contents(tmp_path) == expected


HAZARDS = {
    "segv": ("crash", "SIGSEGV"),
    "fail": ("no_frames", 'has "no frames", none\nat all: é'),
    "surrogate": ("error", "\\udcff"),
    "nan": ("error", "column 'number' is nan"),
    "unknown column": ("error", "no column 'surprise'"),
    "wrong type": ("error", "column 'label' holds int, not '1'"),
    "no row": ("error", "no row"),
    "no file": ("missing", "_0.bin"),
}


def test_what_fails_is_listed_and_the_rest_is_done(tmp_path: Path) -> None:
    units = toy_units(4) + [
        Unit(f"bad {what}", {"do": what, "video_path": f"videos/{what}.mp4"}, "print")
        for what in HAZARDS
    ]
    report = run(tmp_path, units)
    assert (report.done, report.failed, report.exit_code) == (4, len(HAZARDS), 5)
    rows = failures(tmp_path)
    assert [row["unit"] for row in rows] == [f"bad {what}" for what in HAZARDS]
    for row, (what, (kind, reason)) in zip(rows, HAZARDS.items(), strict=True):
        assert row["stage"] == "toy"
        assert row["path"] == f"videos/{what}.mp4"
        assert row["kind"] == kind
        assert reason in row["reason"]
    assert report.table is not None
    assert set(read_table(report.table)["source"]) == {f"unit{i:03d}" for i in range(4)}
    assert list(report.failures) == rows
    assert not list((tmp_path / "data").rglob(".part-*"))
    assert str(len(HAZARDS)) in report.summary()

    again = run(tmp_path, units)
    assert (again.done, again.resumed, again.known_failures) == (0, 4, len(HAZARDS))
    assert again.exit_code == 5
    assert failures(tmp_path) == rows
    assert "--retry-failed" in again.summary()


def test_a_failure_is_tried_again_when_asked_or_when_its_input_changed(tmp_path: Path) -> None:
    units = [*toy_units(2), Unit("late", {"do": "fail until mended"}, "one")]
    assert run(tmp_path, units).failed == 1
    (tmp_path / "mended").touch()
    assert run(tmp_path, units).failed == 1
    retried = run(tmp_path, units, retry_failed=True)
    assert (retried.done, retried.resumed, retried.failed, retried.exit_code) == (1, 2, 0, 0)
    assert failures(tmp_path) == []
    (tmp_path / "mended").unlink()
    units[2] = Unit("late", {"do": "fail until mended"}, "two")
    assert run(tmp_path, units).failed == 1
    (tmp_path / "mended").touch()
    units[2] = Unit("late", {"do": "fail until mended"}, "three")
    assert run(tmp_path, units).done == 1


def test_other_stages_failures_stay(tmp_path: Path) -> None:
    path = tmp_path / "data/failures.csv"
    path.parent.mkdir(parents=True)
    path.write_text("stage,unit,path,kind,reason\nalpha,a,a.mp4,crash,x\ntoy,old,o,error,y\n")
    run(tmp_path, [*toy_units(2), Unit("zzz", {"do": "fail"}, "p")])
    assert [(r["stage"], r["unit"]) for r in failures(tmp_path)] == [("alpha", "a"), ("toy", "zzz")]


def test_strict_stops_at_the_first_failure_and_keeps_what_is_done(tmp_path: Path) -> None:
    units = [*toy_units(2), Unit("bad", {"do": "fail"}, "p"), Unit("never", {"seconds": 60}, "p")]
    for _ in range(2):  # a failure that is known already is the first one, too
        with pytest.raises(DataError, match="bad failed \\(no_frames\\)"):
            run(tmp_path, units, strict=True, workers=1)
        assert [row["unit"] for row in failures(tmp_path)] == ["bad"]
        assert not Workspace(tmp_path).stage1.table("arrow").exists()
    assert calls(tmp_path).count("unit000") == 1


def test_when_all_fail_there_is_no_table(tmp_path: Path) -> None:
    run(tmp_path)
    units = toy_units(3, do="fail")
    with pytest.raises(NothingLeftError, match=r"all 3 .*no_frames"):
        run(tmp_path, units)
    assert len(failures(tmp_path)) == 3
    assert not Workspace(tmp_path).stage1.table("arrow").exists()


def test_a_full_disk_stops_the_run_and_the_next_goes_on(tmp_path: Path) -> None:
    from fvc.errors import OutputError

    units = [*toy_units(3), Unit("unit003", {"do": "full disk"}, "p"), *toy_units(6)[4:]]
    with pytest.raises(OutputError):
        run(tmp_path, units, workers=1)
    assert set(calls(tmp_path)) == {f"unit{i:03d}" for i in range(4)}
    assert run(tmp_path).resumed >= 2


def test_the_input_is_checked(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no rows"):
        run(tmp_path, [], engine=Inline())
    with pytest.raises(DataError, match=r"two rows .* 'unit001'"):
        run(tmp_path, [*toy_units(3), toy_units(2)[1]], engine=Inline())
    with pytest.raises(OptionError, match="start_idx is 6, and there are 6 rows"):
        run(tmp_path, engine=Inline(), start_idx=6)


def test_rows_that_left_the_input_leave_the_table(tmp_path: Path) -> None:
    run(tmp_path, engine=Inline())
    report = run(tmp_path, toy_units()[::-2], engine=Inline())
    assert report.done == 0
    assert report.table is not None
    sources = read_table(report.table)["source"].unique(maintain_order=True).to_list()
    assert sources == ["unit005", "unit003", "unit001"]


def test_there_is_no_table_while_something_is_to_be_done(tmp_path: Path) -> None:
    run(tmp_path, engine=Inline())
    table = Workspace(tmp_path).stage1.table("arrow")
    assert table.exists()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, toy_units(8), engine=Inline(stop_after=0))
    assert not table.exists()
    assert run(tmp_path, toy_units(8), engine=Inline()).done == 2
    assert table.exists()


def test_delete_existing_starts_afresh_and_spares_other_files(tmp_path: Path) -> None:
    run(tmp_path, toy_units(8), engine=Inline())
    folder = Workspace(tmp_path).stage1.folder
    own = folder / "notes.txt"
    own.write_text("mine")
    report = run(tmp_path, engine=Inline(), delete_existing=True)
    assert (report.done, report.resumed) == (6, 0)
    assert own.exists()
    own.unlink()
    run(tmp_path / "afresh", engine=Inline())
    assert contents(tmp_path) == contents(tmp_path / "afresh")


def test_delete_existing_of_a_part_does_that_part_again(tmp_path: Path) -> None:
    run(tmp_path, engine=Inline())
    expected = contents(tmp_path)
    report = run(tmp_path, engine=Inline(), delete_existing=True, shard="1/3")
    assert report.done == 2
    assert calls(tmp_path)[6:] == ["unit000", "unit003"]
    assert contents(tmp_path) == expected


def test_leftovers_of_killed_runs_go(tmp_path: Path) -> None:
    folder = Workspace(tmp_path).stage1.folder
    folder.mkdir(parents=True)
    (folder / ".part-0123456789ab.mp4").write_text("half")
    run(tmp_path, engine=Inline())
    assert not list(folder.rglob(".part-*"))


@pytest.mark.parametrize("name", ['it\'s a "test"', "ünïcödé 映像 🎬", "x" * 200, "a %s {b} $c"])
def test_names_of_all_kinds(tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    units = [Unit(f"{name[:190]}{i}", {}, "p") for i in range(2)]
    report = run(root, units)
    assert report.done == 2
    assert report.table is not None
    assert read_table(report.table)["source"].unique(maintain_order=True).to_list() == [
        unit.id for unit in units
    ]
    assert run(root, units).resumed == 2


def test_a_clock_that_jumps_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jumps = iter(range(10**9, 0, -(10**6)))
    monkeypatch.setattr(time, "time", lambda: float(next(jumps)))
    report = run(tmp_path, stall_seconds=30.0)
    assert report.done == 6
    assert 0 < report.seconds < 10**5


def test_a_log_of_each_run_tells_what_was_done(tmp_path: Path) -> None:
    run(tmp_path, [*toy_units(2), Unit("bad", {"do": "fail"}, "p")])
    (path,) = Workspace(tmp_path).logs(1).glob("*.log")
    text = path.read_text()
    assert "unit000" in text
    assert "bad failed (no_frames)" in text
    assert "2 done, 0 from earlier runs, 1 failed" in text
    assert logging.getLogger("fvc").handlers == []


def test_options_default_to_all_of_it(tmp_path: Path) -> None:
    stage = toy_stage(tmp_path)
    report = run_stage(stage, toy_units(1), Workspace(tmp_path), engine=Inline())
    assert report.rows == 1
    assert RunOptions().part.is_whole
