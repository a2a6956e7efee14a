"""``fvc track``: send what has not arrived, and say what that is."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fvc.errors import EXIT_SOME_FAILED, FVCError
from fvc.tracking.destination import find_destination
from fvc.tracking.outbox import Outbox
from fvc.tracking.publishing import ProjectTracking, trained_models
from fvc.workspace import Workspace


@dataclass(frozen=True)
class SyncReport:
    """What was sent, and what was not.

    Attributes
    ----------
    destination
        Where to, without secrets.
    experiment
        Name of the experiment.
    sent
        How many runs have arrived, or were there already.
    waiting
        ``run`` and ``problem`` of what has not.
    champion
        What was decided about the alias ``champion``; None where nothing was.
    """

    destination: str
    experiment: str
    sent: int
    waiting: list[dict[str, str]] = field(default_factory=list)
    champion: str | None = None

    @property
    def exit_code(self) -> int:
        """0, or 5 where something still waits."""
        return EXIT_SOME_FAILED if self.waiting else 0

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain JSON types."""
        return {**vars(self), "exit_code": self.exit_code}

    def summary(self) -> str:
        """Give the report in a few lines."""
        lines = [f"{self.sent} run(s) are at {self.destination}, experiment {self.experiment}"]
        lines += [f"waiting: {row['run']}: {row['problem']}" for row in self.waiting]
        if self.champion:
            lines.append(self.champion)
        return "\n".join(lines)


def sync_tracking(project: Path = Path("."), *, tracking_uri: str | None = None) -> SyncReport:
    """Send to MLflow what is not there yet: what waits, and every trained model; nothing twice.

    Parameters
    ----------
    project
        Folder of the project.
    tracking_uri
        Server or database; by default ``MLFLOW_TRACKING_URI``, or ``mlflow.db`` in the project.

    Returns
    -------
    SyncReport
        What has arrived; exit code 5 where something still waits.

    Raises
    ------
    MissingExtraError
        MLflow is not installed.
    """
    workspace = Workspace(project)
    tracking = ProjectTracking(workspace, tracking_uri)
    unrecorded = []
    for model in trained_models(workspace):
        try:
            tracking.record(model)
        except FVCError as error:
            unrecorded.append({"run": model, "problem": str(error)})
    delivery = tracking.deliver(patient=True)
    return SyncReport(
        destination=tracking.destination.shown,
        experiment=tracking.experiment,
        sent=len(set(delivery.sent)),
        waiting=_waiting(tracking.outbox, tracking.destination.identity) + unrecorded,
        champion=tracking.champion(),
    )


def tracking_status(project: Path = Path("."), *, tracking_uri: str | None = None) -> SyncReport:
    """Say what waits to be sent to MLflow, without sending it.

    Parameters
    ----------
    project
        Folder of the project.
    tracking_uri
        Server or database; by default ``MLFLOW_TRACKING_URI``, or ``mlflow.db`` in the project.
    """
    workspace = Workspace(project)
    destination = find_destination(workspace, tracking_uri)
    outbox = Outbox(workspace.outbox)
    return SyncReport(destination.shown, "", 0, _waiting(outbox, destination.identity))


def _waiting(outbox: Outbox, identity: str) -> list[dict[str, str]]:
    rows = []
    for record in outbox.pending():
        first = next((e for e in record.events() if e.get("op") == "run"), {})
        name = f"{first.get('name', 'run')} ({record.key[:8]})"
        problem = record.sent(identity).problem or "not tried yet, or being written"
        rows.append({"run": name, "problem": problem})
    return rows
