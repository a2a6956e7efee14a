"""Make the documentation's pictures of the dashboard, from a simulated project alone.

``python docs/screenshots.py PROJECT`` starts the dashboard on the project (made with ``fvc demo``,
then ``fvc compare``, ``audit``, ``importance``, ``robustness``), opens pages in Chromium, those
that the documentation shows unless others are asked for, and writes
``docs/images/dashboard-<page>-<light|dark>.png``. A project of real videos is refused: its frames
are other people's pictures.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fvc.dashboard.serving import PROJECT_VARIABLE, server_command
from fvc.workspace import Workspace

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMAGES = Path(__file__).with_name("images")
PAGES = ("overview", "corpus", "leaderboard", "model", "compare", "features", "audit", "try")
SHOWN = ("overview", "corpus", "leaderboard", "audit")
"""Pages whose pictures in light the documentation shows; of the model's it shows the dark one."""

LARGEST = 250_000
"""Bytes that a picture may take in the repository."""

_PATIENCE = 120_000
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-sync",
          "--disable-background-networking", "--hide-scrollbars")  # fmt: skip


def main() -> int:
    """Make the pictures; 1 if one is too large."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("project", type=Path, help="a finished simulated project")
    parser.add_argument("--to", type=Path, default=IMAGES, help="folder of the pictures")
    parser.add_argument("--pages", nargs="*", choices=PAGES, default=SHOWN)
    parser.add_argument("--schemes", nargs="*", choices=("light", "dark"), default=("light",))
    parser.add_argument("--whole", action="store_true", help="the whole page, not its first screen")
    asked = parser.parse_args()
    workspace = Workspace(asked.project)
    if not workspace.leaderboard_json.is_file():
        sys.exit(
            f"nothing is trained in {asked.project}: fvc demo --project FOLDER makes a project"
        )
    if not json.loads(workspace.leaderboard_json.read_text(encoding="utf-8"))["simulated"]:
        sys.exit(f"{asked.project} is not simulated: frames of real videos are not ours to show")
    asked.to.mkdir(parents=True, exist_ok=True)
    too_large = False
    with _served(workspace) as address:
        for path in _pictures(address, asked):
            size = path.stat().st_size
            print(f"{path}  {size:,} bytes")
            too_large |= size > LARGEST and not asked.whole
    return int(too_large)


@contextmanager
def _served(workspace: Workspace) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        server_command("127.0.0.1", port, headless=True),
        env=os.environ | {PROJECT_VARIABLE: str(workspace.root)},
        stdout=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            if server.poll() is not None:
                sys.exit("the dashboard's server ended")
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(30)


def _pictures(address: str, asked: argparse.Namespace) -> Iterator[Path]:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("no Chromium: scripts/install_services.sh installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(_FLAGS))
        for scheme in asked.schemes:
            for name in asked.pages:
                page = browser.new_page(
                    color_scheme=scheme,
                    viewport={"width": 1280, "height": 5200 if asked.whole else 860},
                )
                page.set_default_timeout(_PATIENCE)
                page.goto(f"{address}/{'' if name == 'overview' else name}")
                _settle(page)
                path = asked.to / f"dashboard-{name}-{scheme}.png"
                page.screenshot(path=path, animations="disabled", caret="hide")
                page.close()
                yield path
        browser.close()


def _settle(page: "Page") -> None:
    """Wait until the page's script has come to its end and charts and videos are drawn."""
    page.wait_for_selector("h1")
    page.wait_for_selector('[data-test-script-state="notRunning"]')
    page.wait_for_function(
        """() => {
            const all = name => [...document.querySelectorAll(name)];
            const shown = item => item.checkVisibility();
            return !all('[data-testid="stSkeleton"]').some(shown)
                && all("video").every(video => video.readyState >= 2 || video.error)
                && all('[data-testid="stPlotlyChart"]').filter(shown).every(
                    chart => chart.querySelector(".main-svg"))
                && all('[data-testid="stDataFrame"]').filter(shown).every(
                    table => table.querySelector("canvas"));
        }"""
    )
    page.wait_for_timeout(1500)


if __name__ == "__main__":
    sys.exit(main())
