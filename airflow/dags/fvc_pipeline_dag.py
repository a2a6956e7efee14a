"""The pipeline as an Airflow DAG: each step calls the command ``fvc``, here or through SLURM.

Set in the environment of Airflow's processes, all optional:

FVC_COMMAND                 the command, if it is not on the PATH: ``/path/to/venv/bin/fvc``
FVC_PROJECT                 the project, if a run does not name one
FVC_AIRFLOW_SCHEDULE        when to run, as cron writes it or ``@daily``; by default only when asked
FVC_AIRFLOW_RETRIES         attempts after the first (2)
FVC_AIRFLOW_RETRY_SECONDS   seconds before the next attempt (300)
FVC_FILES_URL               where the disk's files are served, for the links of tasks
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, BaseOperator, BaseOperatorLink, Param
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

# Not every way of loading a DAG has its folder on the path.
sys.path.append(os.path.dirname(os.path.abspath(__file__)))

from fvc_commands import (
    FINAL,
    MEANING,
    NOT_AVAILABLE,
    OPTIONS,
    SOME_FAILED,
    STAGES,
    RefusedError,
    Running,
    command_of,
    link_to,
    outputs_of,
)


class _FileLink(BaseOperatorLink):
    """A link to a file that a task left behind."""

    key = ""

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Give the file's address; empty where there is no file."""
        # Asked once, when the task has ended; Airflow keeps the answer.
        outputs = getattr(operator, "outputs", {})
        return link_to(outputs[self.key]) if self.key in outputs else ""


class TableLink(_FileLink):
    """The table that the step wrote."""

    name = "Table"
    key = "table"


class LogLink(_FileLink):
    """The step's own log file."""

    name = "Log file"
    key = "log"


class FailuresLink(_FileLink):
    """What failed, and why."""

    name = "Failures"
    key = "failures"


class FvcOperator(BaseOperator):
    """Call one verb of the command.

    A clip that fails does not fail the task, unless the run asks for that; a stage in which every
    clip fails does.
    """

    operator_extra_links = (TableLink(), LogLink(), FailuresLink())
    ui_color = "#dbe9f4"

    def __init__(self, *, verb: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.verb = verb
        self.outputs: dict[str, Any] = {}
        self._running: Running | None = None

    def execute(self, context: Any) -> dict[str, Any]:
        """Run the command; its messages become the task's log."""
        params, instance = dict(context["params"]), context["ti"]
        try:
            words = command_of(self.verb, params, first=instance.try_number <= 1)
        except RefusedError as error:
            raise AirflowFailException(str(error)) from error
        self.log.info("Command: %s", words)
        try:
            self._running = Running(words, str(params["project"]))
        except OSError as error:
            raise AirflowFailException(f"{words[0]} cannot be run: {error}") from error
        try:
            code, document = self._running.wait(lambda line: self.log.info("%s", line))
        except BaseException:
            self.on_kill()
            raise
        outputs = outputs_of(self.verb, params, document) | {"exit_code": code}
        self.outputs = outputs
        instance.xcom_push(key="outputs", value=outputs)
        for name in ("table", "log", "failures"):
            if name in outputs:
                self.log.info("%s: %s", name.capitalize(), outputs[name])
        self._judge(code, params, str(document.get("error", "")))
        return outputs

    def on_kill(self) -> None:
        """Stop the command; on SLURM that cancels its jobs."""
        if self._running is not None:
            self._running.stop()

    def _judge(self, code: int, params: dict[str, Any], error: str) -> None:
        meaning = MEANING.get(code, "ended by a signal" if code < 0 or code > 128 else "unknown")
        text = f"fvc {self.verb}: exit code {code}, {meaning}" + (f": {error}" if error else "")
        if code == 0:
            return
        if code == SOME_FAILED and not params["fail_on_clip_failures"]:
            self.log.warning("%s", text)
            return
        if code == NOT_AVAILABLE and self.verb == "notebooks":
            raise AirflowSkipException(text)
        if code in FINAL or code == SOME_FAILED:
            raise AirflowFailException(text)
        raise AirflowException(text)


def _params() -> dict[str, Param]:
    params = {
        "project": Param(
            **({"default": os.environ["FVC_PROJECT"]} if os.environ.get("FVC_PROJECT") else {}),
            type="string",
            pattern="^/",
            description="Folder of the project, from the root; all workers must see it.",
        ),
        "executor": Param(
            "local",
            enum=["local", "slurm"],
            description="Where stages 1 to 5 run: on Airflow's worker, or as jobs of SLURM.",
        ),
        "fail_on_clip_failures": Param(
            False, type="boolean", description="Fail a task in which some clips failed."
        ),
    }
    for verb, step in OPTIONS["steps"].items():
        for option in step["options"]:
            name = f"{verb}_{option['name']}".replace("-", "_")
            params[name] = _param(option, f"fvc {verb}")
    for option in OPTIONS["running"]:
        params[option["name"]] = _param(option, "How it runs")
    for option in OPTIONS["slurm"]["options"]:
        params[f"slurm_{option['name']}"] = _param(option, "SLURM")
    return params


def _param(option: dict[str, Any], section: str) -> Param:
    return Param(
        option["default"],
        description=option["description"] or None,
        section=section,
        **option["schema"],
    )


with DAG(
    dag_id="fvc_pipeline",
    description="From a corpus of real and fake videos to trained, comparable detectors.",
    doc_md=__doc__,
    schedule=os.environ.get("FVC_AIRFLOW_SCHEDULE") or None,
    start_date=datetime(2025, 1, 1, tzinfo=UTC),
    catchup=False,
    # Two runs of one project would wait for each other's locks.
    max_active_runs=1,
    params=_params(),
    default_args={
        "retries": int(os.environ.get("FVC_AIRFLOW_RETRIES", "2")),
        "retry_delay": timedelta(seconds=float(os.environ.get("FVC_AIRFLOW_RETRY_SECONDS", "300"))),
    },
    tags=["fvc"],
) as dag:
    tasks = {
        verb: FvcOperator(
            task_id=f"stage{STAGES[verb]}_{verb}".replace("-", "_") if verb in STAGES else verb,
            verb=verb,
        )
        for verb in OPTIONS["steps"]
    }
    tasks["setup"] >> tasks["augment"] >> [tasks["features"], tasks["scale"]]
    tasks["scale"] >> tasks["scaled-features"]
    [tasks["features"], tasks["scaled-features"]] >> tasks["train"] >> tasks["notebooks"]
