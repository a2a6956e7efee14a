"""The server's process: ``python -m fvc.dashboard.server SCRIPT OPTIONS…``.

It runs Streamlit as ``streamlit run`` does. While the browser loads what every page of Streamlit's
begins with, the libraries behind the pages are imported and the project's tables opened, which else
the first visitor waits for.
"""

import contextlib
import os
import sys
from importlib import import_module
from pathlib import Path
from threading import Thread

from streamlit.web import cli

from fvc.dashboard.serving import PROJECT_VARIABLE
from fvc.errors import FVCError
from fvc.workspace import Workspace


def main() -> None:
    """Serve until interrupted."""
    workspace = Workspace(Path(os.environ.get(PROJECT_VARIABLE, ".")))
    Thread(target=warm_up, args=(workspace,), daemon=True).start()
    cli.main(["run", *sys.argv[1:]], prog_name="streamlit")


def warm_up(workspace: Workspace) -> None:
    """Import what the pages need, the first page's first, and open the project's tables."""
    from fvc.dashboard.app import PAGES
    from fvc.dashboard.reading import query

    # What is wrong with a table is said on the page that shows it.
    with contextlib.suppress(FVCError):
        query(workspace, "SELECT count(*) AS n FROM clips")
    for *_, module in PAGES:
        import_module(f"fvc.dashboard.screens.{module}")


if __name__ == "__main__":
    main()
