import errno
import os
from pathlib import Path

import polars as pl
import pytest

from fvc.errors import OutputError
from fvc.tables import TEMPORARY_MARK, atomic_write, remove_temporary_files, write_json_atomic


def test_a_finished_block_leaves_the_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "er" / "a.bin"
    with atomic_write(target) as temporary:
        temporary.write_bytes(b"whole")
        assert not target.exists()
        assert temporary.suffix == ".bin"
    assert target.read_bytes() == b"whole"
    assert list(target.parent.iterdir()) == [target]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")

    def fail() -> None:
        with atomic_write(target) as temporary:
            temporary.write_bytes(b"half")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.ENOSPC, "disk is full"), (errno.EROFS, "read-only"), (errno.EDQUOT, "quota")],
)
def test_a_disk_that_cannot_be_written_is_said_in_words(
    tmp_path: Path, code: int, words: str
) -> None:
    def fail() -> None:
        with atomic_write(tmp_path / "a.bin"):
            raise OSError(code, os.strerror(code))

    with pytest.raises(OutputError, match=words) as caught:
        fail()
    assert str(tmp_path / "a.bin") in str(caught.value)
    assert caught.value.exit_code == 9


def test_a_real_full_device_is_an_output_error(tmp_path: Path) -> None:
    def fail() -> None:
        with atomic_write(tmp_path / "a.bin"), open("/dev/full", "wb", buffering=0) as full:
            full.write(b"x" * 4096)

    with pytest.raises(OutputError, match="disk is full"):
        fail()


def test_a_full_device_under_polars_is_an_output_error_too(tmp_path: Path) -> None:
    def fail() -> None:
        with atomic_write(tmp_path / "a.csv"):
            pl.DataFrame({"a": range(100_000)}).write_csv("/dev/full")

    with pytest.raises(OutputError, match="disk is full"):
        fail()


def test_a_folder_in_the_place_of_a_file_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()

    def fail() -> None:
        with atomic_write(tmp_path / "a.csv") as temporary:
            temporary.write_bytes(b"whole")

    with pytest.raises(OutputError, match="a folder of its name is there"):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_other_os_errors_pass_through(tmp_path: Path) -> None:
    def fail() -> None:
        with atomic_write(tmp_path / "a.bin"):
            raise ConnectionResetError(errno.ECONNRESET, "reset")

    with pytest.raises(ConnectionResetError):
        fail()


def test_what_a_killed_run_leaves_is_found_and_removed(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:
        with atomic_write(tmp_path / "clip.mp4") as temporary:
            temporary.write_bytes(b"half")
            os._exit(9)
    os.waitpid(pid, 0)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(TEMPORARY_MARK)
    (tmp_path / "kept.mp4").write_bytes(b"whole")
    assert remove_temporary_files(tmp_path) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["kept.mp4"]


def test_a_name_at_the_limit_of_the_file_system_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 251 + ".mp4")
    with atomic_write(target) as temporary:
        temporary.write_bytes(b"x")
    assert target.is_file()


def test_json_has_no_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json_atomic(tmp_path / "a.json", {"auc": float("nan")})
    assert list(tmp_path.iterdir()) == []
    write_json_atomic(tmp_path / "a.json", {"name": "Müller"})
    assert "Müller" in (tmp_path / "a.json").read_text(encoding="utf-8")
