"""From a run's parameters to the command of a step; no Airflow in here."""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

OPTIONS: dict[str, Any] = json.loads(
    Path(__file__).with_name("fvc_pipeline_options.json").read_text(encoding="utf-8")
)
"""Written by ``airflow/write_options.py`` from the command itself."""

STAGES = {"augment": 1, "features": 2, "scale": 3, "scaled-features": 4, "train": 5}

SOME_FAILED = 5
NOT_AVAILABLE = 8

MEANING = {
    1: "a fault of the program",
    2: "wrong usage",
    3: "an earlier step is missing or stale",
    4: "an input is wrong",
    SOME_FAILED: "finished; some clips failed",
    6: "every clip failed",
    7: "another run holds the files",
    NOT_AVAILABLE: "not available in this version, or not installed",
    9: "cannot write",
    126: "the command cannot be run",
    127: "no such command",
    130: "interrupted",
    143: "terminated",
}

FINAL = frozenset({2, 3, 4, 6, 8, 126, 127})
"""Codes that a second attempt would end with again."""


class RefusedError(ValueError):
    """The parameters do not go together."""


def command_of(verb: str, params: Mapping[str, Any], *, first: bool = True) -> list[str]:
    """Give the words of a step's command: each a word for the program, none for a shell.

    Parameters
    ----------
    verb
        ``setup``, a stage's verb, or ``notebooks``.
    params
        The run's parameters.
    first
        Whether this is the first attempt; only that one may start afresh.

    Raises
    ------
    RefusedError
        Parameters that do not go together.
    """
    fvc = os.environ.get("FVC_COMMAND", "fvc")
    on_slurm = params.get("executor") == "slurm" and verb in STAGES
    step = OPTIONS["steps"][verb]
    words = [f"--project={params['project']}", "--json"]
    prefix = verb.replace("-", "_")
    for option in step["options"]:
        flag = f"{verb}.{option['name']}" if on_slurm else option["name"]
        words += _words(flag, option, params.get(f"{prefix}_{option['name']}", option["default"]))
    accepted = OPTIONS["slurm"]["running"] if on_slurm else step["running"]
    for option in OPTIONS["running"]:
        value = params.get(option["name"], option["default"])
        if on_slurm and option["name"] == "delete_existing" and value:
            raise RefusedError("delete_existing goes with the executor 'local' only")
        if option["name"] in accepted and (first or option["name"] != "delete_existing"):
            words += _words(option["name"], option, value)
    if not on_slurm:
        return [fvc, verb, *words]
    for option in OPTIONS["slurm"]["options"]:
        value = params.get(f"slurm_{option['name']}", option["default"])
        words += _words(option["name"], option, value)
    return [fvc, "slurm", "submit", f"--only-stage={STAGES[verb]}", "--wait", *words]


def _words(flag: str, option: Mapping[str, Any], value: Any) -> list[str]:
    if value is None or value == option["default"]:
        return []
    values = value if isinstance(value, list) else [value]
    name = flag.replace("_", "-")
    # One word each: a value that looks like an option stays a value.
    return [f"--{name}={str(one).lower() if isinstance(one, bool) else one}" for one in values]


def environment_of() -> dict[str, str]:
    """Give the command's environment: this one's, without what is Airflow's own."""
    own = ("AIRFLOW", "__AIRFLOW", "_AIRFLOW")
    python = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    return {k: v for k, v in os.environ.items() if not k.startswith(own) and k not in python}


class Running:
    """A command at work.

    Parameters
    ----------
    words
        The command.
    folder
        Where it runs.
    """

    def __init__(self, words: list[str], folder: str) -> None:
        # Open until `wait` has read it: the program must never find a full pipe.
        self.output = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self.process = subprocess.Popen(
            words,
            cwd=folder if os.path.isdir(folder) else None,
            env=environment_of(),
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="backslashreplace",
            start_new_session=True,
        )

    def wait(self, say: Callable[[str], None]) -> tuple[int, dict[str, Any]]:
        """Pass its messages on until it ends; give its exit code and its document."""
        assert self.process.stderr is not None
        with self.process.stderr:
            for line in self.process.stderr:
                say(line.rstrip())
        code = self.process.wait()
        self.output.seek(0)
        with self.output:
            try:
                document = json.load(self.output)
            except ValueError:
                document = {}
        return code, document if isinstance(document, dict) else {}

    def stop(self) -> None:
        """End it in good order: what is finished is kept."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()


def outputs_of(verb: str, params: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a step's command left behind, as far as there is: counts, table, log, failures."""
    project = Path(str(params["project"]))
    kept = ("done", "resumed", "failed", "rows", "seconds", "exit_code", "error")
    found: dict[str, Any] = {key: document[key] for key in kept if key in document}
    number = STAGES.get(verb)
    if number is None:
        return found
    on_slurm = params.get("executor") == "slurm"
    if document.get("table"):
        found["table"] = document["table"]
    elif folders := [one["folder"] for one in document.get("models", ()) if one.get("folder")]:
        found["table"] = str((project / folders[0]).parent / "leaderboard.json")
    pattern = f"slurm/fvc-{number}-*.log" if on_slurm else f"stage{number}/*.log"
    newest = sorted((project / "logs").glob(pattern), key=_age)
    found |= {"log": str(newest[-1])} if newest else {}
    failures = project / "data" / "failures.csv"
    return found | ({"failures": str(failures)} if failures.is_file() else {})


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def link_to(path: str) -> str:
    """Give the address of a file: below ``FVC_FILES_URL`` if files are served, else on the disk."""
    base = os.environ.get("FVC_FILES_URL", "")
    return f"{base.rstrip('/')}{path}" if base else Path(path).as_uri()
