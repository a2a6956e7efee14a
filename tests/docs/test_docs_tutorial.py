"""The tutorial works: its commands run one after the other, as printed, on a smaller corpus."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from docs_pages import DOCS, blocks

TUTORIAL = DOCS / "tutorial.md"

# A reader makes the whole demo; fewer sources with one variant of each are enough to see
# whether the commands work. Everything else runs as it is printed.
SMALLER = {
    "make demo": "fvc demo --project demo --num-sources 30 --num-augmentations 1",
    "fvc augment --project demo": "fvc augment --project demo --num-augmentations 1",
    ". .venv/bin/activate": "true",
}

REFUSED = {"fvc train --project demo --n-splits 4": 3}
"""Commands that the tutorial shows to be refused, and the exit code that it names."""


def commands() -> list[str]:
    lines = "".join(blocks(TUTORIAL, "sh")).splitlines()
    return [line for line in lines if line.strip()]


def test_the_tutorial_prints_what_the_test_replaces() -> None:
    assert {*SMALLER, *REFUSED} <= {*commands()}
    text = TUTORIAL.read_text(encoding="utf-8")
    assert "**Every number on this page is simulated**" in text
    assert all(f"The exit code is {code}." in text for code in REFUSED.values())


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_tutorial_runs(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    printed = {}
    for line in commands():
        done = subprocess.run(
            ["bash", "-c", SMALLER.get(line, line)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == REFUSED.get(line, 0), f"{line}\n{done.stdout}\n{done.stderr}"
        printed[line] = done.stdout + done.stderr
    # What the text says that a reader sees.
    assert "there before" in printed["fvc setup --project demo"]
    assert "simulated" in printed["fvc leaderboard --project demo"]
    assert "only " in printed["fvc leaderboard --project demo"]
    model = tmp_path / "demo" / "data" / "stage5" / "svm"
    assert {path.name for path in model.iterdir()} >= {
        *(f"fold_{k}" for k in range(5)),
        *("plots", "final", "metrics.json", "predictions.parquet", "robustness.parquet"),
    }
