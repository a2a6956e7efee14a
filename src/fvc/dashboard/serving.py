"""Starting the dashboard's server."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from fvc.errors import MissingExtraError, MissingInputError, OptionError
from fvc.workspace import Workspace

UPLOAD_LIMIT_MIB = 500
"""Size of the largest video that "Try a video" takes."""

PROJECT_VARIABLE = "FVC_PROJECT"
"""The environment's word for the project, which the pages read."""

SETTINGS: dict[str, str | int] = {
    "server.maxUploadSize": UPLOAD_LIMIT_MIB,
    "server.fileWatcherType": "none",
    "server.enableXsrfProtection": "true",
    "server.enableStaticServing": "false",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    # Streamlit's own red is too pale on its tint to be read by everybody (WCAG 1.4.3).
    "theme.light.primaryColor": "#1F5F8B",
    "theme.dark.primaryColor": "#7DBDE8",
}
"""How Streamlit is set; ``src/.streamlit/config.toml`` says the same to ``streamlit run``."""


def serve_dashboard(
    project: Path = Path("."),
    *,
    host: str = "127.0.0.1",
    port: int = 8501,
    headless: bool = False,
) -> int:
    """Show a project in the browser until it is interrupted.

    Parameters
    ----------
    project
        Folder of the project.
    host
        Address to listen at. Anything but this machine's own lets whoever reaches it see the
        project and upload videos: there is no password.
    port
        Port to listen at.
    headless
        Do not open the browser.

    Returns
    -------
    int
        The server's exit code; 0 where it was interrupted.

    Raises
    ------
    MissingExtraError
        Streamlit or Plotly is not installed.
    MissingInputError
        There is no such folder.
    OptionError
        The port is no port.
    """
    if not 0 < port < 65536:
        raise OptionError(f"--port {port}: a number from 1 to 65535")
    if not project.is_dir():
        raise MissingInputError("no such folder", path=project)
    for module in ("streamlit", "plotly"):
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError("fvc dashboard", "dashboard")
    environment = os.environ | {PROJECT_VARIABLE: str(Workspace(project).root)}
    try:
        return subprocess.call(server_command(host, port, headless=headless), env=environment)
    except KeyboardInterrupt:
        return 0


def server_command(host: str, port: int, *, headless: bool) -> list[str]:
    """Give the command that runs the pages, with every setting that keeps it to itself."""
    settings = {
        "server.address": host,
        "server.port": port,
        "server.headless": str(headless).lower(),
        **SETTINGS,
    }
    script = Path(__file__).with_name("script.py")
    options = [f"--{name}={value}" for name, value in settings.items()]
    return [sys.executable, "-m", "fvc.dashboard.server", str(script), *options]
