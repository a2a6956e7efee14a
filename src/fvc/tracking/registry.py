"""A trained detector as an MLflow model: no pickle, with signature, example and a version."""

import json
import shutil
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from fvc.tracking.outbox import Event, Record
from fvc.tracking.sending import KEY_TAG

PICKLES = (".joblib", ".pkl", ".pickle", ".pt", ".pth", ".ckpt")
"""Endings of files that run code when they are read: they are not made part of a model."""

OUTPUTS = ("score", "probability")
FILE_OUTPUTS = (*OUTPUTS, "decision", "error")
"""Of a detector that takes files, the last two being words."""


def send_model(client: Any, experiment: str, run: str, record: Record, event: Event) -> None:
    """Send a detector as a logged model, and register it where the event says so.

    Parameters
    ----------
    client
        An MLflow client.
    experiment, run
        Ids of the experiment and of the run that the model belongs to.
    record, event
        The record, and its event of kind ``model``.
    """
    model = _find_model(client, experiment, event["id"])
    if model is None or str(model.status) not in ("READY", "LoggedModelStatus.READY"):
        if model is None:
            model = client.create_logged_model(
                experiment,
                name=event["name"],
                source_run_id=run,
                tags={**event["tags"], KEY_TAG: event["id"]},
                params=event["params"],
                model_type=event["type"],
            )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model"
            build_model(path, record, event, model_id=model.model_id, run_id=run)
            client.log_model_artifacts(model.model_id, str(path))
        client.finalize_logged_model(model.model_id, "READY")
    outputs = client.get_run(run).outputs
    linked = [out.model_id for out in outputs.model_outputs] if outputs else []
    # A second link to the same model is an error there.
    if model.model_id not in linked:
        output = import_module("mlflow.entities").LoggedModelOutput(model.model_id, 0)
        client.log_outputs(run, [output])
    if event["register"]:
        _register(client, model, run, event)


def build_model(path: Path, record: Record, event: Event, *, model_id: str, run_id: str) -> None:
    """Write a folder that ``mlflow.pyfunc.load_model`` reads.

    It names the module that loads it, which reads skops, XGBoost's JSON or safetensors as
    `fvc.models` does, and holds no pickle.
    """
    pyfunc, models = import_module("mlflow.pyfunc"), import_module("mlflow.models")
    pandas = import_module("pandas")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "detector"
        data.mkdir()
        for place in event["files"]:
            if Path(place).suffix not in PICKLES:
                shutil.copyfile(record.file(place), data / Path(place).name)
        # Records of earlier versions say nothing of files.
        files = event.get("takes") == "files"
        kind = "str" if files else "float64"
        example = pandas.DataFrame(event["example"], columns=event["inputs"], dtype=kind)
        pyfunc.save_model(
            path=str(path),
            loader_module=event["loader"],
            data_path=str(data),
            mlflow_model=models.Model(
                model_id=model_id, run_id=run_id, metadata={KEY_TAG: event["id"]}
            ),
            signature=_file_signature() if files else _signature(event["inputs"]),
            input_example=example,
            pip_requirements=event["requirements"],
        )


def _signature(inputs: list[str]) -> Any:
    types = import_module("mlflow.types")
    signature = import_module("mlflow.models").ModelSignature
    double = types.DataType.double
    # A feature that could not be measured is missing, and every detector can take that.
    return signature(
        inputs=types.Schema([types.ColSpec(double, name, required=False) for name in inputs]),
        outputs=types.Schema([types.ColSpec(double, name) for name in OUTPUTS]),
    )


def _file_signature() -> Any:
    types = import_module("mlflow.types")
    signature = import_module("mlflow.models").ModelSignature
    numbers, words = types.DataType.double, types.DataType.string
    return signature(
        inputs=types.Schema([types.ColSpec(words, "path")]),
        # A file that cannot be judged has no numbers and a reason.
        outputs=types.Schema(
            [
                types.ColSpec(numbers if name in OUTPUTS else words, name, required=False)
                for name in FILE_OUTPUTS
            ]
        ),
    )


def _find_model(client: Any, experiment: str, key: str) -> Any:
    found = client.search_logged_models([experiment], filter_string=f"tags.`{KEY_TAG}` = '{key}'")
    return found[0] if found else None


def _register(client: Any, model: Any, run: str, event: Event) -> None:
    name = event["register"]
    if find_version(client, name, event["id"]) is not None:
        return
    _make_registered(client, name)
    # In a database of this machine MLflow would look a models:/ address up in another store, the
    # global one; a server is asked by that address alone.
    place = str(model.artifact_location)
    local = place.startswith(("/", "file:"))
    client.create_model_version(
        name,
        source=place if local else f"models:/{model.model_id}",
        run_id=run,
        model_id=model.model_id,
        tags={**event["tags"], KEY_TAG: event["id"]},
        description=event["description"],
    )


def _make_registered(client: Any, name: str) -> None:
    exception = import_module("mlflow.exceptions").MlflowException
    try:
        client.create_registered_model(name)
    except exception as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def find_version(client: Any, name: str, key: str) -> Any:
    """Find the version of a registered model that a result was registered as, or None."""
    quoted = name.replace("'", "''")
    found = client.search_model_versions(f"name = '{quoted}' and tags.`{KEY_TAG}` = '{key}'")
    return found[0] if found else None


def read_tags(version: Any) -> dict[str, Any]:
    """Read a version's tags, numbers as numbers."""
    tags: dict[str, Any] = {}
    for name, text in dict(version.tags).items():
        try:
            tags[name] = json.loads(text)
        except ValueError:
            tags[name] = text
    return tags
