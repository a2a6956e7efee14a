"""A real Airflow on loopback: its environment, its processes, its REST interface."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
DAGS = REPOSITORY / "airflow" / "dags"
REQUIREMENTS = REPOSITORY / "airflow" / "requirements.txt"


def environment_folder() -> Path:
    """Airflow's virtual environment: ``FVC_AIRFLOW_VENV``, or one made once and kept."""
    given = os.environ.get("FVC_AIRFLOW_VENV")
    if given:
        folder = Path(given)
        assert (folder / "bin" / "airflow").is_file(), f"no Airflow in FVC_AIRFLOW_VENV={given}"
        return folder
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "fvc" / f"airflow-{digest}"
    if not (folder / "complete").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install"]
        subprocess.run([*pip, "--quiet", "-r", REQUIREMENTS], check=True)
        (folder / "complete").touch()
    return folder


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class Airflow:
    """An installation with a home of its own; its services are started when asked for."""

    def __init__(self, home: Path, **variables: str) -> None:
        self.home = home
        self.bin = environment_folder() / "bin"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.services: dict[str, subprocess.Popen[bytes]] = {}
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "FVC_"))}
        self.environment = {
            **clean,
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
            "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "NO_PROXY": "127.0.0.1,localhost",
            **variables,
        }
        self.call("db", "migrate")

    def call(self, *words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [str(self.bin / "airflow"), *words],
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done

    def python(self, code: str) -> Any:
        """Run code in Airflow's own Python; give what it prints last, as JSON."""
        done = subprocess.run(
            [str(self.bin / "python"), "-W", "ignore", "-c", code],
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return json.loads(done.stdout.splitlines()[-1])

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run api-server, dag-processor and scheduler for the length of a block."""
        api = ("api-server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1")
        try:
            for words in (api, ("dag-processor",), ("scheduler", "--skip-serve-logs")):
                with (self.home / f"{words[0]}.log").open("wb") as log:
                    self.services[words[0]] = subprocess.Popen(
                        [str(self.bin / "airflow"), *words],
                        env=self.environment,
                        cwd=self.home,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
            yield
        finally:
            self._stop()

    def _stop(self) -> None:
        for process in self.services.values():
            process.terminate()
        for process in self.services.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            # Workers of a service are of its group, which is ours to end.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def rest(self, path: str, data: Any = None, method: str | None = None) -> Any:
        """Call the REST interface; None while it does not answer or does not know the thing."""
        try:
            token = self._open("/auth/token")["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            return self._open(f"/api/v2{path}", data, method, headers)
        except (OSError, KeyError):
            return None

    def _open(
        self,
        path: str,
        data: Any = None,
        method: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(
            self.url + path,
            data=body,
            method=method,
            headers={"Content-Type": "application/json", **(headers or {})},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)


def wait_for(found: Callable[[], Any], what: str, seconds: float) -> Any:
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(1)
    return value
