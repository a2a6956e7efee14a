import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fvc.cli.app import VERBS, run
from fvc.errors import FVCError


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([verb, "--help"]) == 0
    out = capsys.readouterr().out
    assert "Example" in out
    assert f"fvc {verb}" in out.split("Example")[-1]


def test_help_lists_the_verbs_in_the_order_of_the_work(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    places = [out.index(f"│ {verb} ") for verb in VERBS]
    assert places == sorted(places)


def test_help_imports_no_heavy_library() -> None:
    code = (
        "import sys, contextlib, io\n"
        "from fvc.cli.app import run\n"
        "with contextlib.redirect_stdout(io.StringIO()): run(['--help'])\n"
        "heavy = {'numpy','polars','pandas','av','cv2','sklearn','torch','mlflow','matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_misspelt_verb_and_a_misspelt_option_get_a_proposal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["agument"]) == 2
    assert 'Did you mean "augment"' in capsys.readouterr().err
    assert run(["augment", "--num-augmentation", "3"]) == 2
    err = capsys.readouterr().err
    assert "--num-augmentations" in err
    assert "Try: fvc augment --help" in err


def test_a_value_of_the_wrong_type_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["augment", "--num-augmentations", "many"]) == 2
    assert "many" in capsys.readouterr().err


def test_options_of_running_reach_verbs_that_have_their_own() -> None:
    from fvc.cli.output import OutputOptions
    from fvc.cli.verb import bind
    from fvc.features import stage2_extract_features
    from fvc.stages import RunOptions
    from fvc.training import stage5_train_models

    given = {"project": Path("p"), "workers": 3, "shard": "1/2", "delete_existing": True}
    assert bind(stage5_train_models, given, OutputOptions()) == given
    put_together = bind(stage2_extract_features, given, OutputOptions())
    run_options = RunOptions(workers=3, shard="1/2", delete_existing=True)
    assert put_together == {"project": Path("p"), "run": run_options}


@pytest.mark.parametrize(
    "words", ["train", "setup", "holdout", "audit svm", "importance svm", "interval svm"]
)
def test_a_wrong_number_of_workers_is_noticed(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*words.split(), "--project", str(tmp_path), "--workers", "0"]) == 2
    assert "workers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("verb", "remedy"),
    [
        ("augment", "fvc setup"),
        ("features", "fvc augment"),
        ("scale", "fvc augment"),
        ("scaled-features", "fvc scale"),
        ("train", "fvc setup"),
    ],
)
def test_a_missing_earlier_step_is_named_with_its_command(
    verb: str, remedy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([verb, "--project", str(tmp_path)]) == 3
    err = capsys.readouterr().err
    assert remedy in err
    assert "Traceback" not in err
    assert list(tmp_path.rglob("*.arrow")) == []


def test_errors_are_json_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["features", "--project", str(tmp_path), "--json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == 3
    assert "fvc augment" in document["error"]


def test_a_fault_of_ours_is_a_message_not_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("fvc.cli.app.build_app", lambda: broken)
    assert run(["doctor"]) == 1
    err = capsys.readouterr().err
    assert "ZeroDivisionError: by zero (test_cli_app.py" in err
    assert "Traceback" not in err
    assert run(["doctor", "--verbose"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_full_disk_is_never_a_fault_of_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        with open("/dev/full", "wb", buffering=0) as file:
            file.write(b"x")

    monkeypatch.setattr("fvc.cli.app.build_app", lambda: full)
    assert run(["doctor"]) == 9
    said = capsys.readouterr().err
    assert "No space left on device" in said
    assert "fault" not in said


def test_an_interrupt_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fvc.cli.app.build_app", lambda: interrupted)
    assert run(["augment"]) == 130
    assert "what is finished is kept" in capsys.readouterr().err


def test_the_documented_exit_codes_are_the_codes_of_the_errors(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def codes(cls: type[FVCError]) -> set[int]:
        return {cls.exit_code}.union(*(codes(sub) for sub in cls.__subclasses__()))

    run(["--help"])
    text = re.sub(r"\s+", " ", capsys.readouterr().out)
    shown = {int(code) for code in re.findall(r"(?:: |· )(\d+) ", text)}
    assert codes(FVCError) <= shown


def test_models_as_json_and_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "--json"]) == 0
    models = {m["name"]: m for m in json.loads(capsys.readouterr().out)["models"]}
    assert models["svm"]["family"] == "tabular"
    assert {"x3d", "slowfast", "vivit", "two_stream"} <= set(models)
    assert run(["models", "svm*"]) == 0
    out = capsys.readouterr().out
    assert "svm_stage2" in out
    assert "x3d" not in out
    assert run(["models", "show", "svn"]) == 2
    assert "'svm'" in capsys.readouterr().err


def test_doctor_finds_this_installation_good(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["doctor", "--project", str(tmp_path), "--json"]) == 0
    findings = {f["what"]: f for f in json.loads(capsys.readouterr().out)["findings"]}
    assert findings["Python"]["state"] == "good"
    assert findings["av"]["state"] == "good"
    assert findings["step 0, index"]["remedy"] == "fvc setup"
    assert not [f for f in findings.values() if f["state"] == "bad"]
