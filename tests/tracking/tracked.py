"""Training a small project, and a real MLflow server on loopback."""

import contextlib
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from fvc.training import stage5_train_models

MODELS = ("logistic_regression", "gradient_boosting")
SPLITS = 3


def train(project: Path, **more: Any) -> Any:
    options = {"model_types": MODELS, "n_splits": SPLITS, "repeats": 2, "grid": "none"}
    return stage5_train_models(project, **{**options, "workers": 1, **more})


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def server_arguments(folder: Path) -> tuple[str, ...]:
    return (
        *("server", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"),
        *("--artifacts-destination", f"{folder}/artifacts"),
        *("--host", "127.0.0.1", "--workers", "1"),
    )


class Server:
    """``mlflow server`` or ``mlflow ui`` as a process group of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder, self.arguments = folder, arguments
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Server":
        if importlib.util.find_spec("mlflow") is None:
            pytest.fail('these tests need MLflow: pip install -e ".[mlops]"')
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", *self.arguments, "--port", str(self.port)],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**_without_tracking(), "MLFLOW_DISABLE_TELEMETRY": "true"},
            )
        while True:
            if self._process.poll() is not None:
                pytest.fail((self.folder / "server.log").read_text()[-2000:])
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=5):
                    return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self._process is None:
            return
        group = self._process.pid
        os.killpg(group, how)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(group, signal.SIGKILL)
            self._process.wait()
        # Workers may outlive the one that was waited for.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        self._process = None


def _without_tracking() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
