import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage_toy import Inline, calls, contents, run, toy_stage, toy_units

from fvc.engines import Failure
from fvc.errors import OutputError
from fvc.stages.identity import fingerprint_file
from fvc.stages.journal import Journal, read_index
from fvc.stages.recorder import Recorder, Task, failure_line, line
from fvc.workspace import Workspace


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a project whose journal holds a change of settings, a failure and two parts."""
    root = tmp_path_factory.mktemp("project")
    run(root, toy_units(3), engine=Inline(), settings={"mode": "a"})
    run(root, toy_units(6), engine=Inline(), settings={"mode": "b"}, shard="1/2")
    run(root, toy_units(6), engine=Inline(), settings={"mode": "b"})
    return root


def journals(root: Path) -> list[Path]:
    return sorted((Workspace(root).stage1.folder / ".journal").glob("*.ndjson"))


def _cut(data: bytes, at: int, tail: bytes) -> bytes:
    return data[:at] + tail


@settings(max_examples=25, deadline=None)
@given(
    which=st.integers(0, 1),
    share=st.floats(0, 1),
    tail=st.sampled_from([b"", b"\0" * 9, b'{"_unit"', b"\0\n", b"{}\n", b"[1]\n", b"\xff\n"]),
)
def test_a_journal_cut_anywhere_costs_work_and_nothing_else(
    finished: Path, tmp_path_factory: pytest.TempPathFactory, which: int, share: float, tail: bytes
) -> None:
    root = tmp_path_factory.mktemp("torn") / "project"
    shutil.copytree(finished, root)
    path = journals(root)[which]
    data = path.read_bytes()
    path.write_bytes(_cut(data, int(share * len(data)), tail))
    run(root, toy_units(6), engine=Inline(), settings={"mode": "b"})
    assert contents(root) == contents(finished)
    before = len(calls(root))
    run(root, toy_units(6), engine=Inline(), settings={"mode": "b"})
    assert len(calls(root)) == before
    shutil.rmtree(root)


@pytest.mark.parametrize("damage", [b"\0\0\0\0", b"\n\n", b'"', b"\xff\xfe"])
def test_damage_in_the_middle_costs_the_units_it_meets(
    finished: Path, tmp_path: Path, damage: bytes
) -> None:
    root = tmp_path / "project"
    shutil.copytree(finished, root)
    path = journals(root)[0]
    data = path.read_bytes()
    middle = data.index(b'"_unit"', len(data) // 2) + 3
    path.write_bytes(data[:middle] + damage + data[middle + len(damage) :])
    report = run(root, toy_units(6), engine=Inline(), settings={"mode": "b"})
    assert report.done <= 2
    assert contents(root) == contents(finished)


def test_a_project_may_be_moved(finished: Path, tmp_path: Path) -> None:
    root = tmp_path / "elsewhere"
    shutil.copytree(finished, root, copy_function=shutil.copyfile)  # times are not kept
    assert run(root, toy_units(6), engine=Inline(), settings={"mode": "b"}).resumed == 6


def test_a_lost_count_of_runs_is_found_again(finished: Path, tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(finished, root)
    (journals(root)[0].parent / "generation.json").unlink()
    run(root, toy_units(6), engine=Inline(), settings={"mode": "c"})
    assert run(root, toy_units(6), engine=Inline(), settings={"mode": "c"}).resumed == 6


def test_units_are_written_at_once_and_mended_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "1of1.ndjson"
    path.write_bytes(b'{"_unit":"a","_key":"k"}\n' + b'{"_unit":"torn' + b"x" * 200_000)
    with Journal(path) as journal:
        journal.append(line({"_unit": "b", "_key": "k"}))
    assert path.read_bytes() == b'{"_unit":"a","_key":"k"}\n{"_unit":"b","_key":"k"}\n'
    assert read_index(tmp_path)["_unit"].to_list() == ["a", "b"]
    path.write_bytes(b"no newline at all")
    Journal(path).close()
    assert path.read_bytes() == b""


def test_blocks_of_a_journal_do_not_show(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fvc.stages.journal._BLOCK", 300)
    root = tmp_path / "project"
    shutil.copytree(finished, root)
    table = Workspace(root).stage1.table("arrow")
    table.unlink()
    assert run(root, toy_units(6), engine=Inline(), settings={"mode": "b"}).done == 0
    assert contents(root) == contents(finished)


@settings(max_examples=40, deadline=None)
@given(
    number=st.floats(allow_nan=False, allow_infinity=False) | st.none(),
    text=st.text(st.characters(exclude_categories=["Cs"])),
    label=st.integers(-128, 127),
    flag=st.booleans(),
)
def test_values_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, number: float, text: str, label: int, flag: bool
) -> None:
    root = tmp_path_factory.mktemp("values")
    folder = Workspace(root).stage1.folder
    folder.mkdir(parents=True)
    (folder / "a").touch()
    path = "data/augmented_videos/a"
    row = {
        "clip": "c", "source": text, "video_path": path, "label": label, "flag": flag,
        "number": number, "extra": 0.1,
    }  # fmt: skip
    from fvc.stages.compaction import plan_table, write_stage_table
    from fvc.stages.state import read_state
    from fvc.tables import read_table

    stage = toy_stage(root)
    types = {"clip": str, "source": str, "video_path": str, "label": int, "flag": bool}
    recorder = Recorder(
        lambda _: [row], lambda _: [path], root, {**types, "number": float, "extra": float}, 1
    )
    unit = toy_units(1)[0]
    with Journal(folder / "1of1.ndjson") as journal:
        journal.append(recorder(Task(unit, "k")))
    table = stage.files.table("parquet")
    plan = plan_table(read_state(folder, root), {unit.id: "k"})
    assert write_stage_table(stage, folder, plan, table) == 1
    (back,) = read_table(table).to_dicts()
    assert back.pop("extra") == pytest.approx(0.1)
    assert back == {**{n: v for n, v in row.items() if n != "extra"}, "key": "k"}


def test_a_failure_with_strange_text_is_a_line_of_its_own() -> None:
    text = failure_line(Task(toy_units(1)[0], "k"), Failure("error", 'a\nb "\udc80\0'), 1)
    assert text.count(b"\n") == 1
    text.decode()


def _full_after(writes: int, real: Callable[[int, bytes], int]) -> Callable[[int, bytes], int]:
    left = [writes]

    def write(file: int, data: bytes) -> int:
        left[0] -= 1
        if left[0] > 0:
            return real(file, data)
        if left[0] == 0:
            return real(file, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return write


@pytest.mark.parametrize("writes", [1, 2, 4])
def test_a_disk_that_fills_under_the_journal(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", _full_after(writes, os.write))
        with pytest.raises(OutputError, match=r"1of1\.ndjson: the disk is full"):
            run(tmp_path, engine=Inline(), settings={"mode": "b"})
    report = run(tmp_path, engine=Inline(), settings={"mode": "b"})
    assert report.resumed == max(0, writes - 2)
    assert contents(tmp_path) == contents(finished)


def test_output_that_cannot_be_written_names_the_path(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    # The kernel's own folder takes no files, not even from root.
    (data / "augmented_videos").symlink_to("/sys/kernel")
    with pytest.raises(OutputError, match="augmented_videos"):
        run(tmp_path, engine=Inline())
    (data / "augmented_videos").unlink()
    (data / "augmented_videos").write_text("a file where a folder belongs")
    with pytest.raises(OutputError, match="augmented_videos"):
        run(tmp_path, engine=Inline())


def test_a_fingerprint_follows_content_and_size_alone(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(500_000))
    first = fingerprint_file(path)
    os.utime(path, (1, 1))
    assert fingerprint_file(path) == first == fingerprint_file(shutil.copy(path, tmp_path / "b"))
    seen = {first}
    for offset in (0, 250_000, 499_999):
        data = bytearray(500_000)
        data[offset] = 1
        path.write_bytes(data)
        seen.add(fingerprint_file(path))
    path.write_bytes(bytes(500_001))
    seen.add(fingerprint_file(path))
    path.write_bytes(b"")
    seen.add(fingerprint_file(path))
    assert len(seen) == 6
    assert fingerprint_file(tmp_path / "nowhere") == "absent"
    assert fingerprint_file(tmp_path) == "unreadable"
