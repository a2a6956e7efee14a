import errno
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import av.error
import engine_work as work
import psutil
import pytest

from fvc.engines import Failure, LocalEngine, Outcome, create_engine, heartbeat
from fvc.engines.worker import describe
from fvc.errors import FVCError, MissingExtraError, OptionError, OutputError, VideoError

HAZARDS = {
    "segv": ("crash", "SIGSEGV"),
    "exit": ("crash", "exit code 3"),
    "kill": ("crash", "SIGKILL"),
    "hang": ("stalled", "no progress for {stall:g} seconds"),
    "hang with the interpreter lock": ("stalled", "no progress"),
    "eat": ("memory", "limit is 300 MiB"),
    "eat at once": ("memory", ""),
    "stubborn": ("error", "Stubborn: stubborn 1 2"),
    "unpicklable": ("error", "pickle"),
    "unloadable": ("error", "does not load"),
    "leave": ("error", "SystemExit: left"),
    "video": ("no_frames", "no frame could be decoded"),
    "missing": ("missing", "/nowhere/at/all"),
}


def test_each_hazard_fails_alone_and_all_others_finish() -> None:
    units = [*HAZARDS, *range(40)]
    # On a busy machine even a healthy unit may seem to stand still: as long as a start takes.
    begun = time.monotonic()
    assert len(list(LocalEngine(2).submit(work.hazard, range(2)))) == 2
    stall = round(max(1.5, 4 * (time.monotonic() - begun)), 1)
    engine = LocalEngine(2, stall_seconds=stall, memory_limit_mib=300)
    outcomes = {o.unit: o for o in engine.submit(work.hazard, units)}
    assert outcomes.keys() == set(units)
    for number in range(40):
        assert outcomes[number].value == number**2
        assert outcomes[number].failure is None
    for unit, (kind, reason) in HAZARDS.items():
        failure = outcomes[unit].failure
        assert failure is not None
        assert failure.kind == kind, failure
        assert reason.format(stall=stall) in failure.reason
        assert outcomes[unit].value is None


def test_one_worker_is_a_process_of_its_own() -> None:
    outcomes = list(LocalEngine(1).submit(work.hazard, ["segv", 3]))
    assert [o.failure and o.failure.kind for o in outcomes] == ["crash", None]


def test_a_long_unit_lives_as_long_as_its_heart_beats() -> None:
    (outcome,) = LocalEngine(1, stall_seconds=1.0).submit(work.long_with_beats, [(20, 0.1)])
    assert outcome.value == 20
    assert outcome.seconds > 1.0
    heartbeat()  # and outside a worker it does nothing


@pytest.mark.parametrize("unit", ["full", "caused", "output error"])
def test_a_full_disk_ends_the_run(unit: str) -> None:
    taken = []

    def units() -> Iterator[str]:
        for each in [unit, *"abcdefghijklmnop"]:
            taken.append(each)
            yield each

    with pytest.raises(OutputError, match=r"cannot write"):
        list(LocalEngine(1).submit(work.fail_to_write, units()))
    assert len(taken) < 5


def test_what_a_decoder_says_of_space_does_not_end_the_run() -> None:
    """FFmpeg's decoders borrow the system's error numbers for buffers of their own."""
    error = VideoError("a.mp4", "corrupt", "decoding failed after 3 frames")
    error.__cause__ = av.error.OSError(errno.ENOSPC, "No space left on device")
    assert describe(error) == Failure("corrupt", "decoding failed after 3 frames")


def test_a_writer_that_meets_the_limit_of_output_fails_its_unit_alone() -> None:
    error = OutputError("a.mp4: cannot be written (File too large)")
    error.__cause__ = av.error.OSError(errno.EFBIG, "File too large")
    failure = describe(error)
    assert isinstance(failure, Failure)
    assert failure.kind == "output"


def test_a_unit_that_writes_too_much_fails(tmp_path: Path) -> None:
    engine = LocalEngine(1, output_limit_mib=1)
    (outcome,) = engine.submit(work.write_too_much, [str(tmp_path / "big")])
    assert outcome.failure is not None
    assert outcome.failure.kind == "output"
    assert (tmp_path / "big").stat().st_size == 2**20


def test_a_worker_is_one_thread_and_leaves_signals_to_its_parent() -> None:
    (outcome,) = LocalEngine(1, memory_limit_mib=2048).submit(work.surroundings, [0])
    assert outcome.value is not None
    assert outcome.value.pop("pid") != os.getpid()
    assert outcome.value == {
        "cv2": 1,
        "omp": ["1", "passive"],
        "core": 0,
        "address": 8192,
        "signals": [True, True],
    }
    assert "OMP_WAIT_POLICY" not in os.environ or os.environ["OMP_WAIT_POLICY"]


def test_units_may_be_endless_and_closing_ends_the_workers() -> None:
    taken = itertools.count()
    before = set(psutil.Process().children(recursive=True))
    outcomes = LocalEngine(2).submit(work.surroundings, taken)
    pids = {next(outcomes).value["pid"] for _ in range(10)}  # type: ignore[index]
    assert next(taken) <= 10 + 2 * 2
    outcomes.close()
    assert not any(psutil.pid_exists(pid) for pid in pids)
    left = set(psutil.Process().children(recursive=True)) - before
    assert all("fvc-worker" not in p.name() for p in left if p.is_running())


def test_a_worker_that_dies_idle_harms_no_unit(tmp_path: Path) -> None:
    path = tmp_path / "pid"

    def units() -> Iterator[str]:
        yield str(path)
        os.kill(int(path.read_text()), signal.SIGKILL)
        yield str(path)

    first, second = LocalEngine(1).submit(work.pid_into, units())
    assert first.failure is None
    assert second.failure is None
    assert first.value != second.value


def test_a_worker_that_has_grown_is_replaced_between_units() -> None:
    engine = LocalEngine(1, memory_limit_mib=400)
    outcomes = list(engine.submit(work.grow, range(3)))
    assert all(o.failure is None for o in outcomes)
    assert len({o.value for o in outcomes}) == 3


def _hanging_run(folder: Path) -> tuple["subprocess.Popen[bytes]", list[int]]:
    run = subprocess.Popen([sys.executable, work.__file__, str(folder)], start_new_session=True)
    while not all((folder / how).exists() for how in ("lock", "sleep")):
        assert run.poll() is None
        time.sleep(0.02)
    return run, [int((folder / how).read_text()) for how in ("lock", "sleep")]


def _is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_no_worker_outlives_a_killed_run(tmp_path: Path) -> None:
    run, pids = _hanging_run(tmp_path)
    run.kill()
    run.wait()
    for _ in range(500):
        if all(_is_gone(pid) for pid in pids):
            break
        time.sleep(0.02)
    assert all(_is_gone(pid) for pid in pids)


def test_an_interrupt_of_the_whole_group_is_the_parents_to_handle(tmp_path: Path) -> None:
    run, pids = _hanging_run(tmp_path)
    os.killpg(run.pid, signal.SIGINT)
    assert run.wait() == 130
    assert all(_is_gone(pid) for pid in pids)


def test_a_script_without_a_guard_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "unguarded.py"
    script.write_text(
        "from fvc.engines import LocalEngine\nlist(LocalEngine(1).submit(abs, [1]))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert '`if __name__ == "__main__":`' in done.stderr.splitlines()[-1]


def test_units_that_cannot_be_sent_are_an_error_of_the_caller() -> None:
    with pytest.raises((AttributeError, TypeError, FVCError)):
        list(LocalEngine(1).submit(abs, [lambda: None]))  # type: ignore[list-item]


def test_no_units_no_outcomes() -> None:
    assert list(LocalEngine(2).submit(work.square, [])) == []


@pytest.mark.parametrize(
    "options",
    [
        {"workers": 0},
        {"stall_seconds": 0},
        {"stall_seconds": float("nan")},
        {"memory_limit_mib": 0},
    ],
)
def test_limits_are_positive(options: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        LocalEngine(**options)  # type: ignore[arg-type]


def test_engines_by_name() -> None:
    assert create_engine("local", workers=3).workers == 3
    with pytest.raises((OptionError, MissingExtraError), match="engine 'dask' needs"):
        create_engine("dask")
    with pytest.raises(OptionError, match="locale"):
        create_engine("locale")


def test_outcomes_are_values() -> None:
    assert Outcome(1, None, Failure("a", "b"), 0.0) == Outcome(1, None, Failure("a", "b"), 0.0)
