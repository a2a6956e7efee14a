"""One's own runs in MLflow: what is logged is on disk first, and sent when the server is there."""

import atexit
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from fvc.errors import MissingInputError, OptionError
from fvc.tracking.destination import experiment_name, find_destination, require_mlflow
from fvc.tracking.outbox import Event, Outbox, Record, new_key
from fvc.tracking.publishing import LATER, PAUSE_SECONDS
from fvc.tracking.results import flatten, metric_name, safe_name
from fvc.tracking.sending import Sender, SendingError
from fvc.workspace import Workspace

logger = logging.getLogger("fvc.tracking")

SEND_EVERY_SECONDS = 2.0


class _Delivery:
    """The record of a run and its children, and when it is sent."""

    def __init__(self, record: Record, sender: Sender, lock: IO[str], where: str) -> None:
        self.record, self.sender, self.lock, self.where = record, sender, lock, where
        self._next = 0.0
        self._warned = False

    def add(self, event: Event, *, grows: bool = True, now: bool = False) -> None:
        self.record.append([event])
        if now or time.monotonic() >= self._next:
            self.send(grows=grows)

    def send(self, *, grows: bool = True) -> None:
        self._next = time.monotonic() + SEND_EVERY_SECONDS
        try:
            self.sender.send(self.record, held=True, grows=grows)
        except SendingError as error:
            self._next = time.monotonic() + PAUSE_SECONDS
            log = logger.debug if self._warned else logger.warning
            self._warned = True
            log(
                "MLflow at %s: %s; what is logged is %s",
                *(self.sender.destination.shown, error, LATER.format(folder=self.where)),
            )

    def close(self) -> None:
        self.lock.close()


class MLflowTracker:
    """A run of MLflow; made by `create_mlflow_tracker`, or by `child` of another.

    As a context manager it ends the run, as failed where the block raised.
    """

    def __init__(
        self,
        delivery: _Delivery | None,
        name: str,
        tags: Mapping[str, Any],
        parent: "MLflowTracker | None" = None,
        key: str | None = None,
    ) -> None:
        self._delivery = delivery
        self.key = key or new_key()
        self._parent = parent
        self._params: dict[str, str] = {}
        self._ended = False
        text = {safe_name(k): str(v) for k, v in tags.items()}
        self._say({
            "op": "run", "name": name, "parent": parent.key if parent else None, "tags": text
        })  # fmt: skip
        if parent is None:
            atexit.register(self._at_exit)

    def _say(self, event: Event, *, grows: bool = True, now: bool = False) -> None:
        if self._ended:
            raise OptionError("this run has ended: make another tracker")
        if self._delivery is not None:
            stamped = {"key": self.key, "time": time.time_ns() // 1_000_000, **event}
            self._delivery.add(stamped, grows=grows, now=now)

    @property
    def run_id(self) -> str | None:
        """The run's id at the server; None as long as it has not arrived there."""
        if self._delivery is None:
            return None
        identity = self._delivery.sender.destination.identity
        return self._delivery.record.sent(identity).runs.get(self.key)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log parameters such as ``learning_rate`` and ``batch_size``; nested ones as ``a.b``.

        Raises
        ------
        OptionError
            One of them has another value already: parameters are set once.
        """
        flat = flatten(params)
        for name, value in flat.items():
            if self._params.get(name, value) != value:
                raise OptionError(f"{name} is {self._params[name]} already, not {value}")
        self._params |= flat
        self._say({"op": "params", "values": flat})

    def log_param(self, name: str, value: Any) -> None:
        """Log one parameter; see `log_params`."""
        self.log_params({name: value})

    log_config = log_params

    def log_metrics(self, metrics: Mapping[str, float | None], step: int = 0) -> None:
        """Log numbers such as ``train_loss``, ``val_acc`` and ``test_f1``.

        Parameters
        ----------
        metrics
            Numbers by name. None, which is how this project writes "undefined", is left out;
            ``test_accuracy`` and its kind become ``test_acc``.
        step
            Epoch, fold or repeat.

        Raises
        ------
        OptionError
            A value is not a number.
        """
        values = []
        for name, value in metrics.items():
            if value is None:
                continue
            try:
                number = float(value)
            except (TypeError, ValueError) as error:
                raise OptionError(f"{name} is not a number: {value!r}") from error
            values.append([safe_name(metric_name(name)), number, int(step)])
        if values:
            self._say({"op": "metrics", "values": values})

    def log_metric(self, name: str, value: float | None, step: int = 0) -> None:
        """Log one number; see `log_metrics`."""
        self.log_metrics({name: value}, step)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags; a later value of a tag replaces an earlier one."""
        self._say({"op": "tags", "values": {safe_name(k): str(v) for k, v in tags.items()}})

    def log_artifact(self, path: Path | str, artifact_path: str = "") -> None:
        """Log a file: a copy is made at once.

        Parameters
        ----------
        path
            The file.
        artifact_path
            Folder among the run's artifacts.

        Raises
        ------
        MissingInputError
            There is no such file.
        """
        path = Path(path)
        if not path.is_file():
            raise MissingInputError("no such file", path=path)
        if self._delivery is not None:
            place = self._delivery.record.keep_file(path)
            self._say({"op": "artifact", "file": place, "to": artifact_path})

    def log_artifacts(self, folder: Path | str, artifact_path: str = "") -> None:
        """Log all files of a folder, with its sub-folders.

        Raises
        ------
        MissingInputError
            There is no such folder.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise MissingInputError("no such folder", path=folder)
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            inside = path.parent.relative_to(folder).as_posix()
            parts = [part for part in (artifact_path, inside) if part not in ("", ".")]
            self.log_artifact(path, "/".join(parts))

    def log_text(self, text: str, name: str, artifact_path: str = "") -> None:
        """Log a text as a file of a name."""
        self._say({"op": "text", "text": text, "name": Path(name).name, "to": artifact_path})

    def child(self, name: str, tags: Mapping[str, Any] | None = None) -> "MLflowTracker":
        """Begin a run nested in this one, such as a fold of a model."""
        return MLflowTracker(self._delivery, name, tags or {}, parent=self)

    def flush(self) -> None:
        """Send at once what was logged; it is sent every two seconds anyway."""
        if self._delivery is not None and not self._ended:
            self._delivery.send()

    def end_run(self, status: str = "FINISHED") -> None:
        """End the run: ``"FINISHED"``, ``"FAILED"`` or ``"KILLED"``; a second call does nothing.

        Raises
        ------
        OptionError
            It is none of the three.
        """
        if status not in ("FINISHED", "FAILED", "KILLED"):
            raise OptionError(f"a run ends FINISHED, FAILED or KILLED, not {status!r}")
        if self._ended:
            return
        last = self._parent is None
        self._say({"op": "end", "status": status}, grows=not last, now=last)
        self._ended = True
        if last and self._delivery is not None:
            self._delivery.close()
            atexit.unregister(self._at_exit)

    def _at_exit(self) -> None:
        # A script that never said how it ended.
        self.end_run("FINISHED")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        stopped = kind is not None and not issubclass(kind, Exception)
        self.end_run("KILLED" if stopped else "FAILED" if kind else "FINISHED")


def create_mlflow_tracker(
    experiment_name: str | None = None,
    *,
    run_name: str | None = None,
    tracking_uri: str | None = None,
    project: Path | str = ".",
    tags: Mapping[str, Any] | None = None,
    use_mlflow: bool = True,
) -> MLflowTracker:
    """Begin a run of MLflow of one's own; `fvc train` tracks itself.

    What is logged is written to the project first. A server that does not answer costs seconds and
    one warning, and what has not arrived is sent by the next `fvc train` or `fvc track sync`.

    Parameters
    ----------
    experiment_name
        By default ``MLFLOW_EXPERIMENT_NAME``, or ``fvc-`` and the name of the project's folder.
    run_name
        Name of the run; ``run`` by default.
    tracking_uri
        Server or database; by default ``MLFLOW_TRACKING_URI``, or ``mlflow.db`` in the project,
        which ``mlflow ui --port 5000``, run there, shows.
    project
        Folder of the project.
    tags
        Tags of the run.
    use_mlflow
        False makes a tracker that does nothing, so that code need not ask.

    Returns
    -------
    MLflowTracker
        To be used as a context manager, or ended with `MLflowTracker.end_run`.

    Raises
    ------
    MissingExtraError
        MLflow is not installed.

    Examples
    --------
    >>> tracker = create_mlflow_tracker("demo", use_mlflow=False)
    >>> with tracker:
    ...     tracker.log_params({"learning_rate": 1e-3, "batch_size": 8})
    ...     tracker.log_metrics({"train_loss": 0.7}, step=1)
    """
    if not use_mlflow:
        return MLflowTracker(None, run_name or "run", tags or {})
    require_mlflow()
    workspace = Workspace(project)
    sender = Sender(find_destination(workspace, tracking_uri))
    outbox = Outbox(workspace.outbox)
    key = new_key()
    record = outbox.begin(key, experiment_name or _default_experiment(workspace))
    where = workspace.relative(record.folder)
    delivery = _Delivery(record, sender, record.lock(), where)
    return MLflowTracker(delivery, run_name or "run", tags or {}, key=key)


def _default_experiment(workspace: Workspace) -> str:
    return experiment_name(workspace)


__all__ = ["MLflowTracker", "create_mlflow_tracker"]
