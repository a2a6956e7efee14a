"""The real command line in processes of its own, and what a project holds afterwards."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

FVC = str(Path(sys.executable).with_name("fvc"))
STAGES = ("augment", "features", "scale", "scaled-features")


def start(project: Path, *words: str, **options: object) -> "subprocess.Popen[str]":
    """Start ``fvc`` on a project, in a process group of its own."""
    return subprocess.Popen(
        [FVC, words[0], "--project", str(project), *words[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,  # type: ignore[call-overload]
    )


def fvc(project: Path, *words: str) -> tuple[int, str]:
    """Run ``fvc`` on a project; give the exit code and standard error."""
    process = start(project, *words)
    _, said = process.communicate()
    return process.returncode, said


def contents(project: Path) -> dict[str, bytes]:
    """Give every file that a user has of a project, but logs and locks."""
    files = (p for p in (project / "data").rglob("*") if p.is_file() and p.suffix != ".lock")
    return {
        str(p.relative_to(project)): p.read_bytes()
        for p in sorted(files)
        if not {".journal", ".setup"} & set(p.parts)
    }


def kill_after(process: "subprocess.Popen[str]", seconds: float, number: int) -> bool:
    """Send a signal to a run and its workers; whether it was still at work then."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    running = process.poll() is None
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
    process.communicate()
    return running


def wait_until_it_works(process: "subprocess.Popen[str]", journals: Path) -> None:
    """Wait for the first unit of a stage that is done."""
    while process.poll() is None:
        if any(path.stat().st_size > 400 for path in journals.glob("*.ndjson")):
            return
        time.sleep(0.005)


SIGNALS = {signal.SIGTERM: 143, signal.SIGINT: 130}
