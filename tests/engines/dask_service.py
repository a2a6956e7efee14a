"""A real scheduler and real workers on loopback, each a process that is ended by its id."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

SECONDS = 90.0
HERE = str(Path(__file__).parent)


class Service:
    """A scheduler and nannies that start their workers again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.nannies: list[subprocess.Popen[bytes]] = []

    def start(self, workers: int = 2, *, failures: int = 1) -> "Service":
        port = self.address.rpartition(":")[2]
        self.scheduler = self._run(
            "scheduler",
            *("--host", "127.0.0.1", "--port", port, "--no-dashboard", "--no-show"),
            DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES=str(failures),
        )
        for _ in range(workers):
            self.add_worker()
        return self

    def add_worker(self) -> None:
        self.nannies.append(
            self._run(
                "worker",
                *(self.address, "--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard"),
                *("--local-directory", str(self.folder)),
            )
        )

    def _run(self, kind: str, *arguments: str, **environment: str) -> "subprocess.Popen[bytes]":
        with open(self.folder / f"{kind}.log", "ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{kind}", *arguments],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": HERE, **environment},
            )

    def workers(self) -> list[psutil.Process]:
        """The processes under the nannies that do the work."""
        return [
            child
            for nanny in self.nannies
            if nanny.poll() is None
            for child in psutil.Process(nanny.pid).children()
            if "spawn_main" in " ".join(child.cmdline())
        ]

    def kill_scheduler(self) -> None:
        assert self.scheduler is not None
        self.scheduler.kill()
        self.scheduler.wait()

    def stop(self) -> None:
        for process in (*self.nannies, self.scheduler):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in (*self.nannies, self.scheduler):
            if process is not None:
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def wait_until(true: object, what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.05)
