import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import stage_toy
from hypothesis import given, settings
from hypothesis import strategies as st
from stage_toy import Inline, calls, contents, run, toy_units

from fvc.errors import LockedError, OptionError
from fvc.stages import RunOptions
from fvc.stages.locks import PartLock
from fvc.stages.options import Part
from fvc.workspace import Workspace

parts = st.builds(
    lambda count, index, start, length: Part(
        1 + index % count, count, start, None if length is None else start + length
    ),
    st.integers(1, 5),
    st.integers(0, 4),
    st.integers(0, 12),
    st.none() | st.integers(1, 12),
)


@given(parts, parts)
def test_parts_that_share_a_unit_are_known_to(one: Part, two: Part) -> None:
    shared = [n for n in range(60) if one.holds(n) and two.holds(n)]
    if shared:
        assert one.may_share_units_with(two)
        assert two.may_share_units_with(one)


@given(st.integers(1, 7), st.integers(0, 9), st.none() | st.integers(10, 40))
def test_shards_part_the_units(count: int, start: int, end: int | None) -> None:
    shards = [Part(i, count, start, end) for i in range(1, count + 1)]
    for n in range(50):
        held = sum(part.holds(n) for part in shards)
        assert held == (start <= n and (end is None or n < end))
    for one, two in itertools.combinations(shards, 2):
        assert not one.may_share_units_with(two)


def test_neighbouring_ranges_may_run_side_by_side() -> None:
    assert not Part(start=0, end=5).may_share_units_with(Part(start=5))
    assert Part(start=0, end=6).may_share_units_with(Part(start=5))
    assert Part().may_share_units_with(Part(2, 3))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    found = {}
    for format in ("arrow", "parquet", "csv"):
        root = tmp_path_factory.mktemp(format)
        run(root, engine=Inline(), format=format)
        found[format] = contents(root)
    return found


@pytest.mark.parametrize("order", [*itertools.permutations(["1/3", "2/3", "3/3"])], ids=repr)
@pytest.mark.parametrize("format", ["arrow", "parquet", "csv"])
def test_shards_in_any_order_give_what_one_run_gives(
    tmp_path: Path, plain: dict[str, dict[str, bytes]], order: tuple[str, ...], format: str
) -> None:
    missing = 6
    for shard in order:
        report = run(tmp_path, engine=Inline(), shard=shard, format=format)
        missing -= 2
        assert report.done == 2
        assert report.missing == missing
        assert (report.table is None) == (missing > 0)
        table = Workspace(tmp_path).stage1.table(format)  # type: ignore[arg-type]
        assert table.exists() == (missing == 0)
        assert ("No table yet: " in report.summary()) == (missing > 0)
    assert contents(tmp_path) == plain[format]


def test_ranges_are_parts_too(tmp_path: Path, plain: dict[str, dict[str, bytes]]) -> None:
    assert run(tmp_path, engine=Inline(), start_idx=4).missing == 4
    assert run(tmp_path, engine=Inline(), end_idx=3).missing == 1
    assert calls(tmp_path) == ["unit004", "unit005", "unit000", "unit001", "unit002"]
    assert run(tmp_path, engine=Inline(), shard="4/5").table is not None
    assert contents(tmp_path) == plain["arrow"]


def test_any_process_may_write_the_table(
    tmp_path: Path, plain: dict[str, dict[str, bytes]]
) -> None:
    for shard in ("1/2", "2/2"):
        run(tmp_path, engine=Inline(), shard=shard)
    Workspace(tmp_path).stage1.table("arrow").unlink()
    report = run(tmp_path, engine=Inline(), shard="1/2")
    assert (report.done, report.resumed) == (0, 3)
    assert contents(tmp_path) == plain["arrow"]


def test_a_shard_without_units_is_no_error(tmp_path: Path) -> None:
    assert run(tmp_path, toy_units(2), engine=Inline(), shard="3/3").done == 0


def test_failures_of_all_shards_are_listed(tmp_path: Path) -> None:
    assert run(tmp_path, _half_failing(), workers=1, shard="1/2").exit_code == 5
    report = run(tmp_path, _half_failing(), workers=1, shard="2/2")
    assert (report.failed, report.exit_code) == (0, 0)  # of its own
    assert report.rows == 6
    assert len(report.failures) == 3
    assert (tmp_path / "data/failures.csv").read_text().count("no_frames") == 3


def _half_failing() -> list[stage_toy.Unit]:
    good, bad = toy_units(), toy_units(do="fail")
    return [bad[i] if i % 2 == 0 else good[i] for i in range(6)]


def _held(root: Path, part: Part) -> PartLock:
    lock = PartLock(Workspace(root).stage1.folder / ".journal", part, "stage 1 (toy)")
    with lock.gate():
        lock.acquire()
    return lock


@pytest.mark.parametrize(
    ("holder", "options"),
    [
        (Part(), {}),
        (Part(), {"shard": "1/2"}),
        (Part(1, 2), {}),
        (Part(1, 2), {"shard": "1/2"}),
        (Part(1, 2), {"shard": "2/3"}),
        (Part(end=3), {"start_idx": 2}),
    ],
)
def test_who_holds_the_lock_is_named(tmp_path: Path, holder: Part, options: dict[str, str]) -> None:
    lock = _held(tmp_path, holder)
    with pytest.raises(LockedError, match=rf"stage 1 \(toy\).* process {os.getpid()} on "):
        run(tmp_path, engine=Inline(), **options)
    lock.release()
    assert run(tmp_path, engine=Inline(), **options).done


def test_shards_run_side_by_side_and_spare_each_others_files(tmp_path: Path) -> None:
    lock = _held(tmp_path, Part(1, 2))
    half = Workspace(tmp_path).stage1.folder / ".part-0123456789ab.mp4"
    half.write_text("the other shard is writing this")
    assert run(tmp_path, engine=Inline(), shard="2/2").done == 3
    assert half.exists()
    lock.release()
    assert run(tmp_path, engine=Inline(), shard="2/2").resumed == 3
    assert not half.exists()


def test_two_runs_at_once(tmp_path: Path) -> None:
    script = [sys.executable, stage_toy.__file__, str(tmp_path)]
    first = subprocess.Popen([*script, '{"units": {"count": 1, "seconds": 600}}'])
    while not calls(tmp_path):
        assert first.poll() is None
        time.sleep(0.02)
    second = subprocess.run(script, capture_output=True, text=True, check=False)
    assert second.returncode == 7
    assert f"process {first.pid} on" in second.stderr
    first.kill()
    first.wait()
    # The lock ended with its holder.
    third = subprocess.run(script, capture_output=True, text=True, check=False)
    assert third.returncode == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"shard": "0/4"}, "from 1"),
        ({"shard": "5/4"}, "1/4 to 4/4"),
        ({"shard": "1/0"}, "from 1"),
        ({"shard": "one"}, "like 1/4"),
        ({"start_idx": -1}, "0 or more"),
        ({"start_idx": 5, "end_idx": 5}, "more than start_idx"),
        ({"workers": 0}, "1 or more"),
        ({"stall_seconds": 0}, "more than 0"),
        ({"memory_limit_mib": 1}, "64 or more"),
        ({"format": "xls"}, "arrow, parquet, csv"),
    ],
)
def test_options_are_checked_at_once(options: dict[str, int], says: str) -> None:
    with pytest.raises(OptionError, match=says):
        RunOptions(**options)  # type: ignore[arg-type]


@settings(max_examples=20)
@given(parts)
def test_a_part_has_a_name_of_its_own(part: Part) -> None:
    options = RunOptions(shard=f"{part.index}/{part.count}", start_idx=part.start, end_idx=part.end)
    assert options.part == part
    assert (part.label == Part().label) == part.is_whole
