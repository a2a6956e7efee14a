"""``fvc dashboard``: the project in the browser."""

from fvc.cli.verb import app_of, options_of
from fvc.dashboard.serving import serve_dashboard

command = app_of(
    serve_dashboard,
    options_of(serve_dashboard),
    name="dashboard",
    example="fvc dashboard --project my-project --port 8600",
)
