"""What the tests of the Dask engine have done on its workers."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil


def take_the_worker_along(unit: Any) -> Any:
    """Kill Dask's own worker, which started the server that this process was forked from."""
    if unit == "killer":
        server = psutil.Process().parent()
        worker = server.parent() if server else None
        assert worker is not None
        os.kill(worker.pid, signal.SIGKILL)
        time.sleep(100)
    return unit


def wait_for(unit: tuple[str, str]) -> int:
    """Leave the own process id in a folder, and wait for a file there."""
    folder, name = unit
    draft = Path(folder, f"{name}.tmp")
    draft.write_text(str(os.getpid()))
    draft.rename(Path(folder, f"{name}.pid"))
    while not Path(folder, "go").exists():
        time.sleep(0.02)
    return os.getpid()


def where(_: int) -> str:
    return os.getcwd()
