"""``fvc track``: results in MLflow."""

from cyclopts import App

from fvc.cli.verb import EVERY_OPTION, verb
from fvc.tracking.syncing import sync_tracking, tracking_status

command = App(
    name="track",
    help_format="markdown",
    help_epilogue="Example: `fvc track sync --tracking-uri http://localhost:5000`",
    default_parameter=EVERY_OPTION,
)
command.command(
    verb(
        sync_tracking,
        name="sync",
        example="fvc track sync",
        results=lambda workspace: workspace.tracking,
    )
)
command.command(
    verb(
        tracking_status,
        name="status",
        example="fvc track status --json",
        results=lambda workspace: workspace.tracking,
    )
)
