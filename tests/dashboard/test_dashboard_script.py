"""The script beside the package, under ``streamlit run`` in a project's folder."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SCRIPT = Path(__file__).parents[2] / "src" / "dashboard_results.py"


def test_streamlit_run_in_a_projects_folder_serves_its_pages_to_this_machine_alone(
    shown_project: Path,
) -> None:
    from streamlit.testing.v1 import AppTest

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(SCRIPT), f"--server.port={port}"]
    environment = {k: v for k, v in os.environ.items() if k != "FVC_PROJECT"}
    server = subprocess.Popen(
        [*command, "--server.headless=true"],
        cwd=shown_project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert _answer(f"http://127.0.0.1:{port}/_stcore/health", server) == b"ok"
        assert b"<title>Streamlit</title>" in _answer(f"http://127.0.0.1:{port}/corpus", server)
        assert _others_reach(port) == []
    finally:
        server.terminate()
        said = server.communicate(timeout=30)[0]
    assert "127.0.0.1" in said
    assert "Traceback" not in said
    before = Path.cwd()
    os.chdir(shown_project)
    try:
        page = AppTest.from_file(str(SCRIPT), default_timeout=120).run()
    finally:
        os.chdir(before)
    assert not page.exception
    assert page.title[0].value == "Overview"
    assert next(m for m in page.metric if m.label == "Sources").value == "24"


def _answer(address: str, server: "subprocess.Popen[str]") -> bytes:
    for _ in range(300):
        assert server.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return bytes(answer.read())
        except OSError:
            time.sleep(0.2)
    pytest.fail("the server did not answer")


def _others_reach(port: int) -> list[str]:
    """Try every other address of this machine: the second of loopback stands for all of them."""
    reached = []
    for address in ("127.0.0.2", socket.gethostbyname(socket.gethostname())):
        if address == "127.0.0.1":
            continue
        with socket.socket() as caller:
            caller.settimeout(5)
            if caller.connect_ex((address, port)) == 0:
                reached.append(address)
    return reached
