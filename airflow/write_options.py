"""Write the options of the command for the DAG, which cannot import fvc.

Call it with fvc's own Python, from anywhere, whenever an option changes:
``python airflow/write_options.py``. A test says when that is.
"""

import json
import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from fvc.batch import submit_to_slurm
from fvc.cli.verb import documented, options_of
from fvc.dataset import setup_dataset
from fvc.pipeline import STAGES, run_pipeline, stage_function
from fvc.reporting.notebooks.stage import generate_model_notebooks

PATH = Path(__file__).parent / "dags" / "fvc_pipeline_options.json"

# Not of the DAG: what it sets itself, secrets (Airflow shows parameters), and parts of a stage,
# after which the next stage has nothing to read.
LEFT_OUT = {
    *("project", "password", "password_file", "options", "run", "only_stage", "config"),
    *("shard", "start_idx", "end_idx", "wait", "dry_run"),
}

# What is SLURM's there.
OF_SLURM = {"workers", "strict", "delete_existing", "engine", "scheduler"}


def main() -> None:
    """Write the file."""
    PATH.write_text(json.dumps(document(), indent=1) + "\n", encoding="utf-8")


def document() -> dict[str, Any]:
    """List the options of each step, those of how all run, and those of SLURM."""
    running = {p.name for p in options_of(run_pipeline)} - LEFT_OUT
    steps = {"setup": setup_dataset, **{verb: stage_function(verb) for verb in STAGES}}
    steps["notebooks"] = generate_model_notebooks
    slurm = submit_to_slurm
    return {
        "steps": {
            verb: {
                "options": _options(function, running),
                "running": sorted(running & {p.name for p in options_of(function)}),
            }
            for verb, function in steps.items()
        },
        "running": _options(run_pipeline, set()),
        "slurm": {
            "options": _options(slurm, running),
            "running": sorted((running & {p.name for p in options_of(slurm)}) - OF_SLURM),
        },
    }


def _options(function: Any, others: set[str]) -> list[dict[str, Any]]:
    texts = documented(function)
    rows = []
    for parameter in options_of(function):
        if parameter.name in LEFT_OUT or parameter.name in others:
            continue
        hint, text = _hint(parameter.annotation)
        rows.append(
            {
                "name": parameter.name,
                "default": _plain(parameter.default),
                "schema": _schema(hint),
                "description": " ".join((text or texts.get(parameter.name, "")).split()),
            }
        )
    return rows


def _hint(annotation: Any) -> tuple[Any, str]:
    if get_origin(annotation) is Annotated:
        hint, *notes = get_args(annotation)
        return hint, next((note.help for note in notes if getattr(note, "help", None)), "")
    return annotation, ""


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _schema(hint: Any) -> dict[str, Any]:
    """Say in JSON Schema what values a parameter takes."""
    if hasattr(hint, "__value__"):
        hint = hint.__value__
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (inner,) = (one for one in arguments if one is not type(None))
        schema = _schema(inner)
        schema["type"] = ["null", schema["type"]]
        if "enum" in schema:
            schema["enum"] = [None, *schema["enum"]]
        return schema
    if origin is Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": _schema(arguments[0])}
    names = {bool: "boolean", int: "integer", float: "number", str: "string", Path: "string"}
    return {"type": names[hint]}


if __name__ == "__main__":
    main()
