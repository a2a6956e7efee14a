"""What a server has ready before anybody asks, and what its first page does without."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HEAVY = ("fvc.dashboard.charts", "matplotlib", "scipy", "sklearn", "torch")


def _printed(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_first_page_needs_no_library_that_only_others_draw_with() -> None:
    code = (
        "import sys, fvc.dashboard.app, fvc.dashboard.screens.overview\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    assert _printed(code).strip() == "[]"


def test_a_server_warms_every_page_and_the_tables_up(shown_project: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom fvc.workspace import Workspace\n"
        "from fvc.dashboard import app, reading, server\n"
        f"workspace = Workspace(Path({str(shown_project)!r}))\n"
        "server.warm_up(workspace)\n"
        "opened = []\n"
        "reading._Views.__init__ = lambda views, project: opened.append(project)\n"
        "print(len(reading.query(workspace, 'SELECT count(*) AS n FROM clips')), opened)\n"
        "print([m for *_, m in app.PAGES if f'fvc.dashboard.screens.{m}' not in sys.modules])"
    )
    assert _printed(code).split("\n")[:2] == ["1 []", "[]"]


def test_a_process_that_judges_a_video_does_not_import_the_pages() -> None:
    code = (
        "import runpy, sys\nfrom fvc.dashboard.serving import server_command\n"
        "script = next(w for w in server_command('127.0.0.1', 1, headless=True) if '.py' in w)\n"
        "runpy.run_path(script, run_name='__mp_main__')\nprint('streamlit' in sys.modules)"
    )
    assert _printed(code).strip() == "False"


def test_an_empty_project_is_no_obstacle(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path\nfrom fvc.workspace import Workspace\n"
        "from fvc.dashboard import server\n"
        f"server.warm_up(Workspace(Path({str(tmp_path)!r})))\nprint('warm')"
    )
    assert _printed(code).strip() == "warm"
