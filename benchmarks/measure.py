"""Run commands as child processes and tell what they and all their descendants used."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Usage:
    """CPU seconds (user and system), wall seconds, and the largest resident size of a process."""

    cpu: float
    wall: float
    peak_mib: float
    output: str = ""


class ChildFailedError(Exception):
    """A measured command ended with an error."""


def run(command: Sequence[str | os.PathLike[str]]) -> Usage:
    """Run a command to its end, and count all that it started; see `launcher`."""
    with (
        tempfile.TemporaryFile("w+") as output,
        tempfile.TemporaryFile("w+") as errors,
        tempfile.NamedTemporaryFile("r") as account,
    ):
        launcher = [sys.executable, "-I", "-S", str(ROOT / "benchmarks" / "launcher.py")]
        start = time.monotonic()
        subprocess.run(
            [*launcher, account.name, *(os.fspath(part) for part in command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "passive"},
            check=True,
        )
        wall = time.monotonic() - start
        used = json.load(account)
        if used["code"] != 0:
            errors.seek(0)
            raise ChildFailedError(
                f"{' '.join(map(str, command))[:300]} ended with {used['code']}:\n"
                f"{errors.read()[-2000:]}"
            )
        output.seek(0)
        return Usage(used["cpu"], wall, used["peak_mib"], output.read())


def python(function: str, **arguments: Any) -> list[str]:
    """Give the command that calls a function of `benchmarks.work` in a process of its own."""
    text = json.dumps(arguments, default=str)
    return [sys.executable, "-m", "benchmarks.work", function, text]


def call(function: str, **arguments: Any) -> Any:
    """Call a function of `benchmarks.work` in a process of its own and give what it returned."""
    return json.loads(run(python(function, **arguments)).output)


def alternate(
    ours: Callable[[], Usage], reference: Callable[[], Usage], repeats: int
) -> list[tuple[Usage, Usage]]:
    """Measure two things in turns, so that a change of the machine's load meets both."""
    return [(ours(), reference()) for _ in range(repeats)]


def cpu_pairs(
    ours: Sequence[str | os.PathLike[str]],
    reference: Sequence[str | os.PathLike[str]],
    repeats: int,
) -> list[tuple[float, float]]:
    """CPU seconds of two commands, in turns."""
    pairs = alternate(lambda: run(ours), lambda: run(reference), repeats)
    return [(a.cpu, b.cpu) for a, b in pairs]
