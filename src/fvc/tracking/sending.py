"""Sending records to MLflow, so that sending one again changes nothing."""

import contextlib
import logging
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from fvc.errors import FVCError, LockedError
from fvc.tracking.destination import Destination, require_mlflow
from fvc.tracking.outbox import Event, Record, Sent

logger = logging.getLogger("fvc.tracking")

KEY_TAG = "fvc.key"
WHOLE_TAG = "fvc.whole"
"""Stands on a run of which everything has arrived."""

LIMITS = {
    # MLflow's own are seven tries of two minutes each: a dead server would hold the run for hours.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
}
"""Set while sending, each unless the environment has it."""

_PROBE_SECONDS = (3, 5)
_METRICS, _PARAMS = 1000, 100
_NOISY = ("alembic", "mlflow", "mlflow.store", "urllib3.connectionpool")


class SendingError(FVCError):
    """Something has not arrived; it is kept and sent later. The message holds no secret."""


@contextlib.contextmanager
def quiet_mlflow() -> Iterator[None]:
    """Bound MLflow's patience, and keep its notes and warnings off the terminal."""
    set_here = {name: value for name, value in LIMITS.items() if name not in os.environ}
    levels = {name: logging.getLogger(name).level for name in _NOISY}
    os.environ.update(set_here)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # MLflow sets its own level when it is imported.
            import_module("mlflow")
            for name in _NOISY:
                logging.getLogger(name).setLevel(logging.ERROR)
            yield
    finally:
        for name in set_here:
            os.environ.pop(name, None)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


class Sender:
    """Sends records to one destination.

    Parameters
    ----------
    destination
        Where to.

    Raises
    ------
    MissingExtraError
        MLflow is not installed.
    """

    def __init__(self, destination: Destination) -> None:
        require_mlflow()
        self.destination = destination
        self._client: Any = None
        self._experiments: dict[str, str] = {}

    def client(self) -> Any:
        """Connect, at the first call; a server that does not answer within seconds is dead.

        Returns
        -------
        mlflow.MlflowClient
        """
        if self._client is None:
            if self.destination.is_server:
                # Any answer counts as life: what stands before a server may hide this page.
                url = f"{self.destination.shown.rstrip('/')}/health"
                import_module("requests").get(url, timeout=_PROBE_SECONDS)
            else:
                self._make_folder()
            uri = self.destination.uri
            make = import_module("mlflow").MlflowClient
            self._client = make(tracking_uri=uri, registry_uri=uri)
        return self._client

    def forget(self) -> None:
        """Connect anew at the next call."""
        self._client = None

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn whatever goes wrong in the block into a `SendingError`.

        Raises
        ------
        SendingError
            With the reason, without secrets.
        """
        try:
            with quiet_mlflow():
                yield
        except LockedError:
            raise
        except Exception as error:  # the border at which an error of a foreign service is a record
            logger.debug("sending failed: %s", type(error).__name__)
            self.forget()
            reason = " ".join(str(error).split()) or type(error).__name__
            raise SendingError(self.destination.scrub(_short(reason))) from None

    def send(self, record: Record, *, held: bool = False, grows: bool = False) -> None:
        """Send what is left of a record, and remove it when all has arrived.

        Parameters
        ----------
        record
            The record.
        held
            The caller has its lock.
        grows
            More events will come: it stays. A record whose writer is gone without an end is ended
            as killed.

        Raises
        ------
        SendingError
            Not all has arrived.
        LockedError
            Another process writes or sends it.
        """
        with contextlib.nullcontext() if held else record.held():
            if not record.exists:
                return
            sent = record.sent(self.destination.identity)
            try:
                with self.guarded():
                    self._send_events(record, sent, grows=grows)
            except SendingError as error:
                sent.problem = str(error)
                record.save_sent(sent)
                raise
            if not grows:
                record.remove()

    def _send_events(self, record: Record, sent: Sent, *, grows: bool) -> None:
        events = record.events()
        client = self.client()
        experiment = self.experiment(events[0]["experiment"])
        if sent.events == 0 and self._is_whole(experiment, record.key):
            return
        todo = list(enumerate(events))[max(1, sent.events) :]
        for number, event in todo:
            self._apply(client, experiment, record, event, sent)
            sent.events, sent.problem = number + 1, ""
            record.save_sent(sent)
        if grows or record.key not in sent.runs:
            return
        run = sent.runs[record.key]
        if events[-1].get("op") != "end":
            client.set_terminated(run, status="KILLED")
        client.set_tag(run, WHOLE_TAG, "yes")

    def experiment(self, name: str) -> str:
        """Find or make an experiment and return its id."""
        if name not in self._experiments:
            client = self.client()
            found = client.get_experiment_by_name(name)
            if found is not None and found.lifecycle_stage != "active":
                raise SendingError(
                    f"the experiment {name!r} is deleted there: restore it, or name another "
                    "in MLFLOW_EXPERIMENT_NAME"
                )
            self._experiments[name] = found.experiment_id if found else self._create(name)
        return self._experiments[name]

    def experiment_exists(self, name: str) -> bool:
        """Ask for an experiment: a question that any working destination can answer."""
        return self.client().get_experiment_by_name(name) is not None

    def _create(self, name: str) -> str:
        location = None
        if self.destination.artifacts is not None:
            folder = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)
            location = (self.destination.artifacts / folder).as_uri()
        try:
            return str(self.client().create_experiment(name, artifact_location=location))
        except import_module("mlflow.exceptions").MlflowException:
            # Another process may have made it in the meantime.
            found = self.client().get_experiment_by_name(name)
            if found is None:
                raise
            return str(found.experiment_id)

    def _make_folder(self) -> None:
        if self.destination.artifacts is not None:
            self.destination.artifacts.parent.mkdir(parents=True, exist_ok=True)

    def find_run(self, experiment: str, key: str) -> Any:
        """Find the run of a key; None where there is none."""
        found = self.client().search_runs([experiment], f"tags.`{KEY_TAG}` = '{key}'")
        return found[0] if found else None

    def _is_whole(self, experiment: str, key: str) -> bool:
        run = self.find_run(experiment, key)
        return run is not None and run.data.tags.get(WHOLE_TAG) == "yes"

    def _apply(
        self, client: Any, experiment: str, record: Record, event: Event, sent: Sent
    ) -> None:
        if event["op"] == "run":
            sent.runs[event["key"]] = self._begin(client, experiment, event, sent)
            return
        run = sent.runs[event["key"]]
        if event["op"] == "model":
            send_model = import_module("fvc.tracking.registry").send_model
            send_model(client, experiment, run, record, event)
        else:
            _ACTIONS[event["op"]](client, run, record, event)

    def _begin(self, client: Any, experiment: str, event: Event, sent: Sent) -> str:
        found = self.find_run(experiment, event["key"])
        if found is not None:
            return str(found.info.run_id)
        tags = {**event["tags"], KEY_TAG: event["key"]}
        if event.get("parent"):
            tags["mlflow.parentRunId"] = sent.runs[event["parent"]]
        run = client.create_run(
            experiment, start_time=event["time"], tags=tags, run_name=event["name"]
        )
        return str(run.info.run_id)


def _log_params(client: Any, run: str, record: Record, event: Event) -> None:
    make = import_module("mlflow.entities").Param
    values = [make(name, str(value)) for name, value in event["values"].items()]
    for start in range(0, len(values), _PARAMS):
        client.log_batch(run, params=values[start : start + _PARAMS])


def _log_metrics(client: Any, run: str, record: Record, event: Event) -> None:
    make = import_module("mlflow.entities").Metric
    values = [make(name, value, event["time"], step) for name, value, step in event["values"]]
    for start in range(0, len(values), _METRICS):
        client.log_batch(run, metrics=values[start : start + _METRICS])


def _set_tags(client: Any, run: str, record: Record, event: Event) -> None:
    make = import_module("mlflow.entities").RunTag
    values = [make(name, str(value)) for name, value in event["values"].items()]
    for start in range(0, len(values), _PARAMS):
        client.log_batch(run, tags=values[start : start + _PARAMS])


def _log_artifact(client: Any, run: str, record: Record, event: Event) -> None:
    client.log_artifact(run, str(record.file(event["file"])), event["to"] or None)


def _log_text(client: Any, run: str, record: Record, event: Event) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / event["name"]
        path.write_text(event["text"], encoding="utf-8")
        client.log_artifact(run, str(path), event["to"] or None)


def _log_dataset(client: Any, run: str, record: Record, event: Event) -> None:
    entities = import_module("mlflow.entities")
    dataset = entities.Dataset(
        name=event["name"],
        digest=event["digest"],
        source_type="local",
        source=event["source"],
        profile=event["profile"],
    )
    client.log_inputs(run, [entities.DatasetInput(dataset)])


def _end(client: Any, run: str, record: Record, event: Event) -> None:
    client.set_terminated(run, status=event["status"], end_time=event["time"])


_ACTIONS: dict[str, Callable[[Any, str, Record, Event], None]] = {
    "params": _log_params,
    "metrics": _log_metrics,
    "tags": _set_tags,
    "artifact": _log_artifact,
    "text": _log_text,
    "dataset": _log_dataset,
    "end": _end,
}


def _short(text: str, most: int = 300) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
