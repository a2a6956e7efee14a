import fcntl
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shown_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with everything that pages show, made once for all test processes."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    project = shared / "shown"
    with open(shared / "shown.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (project / "made").exists():
            shutil.rmtree(project, ignore_errors=True)
            _make(project)
            (project / "made").touch()
    return project


def _make(project: Path) -> None:
    import fvc
    from fvc.audit import audit_model
    from fvc.dataset import find_duplicates, make_simulated_archives
    from fvc.evaluation import compare_models
    from fvc.evaluation.robustness import model_robustness
    from fvc.training.importance import model_importance

    make_simulated_archives(project / "archive", num_sources=24, seed=3)
    fvc.setup_dataset(project)
    fvc.stage1_augment_videos(project, num_augmentations=2)
    fvc.stage2_extract_features(project)
    fvc.stage3_scale_videos(project)
    fvc.stage4_extract_scaled_features(project)
    models = ("logistic_regression", "gradient_boosting")
    fvc.stage5_train_models(project, model_types=models, n_splits=3)
    compare_models(project)
    audit_model(project, target="logistic_regression", permutations=5, resamples=100)
    model_importance(project, model="logistic_regression")
    model_robustness(project, model="logistic_regression")
    find_duplicates(project)


@pytest.fixture(scope="session")
def address(shown_project: Path) -> Iterator[str]:
    """A server of the dashboard on loopback."""
    from fvc.dashboard.serving import PROJECT_VARIABLE, server_command

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {PROJECT_VARIABLE: str(shown_project)}
    server = subprocess.Popen(
        server_command("127.0.0.1", port, headless=True),
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert server.poll() is None, "the dashboard's server ended"
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the dashboard's server did not answer")
