"""A small trained project, and servers that are stopped after the test."""

import importlib.util
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from tracked import Server, server_arguments, train

from fvc.workspace import Workspace


@pytest.fixture(scope="session")
def _trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = Path(__file__).parent.parent / "training" / "planted.py"
    spec = importlib.util.spec_from_file_location("planted_for_tracking", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    root = tmp_path_factory.mktemp("once") / "corpus"
    module.planted(root, sources=60, variants=1)
    train(root, track="off")
    return root


@pytest.fixture
def trained(_trained_once: Path, tmp_path: Path) -> Workspace:
    """A copy of a project in which two models are trained and nothing is tracked."""
    # A name of its own, so that tests can share a server.
    copy = tmp_path / f"corpus-{uuid4().hex[:8]}"
    shutil.copytree(_trained_once, copy)
    return Workspace(copy)


@pytest.fixture
def make_server() -> Iterator[Callable[..., Server]]:
    """Start servers that are stopped after the test."""
    started: list[Server] = []

    def make(folder: Path, *arguments: str) -> Server:
        folder.mkdir(parents=True, exist_ok=True)
        started.append(Server(folder, *(arguments or server_arguments(folder))))
        return started[-1].start()

    yield make
    for server in started:
        server.stop(signal.SIGKILL)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for tests that leave it alive."""
    folder = tmp_path_factory.mktemp("server")
    shared = Server(folder, *server_arguments(folder)).start()
    yield shared
    shared.stop(signal.SIGKILL)


@pytest.fixture(autouse=True)
def _no_tracking_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)
