"""The run is killed at random instants; started again, it gives what an undisturbed one gives."""

import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import stage_toy
from stage_toy import calls, contents, run, toy_units

from fvc.workspace import Workspace

UNITS = {"count": 24, "seconds": 0.02}


def start(root: Path, **arguments: Any) -> "subprocess.Popen[bytes]":
    root.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, stage_toy.__file__, str(root), json.dumps({"units": UNITS, **arguments})],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def wait_for_calls(process: "subprocess.Popen[bytes]", root: Path, count: int) -> None:
    while len(calls(root)) < count and process.poll() is None:
        time.sleep(0.002)


def nobody_works_in(root: Path) -> bool:
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error):
            if str(root) in " ".join(process.info["cmdline"] or []) and (
                process.status() != psutil.STATUS_ZOMBIE
            ):
                return False
    return True


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    root = tmp_path_factory.mktemp("undisturbed")
    assert start(root).wait() == 0
    return contents(root)


def kill_until_done(root: Path, rng: random.Random, kills: int, group: bool) -> int:
    """Kill a run `kills` times, each after some more units and a random moment; then let it end."""
    done = 0
    for _ in range(kills):
        process = start(root)
        wait_for_calls(process, root, len(calls(root)) + rng.randint(0, 6))
        time.sleep(rng.random() * 0.05)
        done += process.poll() is None
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(process.pid, signal.SIGKILL)
        process.wait()
    assert start(root).wait() == 0
    return done


@pytest.mark.parametrize(
    ("seed", "group"), [(0, False), pytest.param(1, True, marks=pytest.mark.slow)]
)
def test_a_killed_run_goes_on(
    tmp_path: Path, undisturbed: dict[str, bytes], seed: int, group: bool
) -> None:
    assert kill_until_done(tmp_path, random.Random(seed), kills=2, group=group) > 0
    assert contents(tmp_path) == undisturbed
    assert len(calls(tmp_path)) < 3 * UNITS["count"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_killed_fifty_times_goes_on(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    rng = random.Random(20)
    killed = 0
    while killed < 50:
        root = tmp_path / str(killed)
        killed += kill_until_done(root, rng, kills=5, group=rng.random() < 0.5)
        assert contents(root) == undisturbed


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_gives_up_what_runs_and_keeps_what_is_done(
    tmp_path: Path, undisturbed: dict[str, bytes], number: int, code: int
) -> None:
    process = start(tmp_path)
    wait_for_calls(process, tmp_path, 4)
    os.killpg(process.pid, number)  # as a terminal and a batch system do
    assert process.wait() == code
    assert nobody_works_in(tmp_path)
    assert not list((tmp_path / "data").rglob(".part-*"))
    failures = tmp_path / "data/failures.csv"
    assert not failures.exists()
    (log,) = Workspace(tmp_path).logs(1).glob("*.log")
    assert "run the same command to go on" in log.read_text()
    before = len(set(calls(tmp_path)))
    assert start(tmp_path).wait() == 0
    assert len(calls(tmp_path)) <= UNITS["count"] + 3
    assert before < UNITS["count"]
    assert contents(tmp_path) == undisturbed


def _limit_files(size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[list[str]]:
    """Make `folder` a small disk; give the words to put before a command that shall see it.

    A tmpfs, in a mount namespace of its own, needs no rights where users may make namespaces.
    Elsewhere a limit on the size of a file stands in: the journal is the one that meets it.
    """
    mount = f"mount -t tmpfs -o size={size} tmpfs '{folder}' && exec \"$@\""
    for words in (["unshare", "-m"], ["unshare", "-Urm"]):
        with contextlib.suppress(FileNotFoundError):
            tried = subprocess.run(
                [*words, "sh", "-c", mount, "sh", "true"], capture_output=True, check=False
            )
            if tried.returncode == 0:
                yield [*words, "sh", "-c", mount, "sh"]
                return
    yield ["sh", "-c", f'ulimit -f {size // 4096}; exec "$@"', "sh"]


@pytest.mark.slow
def test_a_disk_that_fills_up(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    arguments = json.dumps({"units": {"count": 400}})
    with small_disk(root, 256 * 1024) as words:
        done = subprocess.run(
            [*words, sys.executable, stage_toy.__file__, str(root), arguments],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 9, done.stderr
    assert "OutputError: cannot write" in done.stderr


def test_a_file_limit_stops_the_run_and_the_next_goes_on(tmp_path: Path) -> None:
    """A disk that fills in the middle of a line, made by the kernel with no special rights."""
    script = [sys.executable, stage_toy.__file__, str(tmp_path), '{"units": {"count": 24}}']
    done = subprocess.run(
        script, capture_output=True, text=True, check=False, preexec_fn=_limit_files(6000)
    )
    assert done.returncode == 9, done.stderr
    assert "1of1.ndjson" in done.stderr
    (journal,) = tmp_path.rglob("*.ndjson")
    assert journal.stat().st_size == 6000
    assert not journal.read_bytes().endswith(b"\n")
    report = run(tmp_path, toy_units(24))
    assert report.resumed > 0
    assert report.done == 24 - report.resumed
    run(tmp_path / "undisturbed", toy_units(24))
    assert contents(tmp_path) == contents(tmp_path / "undisturbed")
