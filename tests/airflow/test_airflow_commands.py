"""From parameters to commands, without Airflow."""

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fvc.cli.app import build_app

FOLDER = Path(__file__).parents[2] / "airflow"


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def commands() -> ModuleType:
    return load(FOLDER / "dags" / "fvc_commands.py")


def test_the_options_are_those_of_the_command() -> None:
    wanted = load(FOLDER / "write_options.py").document()
    there = json.loads((FOLDER / "dags" / "fvc_pipeline_options.json").read_text())
    assert there == json.loads(json.dumps(wanted)), "run `python airflow/write_options.py`"


def test_every_option_is_described() -> None:
    options = json.loads((FOLDER / "dags" / "fvc_pipeline_options.json").read_text())
    sections = [*options["steps"].values(), {"options": options["running"]}, options["slurm"]]
    assert all(option["description"] for section in sections for option in section["options"])


def other_than_default(option: dict[str, Any]) -> Any:
    schema = option["schema"]
    if "enum" in schema:
        return schema["enum"][-1]
    if schema["type"] == "array":
        return ["svm"]
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return {"integer": 7, "number": 7.5, "boolean": True, "string": "text"}[kinds[-1]]


@pytest.mark.parametrize("executor", ["local", "slurm"])
def test_the_command_takes_every_option(commands: ModuleType, executor: str) -> None:
    params: dict[str, Any] = {"project": "/p", "executor": executor}
    for verb, step in commands.OPTIONS["steps"].items():
        for option in step["options"]:
            params[f"{verb}_{option['name']}".replace("-", "_")] = other_than_default(option)
    for option in commands.OPTIONS["running"]:
        if executor == "local" or option["name"] != "delete_existing":
            params[option["name"]] = other_than_default(option)
    for option in commands.OPTIONS["slurm"]["options"]:
        params[f"slurm_{option['name']}"] = other_than_default(option)
    app = build_app()
    for verb, step in commands.OPTIONS["steps"].items():
        words = commands.command_of(verb, params)
        app.parse_args(words[1:], exit_on_error=False, print_error=False)
        given = len([word for word in words if word.startswith("--")])
        if executor == "local":
            taken = [one for one in commands.OPTIONS["running"] if one["name"] in step["running"]]
            options = [*step["options"], *taken]
            assert given == 2 + sum(other_than_default(one) != one["default"] for one in options)


def test_defaults_are_left_to_the_command(commands: ModuleType) -> None:
    params = {"project": "/p", "augment_num_augmentations": 10, "train_model_types": ["svm"]}
    assert commands.command_of("augment", params)[1:] == ["augment", "--project=/p", "--json"]
    assert commands.command_of("train", params)[-1] == "--model-types=svm"
    slurm = {**params, "executor": "slurm", "slurm_partition": "main"}
    assert commands.command_of("train", slurm)[1:] == [
        *("slurm", "submit", "--only-stage=5", "--wait", "--project=/p", "--json"),
        *("--train.model-types=svm", "--partition=main"),
    ]
    # What prepares a project and what reads it stay where Airflow is.
    assert commands.command_of("setup", slurm)[1] == "setup"
    assert commands.command_of("notebooks", slurm)[1] == "notebooks"


def test_starting_afresh_is_for_the_first_attempt_here(commands: ModuleType) -> None:
    params = {"project": "/p", "delete_existing": True}
    assert "--delete-existing=true" in commands.command_of("scale", params)
    assert "--delete-existing=true" not in commands.command_of("scale", params, first=False)
    with pytest.raises(commands.RefusedError, match="local"):
        commands.command_of("scale", {**params, "executor": "slurm"})


@pytest.mark.parametrize(
    "text", ["x; touch harm", "$(touch harm)", "--help", "`touch harm`", "a b"]
)
def test_values_stay_values(
    commands: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    program = tmp_path / "fvc"
    program.write_text(
        f"#!{sys.executable}\nimport json, sys\nprint(json.dumps({{'words': sys.argv[1:]}}))\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("FVC_COMMAND", str(program))
    params = {"project": f"/{text}", "train_grid": text, "train_model_types": [text, "svm"]}
    running = commands.Running(commands.command_of("train", params), str(tmp_path))
    code, document = running.wait(lambda line: None)
    assert code == 0
    assert document["words"] == [
        *("train", f"--project=/{text}", "--json"),
        *(f"--model-types={text}", "--model-types=svm", f"--grid={text}"),
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["fvc"]


def test_a_command_is_stopped_in_good_order(commands: ModuleType, tmp_path: Path) -> None:
    said: list[str] = []
    script = "trap 'echo stopped >&2; exit 143' TERM; echo ready >&2; while :; do sleep 0.05; done"
    running = commands.Running(["bash", "-c", script], str(tmp_path))

    def say(line: str) -> None:
        said.append(line)
        if line == "ready":
            running.stop()

    code, document = running.wait(say)
    assert (code, document, said) == (143, {}, ["ready", "stopped"])


def test_the_command_does_not_see_airflows_secrets(
    commands: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "secret")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setenv("SLURM_CONF", "kept")
    found = commands.environment_of()
    assert not {name for name in found if name.startswith("AIRFLOW")}
    assert "PYTHONPATH" not in found
    assert found["SLURM_CONF"] == "kept"


def test_what_a_task_left_behind_is_named(
    commands: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("logs/stage1/a.log", "logs/stage1/b.log", "data/failures.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    os.utime(tmp_path / "logs/stage1/a.log", (2e9, 2e9))
    document = {"done": 3, "failed": 1, "table": "/t/x.arrow", "failures": [{"unit": "a"}]}
    found = commands.outputs_of("augment", {"project": str(tmp_path)}, document)
    assert found == {
        "done": 3,
        "failed": 1,
        "table": "/t/x.arrow",
        "log": str(tmp_path / "logs/stage1/a.log"),
        "failures": str(tmp_path / "data/failures.csv"),
    }
    trained = {"models": [{"folder": None}, {"folder": "data/stage5/svm"}]}
    table = commands.outputs_of("train", {"project": str(tmp_path)}, trained)["table"]
    assert table == str(tmp_path / "data/stage5/leaderboard.json")
    assert commands.link_to(table).startswith("file:///")
    monkeypatch.setenv("FVC_FILES_URL", "https://files.example/")
    assert commands.link_to("/t/x.arrow") == "https://files.example/t/x.arrow"


def test_requirements_are_exact() -> None:
    lines = (FOLDER / "requirements.txt").read_text().splitlines()
    pinned = [line for line in lines if not line.startswith("#")]
    assert all("==" in line for line in pinned)
    assert "apache-airflow==3.3.2" in pinned
