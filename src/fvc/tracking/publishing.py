"""Tracking beside a training run: every model's result is recorded, then sent; it never raises."""

import json
import logging
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from fvc.errors import FVCError, LockedError, OptionError
from fvc.tracking.champion import settle_champion
from fvc.tracking.destination import (
    URI_VARIABLE,
    default_name,
    experiment_name,
    find_destination,
    is_installed,
    require_mlflow,
)
from fvc.tracking.outbox import Outbox, Record
from fvc.tracking.results import ModelResult
from fvc.tracking.sending import Sender, SendingError
from fvc.workspace import Workspace

logger = logging.getLogger("fvc.tracking")

Track = Literal["auto", "on", "off"]

PAUSE_SECONDS = 120.0
"""How long a server that did not answer is left alone."""

LATER = "kept in {folder}; the next training or `fvc track sync` sends it"


@dataclass
class Delivery:
    """What was sent.

    Attributes
    ----------
    sent
        Keys of the runs that have arrived, or were there already.
    problems
        Why others have not, by key.
    """

    sent: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


class ProjectTracking:
    """Records the results of a project's models and sends them.

    Parameters
    ----------
    workspace
        The project.
    tracking_uri
        Where to; by default `find_destination` decides.

    Raises
    ------
    MissingExtraError
        MLflow is not installed.
    """

    def __init__(self, workspace: Workspace, tracking_uri: str | None = None) -> None:
        self.workspace = workspace
        self.destination = find_destination(workspace, tracking_uri)
        self.sender = Sender(self.destination)
        self.outbox = Outbox(workspace.outbox)
        self.experiment = experiment_name(workspace)
        self.registered = default_name(workspace)
        self.delivery = Delivery()
        self._silent_until = 0.0
        self._warned = False

    def record(self, model: str) -> Record:
        """Record a trained model's result, to be sent; the same result is the same record.

        Raises
        ------
        MissingInputError
            It has not been trained.
        OutputError
            The disk is full, or cannot be written.
        """
        result = ModelResult(self.workspace, model)
        events = result.events(self.registered)
        return self.outbox.add(result.key, self.experiment, events, result.files())

    def model_done(self, model: str) -> None:
        """Record a model's result and send it, and what is left of earlier ones.

        Whatever goes wrong is one warning: the results are in the project in any case.
        """
        try:
            self.record(model)
        except FVCError as error:
            self._warn(f"{model} is not recorded for MLflow: {error}")
            return
        self.deliver()

    def deliver(self, *, patient: bool = False) -> Delivery:
        """Send all that is left, unless the server has just failed to answer.

        Parameters
        ----------
        patient
            Try in any case.
        """
        if not patient and time.monotonic() < self._silent_until:
            return self.delivery
        for record in self.outbox.pending():
            try:
                self.sender.send(record)
                self.delivery.sent.append(record.key)
                self.delivery.problems.pop(record.key, None)
            except LockedError:
                logger.debug("%s is written or sent by another process", record.key)
            except SendingError as error:
                self.delivery.problems[record.key] = str(error)
                if not self._answers():
                    self._pause(str(error))
                    break
                where = LATER.format(folder=self.workspace.relative(record.folder))
                self._warn(f"MLflow at {self.destination.shown}: {error}; {where}")
        return self.delivery

    def _answers(self) -> bool:
        """Whether the destination works at all, so that the next record is worth a try."""
        try:
            with self.sender.guarded():
                self.sender.experiment_exists(self.experiment)
        except SendingError:
            return False
        return True

    def _pause(self, reason: str) -> None:
        self._silent_until = time.monotonic() + PAUSE_SECONDS
        where = LATER.format(folder=self.workspace.relative(self.outbox.folder))
        self._warn(
            f"MLflow at {self.destination.shown} does not answer ({reason}). Results {where}"
        )

    def _warn(self, message: str) -> None:
        log = logger.debug if self._warned else logger.warning
        self._warned = True
        log("%s", self.destination.scrub(message))

    def champion(self) -> str | None:
        """Settle who is the champion, once all has arrived; None where that has to wait."""
        if self.outbox.pending() or time.monotonic() < self._silent_until:
            return None
        try:
            with self.sender.guarded():
                return settle_champion(self.sender.client(), self.registered, self.workspace)
        except SendingError as error:
            self._warn(f"the champion is not settled: {error}")
            return None

    def finish(self) -> None:
        """Send what is left, settle the champion and say what has become of it all."""
        self.deliver()
        decided = self.champion()
        if self.delivery.sent:
            logger.info(
                "MLflow: %d run(s) in the experiment %s of %s",
                *(len(set(self.delivery.sent)), self.experiment, self.destination.shown),
            )
        if decided:
            logger.info("MLflow: %s", decided)


def tracking_of(workspace: Workspace, track: Track) -> ProjectTracking | None:
    """Make what tracks a training run, if it is to be tracked.

    Parameters
    ----------
    workspace
        The project.
    track
        ``"on"``, ``"off"``, or ``"auto"``: where ``MLFLOW_TRACKING_URI`` is set.

    Raises
    ------
    OptionError
        `track` is none of the three.
    MissingExtraError
        It is asked for, and MLflow is not installed.
    """
    if track not in ("auto", "on", "off"):
        raise OptionError(f"track is auto, on or off, not {track!r}")
    if track == "off" or (track == "auto" and not os.environ.get(URI_VARIABLE)):
        return None
    if track == "auto" and not is_installed():
        logger.warning(
            "%s is set, but MLflow is not installed, so nothing is tracked: "
            'pip install "fvc[mlops]"',
            URI_VARIABLE,
        )
        return None
    require_mlflow()
    return ProjectTracking(workspace)


def trained_models(workspace: Workspace) -> list[str]:
    """Name the models that stage 5 has written in a project."""
    found: Iterable[Any] = workspace.stage5.glob("*/metrics.json")
    return sorted(path.parent.name for path in found if _is_model(path))


def _is_model(path: Any) -> bool:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and {"split", "fold_results", "aggregate"} <= document.keys()
