"""Where runs are sent: a server, or the database in the project; its secrets are never shown."""

import hashlib
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from fvc.errors import MissingExtraError
from fvc.workspace import Workspace

URI_VARIABLE = "MLFLOW_TRACKING_URI"
EXPERIMENT_VARIABLE = "MLFLOW_EXPERIMENT_NAME"
_SECRET_VARIABLES = (
    *("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_AUTH"),
    *("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "DATABRICKS_TOKEN"),
)
_HIDDEN = "***"


@dataclass(frozen=True)
class Destination:
    """An MLflow tracking store.

    Attributes
    ----------
    uri
        As MLflow takes it; may hold credentials, so `shown` is what may be printed.
    artifacts
        Folder for files, where the store is a database file of this machine.
    """

    uri: str
    artifacts: Path | None = None

    def __repr__(self) -> str:
        return f"Destination({self.shown!r})"

    @property
    def shown(self) -> str:
        """The URI without user, password, query and fragment."""
        parts = urlsplit(self.uri)
        if not parts.netloc:
            return self.uri.split("?")[0]
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))

    @property
    def identity(self) -> str:
        """A short name for what was already sent there; the same with other credentials."""
        return hashlib.sha256(self.shown.encode()).hexdigest()[:16]

    @property
    def is_server(self) -> bool:
        """Whether it is reached by HTTP."""
        return urlsplit(self.uri).scheme in ("http", "https")

    def scrub(self, text: str) -> str:
        """Take this destination's secrets, and those of MLflow's variables, out of a text."""
        parts = urlsplit(self.uri)
        secrets = {parts.username, parts.password, parts.netloc.rpartition("@")[0]}
        secrets |= {value for _, value in parse_qsl(parts.query)}
        secrets |= {os.environ.get(name) for name in _SECRET_VARIABLES}
        for secret in sorted((s for s in secrets if s), key=len, reverse=True):
            text = text.replace(secret, _HIDDEN)
        return text


def find_destination(workspace: Workspace, tracking_uri: str | None = None) -> Destination:
    """Decide where a project's runs go.

    Parameters
    ----------
    workspace
        The project.
    tracking_uri
        As asked for; by default ``MLFLOW_TRACKING_URI``, and without it ``mlflow.db`` in the
        project, with files in ``mlartifacts`` beside it.
    """
    uri = tracking_uri or os.environ.get(URI_VARIABLE)
    own = f"sqlite:///{workspace.mlflow_database.as_posix()}"
    if not uri:
        return Destination(own, workspace.mlflow_artifacts)
    if uri.startswith("sqlite:///"):
        file = Path(os.path.abspath(uri.removeprefix("sqlite:///").split("?")[0]))
        return Destination(uri, file.parent / workspace.mlflow_artifacts.name)
    return Destination(uri)


def default_name(workspace: Workspace) -> str:
    """Name a project's experiment and registered model: ``fvc-`` and its folder's name."""
    plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in workspace.root.name)
    return f"fvc-{plain or 'project'}"


def experiment_name(workspace: Workspace) -> str:
    """Name the experiment: ``MLFLOW_EXPERIMENT_NAME``, or `default_name`."""
    return os.environ.get(EXPERIMENT_VARIABLE) or default_name(workspace)


def require_mlflow() -> None:
    """Make sure that MLflow is installed, without importing it.

    Raises
    ------
    MissingExtraError
        It is not.
    """
    if not is_installed():
        raise MissingExtraError("tracking with MLflow", "mlops")


def is_installed() -> bool:
    """Whether MLflow is installed."""
    return find_spec("mlflow") is not None
