"""Kill the steps of a small project at random instants; finish; compare with an undisturbed run.

As a script, the recorded run: ``python tests/robustness/kill_run.py --kills 50 --seed 0``; with
``--steps augment scale`` some of the steps.
"""

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from command_line import contents, fvc, kill_after, start, wait_until_it_works

SOURCES = 8
OPTIONS: dict[str, tuple[str, ...]] = {
    "setup": ("--corpus", "../corpus", "--workers", "2"),
    "augment": ("--num-augmentations", "3", "--workers", "2"),
    "features": ("--workers", "2"),
    "scale": ("--target-size", "96", "--workers", "2"),
    "scaled-features": ("--workers", "2"),
    "train": (
        *("--model-types", "logistic_regression_stage2", "--n-splits", "2", "--repeats", "2"),
        *("--workers", "1"),
    ),
}
FOLDERS = {
    "augment": "augmented_videos",
    "features": "features_stage2",
    "scale": "scaled_videos",
    "scaled-features": "features_stage4",
    "train": "stage5",
}


@dataclass(frozen=True)
class Undisturbed:
    """A finished project, and how long each of its steps took, in seconds."""

    project: Path
    seconds: dict[str, float]


def make_corpus(folder: Path, make_video: Any) -> None:
    """Write real and fake clips; one of them breaks off in stage 1."""
    for number in range(SOURCES):
        side = "real" if number % 2 else "fake"
        path = folder / side / f"clip {number}.mp4"
        make_video(path, frames=24 + number, width=96, seed=number)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    path.with_stem("breaks off").write_bytes(data)


def run_undisturbed(folder: Path, steps: Sequence[str] = tuple(OPTIONS)) -> Undisturbed:
    """Run the steps on ``folder/corpus``."""
    project, seconds = folder / "undisturbed", {}
    for verb in steps:
        begun = time.monotonic()
        code, said = fvc(project, verb, *words(verb, folder))
        if code != (5 if verb == "augment" else 0):
            raise RuntimeError(f"{verb} ended with {code}: {said}")
        seconds[verb] = time.monotonic() - begun
    return Undisturbed(project, seconds)


def words(verb: str, folder: Path) -> list[str]:
    """Give a step's options."""
    return [str(folder / "corpus") if word == "../corpus" else word for word in OPTIONS[verb]]


def kill_and_finish(
    reference: Undisturbed, verb: str, rng: random.Random, kills: int
) -> tuple[int, list[str]]:
    """Do a step anew in a copy of the project, killing it again and again, and then not.

    Returns
    -------
    int
        How many of the kills met the run at work.
    list of str
        Files that differ from those of the undisturbed run: there should be none.
    """
    folder = reference.project.parent
    project = folder / f"killed-{verb}-{rng.randrange(10**9)}"
    shutil.copytree(reference.project, project, ignore=shutil.ignore_patterns("logs"))
    forget(project, verb)
    met = 0
    for _ in range(kills):
        process = start(project, verb, *words(verb, folder))
        if rng.random() < 0.7 and verb in FOLDERS and verb != "train":
            wait_until_it_works(process, project / "data" / FOLDERS[verb] / ".journal")
            wait = rng.random() * reference.seconds[verb] / 3
        else:
            wait = rng.random() * reference.seconds[verb]
        met += kill_after(process, wait, signal.SIGKILL)
    code, said = fvc(project, verb, *words(verb, folder))
    differ = [] if code in (0, 5) else [f"exit code {code}: {said}"]
    before, after = comparable(reference.project), comparable(project)
    differ += sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))
    shutil.rmtree(project)
    return met, differ


def forget(project: Path, verb: str) -> None:
    """Remove what a step made."""
    if verb == "setup":
        for path in project.glob("data/video_index_input.*"):
            path.unlink()
    else:
        shutil.rmtree(project / "data" / FOLDERS[verb])


def comparable(project: Path) -> dict[str, Any]:
    """Give the contents of a project, without what no two runs have in common.

    Those are seconds in ``metrics.json``, addresses of objects in ``model.skops``, and empty lock
    files.
    """
    found: dict[str, Any] = {}
    for name, data in contents(project).items():
        if name.endswith(".skops") or "/.locks/" in name:
            continue
        found[name] = without_seconds(json.loads(data)) if name.endswith("metrics.json") else data
    return found


def without_seconds(value: Any) -> Any:
    """Remove every entry that is a time."""
    if isinstance(value, dict):
        return {k: without_seconds(v) for k, v in value.items() if "seconds" not in k}
    return [without_seconds(v) for v in value] if isinstance(value, list) else value


def main() -> int:
    """Run and print; 1 where a file differs."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from conftest import _make_video

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="kills that met a run at work")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", nargs="+", default=list(OPTIONS), choices=list(OPTIONS))
    given = parser.parse_args()
    rng = random.Random(given.seed)
    met: dict[str, int] = dict.fromkeys(given.steps, 0)
    rounds, faults = 0, []
    with tempfile.TemporaryDirectory() as folder:
        make_corpus(Path(folder, "corpus"), _make_video)
        reference = run_undisturbed(Path(folder))
        while sum(met.values()) < given.kills:
            verb = given.steps[rounds % len(given.steps)]
            count, differ = kill_and_finish(reference, verb, rng, kills=4)
            met[verb] += count
            rounds += 1
            faults += [f"{verb}: {name}" for name in differ]
            print(f"{rounds}: {verb}, {count} of 4 kills at work, {len(differ)} files differ")
    print(f"{sum(met.values())} kills in {rounds} rounds: {met}; files that differ: {faults}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
